"""The catalog, the events, and which bundle and tables they were filled from."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables that Vitrine 0.1 made without a revision."""
    op.create_table(
        "items",
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("item_id", sa.Text, nullable=False, unique=True),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("price", sa.Float),
        sa.Column("available", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Float),
        sa.Column("has_photo", sa.Boolean, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.Text, unique=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("timestamp", sa.Float, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("imported", sa.Boolean, nullable=False),
    )
    op.create_index("events_of_user", "events", ["user_id", "timestamp", "id"])
    op.create_table(
        "state",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )

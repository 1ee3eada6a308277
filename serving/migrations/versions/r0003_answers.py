"""Answers that were given, so that events can be attributed to them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("timestamp", sa.Float, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("num_items", sa.Integer, nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
    )
    op.create_index("answers_by_request", "answers", ["request_id"])
    op.create_index("answers_by_time", "answers", ["timestamp"])

"""Live items with their photos, API keys, and receipts of deleted users."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the tables; PostgreSQL's event numbers get room beyond two billion."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("events", "id", type_=sa.BigInteger())
        op.execute("ALTER SEQUENCE events_id_seq AS bigint")
    op.create_table(
        "live_items",
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("embedding", sa.LargeBinary),
        sa.Column("candidate", sa.LargeBinary),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("timestamp", sa.Float, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
    op.create_table(
        "live_photos",
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("png", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.Text, primary_key=True),
        sa.Column("user_digest", sa.Text, nullable=False),
        sa.Column("num_events", sa.Integer, nullable=False),
        sa.Column("deleted_at", sa.Float, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
    )

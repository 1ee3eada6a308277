"""Events by the request that they name: attribution joins on it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the index; events without a request, most of them, are left out of it."""
    named = sa.text("request_id != ''")
    op.create_index("events_by_request", "events", ["request_id"], sqlite_where=named,
                    postgresql_where=named)  # fmt: skip

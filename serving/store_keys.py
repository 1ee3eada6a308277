"""The API keys in the store."""

from __future__ import annotations

import sqlalchemy as sa

from recsys.errors import NotFoundError
from serving.api_keys import ApiKey
from serving.database import Database
from serving.sql_tables import keys_table


class StoredKeys:
    """Who may ask; a revoked key stays listed."""

    _database: Database

    def add_key(self, key: ApiKey) -> None:
        """Keeps a key."""
        with self._database.writing() as connection:
            connection.execute(sa.insert(keys_table), vars(key))

    def api_keys(self) -> list[ApiKey]:
        """All keys, the oldest first."""
        query = sa.select(keys_table).order_by(keys_table.c.created_at, keys_table.c.key_id)
        with self._database.reading() as connection:
            return [ApiKey(**row) for row in connection.execute(query).mappings()]

    def revoke_key(self, key_id: str, now: float) -> None:
        """Makes a key good for nothing from now on.

        Raises:
            NotFoundError: there is no such key that is good.
        """
        table = keys_table
        statement = (
            sa.update(table)
            .where(table.c.key_id == key_id, table.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        with self._database.writing() as connection:
            if not connection.execute(statement).rowcount:
                raise NotFoundError("there is no such key that is good.", where=f"key {key_id}",
                                    mend="`vitrine keys list` shows their ids.")  # fmt: skip

"""What the store does about users as persons: keyed ids, deletion, and the receipt of it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from recsys import columns
from recsys.errors import ConfigError
from serving.database import Database
from serving.sql_tables import events_table, receipts_table, state_table
from serving.user_ids import UserIds

SECRET, USER_KEY = "secret", "user_key"  # keys of the state


@dataclass(frozen=True)
class Receipt:
    """That a user's events were removed.

    Attributes:
        user_digest: a keyed hash of the user id: it can be compared, and says nothing itself.
        signature: of the other fields, by the store's secret.
    """

    receipt_id: str
    user_digest: str
    num_events: int
    deleted_at: float
    signature: str = ""


class StoredUsers:
    """Users as persons who may ask to be forgotten."""

    _database: Database
    _user_ids: UserIds

    def forget_user(self, user_id: str, now: float) -> Receipt | None:
        """Removes a user's events, imported ones too, and leaves a receipt, in one step.

        A later import leaves out what the user did up to now.

        Returns:
            The receipt, or None where the user has no events.
        """
        mine = events_table.c.user_id == self._user_ids.stored(user_id)
        with self._database.writing(alone=True) as connection:
            count = connection.execute(sa.delete(events_table).where(mine)).rowcount
            if not count:
                return None
            secret = self._secret(connection)
            bare = Receipt(secrets.token_hex(8), _of_user(secret, user_id), count, now)
            receipt = _signed(bare, secret)
            connection.execute(sa.insert(receipts_table), vars(receipt))
        return receipt

    def receipt(self, receipt_id: str) -> Receipt | None:
        """A receipt by its id, if it is there and nobody changed it."""
        query = sa.select(receipts_table).where(receipts_table.c.receipt_id == receipt_id)
        with self._database.writing(alone=True) as connection:
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return None
            receipt = Receipt(**row)
            signed = _signed(receipt, self._secret(connection))
        return receipt if hmac.compare_digest(receipt.signature, signed.signature) else None

    def _without_forgotten(
        self, connection: sa.Connection, interactions: pd.DataFrame
    ) -> pd.DataFrame:
        """Imported events in stored form, less what forgotten users did before they were."""
        if interactions.empty:
            return interactions
        users = interactions[columns.USER_ID].astype(str)
        stored = {user_id: self._user_ids.stored(user_id) for user_id in users.unique()}
        named = interactions.assign(**{columns.USER_ID: users.map(stored)})
        rows = connection.execute(
            sa.select(receipts_table.c.user_digest, receipts_table.c.deleted_at)
            .order_by(receipts_table.c.deleted_at)
        ).all()  # fmt: skip
        if not rows:
            return named
        forgotten, secret, never = dict(map(tuple, rows)), self._secret(connection), float("-inf")
        # a user may have been forgotten before ids were keyed, or by the stored form
        until = {
            user_id: max(forgotten.get(_of_user(secret, each), never) for each in (user_id, kept))
            for user_id, kept in stored.items()
        }
        return named[named[columns.TIMESTAMP].to_numpy() > users.map(until).to_numpy()]

    def _settle_user_ids(self) -> None:
        """Turns plain user ids into keyed ones where a key is first given.

        Raises:
            ConfigError: they are keyed already, and not by this key.
        """
        known = sa.select(state_table.c.value).where(state_table.c.key == USER_KEY)
        with self._database.reading() as connection:
            if (connection.scalar(known) or "") == self._user_ids.check:
                return
        with self._database.writing(alone=True) as connection:
            before = connection.scalar(known) or ""
            if before == self._user_ids.check:
                return
            if before:
                raise ConfigError(
                    "the user ids of this store are hashes by another key.",
                    where=self._database.name,
                    mend="Give the key of before in security.user_key_file.",
                )
            _rename(connection, self._user_ids)
            row = {"key": USER_KEY, "value": self._user_ids.check}
            connection.execute(sa.insert(state_table), row)

    def _secret(self, connection: sa.Connection) -> bytes:
        """The store's own secret, made at its first use; the caller's transaction is alone."""
        query = sa.select(state_table.c.value).where(state_table.c.key == SECRET)
        found = connection.scalar(query)
        if found is None:
            found = secrets.token_hex(32)
            connection.execute(sa.insert(state_table), {"key": SECRET, "value": found})
        return bytes.fromhex(found)


def _rename(connection: sa.Connection, user_ids: UserIds) -> None:
    column = events_table.c.user_id
    names = connection.scalars(sa.select(column).distinct()).all()
    renamed = [{"old": name, "new": user_ids.stored(name)} for name in names]
    if renamed:
        statement = sa.update(events_table).where(column == sa.bindparam("old"))
        connection.execute(statement.values(user_id=sa.bindparam("new")), renamed)


def _signed(receipt: Receipt, secret: bytes) -> Receipt:
    said = (receipt.receipt_id, receipt.user_digest, receipt.num_events, receipt.deleted_at)
    return Receipt(*said, signature=_digest(secret, f"receipt {said!r}"))


def _of_user(secret: bytes, user_id: str) -> str:
    return _digest(secret, f"user {user_id}")


def _digest(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()

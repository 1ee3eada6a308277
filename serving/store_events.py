"""The events in the store: taken in whole batches, each event id once, told by shopper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from recsys.errors import ServingError
from serving.database import Database, is_deadlock
from serving.sql_tables import events_table
from serving.user_ids import UserIds

TRIES = 5  # batches that name the same events in another order may stop each other


@dataclass(frozen=True)
class Event:
    """One thing a shopper did; `event_id` is empty where the sender gave none."""

    user_id: str
    item_id: str
    event: str
    timestamp: float
    value: float = math.nan
    request_id: str = ""
    event_id: str = ""


@dataclass(frozen=True)
class Shopper:
    """A user as the store knows them."""

    user_id: str
    num_events: int
    last_timestamp: float


class StoredEvents:
    """What shoppers did; the part of the store that grows."""

    _database: Database
    _user_ids: UserIds

    def add_events(self, events: Sequence[Event]) -> int:
        """Keeps events, all or none; returns how many were not known by their event id.

        When it returns, they are on the disk. Senders that repeat a batch at the same time
        are told together of each event once.
        """
        if not events:
            return 0
        rows = [_row(event, self._user_ids.stored(event.user_id)) for event in events]
        for attempt in range(TRIES):
            try:
                return self._add(rows)
            except ServingError as error:
                if attempt == TRIES - 1 or not is_deadlock(error):
                    raise
        raise AssertionError("unreachable")

    def history(self, user_id: str, limit: int) -> list[Event]:
        """A shopper's last events, oldest first."""
        with self._database.reading() as connection:
            wanted = {"user_id": self._user_ids.stored(user_id), "limit": limit}
            rows = connection.execute(_HISTORY, wanted).all()
        return [
            Event(user_id, item_id, event, timestamp, math.nan if value is None else value)
            for item_id, event, timestamp, value in reversed(rows)
        ]

    def user(self, user_id: str) -> Shopper | None:
        """What is known of one shopper, or None."""
        with self._database.reading() as connection:
            wanted = {"user_id": self._user_ids.stored(user_id)}
            count, last = connection.execute(_USER, wanted).one()
        return Shopper(user_id, count, last) if count else None

    def users(self, limit: int, offset: int = 0, min_events: int = 1) -> list[Shopper]:
        """Shoppers by stored id, those with at least `min_events`."""
        query = (
            sa.select(
                events_table.c.user_id, sa.func.count(), sa.func.max(events_table.c.timestamp)
            )
            .group_by(events_table.c.user_id)
            .having(sa.func.count() >= min_events)
            .order_by(events_table.c.user_id)
            .limit(limit)
            .offset(offset)
        )
        with self._database.reading() as connection:
            return [Shopper(*row) for row in connection.execute(query)]

    def users_near(self, user_id: str, limit: int = 20) -> list[str]:
        """User ids that sort next to this one, before and after; none where they are hashes."""
        if self._user_ids.hashed:
            return []
        column = events_table.c.user_id
        after = sa.select(column).where(column >= user_id).distinct().order_by(column)
        before = sa.select(column).where(column < user_id).distinct().order_by(column.desc())
        with self._database.reading() as connection:
            return [
                *connection.scalars(before.limit(limit)),
                *connection.scalars(after.limit(limit)),
            ]

    def popularity(self) -> dict[str, int]:
        """How many events each item has; items without any are absent."""
        query = sa.select(events_table.c.item_id, sa.func.count()).group_by(events_table.c.item_id)
        with self._database.reading() as connection:
            return {str(item_id): int(count) for item_id, count in connection.execute(query)}

    def _add(self, rows: list[dict[str, Any]]) -> int:
        insert = self._database.insert(events_table).on_conflict_do_nothing()
        with self._database.writing() as connection:
            # counted by what the statement wrote: others may write between two counts
            return len(connection.execute(insert.returning(events_table.c.id), rows).all())


_HISTORY = (
    sa.select(events_table.c.item_id, events_table.c.event, events_table.c.timestamp,
              events_table.c.value)
    .where(events_table.c.user_id == sa.bindparam("user_id"))
    .order_by(events_table.c.timestamp.desc(), events_table.c.id.desc())
    .limit(sa.bindparam("limit"))
)  # fmt: skip

_USER = sa.select(sa.func.count(), sa.func.max(events_table.c.timestamp)).where(
    events_table.c.user_id == sa.bindparam("user_id")
)


def _row(event: Event, user_id: str) -> dict[str, Any]:
    return {
        "event_id": event.event_id or None, "user_id": user_id, "item_id": event.item_id,
        "event": event.event, "timestamp": event.timestamp,
        "value": None if math.isnan(event.value) else event.value,
        "request_id": event.request_id, "imported": False,
    }  # fmt: skip

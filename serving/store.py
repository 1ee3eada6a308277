"""The catalog and the events in SQL: SQLite in the workdir, or any database by URL.

A bundle's items and the interactions that it was trained on are copied in once; events that
arrive later stay beside them. One transaction per change: it is whole or it is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from recsys import columns
from recsys.config import Config
from recsys.workdir import Workdir
from serving.database import Database
from serving.sql_tables import (
    events_table,
    interaction_rows,
    item_rows,
    items_table,
    state_table,
)
from serving.store_answers import StoredAnswers
from serving.store_events import Event, Shopper, StoredEvents
from serving.store_items import LiveItem, LiveItems
from serving.store_keys import StoredKeys
from serving.store_users import Receipt, StoredUsers
from serving.user_ids import UserIds, read_user_ids

__all__ = ["Event", "LiveItem", "Receipt", "Shopper", "Store", "open_store", "store_url"]

ITEMS, EVENTS = "items", "events"  # keys of the state: the fingerprint each was filled from


class Store(StoredEvents, StoredAnswers, StoredUsers, StoredKeys, LiveItems):
    """Items and events in a database; its schema is brought up to date when it is opened.

    Args:
        url: an SQLAlchemy URL.
        user_ids: how user ids are stored; the methods take them as they are.

    Raises:
        ServingError: the database cannot be used, or a newer Vitrine made it.
        ConfigError: its user ids are hashes by another key.

    Example:
        >>> store = Store("sqlite://")
        >>> store.add_events([Event("ann", "17", "view", 1.0)])
        1
        >>> [event.item_id for event in store.history("ann", limit=10)]
        ['17']
    """

    def __init__(self, url: str, user_ids: UserIds = UserIds()) -> None:
        self._database = Database(url)
        self._user_ids = user_ids
        try:
            self._settle_user_ids()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes every connection."""
        self._database.close()

    def fill_items(self, items: pd.DataFrame, fingerprint: str) -> bool:
        """Replaces the items by a bundle's, unless they came from that bundle already.

        Args:
            items: the bundle's item table, in row order.
            fingerprint: the bundle's.

        Returns:
            Whether anything was written.
        """
        return self._fill(ITEMS, fingerprint, items_table, sa.true(), lambda _: item_rows(items))

    def fill_events(self, interactions: pd.DataFrame, fingerprint: str) -> bool:
        """Replaces the imported events; events that the API took are kept.

        What forgotten users did before they were forgotten does not come back.

        Args:
            interactions: as recsys.interactions reads them.
            fingerprint: that of the tables they are from.
        """

        def rows(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
            return interaction_rows(self._without_forgotten(connection, interactions))

        return self._fill(EVENTS, fingerprint, events_table, events_table.c.imported, rows)

    def read_items(self) -> pd.DataFrame:
        """All items in row order; attributes are columns again."""
        query = sa.select(items_table).order_by(items_table.c.row)
        with self._database.reading() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        for row in rows:
            row.update(json.loads(row.pop("attributes")))
        names = [*columns.CATALOG[:-1], columns.HAS_PHOTO]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=names)

    def counts(self) -> tuple[int, int]:
        """How many items and events there are."""
        with self._database.reading() as connection:
            items = connection.scalar(sa.select(sa.func.count()).select_from(items_table))
            events = connection.scalar(sa.select(sa.func.count()).select_from(events_table))
        return int(items or 0), int(events or 0)

    def ping(self) -> None:
        """Asks the database for something.

        Raises:
            ServingError: it does not answer.
        """
        with self._database.reading() as connection:
            connection.execute(sa.select(events_table.c.id).limit(1))

    def _fill(
        self, key: str, fingerprint: str, table: sa.Table, old: sa.ColumnElement[bool],
        rows: Callable[[sa.Connection], Iterator[list[dict[str, Any]]]],
    ) -> bool:  # fmt: skip
        known = sa.select(state_table.c.value).where(state_table.c.key == key)
        # programs that start at once would each copy
        with self._database.writing(alone=True) as connection:
            if connection.scalar(known) == fingerprint:
                return False
            connection.execute(sa.delete(table).where(old))
            for chunk in rows(connection):
                connection.execute(sa.insert(table), chunk)
            connection.execute(sa.delete(state_table).where(state_table.c.key == key))
            connection.execute(sa.insert(state_table), {"key": key, "value": fingerprint})
        return True


def open_store(config: Config, workdir: Workdir) -> Store:
    """The configured store of a workdir.

    Raises:
        ServingError: the database cannot be used.
        ConfigError: the key of its user ids is not the configured one.
    """
    url = store_url(config.serving.database_url, workdir.store)
    return Store(url, read_user_ids(config.security.user_key_file))


def store_url(database_url: str, default: Path) -> str:
    """The configured URL, or SQLite at `default` where there is none."""
    return database_url or f"sqlite:///{default.absolute()}"

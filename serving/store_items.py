"""What the catalog gained or lost since the last publication, kept through restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from serving.database import Database
from serving.sql_tables import live_items_table, live_photos_table, state_table

LIVE = "live_changes"  # key of the state: how often live items changed


@dataclass(frozen=True)
class LiveItem:
    """One item that was put or withdrawn while a bundle was served.

    Attributes:
        fields: catalog columns by name, as JSON can hold them; empty where an item of the
            bundle was withdrawn and nothing else.
        embedding: float32 [embedding_dim] of the photo space, or None without photos.
        candidate: float32 [candidate_dim] of the behavior space, or None.
        fingerprint: of the bundle whose servables gave both vectors.
        photos: PNG bytes fitted to the tower's square, the main one first: another bundle's
            tower embeds them again.
        timestamp: seconds since the epoch of the last change.
    """

    item_id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    embedding: np.ndarray | None = None
    candidate: np.ndarray | None = None
    fingerprint: str = ""
    photos: tuple[bytes, ...] = ()
    timestamp: float = 0.0
    withdrawn: bool = False


class LiveItems:
    """The live items in the store: one row per item id, the last change wins."""

    _database: Database

    def put_item(self, item: LiveItem) -> None:
        """Keeps an item with its vectors and photos, in the place of what was there."""
        rows = [
            {"item_id": item.item_id, "place": place, "png": png}
            for place, png in enumerate(item.photos)
        ]
        with self._database.writing() as connection:
            self._put(connection, _row(item))
            connection.execute(
                sa.delete(live_photos_table).where(live_photos_table.c.item_id == item.item_id)
            )
            if rows:
                connection.execute(sa.insert(live_photos_table), rows)

    def withdraw_item(self, item_id: str, timestamp: float) -> None:
        """Remembers that an item is no longer to be shown; what is known of it stays."""
        row = _row(LiveItem(item_id, timestamp=timestamp, withdrawn=True))
        with self._database.writing() as connection:
            self._put(connection, row, only=("withdrawn", "timestamp"))

    def live_items(self, *, with_photos: bool = True) -> list[LiveItem]:
        """All items that were put or withdrawn, in the order of their last change."""
        table = live_items_table
        query = sa.select(table).order_by(table.c.timestamp, table.c.item_id)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
            photos = _photos(connection) if with_photos else {}
        return [_item(row, tuple(photos.get(row["item_id"], ()))) for row in rows]

    def live_item(self, item_id: str) -> LiveItem | None:
        """One item that was put or withdrawn, with its photos; None where it is the bundle's."""
        table, photos = live_items_table, live_photos_table
        query = sa.select(table).where(table.c.item_id == item_id)
        pngs = sa.select(photos.c.png).where(photos.c.item_id == item_id).order_by(photos.c.place)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
            found = tuple(bytes(png) for png in connection.scalars(pngs))
        return None if row is None else _item(row, found)

    def live_changes(self) -> int:
        """How often live items changed: another number means that someone changed them."""
        query = sa.select(state_table.c.value).where(state_table.c.key == LIVE)
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def forget_live_items(self, item_ids: Iterable[str]) -> None:
        """Drops live items that a publication has taken in."""
        with self._database.writing() as connection:
            for item_id in item_ids:
                for table in (live_photos_table, live_items_table):
                    connection.execute(sa.delete(table).where(table.c.item_id == item_id))
            self._count_change(connection)

    def _put(
        self, connection: sa.Connection, row: dict[str, Any], only: tuple[str, ...] = ()
    ) -> None:
        insert = self._database.insert(live_items_table).values(row)
        changed = {name: insert.excluded[name] for name in only or row if name != "item_id"}
        connection.execute(insert.on_conflict_do_update(index_elements=["item_id"], set_=changed))
        self._count_change(connection)

    def _count_change(self, connection: sa.Connection) -> None:
        insert = self._database.insert(state_table).values(key=LIVE, value="1")
        next_value = sa.cast(sa.cast(state_table.c.value, sa.Integer) + 1, sa.Text)
        connection.execute(
            insert.on_conflict_do_update(index_elements=["key"], set_={"value": next_value})
        )


def _row(item: LiveItem) -> dict[str, Any]:
    return {
        "item_id": item.item_id, "fields": json.dumps(dict(item.fields), ensure_ascii=False),
        "embedding": _packed(item.embedding), "candidate": _packed(item.candidate),
        "fingerprint": item.fingerprint, "timestamp": item.timestamp,
        "withdrawn": item.withdrawn,
    }  # fmt: skip


def _item(row: sa.RowMapping, photos: tuple[bytes, ...]) -> LiveItem:
    return LiveItem(
        row["item_id"], json.loads(row["fields"]), _unpacked(row["embedding"]),
        _unpacked(row["candidate"]), row["fingerprint"], photos, row["timestamp"],
        row["withdrawn"],
    )  # fmt: skip


def _photos(connection: sa.Connection) -> dict[str, list[bytes]]:
    table, found = live_photos_table, dict[str, list[bytes]]()
    for item_id, png in connection.execute(
        sa.select(table.c.item_id, table.c.png).order_by(table.c.item_id, table.c.place)
    ):
        found.setdefault(item_id, []).append(bytes(png))
    return found


def _packed(vector: np.ndarray | None) -> bytes | None:
    return None if vector is None else np.asarray(vector, "<f4").tobytes()


def _unpacked(packed: bytes | None) -> np.ndarray | None:
    return None if packed is None else np.frombuffer(packed, "<f4").astype(np.float32)

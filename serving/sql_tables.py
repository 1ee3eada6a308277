"""The tables of the store, and how the workdir's tables become their rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
import sqlalchemy as sa

from recsys import columns

CHUNK = 5000  # rows per INSERT

metadata = sa.MetaData()

items_table = sa.Table(
    "items", metadata,
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column(columns.ITEM_ID, sa.Text, nullable=False, unique=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in columns.CATALOG_TEXT),
    sa.Column(columns.PRICE, sa.Float),
    sa.Column(columns.AVAILABLE, sa.Boolean, nullable=False),
    sa.Column(columns.CREATED_AT, sa.Float),
    sa.Column(columns.HAS_PHOTO, sa.Boolean, nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),  # a JSON object of the attr_* columns
)  # fmt: skip

_NAMES_REQUEST = sa.text(f"{columns.REQUEST_ID} != ''")  # most events name none

events_table = sa.Table(
    "events", metadata,
    # SQLite counts by itself only in a column that is called INTEGER
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("event_id", sa.Text, unique=True),  # the sender's name for it; repeats are dropped
    sa.Column(columns.USER_ID, sa.Text, nullable=False),
    sa.Column(columns.ITEM_ID, sa.Text, nullable=False),
    sa.Column(columns.EVENT, sa.Text, nullable=False),
    sa.Column(columns.TIMESTAMP, sa.Float, nullable=False),
    sa.Column(columns.VALUE, sa.Float),
    sa.Column(columns.REQUEST_ID, sa.Text, nullable=False),
    sa.Column("imported", sa.Boolean, nullable=False),  # from the workdir's tables, not the API
    sa.Index("events_of_user", columns.USER_ID, columns.TIMESTAMP, "id"),
    sa.Index("events_by_request", columns.REQUEST_ID, sqlite_where=_NAMES_REQUEST,
             postgresql_where=_NAMES_REQUEST),
)  # fmt: skip

state_table = sa.Table(
    "state", metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)  # fmt: skip

# What the catalog gained or lost since the last publication; kept until a refresh folds it in.
live_items_table = sa.Table(
    "live_items", metadata,
    sa.Column(columns.ITEM_ID, sa.Text, primary_key=True),
    sa.Column("fields", sa.Text, nullable=False),  # a JSON object of catalog columns
    sa.Column("embedding", sa.LargeBinary),  # float32, little-endian
    sa.Column("candidate", sa.LargeBinary),  # the same
    sa.Column("fingerprint", sa.Text, nullable=False),  # of the bundle that both are from
    sa.Column(columns.TIMESTAMP, sa.Float, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
)  # fmt: skip

live_photos_table = sa.Table(
    "live_photos", metadata,
    sa.Column(columns.ITEM_ID, sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),  # 0 is the main photo
    sa.Column("png", sa.LargeBinary, nullable=False),  # fitted to the tower's square
)  # fmt: skip

keys_table = sa.Table(
    "api_keys", metadata,
    sa.Column("key_id", sa.Text, primary_key=True),  # the public part
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # of the secret part, salted
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float),
)  # fmt: skip

receipts_table = sa.Table(
    "receipts", metadata,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("user_digest", sa.Text, nullable=False),  # says nothing without the user id
    sa.Column("num_events", sa.Integer, nullable=False),
    sa.Column("deleted_at", sa.Float, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
)  # fmt: skip


def item_rows(items: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """A bundle's items as rows of the `items` table, in chunks."""
    attributes = columns.attribute_columns(list(items.columns))
    for start in range(0, len(items), CHUNK):
        chunk = items.iloc[start : start + CHUNK]
        described = chunk[attributes].astype(str).to_dict("records")
        named = chunk[[columns.ITEM_ID, *columns.CATALOG_TEXT]].astype(object)
        values: dict[str, list[Any]] = {
            "row": list(range(start, start + len(chunk))),
            "attributes": [json.dumps(each) for each in described],
            **{name: named[name].tolist() for name in named.columns},
            **{name: _numbers(chunk[name]) for name in (columns.PRICE, columns.CREATED_AT)},
            **{name: _flags(chunk[name]) for name in (columns.AVAILABLE, columns.HAS_PHOTO)},
        }
        yield _rows(values)


def interaction_rows(interactions: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """Interactions as rows of the `events` table, in chunks."""
    texts = (columns.USER_ID, columns.ITEM_ID, columns.EVENT, columns.REQUEST_ID)
    for start in range(0, len(interactions), CHUNK):
        chunk = interactions.iloc[start : start + CHUNK]
        yield _rows({
            "imported": [True] * len(chunk),
            **{name: chunk[name].astype(str).tolist() for name in texts},
            **{name: _numbers(chunk[name]) for name in (columns.TIMESTAMP, columns.VALUE)},
        })  # fmt: skip


def _rows(values: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _numbers(column: pd.Series[Any]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in column.astype(float).tolist()]


def _flags(column: pd.Series[Any]) -> list[bool]:
    return column.astype(bool).tolist()

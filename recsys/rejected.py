"""Rows that cannot be used: listed with a reason, counted, and too many of them refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from recsys import columns
from recsys.artifact import disk_errors
from recsys.config import DataConfig
from recsys.errors import DataError

UNKNOWN_ITEM = "unknown_item"

# reason -> how to mend the rows that have it
MENDS = {
    "malformed_row": "Give the row as many fields as the header; quote text that has commas.",
    "bad_item_id": "Give every product an id of 1 to 200 printable characters.",
    "repeated_item_id": "Keep one row per product; the first one was kept.",
    "bad_price": "Write prices as plain numbers, 0 or more, without currency; leave unknown empty.",
    "bad_available": "Write true or false; leave empty what is available.",
    "bad_created_at": "Write ISO 8601 or epoch seconds (not milliseconds), or leave it empty.",
    "bad_split": "Write train, validation or test, or leave it empty.",
    "bad_user_id": "Log a shopper or session id of 1 to 200 characters with every event.",
    "empty_event": "Log what happened: view, cart, purchase, like, dislike or rating.",
    UNKNOWN_ITEM: "Add the product to the catalog, or mend its id in the event.",
    "bad_timestamp": "Write ISO 8601 or epoch seconds (not milliseconds), between 1970 and 2200.",
    "bad_value": "Write a plain number; a rating needs one.",
}


class Rejected:
    """The rejected rows of one table.

    Args:
        table: catalog or events.
    """

    def __init__(self, table: str) -> None:
        self.table = table
        self._parts: list[pd.DataFrame] = []

    def add(
        self,
        rows: Sequence[int] | pd.Index,
        reason: str | pd.Series,
        item_ids: Any = "",
        details: Any = "",
    ) -> None:
        """Lists rows; `reason`, `item_ids` and `details` are one value or one per row."""
        values = {
            name: value.to_numpy() if isinstance(value, pd.Series) else value
            for name, value in zip(columns.REJECTED[2:], (item_ids, reason, details), strict=True)
        }
        part = pd.DataFrame({columns.TABLE: self.table, columns.ROW: list(rows), **values})
        if len(part):
            self._parts.append(part)

    @property
    def frame(self) -> pd.DataFrame:
        """The table rejected.parquet: table, row, item_id, reason, detail, in order of rows."""
        names = list(columns.REJECTED)
        if not self._parts:
            empty = pd.DataFrame({name: pd.Series(dtype="str") for name in names})
            return empty.astype({columns.ROW: "int64"})
        frame = pd.concat(self._parts, ignore_index=True)[names]
        frame[columns.ROW] = frame[columns.ROW].astype("int64")
        return frame.sort_values(columns.ROW, kind="stable", ignore_index=True)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each reason has, the commonest first."""
        found = self.frame[columns.REASON].value_counts()
        return {str(reason): int(count) for reason, count in found.items()}

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def refuse_if_too_many(
        self, num_rows: int, data: DataConfig, where: str, listing: Path | None
    ) -> None:
        """Raises when more than the allowed share of `num_rows` is rejected, or all of them.

        Args:
            data: `max_bad_fraction`, and for events `max_unknown_items`.
            listing: where to write the rejected rows as CSV before raising; None writes nothing.

        Raises:
            DataError: it says how many, the commonest reasons and where the list lies.
        """
        counts = self.counts if len(self) else {}
        setting = exceeded(counts, num_rows, data)
        if not setting:
            return
        reasons = ", ".join(f"{reason} {count}" for reason, count in list(counts.items())[:3])
        mend = MENDS.get(next(iter(counts)), "")
        if listing is not None:
            with disk_errors(listing):
                listing.parent.mkdir(parents=True, exist_ok=True)
                self.frame.to_csv(listing, index=False)
            mend = f"{mend} The rejected rows are listed in {listing}."
        raise DataError(
            f"{len(self):,} of {num_rows:,} rows of the {self.table} cannot be used "
            f"(data.{setting} is {getattr(data, setting):g}): {reasons}.",
            where=where, mend=mend,
        )  # fmt: skip


def exceeded(counts: Mapping[str, int], num_rows: int, data: DataConfig) -> str:
    """The setting that so many rejected rows go beyond; empty where they are few enough.

    Events of unknown items have a limit of their own: items leave a catalog, and their events
    stay in the log.

    Args:
        counts: reason -> rows.
        num_rows: of the whole table.
    """
    unknown = counts.get(UNKNOWN_ITEM, 0)
    others = sum(counts.values()) - unknown
    if unknown > data.max_unknown_items * num_rows:
        return "max_unknown_items"
    none_left = 0 < num_rows <= unknown + others
    return "max_bad_fraction" if others > data.max_bad_fraction * num_rows or none_left else ""

"""Interactions: the event log read, checked against the catalog, and thinned as configured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from recsys import columns
from recsys.artifact import open_artifact
from recsys.config import DataConfig
from recsys.errors import DataError
from recsys.rejected import Rejected
from recsys.row_checks import reject_failing
from recsys.table import Table, exists, locate, read_table
from recsys.values import as_numbers, as_seconds, as_text, is_id, is_in_time
from recsys.workdir import Workdir

FILE = "interactions.parquet"
RATING = "rating"
REASONS = {
    columns.USER_ID: "bad_user_id", columns.ITEM_ID: "unknown_item",
    columns.EVENT: "empty_event", columns.TIMESTAMP: "bad_timestamp", columns.VALUE: "bad_value",
}  # fmt: skip


@dataclass
class Dropped:
    """Rows left out though nothing is wrong with them."""

    duplicates: int = 0  # the same in every column as a row before
    low_ratings: int = 0  # under data.rating_threshold
    rare_users: int = 0  # events of shoppers under data.min_user_events
    rare_items: int = 0  # events of items under data.min_item_events


@dataclass
class ReadInteractions:
    """What came of reading the events."""

    frame: pd.DataFrame
    rejected: Rejected = field(default_factory=lambda: Rejected("events"))
    dropped: Dropped = field(default_factory=Dropped)
    table: Table | None = None  # None: there are no events


def read_interactions(
    data: DataConfig, item_ids: pd.Series, *, listing: Path | None = None
) -> ReadInteractions:
    """Reads and checks the events that the settings name; none where there is no such file.

    Args:
        item_ids: the catalog's ids; events of other items are rejected.
        listing: where the rejected rows are written when there are too many of them.

    Raises:
        DataError: the file cannot be read, a column is missing, or too many rows are bad.
    """
    location = locate(data.root, data.events) if data.events else ""
    by_default = data.events == DataConfig.model_fields["events"].default
    if not location or (by_default and not exists(location)):
        return ReadInteractions(no_interactions())
    required = [columns.USER_ID, columns.ITEM_ID, columns.EVENT, columns.TIMESTAMP]
    table = read_table(location, required=required, optional=[columns.VALUE, columns.REQUEST_ID])
    found = ReadInteractions(no_interactions(), table=table)
    if table.num_rows:
        events = check_events(table, item_ids, found.rejected)
        found.rejected.refuse_if_too_many(table.num_rows, data, location, listing)
        found.frame = thin(events, data, found.dropped)
        if len(events) and not len(found.frame):
            raise DataError(
                "no event is left after data.rating_threshold, data.min_user_events and "
                "data.min_item_events.", where=location, mend="Lower them.",
            )  # fmt: skip
    return found


def check_events(table: Table, item_ids: pd.Series, rejected: Rejected) -> pd.DataFrame:
    """The usable rows of an event log, typed, by time; the others go to `rejected`."""
    raw = table.frame.reindex(columns=list(columns.EVENTS))
    rejected.add([row for row, _ in table.malformed], "malformed_row", "",
                 pd.Series([text for _, text in table.malformed], dtype=object))  # fmt: skip
    read = pd.DataFrame({
        columns.USER_ID: as_text(raw[columns.USER_ID]),
        columns.ITEM_ID: as_text(raw[columns.ITEM_ID]),
        columns.EVENT: as_text(raw[columns.EVENT]).str.lower(),
        columns.TIMESTAMP: as_seconds(raw[columns.TIMESTAMP]),
        columns.VALUE: as_numbers(raw[columns.VALUE]),
        columns.REQUEST_ID: as_text(raw[columns.REQUEST_ID]),
    })  # fmt: skip
    # a rating without stars says nothing; inf is what the checks refuse
    unrated = (read[columns.EVENT] == RATING) & read[columns.VALUE].isna()
    read[columns.VALUE] = read[columns.VALUE].mask(unrated, np.inf)
    kept = reject_failing(read, raw, _schema(item_ids), REASONS, rejected)
    return kept.sort_values(columns.TIMESTAMP, kind="stable", ignore_index=True)


def thin(events: pd.DataFrame, data: DataConfig, dropped: Dropped) -> pd.DataFrame:
    """Leaves out repeated rows, low ratings, rare items and then rare shoppers, and counts them.

    The two filters are one pass each, items first: a shopper whose events are all of rare items
    goes too, and a kept item may end with fewer events than the setting says. Iterating until
    nothing changes would take a long tail with it that can well be learned from.
    """
    frame = events.drop_duplicates()
    dropped.duplicates = len(events) - len(frame)
    low = (frame[columns.EVENT] == RATING) & (frame[columns.VALUE] < data.rating_threshold)
    dropped.low_ratings = int(low.sum())
    frame = frame[~low]
    counts = {columns.ITEM_ID: data.min_item_events, columns.USER_ID: data.min_user_events}
    lost = {}
    for name, least in counts.items():
        often = frame.groupby(name)[name].transform("size") >= least
        lost[name] = int((~often).sum())
        frame = frame[often]
    dropped.rare_items, dropped.rare_users = lost[columns.ITEM_ID], lost[columns.USER_ID]
    return frame.reset_index(drop=True)


def load_interactions(workdir: Workdir) -> pd.DataFrame:
    """The prepared interactions; an empty frame where the catalog has no events.

    Returns:
        user_id, item_id, event, request_id: text; timestamp float64 epoch seconds; value
        float64, nan unknown; sorted by timestamp, equal ones in the order of the log.

    Raises:
        ArtifactError: the tables are not prepared, damaged or of another version.
    """
    open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    return pd.read_parquet(workdir.tables / FILE)


def no_interactions() -> pd.DataFrame:
    """An empty frame with the columns and types of interactions."""
    numbers = (columns.TIMESTAMP, columns.VALUE)
    return pd.DataFrame({
        name: pd.Series(dtype="float64" if name in numbers else "str") for name in columns.EVENTS
    })  # fmt: skip


def _schema(item_ids: pd.Series) -> pa.DataFrameSchema:
    known = set(item_ids)
    return pa.DataFrameSchema({
        columns.USER_ID: pa.Column(checks=pa.Check(is_id)),
        columns.ITEM_ID: pa.Column(checks=pa.Check(lambda ids: ids.isin(known))),
        columns.EVENT: pa.Column(checks=pa.Check.str_length(min_value=1)),
        columns.TIMESTAMP: pa.Column(float, pa.Check(is_in_time)),
        columns.VALUE: pa.Column(float, pa.Check(np.isfinite), nullable=True),
    })  # fmt: skip

"""The catalog: read, check, reject; one row per item, in the order that every step keeps."""

from __future__ import annotations

import hashlib
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
from recsys.table import Table, locate, read_table
from recsys.values import as_numbers, as_seconds, as_text, as_truth, is_id, is_in_time
from recsys.workdir import Workdir

FILE = "catalog.parquet"
REASONS = {
    columns.ITEM_ID: "bad_item_id", columns.PRICE: "bad_price",
    columns.AVAILABLE: "bad_available", columns.CREATED_AT: "bad_created_at",
    columns.SPLIT: "bad_split",
}  # fmt: skip
_SPLIT_BUCKETS = (("train", 80), ("validation", 90), ("test", 100))  # percent, cumulated


def _schema() -> pa.DataFrameSchema:
    return pa.DataFrameSchema({
        columns.ITEM_ID: pa.Column(checks=pa.Check(is_id)),
        columns.PRICE: pa.Column(float, pa.Check.in_range(0, np.inf, include_max=False),
                                 nullable=True),
        columns.AVAILABLE: pa.Column(float, nullable=False),
        columns.CREATED_AT: pa.Column(float, pa.Check(is_in_time), nullable=True),
        columns.SPLIT: pa.Column(checks=pa.Check.isin(["", *columns.SPLITS])),
    })  # fmt: skip


def read_catalog(
    data: DataConfig, *, listing: Path | None = None
) -> tuple[pd.DataFrame, Rejected, Table]:
    """Reads and checks the catalog that the settings name.

    Args:
        listing: where the rejected rows are written when there are too many of them.

    Returns:
        The catalog (columns as in `load_catalog`), its rejected rows, and the table as it was.

    Raises:
        DataError: it cannot be read, a column is missing, it is empty, or too many rows are bad.
    """
    table = read_table(
        locate(data.root, data.catalog),
        required=[columns.ITEM_ID],
        optional=[name for name in columns.CATALOG if name != columns.ITEM_ID],
    )
    if not table.num_rows:
        raise DataError("the catalog is empty.", where=table.location,
                        mend="Give it one row per product.")  # fmt: skip
    rejected = Rejected("catalog")
    catalog = check_catalog(table, data.root, rejected)
    rejected.refuse_if_too_many(table.num_rows, data, table.location, listing)
    return catalog, rejected, table


def check_catalog(table: Table, root: str, rejected: Rejected) -> pd.DataFrame:
    """The usable rows of a catalog, typed and filled; the others go to `rejected`."""
    raw = table.frame.reindex(columns=[*columns.CATALOG, *_attributes(table.frame)])
    rejected.add([row for row, _ in table.malformed], "malformed_row", "",
                 pd.Series([text for _, text in table.malformed], dtype=object))  # fmt: skip
    read = pd.DataFrame({name: as_text(raw[name]) for name in raw.columns if name not in _TYPED})
    read[columns.PRICE] = as_numbers(raw[columns.PRICE])
    read[columns.AVAILABLE] = as_truth(raw[columns.AVAILABLE], default=True)
    read[columns.CREATED_AT] = as_seconds(raw[columns.CREATED_AT])
    read[columns.SPLIT] = read[columns.SPLIT].str.lower()
    kept = reject_failing(read, raw, _schema(), REASONS, rejected)
    repeated = kept[columns.ITEM_ID].duplicated()
    rejected.add(kept.index[repeated], "repeated_item_id", kept.loc[repeated, columns.ITEM_ID])
    catalog = kept[~repeated].reset_index(drop=True)[list(raw.columns)]
    catalog[columns.AVAILABLE] = catalog[columns.AVAILABLE].astype(bool)
    catalog[columns.IMAGE] = _located(catalog[columns.IMAGE], root)
    given = catalog[columns.SPLIT] != ""
    catalog[columns.SPLIT] = catalog[columns.SPLIT].where(given, split_of(catalog[columns.ITEM_ID]))
    return catalog


def split_of(item_ids: pd.Series) -> pd.Series:
    """Which split each item belongs to by a hash of its id: 80% train, 10% validation, 10% test.

    An item keeps its split however the catalog around it changes.
    """
    numbers = [
        int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "big") % 100
        for item_id in item_ids
    ]
    places = np.searchsorted([end for _, end in _SPLIT_BUCKETS], numbers, side="right")
    names = np.array([name for name, _ in _SPLIT_BUCKETS], dtype=object)
    return pd.Series(names[places], index=item_ids.index, dtype="str")


def load_catalog(workdir: Workdir) -> pd.DataFrame:
    """The prepared catalog; row numbers are the item rows of every later step.

    Returns:
        item_id, image (absolute paths or URLs joined by `|`), title, description, category,
        brand: text, "" where unknown; price float64, nan unknown; available bool; created_at
        float64 epoch seconds, nan unknown; split train, validation or test; attr_* text.

    Raises:
        ArtifactError: the tables are not prepared, damaged or of another version.
    """
    open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    return pd.read_parquet(workdir.tables / FILE)


_TYPED = (columns.PRICE, columns.AVAILABLE, columns.CREATED_AT)


def _attributes(frame: pd.DataFrame) -> list[str]:
    return columns.attribute_columns([str(name) for name in frame.columns])


def _located(images: pd.Series, root: str) -> pd.Series:
    """Absolute paths or URLs; several stay joined, empty ones among them are left out."""
    several = images.str.contains(columns.IMAGE_SEPARATOR, regex=False)
    parts = images.where(~several, images[several].str.split(columns.IMAGE_SEPARATOR)).explode() \
        if several.any() else images  # fmt: skip
    parts = parts.astype(str).str.strip()
    relative = (parts != "") & ~parts.str.contains("://", regex=False) & ~parts.str.startswith("/")
    parts = parts.where(~relative, locate(root, "x")[:-1] + parts)
    if not several.any():
        return parts
    single = parts[~parts.index.isin(several.index[several])]
    joined = parts[parts.index.isin(several.index[several]) & (parts != "")]
    joined = joined.groupby(level=0).agg(columns.IMAGE_SEPARATOR.join)
    return pd.concat([single, joined]).reindex(images.index, fill_value="")

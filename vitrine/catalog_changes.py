"""What changed between two snapshots of a catalog: items, photos by content, everything else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from recsys.columns import IMAGE, ITEM_ID, PHOTO_SHA256, SPLIT
from recsys.embedding_table import PARTS, open_table
from recsys.errors import DataError
from recsys.workdir import Workdir

_PLACED = (ITEM_ID, IMAGE, SPLIT)  # where a photo lies is no change of it; the split is made of ids


@dataclass(frozen=True)
class Changes:
    """How many items came, left and changed.

    Attributes:
        items: in the new catalog.
        before: in the old one.
        photo_changed: items of both whose photos are other bytes now, or are there now, or gone.
        metadata_changed: items of both of which any other column changed.
        tower_changed: all embeddings are made anew.
        recommender_changed: all candidate vectors are.
    """

    items: int
    before: int
    added: int
    removed: int
    metadata_changed: int
    photo_changed: int = 0
    tower_changed: bool = False
    recommender_changed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return asdict(self)

    @property
    def line(self) -> str:
        """One line for a person."""
        parts = [f"{self.added:,} added", f"{self.removed:,} removed",
                 f"{self.photo_changed:,} with another photo",
                 f"{self.metadata_changed:,} with other facts"]  # fmt: skip
        parts += ["another tower"] * self.tower_changed
        parts += ["another recommender"] * self.recommender_changed
        return f"{self.items:,} items: {', '.join(parts)}"


def compare_catalogs(old: pd.DataFrame, new: pd.DataFrame) -> Changes:
    """Counts items that came, left, or have other facts, by their ids."""
    before, after = old.set_index(ITEM_ID), new.set_index(ITEM_ID)
    both = after.index[after.index.isin(before.index)]
    facts = [name for name in {**dict.fromkeys(old.columns), **dict.fromkeys(new.columns)}
             if name not in _PLACED]  # fmt: skip
    return Changes(
        items=len(new), before=len(old), added=len(new) - len(both),
        removed=len(old) - len(both),
        metadata_changed=int(_differ(before.reindex(columns=facts).loc[both],
                                     after.reindex(columns=facts).loc[both]).sum()),
    )  # fmt: skip


def refuse_shrunk(changes: Changes, max_shrink: float, where: str) -> None:
    """Refuses a catalog that has lost too many of its items.

    Raises:
        DataError: more than this share of the old items are gone.
    """
    if changes.before and changes.removed > max_shrink * changes.before:
        raise DataError(
            f"{changes.removed:,} of {changes.before:,} items are gone, more than "
            f"{max_shrink:.0%}.", where=where,
            mend="If they are meant to go, give --allow-shrink; else mend the catalog's export.",
        )  # fmt: skip


def photo_hashes(workdir: Workdir) -> dict[str, str]:
    """The hashes of each item's photos, joined by `|`, as the embedding table names them."""
    if not workdir.embeddings.is_dir():
        return {}
    table = open_table(workdir.embeddings)
    found: dict[str, str] = {}
    for name in table.artifact.files:
        if name.startswith(f"{PARTS}/"):
            part = pq.read_table(table.artifact.path / name, columns=[ITEM_ID, PHOTO_SHA256])
            found.update(zip(*(column.to_pylist() for column in part.columns), strict=True))
    return found


def count_changed_photos(old: Workdir, new: Workdir, both: set[str]) -> int:
    """How many of these items have other photos than before, by content."""
    before, after = photo_hashes(old), photo_hashes(new)
    return sum(before.get(item_id) != after.get(item_id) for item_id in both)


def _differ(before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Rows of which any value differs, bool [n]; two unknown values are the same."""
    differs = np.zeros(len(before), bool)
    for name in before.columns:
        left, right = before[name], after[name]
        same = (left == right) | (left.isna() & right.isna())
        differs |= ~same.to_numpy(dtype=bool, na_value=False)
    return differs

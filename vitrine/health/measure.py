"""What a refresh changed, measured on the artifacts of before and after it.

What is served now was made of the old ones, and the next bundle will be made of the draft.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.catalog import load_catalog
from recsys.columns import ITEM_ID
from recsys.config import Config
from recsys.embedding_table import open_table
from recsys.errors import ArtifactError
from recsys.interactions import load_interactions
from recsys.progress import say
from recsys.workdir import Workdir
from vitrine.health import drift
from vitrine.health.agreement import Agreement
from vitrine.health.canaries import lasting_sample, nearest, recommended, rows_among, summary
from vitrine.health.failures import failures
from vitrine.health.near_duplicates import duplicates_report

if TYPE_CHECKING:
    from recsys.two_tower import LoadedTwoTower

SHOWN = 20  # items that are named
MOVED = 1e-3  # a vector that moved further is of another photo; engines differ by 1e-6

Figures = dict[str, Any]


@dataclass(frozen=True)
class _Side:
    """One of the two workdirs, read.

    Attributes:
        item_ids: of its catalog.
        photo_ids, vectors: of its embedding table; empty without one.
        tower: the fingerprint of what made the vectors.
        model: the two towers; None without any.
    """

    workdir: Workdir
    item_ids: list[str]
    photo_ids: list[str]
    vectors: NDArray[np.float32]
    tower: str
    model: LoadedTwoTower | None

    @property
    def similar(self) -> tuple[list[str], NDArray[np.float32]]:
        """What similar items are searched in: photos where there are any, else behavior."""
        if len(self.photo_ids) or self.model is None:
            return self.photo_ids, self.vectors
        return list(self.model.item_ids), np.asarray(self.model.candidate_vectors, np.float32)


def measure(config: Config, old: Workdir, draft: Workdir) -> Figures:
    """Every figure that `vitrine.health.gate` judges and the report shows.

    Args:
        config: `refresh.num_probes`, `refresh.duplicate_probes`, `serving.duplicate_cosine`.
        old: what was published before; it may lack anything, or be damaged.
        draft: whose tables, embeddings, model, transitions and index are all there.

    Returns:
        `items`, `drift`, `neighbors`, `canaries`, `near_duplicates`, `index` and `failures`, ready
        for JSON; None in the place of what has nothing to be compared with.
    """
    before, after = _read_old(old), _read(draft)
    both, rows = _in_both(before, after)
    kept = _neighbors(before, after, both, rows, config)
    return {
        "items": _items(before, after),
        "drift": None if kept is None else _drift(before, after, rows, kept),
        "neighbors": None if kept is None
        else summary(kept, lasting_sample(both, config.refresh.num_probes)),
        "canaries": _canaries(before, after, config),
        "near_duplicates": _duplicates(before, after, rows, config),
        "index": _index(draft),
        "failures": failures(draft),
    }  # fmt: skip


def _read(workdir: Workdir) -> _Side:
    item_ids: list[str] = []
    if workdir.tables.is_dir():
        item_ids = load_catalog(workdir)[ITEM_ID].astype(str).tolist()
    photo_ids: list[str] = []
    vectors, tower = np.zeros((0, 0), np.float32), ""
    if workdir.embeddings.is_dir():
        table = open_table(workdir.embeddings)
        photo_ids, vectors = table.read()
        tower = table.tower_fingerprint
    model = None
    if workdir.model.is_dir():
        from recsys.two_tower import load_two_tower

        model = load_two_tower(workdir.model)
    return _Side(workdir, item_ids, photo_ids, vectors, tower, model)


def _read_old(workdir: Workdir) -> _Side:
    """As `_read`; what is damaged is not compared with, so that a refresh can replace it."""
    try:
        return _read(workdir)
    except ArtifactError as error:
        say(f"  what was published before cannot be compared with: {error.line}")
        return _Side(workdir, [], [], np.zeros((0, 0), np.float32), "", None)


def _in_both(before: _Side, after: _Side) -> tuple[list[str], tuple[NDArray[Any], NDArray[Any]]]:
    """Items with a vector before and after, and their rows in both tables."""
    old_rows = rows_among(after.photo_ids, before.photo_ids)
    new_rows = np.flatnonzero(old_rows >= 0)
    return [after.photo_ids[row] for row in new_rows], (old_rows[new_rows], new_rows)


def _items(before: _Side, after: _Side) -> Figures:
    old, new = set(before.item_ids), set(after.item_ids)
    had, has = set(before.photo_ids) & new & old, set(after.photo_ids)
    without = sorted(had - has)
    return {
        "old": len(old), "new": len(new), "added": len(new - old), "removed": len(old - new),
        "lost_share": len(old - new) / len(old) if old else None,
        "photos_old": len(before.photo_ids), "photos_new": len(after.photo_ids),
        "photos_lost": len(without),
        "photos_lost_share": len(without) / len(had) if had else None,
        "photos_lost_of": without[:SHOWN],
    }  # fmt: skip


def _neighbors(
    before: _Side, after: _Side, both: list[str], rows: tuple[NDArray[Any], NDArray[Any]],
    config: Config,
) -> Agreement | None:  # fmt: skip
    """Nearest photos among the items that stay: what changes is their vectors alone."""
    if len(both) < 2:
        return None
    probes = rows_among(lasting_sample(both, config.refresh.num_probes), both)
    old, new = before.vectors[rows[0]], after.vectors[rows[1]]
    return nearest(old, new, probes, probes, np.arange(len(both)))


def _drift(
    before: _Side, after: _Side, rows: tuple[NDArray[Any], NDArray[Any]], kept: Agreement
) -> Figures:
    same_tower = before.tower == after.tower
    found: Figures = {"same_tower": same_tower, "items": len(rows[0])}
    near = kept.old_best.ravel(), kept.new_best.ravel()
    found["neighbor_instability"] = round(drift.population_stability(*near), 6)
    found["histograms"] = {"neighbors": drift.histograms(*near)}
    if same_tower:  # another tower's vectors may have another direction, and another length
        old, new = before.vectors[rows[0]], after.vectors[rows[1]]
        center = old.mean(axis=0)
        told = drift.similarity_to(center, old), drift.similarity_to(center, new)
        found["centroid_shift"] = round(drift.centroid_shift(old, new), 6)
        found["centroid_instability"] = round(drift.population_stability(*told), 6)
        found["histograms"]["center"] = drift.histograms(*told)
    return found


def _canaries(before: _Side, after: _Side, config: Config) -> Figures:
    count = config.refresh.num_probes
    found: Figures = {"similar": None, "recommended": None}
    (old_ids, old), (new_ids, new) = before.similar, after.similar
    probes = lasting_sample(set(old_ids) & set(new_ids), count)
    if probes:
        asked = nearest(old, new, rows_among(probes, old_ids), rows_among(probes, new_ids),
                        rows_among(new_ids, old_ids))  # fmt: skip
        found["similar"] = summary(asked, probes)
    if before.model is not None and after.model is not None:
        events = load_interactions(after.workdir)
        try:
            users, answers = recommended((before.workdir, before.model),
                                         (after.workdir, after.model), events, count)  # fmt: skip
        except ArtifactError:
            return found  # what stood there before does not belong together: nothing to compare
        found["recommended"] = summary(answers, users)
    return found


def _duplicates(
    before: _Side, after: _Side, rows: tuple[NDArray[Any], NDArray[Any]], config: Config
) -> Figures | None:
    """Of the items whose photo is new or another one; of them all under another tower."""
    if not len(after.photo_ids):
        return None
    is_new = np.ones(len(after.photo_ids), bool)
    if before.tower == after.tower:
        old, new = before.vectors[rows[0]], after.vectors[rows[1]]
        is_new[rows[1]] = np.abs(old - new).max(axis=1, initial=0) > MOVED
    fresh = [after.photo_ids[row] for row in np.flatnonzero(is_new)]
    chosen = lasting_sample(fresh, config.refresh.duplicate_probes)
    asked = np.sort(rows_among(chosen, after.photo_ids))
    found = duplicates_report(
        after.photo_ids, after.vectors, asked, config.serving.duplicate_cosine
    )
    return {"new_photos": len(fresh), **found}


def _index(draft: Workdir) -> Figures:
    path: Path = draft.index / "index.json"
    try:
        spaces = json.loads(path.read_text(encoding="utf-8"))["spaces"]
        return {
            name: {"recall": float(space["recall"]), "scann": bool(space["scann"]),
                   "engine": str(space["engine"]), "num_items": int(space["num_items"]),
                   "num_probes": int(space["num_probes"]), "settings": space["settings"]}
            for name, space in spaces.items()
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"the index's figures cannot be read: {error}.", where=str(path),
                            mend="Run `vitrine index` again.") from error  # fmt: skip

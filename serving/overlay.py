"""Items put or withdrawn since a bundle was published, beside the bundle's own.

A changed item gets a row after the bundle's last one, and its old row is closed; a withdrawn
item's row is closed and nothing takes its place. Filters never open a closed row, and rows of
the overlay are scored exactly, by their dot product with the query that the index searched with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns
from serving.facets import Facet, Mask, Masks
from serving.items import Items

PHOTO, BEHAVIOR = "photo", "behavior"


@dataclass(frozen=True)
class Change:
    """What became of one item.

    Attributes:
        fields: catalog columns by name; empty where it was withdrawn.
        vectors: space → float32 [dim]; a space that does not know the item is absent.
        new_photo: whether the photo is another one than the bundle's, whose score is void.
    """

    item_id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    new_photo: bool = False
    withdrawn: bool = False


class Overlay:
    """A bundle's items with some changes, and vectors for all of their rows.

    Args:
        base: the bundle's items.
        vectors: space → float32 [num_items, dim] of the bundle; None where it has none.
        changes: at most one for each item.

    Attributes:
        items: those that there are now.
        vectors: space → float32 [num rows, dim] of them; None where the bundle has none.
    """

    def __init__(
        self, base: Items, vectors: Mapping[str, NDArray[np.float32] | None],
        changes: Sequence[Change] = (),
    ) -> None:  # fmt: skip
        put = [change for change in changes if not change.withdrawn]
        self.items: Items = CurrentItems(base, changes) if changes else base
        self._first = len(base)
        self._rows = {
            space: np.array([self._first + at for at, change in enumerate(put)
                             if space in change.vectors], np.int64)
            for space in vectors
        }  # fmt: skip
        void = [self._first + at for at, change in enumerate(put) if change.new_photo]
        self._void = {PHOTO: np.array(void, np.int64)}
        self.vectors = {
            space: known if known is None or not put else Stacked(known, _added(space, known, put))
            for space, known in vectors.items()
        }

    def rows(self, space: str) -> NDArray[np.int64]:
        """The rows that the index of a space lacks, or knows as they were."""
        return self._rows.get(space, np.empty(0, np.int64))

    def believed(self, rows: NDArray[np.int64], space: str) -> NDArray[np.int64]:
        """The rows that an index answered, -1 where its score is of another photo."""
        void = self._void.get(space)
        return rows if void is None or not len(void) else np.where(np.isin(rows, void), -1, rows)

    def vector(self, row: int, space: str) -> NDArray[np.float32] | None:
        """The vector of a row that the index lacks, or knows as it was; None for all others."""
        vectors = self.vectors.get(space)
        if vectors is None or row not in self.rows(space):
            return None
        return np.asarray(vectors[np.array([row])][0], np.float32)


def vectors_of(bundle: Any) -> dict[str, NDArray[np.float32] | None]:
    """A bundle's vectors by space; None where it has none."""
    return {
        PHOTO: getattr(bundle, "photo_vectors", None),
        BEHAVIOR: getattr(bundle, "candidate_vectors", None),
    }


class Stacked:
    """Two arrays of vectors as if one lay below the other; neither is copied.

    Args:
        first, second: float32 [n, dim] and [m, dim].

    Example:
        >>> Stacked(np.eye(2), np.ones([1, 2])) @ np.array([1.0, 0.0])
        array([1., 0., 1.])
    """

    def __init__(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> None:
        self._first, self._second = first, second
        self.shape = (len(first) + len(second), first.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        found = np.empty((len(rows), self.shape[1]), np.float32)
        added = rows >= len(self._first)
        found[~added] = self._first[rows[~added]]
        found[added] = self._second[rows[added] - len(self._first)]
        return found

    def __matmul__(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([self._first @ query, self._second @ query])


class CurrentItems(Items):
    """The items that there are now: a bundle's, with changes.

    Args:
        base: the bundle's items.
        changes: at most one for each item.
    """

    def __init__(self, base: Items, changes: Sequence[Change]) -> None:
        put = [change for change in changes if not change.withdrawn]
        old = [base.rows.get(change.item_id, -1) for change in put]
        added = Items(table_of(put, list(base.facets)), {})
        self.item_ids = base.item_ids + added.item_ids
        gone = {change.item_id for change in changes if change.withdrawn}
        self.withdrawn = frozenset(gone & base.rows.keys())
        self.rows = {item_id: row for item_id, row in base.rows.items() if item_id not in gone}
        self.rows |= {item_id: len(base) + row for item_id, row in added.rows.items()}
        self.available = np.concatenate([base.available, added.available])
        self.price = np.concatenate([base.price, added.price])
        self.created_at = np.concatenate([base.created_at, added.created_at])
        self.has_photo = np.concatenate([base.has_photo, added.has_photo])
        # what is new to the catalog is new, and nobody has had the time to want it
        self.popularity = _with_old(base.popularity, old, 0)
        self.is_popular = _with_old(base.is_popular, old, False)
        self.is_new = _with_old(base.is_new, old, True)
        self._texts = _joined_lists(base._texts, added._texts)
        self._attributes = _joined_lists(base._attributes, added._attributes)
        self._folded_titles = base._folded_titles + added._folded_titles
        self._sorted_ids = sorted(self.rows)
        self.facets = {
            name: _joined_facet(facet, added.facets[name], len(base), len(added))
            for name, facet in base.facets.items()
        }
        closed = [base.rows[change.item_id] for change in changes if change.item_id in base.rows]
        is_open = np.ones(len(base) + len(added), bool)
        is_open[closed] = False
        self.masks = OpenMasks(is_open)
        self.everything = Mask.of(is_open)
        self.duplicate_groups = None
        if base.duplicate_groups is not None:
            self.duplicate_groups = _with_old(base.duplicate_groups, [-1] * len(put), -1)

    def categories(self) -> dict[str, int]:
        """Every category with the number of items in it and below it, sorted by name."""
        is_open = self.everything.allowed
        counts = {
            name: int(np.count_nonzero(is_open[rows]))
            for name, rows in self.facets[columns.CATEGORY].rows.items()
        }
        return {name: count for name, count in sorted(counts.items()) if count}


class OpenMasks(Masks):
    """Masks that never allow a closed row.

    Args:
        is_open: bool [num rows].
    """

    def __init__(self, is_open: NDArray[np.bool_]) -> None:
        super().__init__()
        self._is_open = is_open

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> Mask:
        """The mask of a key, without the closed rows; made where it is not remembered."""
        return super().get(key, lambda: make() & self._is_open)


def table_of(changes: Sequence[Change], names: Sequence[str] = ()) -> pd.DataFrame:
    """The put items as a bundle's item table has them.

    Args:
        names: attribute columns that there must be.
    """
    attributes = [name for name in names if name.startswith(columns.ATTRIBUTE_PREFIX)]
    rows = []
    for change in changes:
        fields = change.fields
        texts = {name: fields.get(name) or "" for name in (*columns.CATALOG_TEXT, *attributes)}
        rows.append({
            columns.ITEM_ID: change.item_id, **texts,
            columns.PRICE: _number(fields.get(columns.PRICE)),
            columns.AVAILABLE: bool(fields.get(columns.AVAILABLE, True)),
            columns.CREATED_AT: _number(fields.get(columns.CREATED_AT)),
            columns.HAS_PHOTO: PHOTO in change.vectors,
        })  # fmt: skip
    every = [columns.ITEM_ID, *columns.CATALOG_TEXT, *attributes, columns.PRICE,
             columns.AVAILABLE, columns.CREATED_AT, columns.HAS_PHOTO]  # fmt: skip
    return pd.DataFrame(rows, columns=every)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _added(space: str, known: NDArray[np.float32], put: list[Change]) -> NDArray[np.float32]:
    """float32 [m, dim] of the put items, zeros where the space does not know one."""
    added = np.zeros((len(put), known.shape[1]), np.float32)
    for at, change in enumerate(put):
        if space in change.vectors:
            added[at] = change.vectors[space]
    return added


def _with_old(values: np.ndarray, old: list[int], missing: Any) -> np.ndarray:
    """Values of the bundle's rows, and after them those of the old rows of the put items."""
    added = [values[row] if row >= 0 else missing for row in old]
    return np.concatenate([values, np.array(added, values.dtype)])


def _joined_lists(
    first: dict[str, list[Any]], second: dict[str, list[Any]]
) -> dict[str, list[Any]]:
    return {name: values + second[name] for name, values in first.items()}


def _joined_facet(base: Facet, added: Facet, num_base: int, num_added: int) -> Facet:
    joined = Facet([], lambda text: [])
    joined.rows = dict(base.rows)
    for value, rows in added.rows.items():
        known = joined.rows.get(value, np.empty(0, np.int64))
        joined.rows[value] = np.concatenate([known, rows + num_base])
    joined._num_items = num_base + num_added
    return joined

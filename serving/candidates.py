"""The best allowed items: asked of the index, or scored exactly where a filter allows few.

Candidates are fetched beyond what is wanted and those that are not allowed are dropped. Where
few are allowed, or an answer falls short, the allowed items are scored by their vectors with the
query that the index says it searched with; so whatever can be found is found, in one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from serving.facets import Mask

GROWTH = 4  # how much more is fetched when too few were found and there are no vectors
NARROW = 4  # exact_rows holds where less than one item in so many is allowed
GATHERED = 4  # below one item in so many, rows are picked out before they are multiplied


@dataclass(frozen=True)
class Fetched:
    """What an index answered.

    Attributes:
        scores: float32 [n], best first.
        rows: int64 [n]; -1 where nothing was found.
        query: float32 [dim], what was searched with; None where the index does not say.
    """

    scores: np.ndarray
    rows: np.ndarray
    query: np.ndarray | None = None


Fetch = Callable[[int, bool], Fetched]
"""(how many, exactly) -> what the index answers."""


class Allowed:
    """The items that an answer may hold: a shared mask, and rows that are left out besides.

    Args:
        mask: never copied.
        left_out: rows, in any order.
    """

    def __init__(self, mask: Mask, left_out: list[int] | None = None) -> None:
        self.mask = mask.allowed
        self.left_out = np.array(sorted(set(left_out or ())), np.int64)
        self.count = mask.count - int(np.count_nonzero(self.mask[self.left_out]))

    @property
    def num_items(self) -> int:
        """How many items there are, allowed or not."""
        return len(self.mask)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Which of some rows are allowed: bool [n]; row -1 is not."""
        allowed = self.mask[np.maximum(rows, 0)] & (rows >= 0)
        if len(self.left_out):  # few and sorted: np.isin would sort both for each answer
            at = np.minimum(np.searchsorted(self.left_out, rows), len(self.left_out) - 1)
            allowed &= self.left_out[at] != rows
        return allowed

    def rows(self) -> np.ndarray:
        """All allowed rows, ascending."""
        rows = np.flatnonzero(self.mask)
        if len(self.left_out):
            rows = rows[~np.isin(rows, self.left_out, assume_unique=True)]
        return rows


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When more is fetched, and when all is scored.

    Attributes:
        overfetch: candidates per item wanted where anything is not allowed.
        exact_below: where less than this share is allowed, all of it is scored.
        exact_rows: also where no more items than this are allowed, and less than a quarter.
    """

    overfetch: int = 3
    exact_below: float = 0.02
    exact_rows: int = 20_000


@dataclass(frozen=True)
class Candidates:
    """The best allowed items.

    Attributes:
        scores: float32 [n], best first.
        rows: int64 [n].
        query: float32 [dim], or None where the index does not say.
        complete: whether there are no more allowed items that anything is known of.
    """

    scores: np.ndarray
    rows: np.ndarray
    query: np.ndarray | None
    complete: bool


def best_candidates(
    fetch: Fetch, allowed: Allowed, wanted: int, limits: Limits,
    vectors: np.ndarray | None = None,
) -> Candidates:  # fmt: skip
    """The best `wanted` allowed items; fewer only where no more are allowed or known.

    Args:
        fetch: asks the index, which may leave out some of the items left out by itself.
        vectors: float32 [num_items, dim] whose dot product with the query is a score; None
            scores by asking the index for everything.
    """
    most = min(wanted, allowed.count)
    if most <= 0:
        return Candidates(np.empty(0, np.float32), np.empty(0, np.int64), None, True)
    num_items = allowed.num_items - len(allowed.left_out)
    size = fetch_size(most, num_items, allowed.count, limits)
    if vectors is not None and is_narrow(allowed.count, num_items, limits):
        size = min(num_items, most * limits.overfetch)  # for the query, and scores above the dot
    while True:
        found = fetch(size, size >= num_items)
        kept = np.flatnonzero(allowed.of(found.rows))
        asked_all = size >= num_items or not (found.rows >= 0).any()
        narrow = is_narrow(allowed.count, num_items, limits)
        if (narrow or len(kept) < most) and not asked_all and can_score(found.query, vectors):
            return scored(found, kept, allowed, most, vectors)
        if len(kept) >= most or asked_all:
            complete = len(kept) < wanted or wanted >= allowed.count
            kept = kept[:most]
            return Candidates(found.scores[kept], found.rows[kept], found.query, complete)
        size = min(num_items, size * GROWTH)


def is_narrow(num_allowed: int, num_items: int, limits: Limits) -> bool:
    """Whether so little is allowed that scoring it beats searching around it."""
    few = num_allowed <= limits.exact_rows and num_allowed * NARROW < num_items
    return few or num_allowed < limits.exact_below * num_items


def fetch_size(wanted: int, num_items: int, num_allowed: int, limits: Limits) -> int:
    """How many candidates to ask for so that `wanted` allowed ones are likely among them."""
    if num_allowed < limits.exact_below * num_items:
        return num_items
    if num_allowed >= num_items:
        return wanted
    # allowed items lie no denser among the nearest than elsewhere, with a margin of a half
    expected = math.ceil(wanted * 1.5 * num_items / num_allowed)
    return min(num_items, max(wanted * limits.overfetch, expected))


def can_score(query: np.ndarray | None, vectors: np.ndarray | None) -> bool:
    """Whether items can be scored by their vectors; an unknown query is all zeros."""
    return query is not None and vectors is not None and bool(np.any(query))


def dot_scores(query: np.ndarray, rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The scores of some rows: float32 [n]."""
    if len(rows) * GATHERED < len(vectors):
        return np.asarray(vectors[rows] @ query, np.float32)
    return np.asarray((vectors @ query)[rows], np.float32)


def scored(
    found: Fetched, kept: np.ndarray, allowed: Allowed, wanted: int, vectors: np.ndarray | None
) -> Candidates:
    """All allowed items by their dot product, or by the index's own score where that is higher.

    An index may add to the dot product what it knows besides, never take from it.
    """
    assert found.query is not None
    assert vectors is not None
    rows = allowed.rows()
    scores = dot_scores(found.query, rows, vectors)
    places = np.searchsorted(rows, found.rows[kept])
    scores[places] = np.maximum(scores[places], found.scores[kept])
    best = np.arange(len(rows))
    if wanted < len(rows):
        best = np.argpartition(-scores, wanted - 1)[:wanted]
    best = best[np.argsort(-scores[best], kind="stable")]
    return Candidates(scores[best], rows[best], found.query, wanted >= len(rows))


def joined(best: Candidates, rows: np.ndarray, vectors: np.ndarray | None) -> Candidates:
    """The candidates and some rows more, scored by their dot product, best first."""
    rows = rows[~np.isin(rows, best.rows)]
    if len(rows) == 0 or not can_score(best.query, vectors):
        return best
    assert best.query is not None
    assert vectors is not None
    rows = np.concatenate([best.rows, rows])
    scores = np.concatenate([best.scores, dot_scores(best.query, rows[len(best.rows) :], vectors)])
    order = np.argsort(-scores, kind="stable")
    return Candidates(scores[order], rows[order], best.query, best.complete)

"""The arrangement of a page: which of the best candidates stand on it, and in which order.

Boosts change the order; then pages are filled one after the other, each place with a pinned item
or the best one left that is no near-duplicate, that the caps of its page allow and, with
diversity, that is unlike the page so far. What a page passes over waits for the next one. Rules
never shorten a list: where nothing else is left the caps give way, and at last duplicates come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recsys import columns
from serving.boosts import Boost
from serving.caps import Caps
from serving.diversity import Diversity
from serving.duplicates import MIN_COSINE, duplicates
from serving.items import Items

LOOKAHEAD = 60  # candidates that a place is chosen from: diversity beyond them costs relevance


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How a page is arranged; the default leaves the ranking as it is.

    Attributes:
        diversity: strength of marginal relevance, 0 to 1.
        max_per_brand, max_per_category: on one page; 0 is without cap.
        collapse: show one of several near-duplicates.
        min_cosine: from which on two photos are near-duplicates.
        boosts: what is added to scores.
    """

    diversity: float = 0.0
    max_per_brand: int = 0
    max_per_category: int = 0
    collapse: bool = False
    min_cosine: float = MIN_COSINE
    boosts: tuple[Boost, ...] = ()

    @property
    def caps(self) -> dict[str, int]:
        """Column -> how many items of one value on a page."""
        most = {columns.BRAND: self.max_per_brand, columns.CATEGORY: self.max_per_category}
        return {column: count for column, count in most.items() if count}

    @property
    def is_plain(self) -> bool:
        """Whether it leaves a ranking as it is."""
        return not (self.diversity or self.caps or self.collapse or self.boosts)


@dataclass
class Pool:
    """What is chosen from, best first.

    Attributes:
        scores: float32 [n], boosts included.
        rows: int64 [n].
        complete: whether there is no more than this.
        vectors: float32 [n, dim] unit vectors, zeros where there is none; None where likeness
            cannot be told.
        groups: int64 [num_items] groups of near-duplicates, -1 for none; None if not known.
        pins: position from 0 -> row; those rows may be in the pool.
    """

    scores: np.ndarray
    rows: np.ndarray
    complete: bool
    vectors: np.ndarray | None = None
    groups: np.ndarray | None = None
    pins: dict[int, int] = field(default_factory=dict)


def arrange(
    pool: Pool, offset: int, k: int, wanted: Arrangement, items: Items
) -> list[tuple[int, float]] | None:
    """The rows and scores of one page, or None where the pool is too small to tell.

    Pages before it are filled as well, since what they pass over is what this one begins with.

    Args:
        pool: candidates.
        offset, k: which part of the list.
    """
    filling = _Filling(pool, wanted, items)
    ends = [*([offset % k] if offset % k else []), *range(offset % k + k, offset + k + 1, k)]
    for end in ends:
        if not filling.fill_to(end):
            return None
    return filling.placed[offset:]


class _Filling:
    """Fills the places of a list from the first to the last."""

    def __init__(self, pool: Pool, wanted: Arrangement, items: Items) -> None:
        count = len(pool.rows)
        self.placed: list[tuple[int, float]] = []
        self._pool = pool
        self._rows = pool.rows.tolist()
        self._caps = Caps(wanted.caps, items.text)
        self._has_caps = bool(wanted.caps)
        self._diversity = None
        if wanted.diversity and pool.vectors is not None:
            self._diversity = Diversity(wanted.diversity, pool.vectors)
        repeats = np.zeros(count, bool)
        if wanted.collapse:
            repeats = duplicates(pool.rows, pool.groups, pool.vectors, wanted.min_cosine)
        self._pins = dict(pool.pins)
        pinned = set(pool.pins.values())
        self._waiting = [i for i in range(count) if not repeats[i] and self._rows[i] not in pinned]
        self._spare = [i for i in range(count) if repeats[i] and self._rows[i] not in pinned]

    def fill_to(self, end: int) -> bool:
        """Fills one page; false where the pool ends too soon to tell what comes next."""
        self._caps.start_page()
        if self._diversity is not None:
            self._diversity.start_page()
        while len(self.placed) < end:
            position = len(self.placed)
            if position in self._pins:
                self._put_pin(position)
                continue
            if len(self._waiting) < LOOKAHEAD and not self._pool.complete:
                return False
            chosen = self._choose()
            if chosen is None and not self._pool.complete:
                return False
            if chosen is not None:
                self._put(chosen)
            elif self._pins:
                self._put_pin(min(self._pins))
            else:
                return True  # there is nothing more
        return True

    def _choose(self) -> int | None:
        """The next candidate, taken from those that wait."""
        most = LOOKAHEAD if self._diversity is not None else 1
        among: list[int] = []
        for i in self._waiting:
            if not self._has_caps or self._caps.allows(self._rows[i]):
                among.append(i)
                if len(among) == most:
                    break
        if not among:
            if not self._pool.complete:
                return None
            rest = self._waiting or self._spare
            return rest.pop(0) if rest else None
        chosen = among[0]
        if self._diversity is not None:
            chosen = self._diversity.best(np.array(among), self._pool.scores)
        self._waiting.remove(chosen)
        return chosen

    def _put(self, chosen: int) -> None:
        row = self._rows[chosen]
        self.placed.append((row, float(self._pool.scores[chosen])))
        self._caps.put(row)
        if self._diversity is not None:
            self._diversity.put(chosen)

    def _put_pin(self, position: int) -> None:
        row = self._pins.pop(position)
        at = self._rows.index(row) if row in self._rows else None
        if at is not None:
            self._put(at)
        else:
            best = self.placed[-1][1] if self.placed else float(max(self._pool.scores, default=0))
            self.placed.append((row, best))
            self._caps.put(row)

"""Which items are near which others, told from their vectors without a search.

To say "similar to item 17 you viewed", an item must be among the nearest of item 17. A search
around each item of a history would cost more than the recommendation itself. How near the n-th
nearest of a large catalog lies is estimated from a sample of it instead: of S items drawn from
N, the (n S / N)-th nearest. A catalog no larger than the sample is told exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE = 4096  # items: the 64th nearest of 100,000 is estimated by the third nearest of these


class Nearness:
    """Near items of one space.

    Args:
        vectors: float32 [num_items, dim], read by arrays of rows; rows of zeros are near nothing.
        num_items: how many there are.
        near: how many of the nearest count as near.

    Example:
        >>> Nearness(np.eye(3, dtype=np.float32), 3, near=1).scores([0], [0, 1]).shape
        (1, 2)
    """

    def __init__(self, vectors: Any, num_items: int, near: int) -> None:
        # a view without numpy.memmap's bookkeeping, which costs more than reading a few rows
        self._vectors = np.asarray(vectors) if isinstance(vectors, np.ndarray) else vectors
        rows = np.arange(num_items)
        if num_items > SAMPLE:
            rows = np.sort(np.random.default_rng(0).choice(num_items, SAMPLE, replace=False))
        self._rows = rows
        self._sample = np.asarray(vectors[rows], np.float32)
        self._place = max(1, math.ceil(near * len(rows) / max(1, num_items)))
        # told once for each item; two threads that tell it at once tell the same
        self._least = np.full(num_items, np.nan, np.float32)

    def scores(self, around: list[int], rows: list[int]) -> NDArray[np.float32]:
        """The scores of items near others: float32 [len(around), len(rows)]; -inf where not near.

        Args:
            around: rows whose surroundings are meant.
            rows: rows that may lie there.
        """
        centers = np.asarray(self._vectors[np.array(around, np.int64)], np.float32)
        found = centers @ np.asarray(self._vectors[np.array(rows, np.int64)], np.float32).T
        least = np.array([self._least_of(row, center) for row, center in
                          zip(around, centers, strict=True)], np.float32)  # fmt: skip
        return np.where(found >= least[:, None], found, np.float32(-np.inf))

    def _least_of(self, row: int, center: NDArray[np.float32]) -> float:
        """The score from which on an item is near; inf for an item without a vector."""
        known = float(self._least[row])
        if math.isnan(known):
            known = self._told(row, center)
            self._least[row] = known
        return known

    def _told(self, row: int, center: NDArray[np.float32]) -> float:
        if not center.any():
            return math.inf
        scores = self._sample @ center
        scores[self._rows == row] = -np.inf  # an item is no neighbor of itself
        place = min(self._place, len(scores))
        # sums in another order may differ in the last bits
        return float(np.partition(scores, -place)[-place]) - 1e-6

"""Near-duplicates: of several photos of the same product, an answer shows the best one.

Items of one group (photos that a perceptual hash found to agree) are duplicates; where groups
are not known, photos whose vectors nearly coincide are. Such items also lie next to each other
in any ranking, since their scores nearly coincide too, so each is compared with a few before it.
"""

from __future__ import annotations

import numpy as np

WINDOW = 100  # better items that an item is compared with
MIN_COSINE = 0.995  # two photos of one product by a trained tower; two products lie below it


def duplicates(
    rows: np.ndarray, groups: np.ndarray | None, vectors: np.ndarray | None,
    min_cosine: float = MIN_COSINE,
) -> np.ndarray:  # fmt: skip
    """Which items repeat a better one: bool [n].

    Args:
        rows: int64 [n], best first.
        groups: int64 [num_items], -1 for an item of no group; None where nothing is known.
        vectors: float32 [n, dim] unit vectors of `rows`, zeros where there is no photo; None
            goes by groups alone.
        min_cosine: from which on two photos show the same.
    """
    repeats = np.zeros(len(rows), bool)
    if groups is not None:
        repeats |= _repeated(groups[rows])
    elif vectors is not None:
        for at in range(1, len(rows)):
            before = slice(max(0, at - WINDOW), at)
            alike = vectors[before] @ vectors[at] >= min_cosine
            repeats[at] = bool((alike & ~repeats[before]).any())
    return repeats


def _repeated(groups: np.ndarray) -> np.ndarray:
    """Which entries hold a group that an earlier one holds too."""
    repeated = np.ones(len(groups), bool)
    repeated[np.unique(groups, return_index=True)[1]] = False
    return repeated & (groups >= 0)

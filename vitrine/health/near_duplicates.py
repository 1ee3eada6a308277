"""Photos that show what another item's photo shows: new and changed ones against all."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from recsys.ranking import MAX_SCORES

SHOWN = 8  # groups that a report names, and items of each


def near_duplicates(
    vectors: NDArray[np.float32], asked: NDArray[np.int64], min_cosine: float
) -> list[list[int]]:
    """Groups of items whose vectors nearly coincide, as far as one of the asked leads to them.

    Args:
        vectors: float32 [num_items, dim] of norm 1.
        asked: int64 [n] rows whose neighbors are looked for.
        min_cosine: from which on two photos show the same.

    Returns:
        Rows, at least two in a group, ascending; largest group first.
    """
    pairs = []
    size = max(1, MAX_SCORES // max(1, len(vectors)))
    for start in range(0, len(asked), size):
        rows = asked[start : start + size]
        left, right = np.nonzero(vectors[rows] @ vectors.T >= min_cosine)
        pairs.append(np.stack([rows[left], right]))
    left, right = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), np.int64)
    graph = scipy.sparse.coo_array((np.ones(len(left)), (left, right)), (len(vectors),) * 2)
    labels = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    groups = [[int(row) for row in group] for group in np.split(order, starts) if len(group) > 1]
    return sorted(groups, key=lambda group: (-len(group), group))


def duplicates_report(
    item_ids: list[str], vectors: NDArray[np.float32], asked: NDArray[np.int64], min_cosine: float
) -> dict[str, Any]:
    """Near-duplicates in figures.

    Returns:
        asked, found (of the asked: how many have one), groups, and the ids of the largest.
    """
    groups = near_duplicates(vectors, asked, min_cosine)
    among = set(asked.tolist())
    return {
        "asked": len(asked),
        "found": sum(row in among for group in groups for row in group),
        "groups": len(groups),
        "min_cosine": min_cosine,
        "examples": [[item_ids[row] for row in group[:SHOWN]] for group in groups[:SHOWN]],
    }

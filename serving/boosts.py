"""Boosts: items that are moved up, or down, whatever the model thinks of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.conditions import Condition
from serving.items import Items


@dataclass(frozen=True)
class Boost:
    """How much is added to the score of the items that meet a condition.

    Attributes:
        by: in cosine: 0.1 moves an item as far as being 0.1 more similar would. It is multiplied
            by the length of the query, since a recommender's scores are that much longer.
    """

    condition: Condition
    by: float


def boosted(
    scores: np.ndarray, rows: np.ndarray, boosts: tuple[Boost, ...], items: Items,
    query: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Scores with what the boosts add: float32 [n].

    Args:
        scores: float32 [n] of `rows`.
        rows: int64 [n].
        query: what was searched with; None is taken for one of length 1.
    """
    length = 1.0 if query is None else float(np.linalg.norm(query)) or 1.0
    scores = scores.copy()
    for boost in boosts:
        scores[boost.condition.mask(items).allowed[rows]] += boost.by * length
    return scores

"""Diversity: each next item is good by itself and unlike those already on the page.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the next item is the one with
the largest (1 - diversity) · relevance - diversity · likeness, where relevance is the score
brought to 0..1 within what is chosen from, and likeness the largest cosine, at least 0, to an
item that is on the page already.
"""

from __future__ import annotations

import numpy as np


class Diversity:
    """Chooses among candidates by marginal relevance.

    Args:
        strength: 0 orders by score alone, 1 by unlikeness alone.
        vectors: float32 [n, dim] unit vectors of the candidates; zeros are like nothing.

    Example:
        >>> diversity = Diversity(0.5, np.eye(3, dtype=np.float32))
        >>> diversity.put(0)
        >>> int(diversity.best(np.array([1, 2]), np.array([9.0, 1.0, 0.0])))
        1
    """

    def __init__(self, strength: float, vectors: np.ndarray) -> None:
        self._strength = strength
        self._vectors = vectors
        self._likeness = np.zeros(len(vectors), np.float32)

    def start_page(self) -> None:
        """Forgets what was chosen: likeness counts within a page."""
        self._likeness[:] = 0.0

    def put(self, chosen: int) -> None:
        """A candidate is on the page now."""
        np.maximum(self._likeness, self._vectors @ self._vectors[chosen], out=self._likeness)

    def best(self, among: np.ndarray, scores: np.ndarray) -> int:
        """The next candidate.

        Args:
            among: int64 [m] candidates to choose from, best score first.
            scores: float [n] of all candidates.
        """
        relevance = scaled(scores[among])
        marginal = (1 - self._strength) * relevance - self._strength * self._likeness[among]
        return int(among[int(np.argmax(marginal))])


def scaled(scores: np.ndarray) -> np.ndarray:
    """Scores brought to 0..1; all 1 where they are the same."""
    low, high = float(scores.min()), float(scores.max())
    return (scores - low) / (high - low) if high > low else np.ones_like(scores)

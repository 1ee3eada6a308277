"""How much of an answer stays: the first k by old scores against the first k by new ones.

An item of the new answer counts as kept where the old score that it had reaches the old k-th:
of items that score the same, such as those that share a photo, any will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.ranking import MAX_SCORES, top_rows

K = 10
TIE = 1e-5  # old scores this close are the same: float32 sums differ by their order

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """What was asked of the old and the new; questions that the old left empty are not in it.

    Attributes:
        rows: int64 [num_asked] the number of each question.
        kept: float64 [num_asked] the share of the new answer that the old could have given.
        emptied: bool [num_asked] where the new has no answer.
        old_best, new_best: float32 [num_asked, k] scores, best first; -inf fills up.
    """

    rows: Rows
    kept: NDArray[np.float64]
    emptied: NDArray[np.bool_]
    old_best: Floats
    new_best: Floats

    @property
    def overlap(self) -> float | None:
        """The mean of `kept`; None where nothing was asked."""
        return float(self.kept.mean()) if len(self.kept) else None


def agreement(old_scores: Floats, new_scores: Floats, old_rows: Rows, k: int = K) -> Agreement:
    """Compares two answers to each question.

    Args:
        old_scores: [num_questions, num_old], -inf for what may not be shown.
        new_scores: [num_questions, num_new], likewise.
        old_rows: int64 [num_new] the old column of each new one, -1 for a new item.
        k: how many items an answer has; fewer where fewer may be shown.
    """
    old_best, new_top = _best(old_scores, k), top_rows(new_scores, k)
    asked = np.flatnonzero(np.isfinite(old_best[:, 0])) if old_best.size else np.zeros(0, np.int64)
    sizes = np.isfinite(old_best).sum(axis=1)
    last = np.where(np.isfinite(old_best), old_best, np.inf).min(axis=1, initial=np.inf)
    # -1 in either table leads to a column of -inf
    padded = np.pad(old_scores, ((0, 0), (0, 1)), constant_values=-np.inf)
    found = np.where(new_top >= 0, old_rows[new_top], -1)
    had = np.take_along_axis(padded, found, axis=1)
    hits = (had >= last[:, None] - TIE).sum(axis=1)
    num_shown = (new_top >= 0).sum(axis=1)
    new_best = np.where(new_top >= 0, np.take_along_axis(new_scores, new_top, axis=1), -np.inf)
    kept = np.minimum(hits[asked] / np.maximum(sizes[asked], 1), 1.0)
    return Agreement(asked, kept, num_shown[asked] == 0, old_best[asked], new_best[asked])


def joined(parts: list[tuple[int, Agreement]]) -> Agreement:
    """One agreement of several, each with the number of its first question."""
    if not parts:
        none = np.zeros((0, K), np.float32)
        return Agreement(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool), none, none)
    return Agreement(
        np.concatenate([first + part.rows for first, part in parts]),
        np.concatenate([part.kept for _, part in parts]),
        np.concatenate([part.emptied for _, part in parts]),
        _stacked([part.old_best for _, part in parts]),
        _stacked([part.new_best for _, part in parts]),
    )


def asked_in_parts(
    num_questions: int, num_items: int, ask: Callable[[slice], Agreement]
) -> Agreement:
    """Asks so many questions at once that their scores stay within bounded memory."""
    size = max(1, MAX_SCORES // max(1, num_items))
    return joined([(part.start, ask(part)) for part in _slices(num_questions, size)])


def _slices(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def _best(scores: Floats, k: int) -> Floats:
    """The k best scores, float32 [n, min(k, columns)], best first."""
    k = min(k, scores.shape[1])
    part = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]
    return np.sort(part, axis=1)[:, ::-1] if k else part


def _stacked(parts: list[Floats]) -> Floats:
    width = max(part.shape[1] for part in parts)
    return np.concatenate([
        np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=-np.inf)
        for part in parts
    ])  # fmt: skip

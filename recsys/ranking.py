"""Full ranking of the catalog for many cases, in chunks so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys.metrics import Floats, target_ranks
from recsys.sequences import Masks
from recsys.splits import Cases

Scorer = Callable[[Cases], NDArray[np.float32]]  # cases → [num_cases, num_items]

MAX_SCORES = 8_000_000  # of one chunk: 32 MB, and a few copies of it


def masked_ranks(
    scorer: Scorer, cases: Cases, num_items: int, *, mask_seen: Masks,
    known: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """The rank of each case's right item; see `rank_cases`."""
    return rank_cases(scorer, cases, num_items, mask_seen=mask_seen, known=known, k=0)[0]


def rank_cases(
    scorer: Scorer, cases: Cases, num_items: int, *, mask_seen: Masks,
    known: NDArray[np.bool_] | None = None, k: int = 10,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """Ranks all items for each case, as they would be served.

    Args:
        scorer: scores every item for a chunk of cases.
        cases: what is judged.
        num_items: size of the catalog.
        mask_seen: leave out the items of a case's own history, of all kinds of events or some.
        known: bool [num_items] the items that may be shown; all when None.
        k: how many of the best rows to return.

    Returns:
        float64 [num_cases] ranks of the right items (inf where left out), and
        int64 [num_cases, min(k, num_items)] the best rows, -1 where too few may be shown.
    """
    rng = np.random.default_rng(0)  # one for all chunks: their size changes nothing
    ranks: list[Floats] = [np.zeros(0)]
    tops = [np.zeros((0, min(k, num_items)), np.int64)]
    for chunk in cases.chunks(max(1, MAX_SCORES // max(1, num_items))):
        scores = np.array(scorer(chunk), np.float32)
        if known is not None:
            scores[:, ~known] = -np.inf
        scores[chunk.masked(mask_seen)] = -np.inf
        ranks.append(target_ranks(scores, chunk.targets, rng))
        tops.append(top_rows(scores, k))
    return np.concatenate(ranks), np.concatenate(tops)


def top_rows(scores: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """The rows of the k best scores of each case, best first; -1 for a score of -inf."""
    k = min(k, scores.shape[1])
    if k == 0:
        return np.zeros((len(scores), 0), np.int64)
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, part, axis=1), axis=1, kind="stable")
    rows = np.take_along_axis(part, order, axis=1)
    return np.where(np.isneginf(np.take_along_axis(scores, rows, axis=1)), -1, rows)

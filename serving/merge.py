"""The answers of all shards as the one that a servable over the whole catalog gives.

Every shard scores its own items as the whole would, so the best k of all are among the best k of
each. Only a list for nobody in particular, where an item falls with each better one of its
category, needs what all shards know: they send it, and the falling happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Answer = dict[str, "np.ndarray[Any, Any]"]

# of each place of a shard's answer that is joined with the others'
PLACES = ("item_ids", "scores", "added", "rows", "dots", "votes", "groups")
KEPT = ("item_ids", "scores", "added")  # the others are for merging


def merged(answers: Sequence[Answer], k: int) -> Answer:
    """Joins the answers of shards to one question.

    Args:
        answers: of the shards that answer, in their order, at least one: item_ids and scores
            [batch, n], query and fingerprint; `recommend` adds rows, dots, votes, groups and
            added [batch, n], falling and num_items [batch] (`serving.recommend_shard`).
        k: the longest list that was asked for.

    Returns:
        What the whole servable answers; its fingerprint names every shard's.
    """
    first = answers[0]
    joined = {
        name: np.concatenate([answer[name] for answer in answers], axis=1)
        for name in PLACES if name in first
    }  # fmt: skip
    if "num_items" in first:  # a list that falls is longer than its slice may be
        k = min(k, sum(int(answer["num_items"].max(initial=0)) for answer in answers))
    scores = joined["scores"]
    if "falling" in first and first["falling"].any():
        scores = joined["scores"] = fallen(joined, first["falling"], k)
    ties = joined["rows"] if "rows" in joined else np.zeros(scores.shape, np.int32)
    order = np.lexsort((ties, -scores))[:, :k]
    best = {name: np.take_along_axis(joined[name], order, axis=1)
            for name in KEPT if name in joined}  # fmt: skip
    is_empty = np.isneginf(best["scores"])
    for name, nothing in (("item_ids", ""), ("added", 0)):
        if name in best:
            best[name][is_empty] = nothing
    stamps = np.concatenate([np.ravel(answer["fingerprint"]) for answer in answers])
    return {**best, "query": first["query"], "fingerprint": stamps}


def fallen(places: Answer, falling: np.ndarray[Any, Any], k: int) -> np.ndarray[Any, Any]:
    """Scores of lists for nobody, lower with each better item of a category.

    The whole servable looks at its best k by the dot product alone and at what the moment leads
    to; so only these keep a score. As `Blend` does it in the graph, and in the same precision.

    Args:
        places: scores, rows, dots, votes and groups [batch, n]; a score of -inf is no item.
        falling: float32 [batch]; a list with 0 stays as it is.
    """
    scores = places["scores"].copy()
    for at in np.flatnonzero(falling):
        row = places["rows"][at]
        dots = np.where(np.isneginf(scores[at]), -np.inf, places["dots"][at])
        near = np.zeros(len(row), bool)
        near[np.lexsort((row, -dots))[:k]] = True
        scores[at, ~near & (places["votes"][at] <= 0)] = -np.inf
        order = np.lexsort((row, -scores[at]))
        better = _earlier(places["groups"][at][order]).astype(np.float32)
        scores[at, order] -= np.float32(falling[at]) * better
    return scores


def _earlier(groups: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How many of the same group come before each place: int64 [n]."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    found = np.empty(len(groups), np.int64)
    found[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return found

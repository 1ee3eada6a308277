"""The first candidates in the ranker's order, where the bundle has a ranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from serving.candidates import Candidates
from serving.served_bundle import ServedBundle

RANK = "rank"
GAP = 1e-3  # between the last of the ranked and the first of the others


def reranked(
    best: Candidates, served: ServedBundle, history: dict[str, Any], item_ids: Sequence[str],
    count: int,
) -> Candidates:  # fmt: skip
    """The first `count` candidates by the ranker's scores, the others after them as they were.

    However many candidates there are, the first ones are the same, so that pages fit together.

    Args:
        best: at least `count` candidates where there are as many, best first.
        served: asks the ranker.
        history: the inputs of `recommend`.
        item_ids: the id of each row.

    Raises:
        ServingError: the model server does not answer, or not from this bundle.
    """
    rows = best.rows[:count]
    if len(rows) < 2:
        return best
    answer = served.predict(RANK, {
        "history": history["history"], "ages": history["ages"],
        "item_ids": [[item_ids[row] for row in rows]],
        "scores": best.scores[np.newaxis, :count].astype(np.float32),
    })  # fmt: skip
    scores = np.asarray(answer["scores"][0], np.float32)
    order = np.argsort(-scores, kind="stable")
    others = best.scores[count:]
    if len(others):
        others = others - max(0.0, float(others.max() - scores.min()) + GAP)
    return replace(
        best, scores=np.concatenate([scores[order], others]),
        rows=np.concatenate([rows[order], best.rows[count:]]),
    )  # fmt: skip

"""Why recommended items are there, as numbers: asked of the servable, told by item and by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from serving.served_bundle import RECOMMEND

if TYPE_CHECKING:
    from serving.recommender import Context, Recommender, Visit

PARTS = ("photo", "words", "id", "context")  # in the order of the servable's answer
MOST = 3  # items of a history that are named
LEAST = 0.05  # a smaller share is no reason


@dataclass(frozen=True)
class Explanation:
    """Why one item is recommended.

    Attributes:
        because: items of the history and their shares of what speaks for the item, largest first.
        parts: the shares of photo, words, id and context in the score.
    """

    because: dict[str, float]
    parts: dict[str, float]


def explain(
    recommender: Recommender, history: Sequence[Visit], rows: Sequence[int], context: Context
) -> dict[int, Explanation]:
    """Explains recommended items in one call; row → explanation.

    Items that the bundle's model does not know, such as those put since, have none, and nobody
    has where the bundle was published without explanations.

    Raises:
        ServingError: the model server does not answer, or not from this bundle.
    """
    info = recommender.bundle.info
    if not rows or not info.get("explains"):
        return {}
    read = list(history)[-int(info["history_length"]) :]
    item_ids = [recommender.items.item_ids[row] for row in rows]
    answer = recommender.served.predict(
        RECOMMEND,
        {
            "history": [[visit.item_id for visit in read] or [""]],
            "kinds": [[visit.event for visit in read] or [""]],
            "ages": np.array([[visit.age for visit in read] or [0.0]], np.float32),
            "hour": np.array([context.hour], np.int32),
            "weekday": np.array([context.weekday], np.int32),
            "item_ids": [item_ids],
        },
        "explain",
    )
    return {
        row: Explanation(
            because([visit.item_id for visit in read], contributions),
            {name: float(share) for name, share in zip(PARTS, shares, strict=True)},
        )
        for row, contributions, shares in zip(
            rows, answer["contributions"][0], answer["shares"][0], strict=True
        )
        if shares.any()
    }


def because(item_ids: Sequence[str], contributions: np.ndarray) -> dict[str, float]:
    """The items that speak most for a score and their shares of all that speaks for it.

    Args:
        item_ids: of each event of the history.
        contributions: of each event; every event of one item says the same.
    """
    of_item = dict(zip(item_ids, np.maximum(contributions, 0.0).tolist(), strict=False))
    total = sum(of_item.values())
    largest = sorted(of_item.items(), key=lambda pair: -pair[1])[:MOST]
    return {item: value / total for item, value in largest if total and value / total >= LEAST}

"""Why an item is in an answer, in words that a shopper understands."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from recsys import columns
from serving.items import Items

VERBS = {
    "view": "you viewed", "cart": "you put in the cart", "purchase": "you bought",
    "like": "you liked", "rating": "you rated",
}  # fmt: skip
NEGATIVE = ("dislike",)  # nothing is recommended for being similar to these

Kind = Literal[
    "similar_item", "similar_photo", "matches_words", "similar_to_history", "popular", "new",
    "taste",
]  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why one item is there.

    Attributes:
        text: in words.
        item_id: the item that it is similar to, where there is one.
    """

    kind: Kind
    text: str
    item_id: str = ""


@dataclass(frozen=True)
class Seen:
    """One item of a history and what the shopper did with it."""

    item_id: str
    event: str = "view"


Neighbors = dict[str, float]
"""The nearest items of one item with their scores."""


class Neighborhoods:
    """Remembers the neighbors of the items that were asked for last.

    Args:
        ask: item ids -> the neighbors of each, in one call.
        size: how many items are remembered.
    """

    def __init__(self, ask: Callable[[list[str]], list[Neighbors]], size: int = 4096) -> None:
        self._ask = ask
        self._size = size
        self._known: OrderedDict[str, Neighbors] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, item_ids: list[str]) -> dict[str, Neighbors]:
        """The neighbors of each item; those not remembered are asked for in one call."""
        with self._lock:
            found = {i: self._known[i] for i in item_ids if i in self._known}
            for item_id in found:
                self._known.move_to_end(item_id)
        missing = [item_id for item_id in item_ids if item_id not in found]
        if missing:
            answers = dict(zip(missing, self._ask(missing), strict=True))
            found |= answers
            with self._lock:
                self._known.update(answers)
                while len(self._known) > self._size:
                    self._known.popitem(last=False)
        return found


def last_distinct(history: list[Seen], count: int) -> list[Seen]:
    """The last distinct items of a history, latest first, without those disliked."""
    latest: dict[str, Seen] = {}
    for seen in reversed(history):
        if seen.item_id not in latest and seen.event not in NEGATIVE:
            latest[seen.item_id] = seen
            if len(latest) == count:
                break
    return list(latest.values())


def reason_for(
    row: int, items: Items, history: list[Seen], neighbors: Mapping[str, Neighbors]
) -> Reason:
    """Why an item is recommended.

    The item of the history to which it is nearest; else that it is popular or new.

    Args:
        row: the recommended item.
        history: the items that a reason may name.
        neighbors: around each of them.
    """
    item_id = items.item_ids[row]
    scored = [
        (neighbors[seen.item_id][item_id], seen)
        for seen in history
        if item_id in neighbors.get(seen.item_id, {})
    ]
    if scored:
        seen = max(scored, key=lambda pair: pair[0])[1]
        did = VERBS.get(seen.event, "you looked at")
        return Reason("similar_to_history", f"similar to item {seen.item_id} {did}", seen.item_id)
    if items.is_popular[row]:
        category = items.category(row).rpartition(columns.CATEGORY_SEPARATOR)[2]
        return Reason("popular", f"popular in {category}" if category else "popular")
    if items.is_new[row]:
        return Reason("new", "new")
    return Reason("taste", "fits your taste" if history else "a good start")

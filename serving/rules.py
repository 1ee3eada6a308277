"""What is asked of a list: which items it may hold, and which part of it is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recsys import columns
from serving.conditions import EVERYTHING, AllOf, Condition, OneOf, Says, Titled, Within
from serving.items import Items


@dataclass(frozen=True)
class Filter:
    """What an answer may hold; withdrawn items are never in it.

    Attributes:
        category: a category, with all below it; empty allows all.
        words: words that a title must hold; empty allows all.
        min_price, max_price: inclusive; items without a price pass only without bounds.
        with_unavailable: also items that are not available, for browsing only.
        condition: what else an item must be, as `parse_filter` reads it.
        exclude: items that are left out of a ranked list.
    """

    category: str = ""
    words: str = ""
    min_price: float | None = None
    max_price: float | None = None
    with_unavailable: bool = False
    condition: Condition = EVERYTHING
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """Which part of a ranked list is wanted."""

    k: int
    offset: int = 0


def condition_of(wanted: Filter, items: Items) -> Condition:
    """The simple parameters and the filter as one condition.

    Raises:
        NotFoundError: the category is unknown.
    """
    parts: list[Condition] = [] if wanted.condition == EVERYTHING else [wanted.condition]
    if not wanted.with_unavailable:
        parts.append(Says(columns.AVAILABLE, True))
    if wanted.category:
        items.check_category(wanted.category)
        parts.append(OneOf(columns.CATEGORY, (wanted.category,)))
    if words := tuple(wanted.words.casefold().split()):
        parts.append(Titled(words))
    if wanted.min_price is not None or wanted.max_price is not None:
        low = -math.inf if wanted.min_price is None else wanted.min_price
        high = math.inf if wanted.max_price is None else wanted.max_price
        parts.append(Within(columns.PRICE, low, high))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def allowed_items(items: Items, wanted: Filter) -> np.ndarray:
    """Which items a filter lets through: bool [num_items], read-only.

    Raises:
        NotFoundError: the category is unknown.
    """
    return condition_of(wanted, items).mask(items).allowed

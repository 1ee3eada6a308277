"""Rules between what a model answers and what a shopper sees: filters, seen items, full pages.

A filter is a mask over the catalog's rows. Candidates are fetched beyond the page's size and
those that the mask forbids are dropped; where it allows little of the catalog, all of it is
fetched and scored exactly, so that a page that can be filled is filled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recsys import columns
from serving.filters import EVERYTHING, AllOf, Condition, OneOf, Says, Titled, Within
from serving.items import Items

GROWTH = 4  # how much more is fetched when a page was not filled

Fetch = Callable[[int, bool], tuple[np.ndarray, np.ndarray]]
"""(how many, exactly) -> (scores float32 [n], rows int64 [n]), best first."""


@dataclass(frozen=True)
class Filter:
    """What an answer may hold; withdrawn items are never in it.

    Attributes:
        category: a category, with all below it; empty allows all.
        words: words that a title must hold; empty allows all.
        min_price, max_price: inclusive; items without a price pass only without bounds.
        with_unavailable: also items that are not available, for browsing only.
        condition: what else an item must be, as `parse_filter` reads it.
    """

    category: str = ""
    words: str = ""
    min_price: float | None = None
    max_price: float | None = None
    with_unavailable: bool = False
    condition: Condition = EVERYTHING


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


def without(mask: np.ndarray, rows: list[int]) -> np.ndarray:
    """A copy of a mask with some rows forbidden."""
    mask = mask.copy()
    mask[rows] = False
    return mask


def fill_page(
    fetch: Fetch,
    allowed: np.ndarray,
    page: Page,
    *,
    overfetch: int,
    exact_below: float,
    num_hidden: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The best allowed items of one page.

    Args:
        fetch: asks the index.
        allowed: bool [num_items].
        page: how many, and how many to pass over.
        overfetch: candidates per item wanted where the mask forbids anything.
        exact_below: when less than this share is allowed, everything is scored exactly.
        num_hidden: how many of the forbidden items `fetch` leaves out by itself.

    Returns:
        scores float32 [n] and rows int64 [n], best first; n < page.k only where no more
        items are allowed.
    """
    num_items, num_allowed = len(allowed), int(allowed.sum())
    wanted = min(page.offset + page.k, num_allowed)
    if wanted <= page.offset:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    size = fetch_size(wanted, num_items - num_hidden, num_allowed, overfetch, exact_below)
    while True:
        scores, rows = fetch(size, size >= num_items)
        known = rows >= 0
        kept = np.flatnonzero(known & allowed[np.where(known, rows, 0)])
        # an engine that knows nothing of the query knows no more of it when asked for more
        if len(kept) >= wanted or size >= num_items or not known.any():
            kept = kept[page.offset : wanted]
            return scores[kept], rows[kept]
        size = min(num_items, size * GROWTH)


def fetch_size(
    wanted: int, num_items: int, num_allowed: int, overfetch: int, exact_below: float
) -> int:
    """How many candidates to ask for so that `wanted` allowed ones are likely among them."""
    if num_allowed < exact_below * num_items:
        return num_items
    if num_allowed == num_items:
        return wanted
    # allowed items lie no denser among the nearest than elsewhere, with a margin of a half
    expected = math.ceil(wanted * 1.5 * num_items / num_allowed)
    return min(num_items, max(wanted * overfetch, expected))

"""Degraded answers: what is popular in the categories, then the rest."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.errors import ServingError, UnavailableError
from serving.degraded import (
    Degraded,
    note,
    or_else,
    partly,
    popular_reason,
    popular_rows,
    why_degraded,
)
from serving.items import Items
from tests.serving.api.circle import circle_items

# categories in turn: 0 3 are bags, 1 4 dresses, 2 5 shoes
ITEMS = Items(circle_items(6), {"0": 7, "1": 2, "2": 4, "4": 6})


def test_popular_items_of_the_categories_come_first():
    found = popular_rows(ITEMS, np.arange(6), ["Women > Dresses"])
    # dresses: 4 with 6/8, 1 with 2/8, each plus 1; then 0 with 7/8, 2 with 4/8, and 3 and 5
    assert found == [(4, 1.75), (1, 1.25), (0, 0.875), (2, 0.5), (3, 0.0), (5, 0.0)]


def test_only_allowed_rows_are_there():
    assert popular_rows(ITEMS, np.array([1, 2, 5]), ["Women > Shoes"]) == [
        (2, 1.5), (5, 1.0), (1, 0.25)]  # fmt: skip
    assert popular_rows(ITEMS, np.array([], np.int64), []) == []


def test_an_unknown_category_and_a_catalog_without_events_are_no_fault():
    assert popular_rows(Items(circle_items(2), {}), np.arange(2), ["?"]) == [(0, 0.0), (1, 0.0)]


def test_the_reason_names_the_last_category():
    assert popular_reason(ITEMS, 4).text == "popular in Dresses"


def test_only_what_is_unavailable_is_replaced():
    def down() -> list[int]:
        raise UnavailableError("down.")

    def wrong() -> list[int]:
        raise ServingError("two bundles are never mixed.")

    assert or_else(lambda: [1], lambda: [2], "why") == [1]
    assert why_degraded(or_else(lambda: [1], lambda: [2], "why")) == ""
    found = or_else(down, lambda: [2], "why")
    assert (found, why_degraded(found)) == (Degraded([2], "why"), "why")
    with pytest.raises(ServingError):
        or_else(wrong, lambda: [2], "why")


def test_a_missing_part_is_noted_once_and_told():
    def answer() -> list[int]:
        note("half is missing")
        note("half is missing")
        return [1]

    assert why_degraded(partly(answer)) == "half is missing"
    assert why_degraded(or_else(answer, lambda: [2], "why")) == "half is missing"
    assert why_degraded(partly(lambda: [1])) == ""
    note("nobody listens")

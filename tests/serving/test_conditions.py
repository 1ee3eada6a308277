"""Conditions made by hand; tests of filters compare them with plain Python."""

from __future__ import annotations

import pytest

from serving.conditions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Condition,
    Not,
    OneOf,
    Says,
    Titled,
    Within,
)
from serving.items import Items
from tests.serving.api.circle import circle_items

ITEMS = Items(circle_items(6), {})  # prices 0, 10 … 50; odd ones are red

RED, CHEAP = OneOf("attr_color", ("red",)), Within("price", high=20)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (RED, [1, 3, 5]),
        (CHEAP, [0, 1, 2]),
        (AllOf((RED, CHEAP)), [1]),
        (AnyOf((RED, CHEAP)), [0, 1, 2, 3, 5]),
        (Not(RED), [0, 2, 4]),
        (EVERYTHING, [0, 1, 2, 3, 4, 5]),
        (Titled(("red", "5")), [5]),
        (Says("has_photo", True), []),
        (OneOf("item_id", ("4", "no such item")), [4]),
    ],
)
def test_a_condition_allows_these_rows(condition: Condition, rows: list[int]):
    mask = condition.mask(ITEMS)
    assert mask.allowed.nonzero()[0].tolist() == rows
    assert mask.count == len(rows)


def test_equal_conditions_share_a_mask():
    assert AllOf((RED, CHEAP)).mask(ITEMS) is AllOf((RED, CHEAP)).mask(ITEMS)
    assert EVERYTHING.mask(ITEMS) is ITEMS.everything


def test_an_attribute_that_another_catalog_lacks_is_had_by_no_item():
    assert OneOf("attr_fabric", ("wool",)).mask(ITEMS).count == 0


def test_one_item_is_judged_by_its_columns():
    assert AllOf((RED, CHEAP)).passes({"attr_color": "blue|red", "price": 20.0})
    assert not CHEAP.passes({"price": float("nan")})
    assert Says("available", True).passes({})
    assert not Says("has_photo", True).passes({})

"""The simple parameters against a plain Python filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import NotFoundError
from serving.filters import parse_filter
from serving.items import Items
from serving.rules import Filter, allowed_items
from tests.serving.api.circle import circle_items

COUNT = 12


def some_items() -> Items:
    table = circle_items(COUNT)
    table.loc[4, "available"] = False
    table.loc[5, "price"] = float("nan")
    return Items(table, {})


prices = st.one_of(st.none(), st.floats(0, 130))


@given(
    category=st.sampled_from(["", "Women", "Women > Bags", "Women > Shoes"]),
    words=st.sampled_from(["", "red", "RED thing", "blue 4", "  "]),
    low=prices, high=prices, with_unavailable=st.booleans(),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_filters_agree_with_a_plain_one(category, words, low, high, with_unavailable):
    items = some_items()
    mask = allowed_items(items, Filter(category, words, low, high, with_unavailable))
    for row in range(COUNT):
        item = items.item(row)
        expected = (
            (item.available or with_unavailable)
            and (not category or item.category.startswith(category))
            and all(word in item.title.lower() for word in words.lower().split())
            and (low is None or item.price >= low)
            and (high is None or item.price <= high)
        )
        assert mask[row] == expected


def test_an_item_without_a_price_passes_only_without_bounds():
    assert allowed_items(some_items(), Filter())[5]
    assert not allowed_items(some_items(), Filter(min_price=0))[5]


def test_an_unknown_category_suggests_the_nearest():
    with pytest.raises(NotFoundError) as error:
        allowed_items(some_items(), Filter("Women > Bag"))
    assert error.value.mend == "Did you mean `Women > Bags`?"


def test_no_mask_is_made_twice():
    items = some_items()
    first = allowed_items(items, Filter("Women", min_price=3))
    assert allowed_items(items, Filter("Women", min_price=3.0)) is first
    assert allowed_items(items, Filter()) is allowed_items(items, Filter())


def test_a_filter_and_the_simple_parameters_must_both_hold():
    condition = parse_filter({"attr_color": "red"}, some_items())
    mask = allowed_items(some_items(), Filter(max_price=30, condition=condition))
    assert np.flatnonzero(mask).tolist() == [1, 3]

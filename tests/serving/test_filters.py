"""Filters against a plain Python filter, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError, NotFoundError
from serving.conditions import EVERYTHING, Condition
from serving.filters import MAX_CONDITIONS, MAX_DEPTH, parse_filter
from serving.items import Items
from tests.serving.api.circle import circle_items

COUNT = 24
CATEGORIES = ["Women", "Women > Bags", "Women > Dresses", "Women > Shoes"]


def some_table() -> pd.DataFrame:
    table = circle_items(COUNT)
    table.loc[::4, "available"] = False
    table.loc[5, "price"] = float("nan")
    table.loc[::3, "brand"] = "Bolt"
    table.loc[7, "brand"] = ""
    table.loc[8, "category"] = ""
    table.loc[6, "attr_color"] = "red|blue"
    table.loc[9, "attr_color"] = ""
    table.loc[10:, "has_photo"] = True
    return table


ITEMS = Items(some_table(), {})
ROWS: list[dict[str, Any]] = some_table().to_dict("records")

numbers = st.one_of(st.none(), st.sampled_from([0, 10, 55.5, 70, 10**9]))


@st.composite
def ranges(draw: st.DrawFn, column: str) -> dict[str, Any]:
    low, high = draw(numbers), draw(numbers)
    if low is not None and high is not None and low > high:
        low, high = high, low
    ends = {"min": low, "max": high}
    ends = {end: value for end, value in ends.items() if value is not None}
    return {column: ends or {"min": 0}}


def texts(column: str, values: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(values)
    return st.one_of(one, st.lists(one, min_size=1, max_size=3)).map(lambda v: {column: v})


leaves = st.one_of(
    texts("category", CATEGORIES), texts("brand", ["Acme", "Bolt", "No such brand"]),
    texts("attr_color", ["red", "blue", "green"]), texts("item_id", ["3", "7", "nothing"]),
    ranges("price"), ranges("created_at"),
    st.booleans().map(lambda v: {"available": v}), st.booleans().map(lambda v: {"has_photo": v}),
    st.sampled_from(["red", "RED thing", "thing 2"]).map(lambda v: {"title": v}),
)  # fmt: skip
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
        st.tuples(inner, inner).map(lambda pair: {**pair[0], **pair[1]}),
    ),
    max_leaves=6,
)


def plainly(wanted: dict[str, Any], item: dict[str, Any]) -> bool:
    """What the form means, said once more in plain Python."""
    return all(_holds(name, value, item) for name, value in wanted.items())


def _holds(name: str, value: Any, item: dict[str, Any]) -> bool:
    values = value if isinstance(value, list) else [value]
    return {
        "and": lambda: all(plainly(part, item) for part in value),
        "or": lambda: any(plainly(part, item) for part in value),
        "not": lambda: not plainly(value, item),
        "price": lambda: _lies(item["price"], value),
        "created_at": lambda: _lies(item["created_at"], value),
        "available": lambda: bool(item["available"]) == value,
        "has_photo": lambda: bool(item["has_photo"]) == value,
        "title": lambda: all(word in item["title"].lower() for word in value.lower().split()),
        "category": lambda: any(
            item["category"] == each or item["category"].startswith(each + " > ") for each in values
        ),
        "attr_color": lambda: any(each in item["attr_color"].split("|") for each in values),
        "brand": lambda: item["brand"] in values,
        "item_id": lambda: item["item_id"] in values,
    }[name]()


def _lies(number: float, ends: dict[str, float]) -> bool:
    low, high = ends.get("min", -1e99), ends.get("max", 1e99)
    return not math.isnan(number) and low <= number <= high


@given(wanted=filters)
@settings(max_examples=150, deadline=None)
def test_a_filter_means_what_a_plain_one_means(wanted: dict[str, Any]):
    condition = parse_filter(wanted, ITEMS)
    expected = [plainly(wanted, item) for item in ROWS]
    mask = condition.mask(ITEMS)
    assert mask.allowed.tolist() == expected
    assert mask.count == sum(expected)
    assert [condition.passes(item) for item in ROWS] == expected


@given(wanted=filters)
@settings(max_examples=50, deadline=None)
def test_json_text_says_the_same(wanted: dict[str, Any]):
    assert parse_filter(json.dumps(wanted), ITEMS) == parse_filter(wanted, ITEMS)


@given(value=st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
        st.one_of(st.sampled_from(["and", "or", "not", "price", "brand", "min"]),
                  st.text(max_size=5)), inner, max_size=3)),
    max_leaves=8,
))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_anything_else_is_read_or_refused_with_a_reason(value: Any):
    try:
        condition = parse_filter(value, ITEMS)
    except (DataError, NotFoundError) as error:
        assert error.where.startswith("filter")
        assert error.mend
    else:
        assert isinstance(condition, Condition)


def test_nothing_allows_everything_and_copies_no_mask():
    for value in (None, "", {}):
        assert parse_filter(value, ITEMS) == EVERYTHING
    assert EVERYTHING.mask(ITEMS) is ITEMS.everything


def test_the_same_condition_is_evaluated_once():
    first = parse_filter({"brand": ["Bolt"], "price": {"max": 50}}, ITEMS).mask(ITEMS)
    assert parse_filter({"brand": "Bolt", "price": {"max": 50.0}}, ITEMS).mask(ITEMS) is first


@pytest.mark.parametrize(
    ("wanted", "where", "mend"),
    [
        ({"colour": "red"}, "filter.colour", "Did you mean `attr_color`?"),
        ({"and": [{"brnd": "a"}]}, "filter.and[0].brnd", "Did you mean `brand`?"),
        ({"price": {"mni": 3}}, "filter.price", 'Write {"price": {"min": 10, "max": 50}}.'),
        ({"price": {"min": 3, "max": 2}}, "filter.price", "Swap the two."),
        ({"price": {"min": "3"}}, "filter.price.min", "Leave an end out where there is none."),
        ({"price": {"min": math.nan}}, "filter.price.min", "Leave an end out where there is none."),
        ({"available": "yes"}, "filter.available", 'Write {"available": true}.'),
        ({"brand": 42}, "filter.brand", 'Write numbers as text, such as "42".'),
        ({"brand": []}, "filter.brand", "Split the question."),
        ({"or": []}, "filter.or", 'Write {"or": [{"brand": "Acme"}]}.'),
        ([], "filter", 'Write {"brand": "Acme"}, for example.'),
        ("{", "filter", 'Write {"brand": "Acme"}, percent-encoded in an address.'),
    ],
)  # fmt: skip
def test_a_refusal_says_where_and_what_to_write(wanted: Any, where: str, mend: str):
    with pytest.raises(DataError) as error:
        parse_filter(wanted, ITEMS)
    assert (error.value.where, error.value.mend) == (where, mend)


def test_an_unknown_category_suggests_the_nearest():
    with pytest.raises(NotFoundError) as error:
        parse_filter({"not": {"category": "Women > Bag"}}, ITEMS)
    assert error.value.where == "filter.not.category"
    assert error.value.mend == "Did you mean `Women > Bags`?"


def test_depth_and_size_are_limited():
    deep: dict[str, Any] = {"brand": "Acme"}
    for _ in range(MAX_DEPTH - 1):
        deep = {"not": deep}
    assert isinstance(parse_filter(deep, ITEMS), Condition)
    with pytest.raises(DataError, match=f"more than {MAX_DEPTH} deep"):
        parse_filter({"not": deep}, ITEMS)
    with pytest.raises(DataError, match=f"more than {MAX_CONDITIONS} conditions"):
        parse_filter({"or": [{"brand": "Acme"}] * MAX_CONDITIONS}, ITEMS)
    with pytest.raises(DataError, match="nested too deep"):
        parse_filter('{"not":' * 100_000, ITEMS)


def test_one_item_that_says_little_is_judged_by_what_it_says():
    assert parse_filter({"available": True}, ITEMS).passes({})
    assert not parse_filter({"price": {"min": 0}}, ITEMS).passes({"price": None})
    assert not parse_filter({"price": {"min": 0}}, ITEMS).passes({"price": np.nan})
    assert parse_filter({"not": {"brand": "Acme"}}, ITEMS).passes({"brand": None})

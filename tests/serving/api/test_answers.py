"""Items as answers show them."""

from __future__ import annotations

import pytest

from recsys.config import ServingConfig
from recsys.errors import DataError
from serving.api.answers import (
    arrangement_of,
    card,
    filter_of,
    is_local,
    page_of,
    ranked,
    whole_item,
)
from serving.api.schemas import FilterQuery, PageQuery, RankedBody, RankedQuery
from serving.arrangement import Arrangement
from serving.boosts import Boost
from serving.conditions import OneOf
from serving.items import Items
from serving.reasons import Reason
from serving.recommender import Answered
from serving.rules import Filter, Page
from tests.serving.api.circle import circle_items


def some_items(image: str = "a b.png") -> Items:
    table = circle_items(3, image=image)
    table.loc[1, ["price", "created_at"]] = float("nan")
    return Items(table, {"1": 4})


def test_a_missing_number_is_null():
    assert card(some_items(), 1).price is None
    assert whole_item(some_items(), 1).created_at is None
    assert whole_item(some_items(), 1).num_events == 4


@pytest.mark.parametrize(
    ("image", "local"),
    [("a.png", True), ("/x/a.png|b.png", True), ("", False), ("http://x/a.png", False),
     ("s3://bucket/a.png", False), ("file:///etc/passwd", False)],
)  # fmt: skip
def test_only_files_of_this_machine_are_shown(image: str, local: bool):
    assert is_local(image) == local
    assert (card(some_items(image), 0).photo is not None) == local


def test_a_ranked_item_says_why():
    found = [Answered(2, 0.5, Reason("similar_item", "similar to item 0", "0")),
             Answered(1, 0.4, Reason("new", "new"))]  # fmt: skip
    first, second = ranked(some_items(), found)
    assert (first.item_id, first.score, first.because_of) == ("2", 0.5, "0")
    assert (second.reason, second.because_of) == ("new", None)


def test_queries_become_filters_and_pages():
    query = PageQuery(category="a", words="b", min_price=1, max_price=2, k=3, offset=4)
    assert filter_of(query, some_items()) == Filter("a", "b", 1, 2)
    assert page_of(query, max_k=3) == Page(3, 4)
    with pytest.raises(DataError, match="at most 2"):
        page_of(query, max_k=2)
    with pytest.raises(DataError, match="min_price 2 is above max_price 1"):
        filter_of(FilterQuery(min_price=2, max_price=1), some_items())


def test_a_filter_says_the_same_as_text_and_in_a_body():
    wanted = Filter(condition=OneOf("brand", ("Acme",)), exclude=("7",))
    text = RankedQuery(filter='{"brand": "Acme"}', exclude=["7"])
    body = RankedBody(filter={"brand": "Acme"}, exclude=["7"])
    assert filter_of(text, some_items()) == filter_of(body, some_items()) == wanted


def test_limit_is_another_name_for_k():
    assert page_of(PageQuery(limit=7), 50) == Page(7, 0)
    assert page_of(PageQuery(limit=7, k=7), 50) == Page(7, 0)
    with pytest.raises(DataError, match="k is 10 and limit is 7"):
        page_of(PageQuery(limit=7, k=10), 50)
    with pytest.raises(DataError, match="at most 50"):
        page_of(PageQuery(limit=51), 50)


def test_what_a_request_leaves_open_is_as_configured():
    config = ServingConfig(diversity=0.3, max_per_brand=2, collapse=True)
    assert arrangement_of(PageQuery(), some_items(), config) == Arrangement(
        diversity=0.3, max_per_brand=2, collapse=True
    )
    query = PageQuery(diversity=0, max_per_brand=0, max_per_category=4, collapse=False)
    assert arrangement_of(query, some_items(), config) == Arrangement(max_per_category=4)


def test_boosts_say_the_same_as_text_and_in_a_body():
    boosts = (Boost(OneOf("brand", ("Acme",)), 0.5),)
    text = RankedQuery(boost='[{"filter": {"brand": "Acme"}, "by": 0.5}]')
    body = RankedBody.model_validate({"boost": [{"filter": {"brand": "Acme"}, "by": 0.5}]})
    for query in (text, body):
        assert arrangement_of(query, some_items(), ServingConfig()).boosts == boosts


@pytest.mark.parametrize(
    ("boost", "where"),
    [
        ("[", "boost"),
        ("{}", "boost"),
        ('[{"filter": {}}]', "boost[0].by"),
        ('[{"filter": {}, "by": 11}]', "boost[0].by"),
        ('[{"filter": {"brnd": "a"}, "by": 1}]', "boost[0].filter.brnd"),
    ],
)
def test_a_boost_that_is_none_is_refused(boost: str, where: str):
    with pytest.raises(DataError) as error:
        arrangement_of(RankedQuery(boost=boost), some_items(), ServingConfig())
    assert error.value.where == where

"""Results of answers by bundle and verb."""

import pytest

from serving.attribution import attribution, steps, trials
from serving.store import Event, Store
from serving.store_answers import GivenAnswer, ShownItem


@pytest.fixture
def store():
    """Two bundles; r1 shows a, b, c (b explored), r2 shows a, s1 shows x by photo."""
    made = Store("sqlite://")
    tried = (ShownItem("a"), ShownItem("b", True, 0.5, 2), ShownItem("c"))
    made.add_answers([
        GivenAnswer("r1", 10.0, "recommend", "old", 1, tried, 0.1),
        GivenAnswer("r2", 20.0, "recommend", "new", 2, (ShownItem("a"),)),
        GivenAnswer("s1", 20.0, "search", "new", 2, (ShownItem("x"),)),
    ])  # fmt: skip
    made.add_events([
        Event("u", "a", "view", 30.0, request_id="r1"), Event("u", "b", "view", 30.0,
        request_id="r1"), Event("u", "b", "purchase", 31.0, request_id="r1"),
        Event("u", "z", "view", 32.0, request_id="r1"),  # was not shown
        Event("u", "a", "dislike", 33.0, request_id="r2"),
        Event("u", "x", "cart", 34.0, request_id="s1"), Event("u", "x", "view", 35.0),
    ])  # fmt: skip
    yield made
    made.close()


def test_the_report_by_hand(store):
    rows = attribution(store)["rows"]
    named = [(row["version"], row["verb"], row["answers"], row["impressions"],
              *(row[kind]["part"] for kind in ("click", "cart", "purchase"))) for row in rows
             ]  # fmt: skip
    assert named == [(2, "recommend", 1, 1, 0, 0, 0), (2, "search", 1, 1, 1, 1, 0),
                     (1, "recommend", 1, 3, 2, 1, 1)]  # fmt: skip
    assert rows[2]["click"]["rate"] == pytest.approx(2 / 3)
    assert rows[2]["explored"] == {"click": 1, "cart": 1, "purchase": 1}


def test_answers_before_do_not_count(store):
    assert [row["version"] for row in attribution(store, since=15.0)["rows"]] == [2, 2]


def test_of_requests_with_one_name_the_latest_that_showed_the_item_counts(store):
    store.add_answers([GivenAnswer("r1", 40.0, "recommend", "new", 2, (ShownItem("a"),))])
    rows = {(row["version"], row["verb"]): row for row in attribution(store)["rows"]}
    assert rows[2, "recommend"]["click"]["part"] == 1  # a
    assert rows[1, "recommend"]["click"]["part"] == 1  # b, which only the older one showed


def test_a_later_step_counts_as_those_before_it():
    assert steps({"purchase"}) == ["click", "cart", "purchase"]
    assert steps({"like"}) == ["click"]
    assert steps({"dislike"}) == []


def test_trials_are_those_of_recommendations(store):
    tried, rate = trials(store)
    assert tried == {"a": (2, 1), "b": (1, 1), "c": (1, 0)}
    assert rate == 0.5

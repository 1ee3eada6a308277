"""Answers in the store."""

import pytest

from serving.store import Event, Store
from serving.store_answers import AnswerCount, GivenAnswer, ShownItem


@pytest.fixture
def store(database_url):
    made = Store(database_url)
    yield made
    made.close()


def given(request_id, timestamp=10.0, verb="recommend", version=1, items="ab"):
    shown = tuple(ShownItem(item) for item in items)
    return GivenAnswer(request_id, timestamp, verb, f"f{version}", version, shown)


def test_answers_come_back_as_they_were_given(store):
    tried = GivenAnswer("r", 5.0, "recommend", "f", 2, (ShownItem("a", True, 0.25, 4),
                        ShownItem("b", False, 0.0, 3), ShownItem("ü c")), 0.1)  # fmt: skip
    store.add_answers([tried, given("s")])
    assert list(store.answers()) == [tried, given("s")]
    assert [each.request_id for each in store.answers(since=6)] == ["s"]
    assert list(store.answers(request_ids=["r", "nobody"])) == [tried]
    assert list(store.answers(verb="search")) == []


def test_answers_are_counted_by_bundle_and_verb(store):
    store.add_answers([given("r"), given("s", items="abc"), given("t", verb="search"),
                       given("u", version=2), given("old", timestamp=1.0)])  # fmt: skip
    assert store.count_answers(since=5) == [
        AnswerCount("f2", 2, "recommend", 1, 2), AnswerCount("f1", 1, "recommend", 2, 5),
        AnswerCount("f1", 1, "search", 1, 2),
    ]  # fmt: skip


def test_events_of_answers_are_found_once_for_each_kind(store):
    store.add_answers([given("r"), given("old", timestamp=1.0)])
    store.add_events([
        Event("u", "a", "view", 11.0, request_id="r"), Event("u", "a", "view", 12.0,
        request_id="r"), Event("u", "a", "cart", 12.0, request_id="r"),
        Event("u", "b", "view", 12.0), Event("u", "b", "view", 12.0, request_id="unknown"),
        Event("u", "b", "view", 12.0, request_id="old"),
    ])  # fmt: skip
    assert store.answered_events(since=5) == {"r": {("a", "view"), ("a", "cart")}}


def test_answers_that_events_name_are_told_from_the_others(store):
    store.add_answers([given("r"), given("s")])
    store.add_events([Event("u", "z", "view", 11.0, request_id="s"), Event("u", "a", "view", 1.0)])
    assert [each.request_id for each in store.answers(followed=True)] == ["s"]


def test_old_answers_are_forgotten(store):
    store.add_answers([given("old", timestamp=1.0), given("r")])
    assert store.forget_answers(before=5.0) == 1
    assert [each.request_id for each in store.answers()] == ["r"]
    store.add_answers([])

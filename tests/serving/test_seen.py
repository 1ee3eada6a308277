"""Seen items, by kind of event."""

from __future__ import annotations

from serving.recommender import Visit
from serving.seen import hidden_items

DAY = 86_400.0
HISTORY = [Visit("a", "view", 3 * DAY), Visit("b", "purchase", 10.0), Visit("c", "dislike", 0.0),
           Visit("d", "view", DAY / 2)]  # fmt: skip


def test_auto_does_as_was_trained_and_never_shows_what_was_disliked():
    assert hidden_items(HISTORY, {}, masks=True) == {"a", "b", "c", "d"}
    assert hidden_items(HISTORY, {}, masks=False) == {"c"}


def test_each_kind_of_event_has_a_policy():
    policies = {"view": "show", "purchase": "hide", "dislike": "auto"}
    assert hidden_items(HISTORY, policies, masks=True) == {"b", "c"}


def test_a_number_hides_for_so_many_days():
    assert hidden_items(HISTORY, {"view": 1.0}, masks=False) == {"c", "d"}


def test_one_event_that_hides_is_enough():
    history = [Visit("a", "view"), Visit("a", "purchase")]
    assert hidden_items(history, {"view": "show", "purchase": "hide"}, masks=False) == {"a"}

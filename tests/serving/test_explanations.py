"""Explanations as shoppers get them: the largest shares, by item."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from serving.explanations import because, explain
from serving.recommender import Context, Visit


class Served:
    """Stands in for the model server; keeps what it was asked."""

    def predict(self, servable, inputs, signature=""):
        self.asked = (servable, signature, inputs)
        return {"contributions": np.array([[[0.3, 0.1], [0.0, 0.0]]], np.float32),
                "shares": np.array([[[0.5, 0.2, 0.2, 0.1], [0.0] * 4]], np.float32)}  # fmt: skip


def _recommender(**info):
    return SimpleNamespace(
        bundle=SimpleNamespace(info={"history_length": 2, "explains": True, **info}),
        items=SimpleNamespace(item_ids=["a", "b", "c", "d"]), served=Served(),
    )  # fmt: skip


HISTORY = [Visit("z"), Visit("a", "cart", 9.0), Visit("b", "view", 1.0)]


def test_the_largest_shares_by_item():
    # "a" was touched twice and says 0.6 both times; "c" speaks against it
    found = because(["a", "b", "a", "c"], np.array([0.6, 0.2, 0.6, -1.0]))
    assert found == pytest.approx({"a": 0.75, "b": 0.25})
    assert list(found) == ["a", "b"]


def test_small_shares_and_nothing_at_all_are_no_reasons():
    assert because(["a", "b"], np.array([1.0, 0.04])) == pytest.approx({"a": 1 / 1.04})
    assert because(["a"], np.array([-0.5])) == {}
    assert because([], np.zeros(1)) == {}  # a new visitor


def test_the_last_events_are_told_and_rows_come_back():
    recommender = _recommender()
    found = explain(recommender, HISTORY, [2, 3], Context(9, 1))
    assert list(found) == [2]  # of row 3 the model knows nothing
    assert found[2].because == pytest.approx({"a": 0.75, "b": 0.25})
    assert found[2].parts == pytest.approx({"photo": 0.5, "words": 0.2, "id": 0.2, "context": 0.1})
    servable, signature, inputs = recommender.served.asked
    assert (servable, signature) == ("recommend", "explain")
    assert inputs["history"] == [["a", "b"]] and inputs["item_ids"] == [["c", "d"]]
    assert inputs["hour"].tolist() == [9]


def test_a_bundle_without_explanations_has_none():
    assert explain(_recommender(explains=False), HISTORY, [2], Context()) == {}
    assert explain(_recommender(), HISTORY, [], Context()) == {}

"""Shards that do not answer: what is left out, what is noted, what fails."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.errors import ServingError, UnavailableError
from serving.degraded import partly, why_degraded
from serving.sharded_servable import ShardedServable
from tests.serving.api.circle import CircleClient

HALVES = {"a": ["0", "1", "2"], "b": ["3", "4", "5"]}
NEAR = {"embedding": np.array([[1.0, 0.0]], np.float32), "k": [6], "exclude": [["1"]]}


def sharded(*down: str) -> ShardedServable:
    clients = {name: CircleClient(ids, down=name in down) for name, ids in HALVES.items()}

    def ask(name, inputs, signature):
        return clients[name].predict("similar_items", inputs, signature=signature)

    return ShardedServable(list(HALVES), ask)


def found(servable: ShardedServable, inputs=NEAR, signature="by_embedding") -> list[str]:
    answer = servable.predict(inputs, signature)
    return [each for each in answer["item_ids"][0].tolist() if each]


def test_a_shard_that_is_down_is_left_out_and_noted():
    answer = partly(lambda: found(sharded("b")))
    assert set(answer) == set(HALVES["a"]) - {"1"}
    assert why_degraded(answer).startswith("1 of 2 parts of the catalog")
    assert why_degraded(partly(lambda: found(sharded()))) == ""


def test_nobody_answers():
    with pytest.raises(UnavailableError):
        sharded("a", "b").predict(NEAR, "by_embedding")


def test_an_item_of_a_shard_that_is_down_is_unavailable_not_unknown():
    ask = {"item_id": ["4"], "k": [2], "exclude": [[""]]}
    with pytest.raises(UnavailableError, match="knows this item"):
        sharded("b").predict(ask)
    assert "4" not in found(sharded(), ask, "")
    assert found(sharded(), {**ask, "item_id": ["no such item"]}, "") == []
    assert set(found(sharded("b"), {**ask, "item_id": ["1"]}, "")) == {"0", "2"}


def test_what_any_shard_knows_is_asked_of_one_that_is_up():
    asked = []

    def ask(name, inputs, signature):
        asked.append(name)
        if name == "a":
            raise UnavailableError("down.")
        return {"embedding": np.ones((1, 2))}

    ShardedServable(list("abc"), ask).predict({}, "query_embedding")
    assert asked == ["a", "b"]


def test_a_shard_that_refuses_is_no_missing_part():
    def ask(name, inputs, signature):
        raise ServingError("two bundles are never mixed.")

    with pytest.raises(ServingError, match="never mixed"):
        ShardedServable(["a", "b"], ask).predict(NEAR, "by_embedding")

"""Answers of shards joined by hand."""

import numpy as np

from serving.merge import merged


def answer(ids, scores, stamp="f0", **more):
    return {
        "item_ids": np.array([ids], object), "scores": np.array([scores], np.float32),
        "query": np.array([[1.0, 0.0]], np.float32), "fingerprint": np.array([stamp], object),
        **{name: np.array([values]) for name, values in more.items()},
    }  # fmt: skip


def test_the_best_of_all_come_first_and_ties_in_the_order_of_shards():
    found = merged([answer(["a", "b"], [0.5, 0.2]), answer(["c", "d"], [0.9, 0.5])], 3)
    assert found["item_ids"].tolist() == [["c", "a", "d"]]
    np.testing.assert_array_equal(found["scores"], np.float32([[0.9, 0.5, 0.5]]))


def test_an_empty_place_has_no_id():
    found = merged([answer(["a", ""], [0.5, -np.inf]), answer(["", ""], [-np.inf, -np.inf])], 3)
    assert found["item_ids"].tolist() == [["a", "", ""]]


def test_every_shard_s_fingerprint_is_told():
    found = merged([answer(["a"], [1.0]), answer(["b"], [0.0], "another")], 1)
    assert found["fingerprint"].tolist() == ["f0", "another"]


def test_a_list_for_nobody_falls_over_all_shards():
    # k 2: near by the dot product are a and c, and the moment leads to d; b is out
    one = answer(["a", "b"], [0.9, 0.5], rows=[0, 1], dots=[0.9, 0.5], votes=[0.0, 0.0],
                 groups=[7, 8], added=[0.0, 0.0])  # fmt: skip
    two = answer(["c", "d"], [0.8, 0.6], rows=[2, 3], dots=[0.8, 0.1], votes=[0.0, 1.0],
                 groups=[7, 8], added=[0.0, 0.5])  # fmt: skip
    for each in (one, two):
        each["falling"] = np.array([0.3], np.float32)
    found = merged([one, two], 2)
    # c falls behind a of its category: 0.8 - 0.3
    assert found["item_ids"].tolist() == [["a", "d"]]
    np.testing.assert_allclose(found["added"], [[0.0, 0.5]])
    assert set(found) == {"item_ids", "scores", "added", "query", "fingerprint"}
    one["falling"] = two["falling"] = np.zeros(1, np.float32)
    assert merged([one, two], 2)["item_ids"].tolist() == [["a", "c"]]

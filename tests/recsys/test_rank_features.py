"""Features of candidates, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.rank_features import DAY, FEATURES, FOREVER, RankFacts, RankFeatures

FACTS = RankFacts(
    price=np.array([1.0, 3.0, np.nan, 2.5], np.float32),
    category=np.array([0, 0, 1, -1], np.int32),
    photo=np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0]], np.float16),
)


def _features(rows, days, wanted):
    rows, wanted = np.array([rows], np.int32), np.array([wanted], np.int32)
    found = RankFeatures(FACTS)(
        tf.constant(rows), tf.constant(np.array([days], np.float32) * DAY), tf.constant(wanted),
        tf.fill(wanted.shape, 0.5), tf.fill([*wanted.shape, 1], 7.0) * [1.0, -1.0],
    ).numpy()[0]  # fmt: skip
    return {name: found[:, place] for place, name in enumerate(FEATURES)}


def test_every_feature_by_hand():
    # 3 days ago item 0 (price 1, category 0), 1 day ago item 1 (price 3, category 0)
    found = _features([-1, 0, 1], [0.0, 3.0, 1.0], [1, 2, 3])
    assert found["score"].tolist() == [0.5] * 3
    # the usual price is 2; item 2 has none
    assert found["price_gap"] == pytest.approx([1.0, 0.0, 0.5])
    assert found["has_price"].tolist() == [1.0, 0.0, 1.0]
    assert found["category_share"].tolist() == [1.0, 0.0, 0.0]
    assert np.expm1(found["category_recency"]) == pytest.approx([1.0, FOREVER, FOREVER], rel=1e-4)
    assert np.expm1(found["item_recency"]) == pytest.approx([1.0, FOREVER, FOREVER], rel=1e-4)
    # item 2 has cosines 0.6 and 0.8 with the two; item 3 has no photo
    assert found["photo_nearest"] == pytest.approx([1.0, 0.8, 0.0], abs=1e-3)
    assert found["photo_mean"] == pytest.approx([0.5, 0.7, 0.0], abs=1e-3)
    assert found["history_length"] == pytest.approx(np.log([3.0] * 3))
    assert found["last_event"] == pytest.approx(np.log([2.0] * 3))
    assert (found["popularity"][0], found["trend"][0]) == (7.0, -7.0)


def test_an_empty_history_and_an_absent_candidate_are_numbers_too():
    found = _features([], [], [-1, 3])
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["has_price"].tolist() == [0.0, 0.0]
    assert np.expm1(found["last_event"]) == pytest.approx([FOREVER] * 2, rel=1e-4)


def test_a_catalog_without_photos():
    facts = RankFacts(FACTS.price, FACTS.category, np.zeros((4, 0), np.float16))
    found = RankFeatures(facts)(
        tf.constant([[0]]), tf.constant([[5.0]]), tf.constant([[1]]), tf.constant([[0.0]]),
        tf.zeros([1, 1, 2]),
    )  # fmt: skip
    assert found.shape == (1, 1, len(FEATURES)) and np.isfinite(found.numpy()).all()

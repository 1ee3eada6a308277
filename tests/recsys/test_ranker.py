"""The ranker starts as no change at all and learns what the scores do not say."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.config import RankerConfig
from recsys.rank_features import FEATURES
from recsys.ranker import Ranker, load_ranker

CONFIG = RankerConfig(hidden=8)
SHARE = FEATURES.index("category_share")


@pytest.fixture
def ranker() -> Ranker:
    tf.keras.utils.set_random_seed(0)
    width = len(FEATURES)
    return Ranker(CONFIG, np.zeros(width, np.float32), np.ones(width, np.float32))


def _lists(count: int):
    """Lists of four; the right item is the one of the shopper's category, in random places."""
    rng = np.random.default_rng(0)
    features = np.zeros((count, 4, len(FEATURES)), np.float32)
    features[..., FEATURES.index("score")] = rng.random((count, 4)) * 0.1
    right = rng.integers(0, 4, count)
    features[np.arange(count), right, SHARE] = 1.0
    return features, right


def test_untrained_it_changes_nothing(ranker):
    assert not ranker(tf.constant(_lists(3)[0])).numpy().any()


def test_it_learns_what_scores_do_not_say(ranker):
    features, right = _lists(64)
    inputs = (tf.constant(features), tf.ones([64, 4], tf.bool), tf.one_hot(right, 4))
    optimizer = tf.keras.optimizers.Adam(0.02)
    first = float(ranker.compute_loss(inputs))
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = ranker.compute_loss(inputs)
        gradients = tape.gradient(loss, ranker.trainable_variables)
        optimizer.apply_gradients(zip(gradients, ranker.trainable_variables, strict=True))
    assert float(loss) < first / 4
    scores = features[..., 0] + ranker(tf.constant(features)).numpy()
    assert (scores.argmax(axis=1) == right).mean() > 0.95


def test_a_place_without_a_candidate_costs_nothing(ranker):
    features = np.zeros((1, 3, len(FEATURES)), np.float32)
    present = tf.constant([[True, True, False]])
    loss = ranker.compute_loss((tf.constant(features), present, tf.constant([[1.0, 0.0, 0.0]])))
    assert float(loss) == pytest.approx(np.log(2.0))  # of two equal candidates


def test_what_is_kept_is_the_same_ranker(ranker):
    features = tf.constant(_lists(5)[0])
    ranker._out.kernel.assign(tf.random.normal(ranker._out.kernel.shape))
    again = load_ranker(CONFIG, ranker.state())
    assert again(features).numpy() == pytest.approx(ranker(features).numpy())
    assert again(features).numpy().any()

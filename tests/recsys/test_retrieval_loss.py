"""The two softmaxes: by hand, against TensorFlow's own, and the correction of a sample."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.retrieval_loss import full_softmax, log_sum_exp, sampled_softmax


def _unit(rng: np.random.Generator, n: int, dim: int) -> tf.Tensor:
    return tf.math.l2_normalize(tf.constant(rng.normal(size=(n, dim)), tf.float32), axis=1)


def test_full_softmax_by_hand():
    # scores of the query are (2, 0): the loss of row 0 is log(e^2 + 1) - 2
    queries, candidates = tf.constant([[2.0, 0.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0]])
    loss = full_softmax(queries, candidates, tf.constant([0]), tf.constant([1.0]))
    assert float(loss) == pytest.approx(np.log(np.exp(2) + 1) - 2, abs=1e-5)


def test_label_smoothing_spreads_the_label_evenly():
    # label 0.9 + 0.05 on row 0 and 0.05 on row 1
    queries, candidates = tf.constant([[2.0, 0.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0]])
    loss = full_softmax(queries, candidates, tf.constant([0]), tf.constant([1.0]), 0.1)
    log_shares = np.array([2.0, 0.0]) - np.log(np.exp(2) + 1)
    assert float(loss) == pytest.approx(-(0.95 * log_shares[0] + 0.05 * log_shares[1]), abs=1e-5)


def test_weights_are_a_weighted_mean_and_none_give_zero():
    rng = np.random.default_rng(0)
    queries, candidates, targets = 3 * _unit(rng, 2, 4), _unit(rng, 5, 4), tf.constant([1, 2])
    one, two = (float(full_softmax(queries[i:i + 1], candidates, targets[i:i + 1], tf.ones([1])))
                for i in range(2))  # fmt: skip
    both = full_softmax(queries, candidates, targets, tf.constant([3.0, 1.0]))
    assert float(both) == pytest.approx((3 * one + two) / 4, abs=1e-5)
    assert float(full_softmax(queries, candidates, targets, tf.zeros([2]))) == 0


def test_gradients_are_those_of_the_usual_softmax():
    rng = np.random.default_rng(1)
    queries, candidates = tf.Variable(30 * _unit(rng, 6, 8)), tf.Variable(_unit(rng, 20, 8))
    seen = tf.constant([[0, 3], [0, 4], [5, 19]], tf.int64)
    upstream = tf.constant(rng.normal(size=6), tf.float32)
    with tf.GradientTape() as tape:
        ours = log_sum_exp(queries, candidates, seen)
        total = tf.reduce_sum(ours * upstream)
    gradients = tape.gradient(total, [queries, candidates])
    with tf.GradientTape() as tape:
        scores = tf.matmul(queries, candidates, transpose_b=True)
        scores = tf.tensor_scatter_nd_update(scores, seen, tf.fill([3], -1e9))
        usual = tf.reduce_logsumexp(scores, axis=1)
        total = tf.reduce_sum(usual * upstream)
    expected = tape.gradient(total, [queries, candidates])
    np.testing.assert_allclose(ours, usual, rtol=1e-5)
    for gradient, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, other, atol=1e-4)


def test_an_offset_makes_a_candidate_stand_for_several():
    # the second candidate counts three times: log(e^2 + 3 e^0) - 2
    queries, candidates = tf.constant([[2.0, 0.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0]])
    loss = full_softmax(queries, candidates, tf.constant([0]), tf.constant([1.0]),
                        offsets=tf.constant([0.0, np.log(3.0)]))  # fmt: skip
    assert float(loss) == pytest.approx(np.log(np.exp(2) + 3) - 2, abs=1e-5)


def _skewed(num_items: int, num_targets: int) -> tuple:
    """Items of very different popularity, targets drawn by it, and queries."""
    rng = np.random.default_rng(2)
    share = np.arange(1, num_items + 1, dtype=np.float64) ** -1.0
    share /= share.sum()
    targets = tf.constant(rng.choice(num_items, num_targets, p=share), tf.int32)
    return (tf.constant(share, tf.float32), tf.Variable(_unit(rng, num_items, 8)), targets,
            4 * _unit(rng, num_targets, 8), tf.ones([num_targets]))  # fmt: skip


def test_a_sample_of_everything_is_the_full_softmax():
    # 5,000 draws of 30 items leave none out: nothing is left to estimate
    share, table, targets, queries, ones = _skewed(30, 40)
    sampled = sampled_softmax(queries, lambda rows: tf.gather(table, rows), targets, ones,
                              tf.range(30), share, 5000)  # fmt: skip
    full = full_softmax(queries, table, targets, ones)
    assert float(sampled) == pytest.approx(float(full), abs=1e-5)


def test_smoothing_spreads_over_the_items_drawn():
    share, table, targets, queries, ones = _skewed(30, 40)
    sampled = sampled_softmax(queries, lambda rows: tf.gather(table, rows), targets, ones,
                              tf.range(30), share, 5000, label_smoothing=0.2)  # fmt: skip
    full = full_softmax(queries, table, targets, ones, label_smoothing=0.2)
    assert float(sampled) == pytest.approx(float(full), abs=1e-5)


def test_the_sampled_sum_is_that_of_the_catalog_on_average_and_uncorrected_it_is_not():
    # 100 small samples of 2,000 items; told that all items are as popular as the rarest, the
    # popular ones count as if each stood for many
    share, table, targets, queries, ones = _skewed(2000, 50)
    full = float(full_softmax(queries, table, targets, ones))
    off = {}
    for name, told in (("corrected", share), ("even", tf.fill([2000], share[-1]))):
        draw = tf.function(lambda told=told: sampled_softmax(
            queries, lambda rows: tf.gather(table, rows), targets, ones, tf.range(2000), told, 100
        ))  # fmt: skip
        off[name] = abs(np.mean([float(draw()) for _ in range(100)]) - full)
    assert off["corrected"] < 0.05
    assert off["even"] > 0.2


def test_halved_digits_change_little():
    rng = np.random.default_rng(3)
    queries, candidates = tf.Variable(10 * _unit(rng, 6, 8)), tf.Variable(_unit(rng, 50, 8))
    found = {}
    for precision in ("float32", "bfloat16"):
        with tf.GradientTape() as tape:
            loss = full_softmax(queries, candidates, tf.range(6), tf.ones([6]), precision=precision)
        found[precision] = (float(loss), tape.gradient(loss, candidates).numpy())
    assert found["bfloat16"][0] == pytest.approx(found["float32"][0], rel=0.01)
    apart = np.abs(found["bfloat16"][1] - found["float32"][1]).max()
    assert 0 < apart < 0.02 * np.abs(found["float32"][1]).max()

"""Losses, with numbers that can be redone by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from embeddings.losses import contrastive_loss, masked_cross_entropy, masked_set_loss


def cross_entropy(labels, logits, weights=(1.0, 1.0), smoothing=0.0):
    found = masked_cross_entropy(
        tf.constant(labels), tf.constant(logits, tf.float32), tf.constant(weights), smoothing
    )
    return float(found)


def test_cross_entropy_is_minus_the_log_of_the_right_share():
    # softmax([log 3, 0]) = [3/4, 1/4]
    assert cross_entropy([0], [[math.log(3), 0.0]]) == pytest.approx(-math.log(3 / 4))


def test_rows_without_a_label_count_for_nothing():
    with_missing = cross_entropy([0, -1], [[math.log(3), 0.0], [50.0, -50.0]])
    assert with_missing == pytest.approx(-math.log(3 / 4))


def test_no_label_at_all_is_no_loss_and_no_nan():
    assert cross_entropy([-1, -1], [[1.0, 2.0], [3.0, 4.0]]) == 0.0


def test_a_row_counts_by_its_own_weight():
    found = masked_cross_entropy(
        tf.constant([0, 1]), tf.constant([[math.log(3), 0.0]] * 2), tf.constant([1.0, 1.0]), 0.0,
        tf.constant([3.0, 1.0]),
    )  # fmt: skip
    # (3 * log(4/3) + 1 * log 4) / 4
    assert float(found) == pytest.approx((3 * math.log(4 / 3) + math.log(4)) / 4)


def test_a_class_of_weight_three_counts_three_times():
    logits = [[math.log(3), 0.0], [math.log(3), 0.0]]
    # (1 * log(4/3) + 3 * log 4) / 4
    wanted = (math.log(4 / 3) + 3 * math.log(4)) / 4
    assert cross_entropy([0, 1], logits, weights=(1.0, 3.0)) == pytest.approx(wanted)


def test_label_smoothing_spreads_a_share_over_all_classes():
    # targets [0.9, 0.1] against [3/4, 1/4]
    wanted = -0.9 * math.log(3 / 4) - 0.1 * math.log(1 / 4)
    assert cross_entropy([0], [[math.log(3), 0.0]], smoothing=0.2) == pytest.approx(wanted)


def test_contrastive_loss_of_two_pairs_at_right_angles():
    vectors = tf.constant([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    # each row: its pair has cosine 1, two others 0 -> -log(e / (e + 2))
    wanted = -math.log(math.e / (math.e + 2))
    assert float(contrastive_loss(vectors, tf.constant([0, 0, 1, 1]), 1.0)) == pytest.approx(wanted)


def test_contrastive_loss_prefers_pairs_that_are_near():
    vectors = tf.constant([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    near = contrastive_loss(vectors, tf.constant([0, 0, 1, 1]), 0.1)
    far = contrastive_loss(vectors, tf.constant([0, 1, 0, 1]), 0.1)
    assert float(near) < float(far)


@pytest.mark.parametrize("labels", [[0, 1, 2], [-1, -1, -1]])
def test_rows_without_a_partner_give_no_contrastive_loss(labels):
    vectors = tf.math.l2_normalize(tf.constant(np.eye(3), tf.float32), 1)
    assert float(contrastive_loss(vectors, tf.constant(labels), 0.1)) == 0.0


def set_loss(labels, logits, *, yes_or_no, weights=(1.0, 1.0), smoothing=0.0):
    found = masked_set_loss(
        tf.constant(labels), tf.constant(logits, tf.float32), tf.constant(weights), smoothing,
        yes_or_no=yes_or_no,
    )  # fmt: skip
    return float(found)


def test_each_value_of_a_set_is_a_question_of_its_own():
    # sigmoid(log 3) = 3/4: held, 3/4; not held, 1 - 3/4
    logits = [[math.log(3), math.log(3)]]
    expected = -math.log(3 / 4) - math.log(1 / 4)
    assert set_loss([[1, 0]], logits, yes_or_no=True) == pytest.approx(expected)
    heavier = set_loss([[1, 0]], logits, yes_or_no=True, weights=(2.0, 5.0))
    assert heavier == pytest.approx(-2 * math.log(3 / 4) - math.log(1 / 4))


def test_the_values_of_a_set_share_a_softmax():
    # softmax([log 3, 0]) = [3/4, 1/4], each half of the target
    found = set_loss([[1, 1]], [[math.log(3), 0.0]], yes_or_no=False)
    assert found == pytest.approx(-0.5 * math.log(3 / 4) - 0.5 * math.log(1 / 4))


@pytest.mark.parametrize("yes_or_no", [True, False])
def test_a_set_that_is_missing_counts_for_nothing(yes_or_no):
    logits = [[1.0, -2.0], [3.0, 0.5]]
    one = set_loss([[1, 0]], logits[:1], yes_or_no=yes_or_no, smoothing=0.1)
    assert set_loss([[1, 0], [-1, -1]], logits, yes_or_no=yes_or_no, smoothing=0.1) == (
        pytest.approx(one)
    )
    assert set_loss([[-1, -1]], logits[:1], yes_or_no=yes_or_no) == 0.0

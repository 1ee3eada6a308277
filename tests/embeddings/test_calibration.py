"""Temperature scaling and the calibration error, on numbers that can be redone by hand."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.calibration import (
    as_yes_or_no,
    calibrate,
    expected_calibration_error,
    fit_temperature,
)


def too_sure(num_photos=400, temperature=3.0, seed=0):
    """Logits whose softmax at `temperature` is what the labels were drawn from."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 4.0, [num_photos, 5])
    chances = np.exp(logits / temperature)
    chances /= chances.sum(axis=1, keepdims=True)
    labels = [rng.choice(5, p=row) for row in chances]
    return logits.astype(np.float32), np.array(labels, np.int32)


def test_error_is_the_distance_between_confidence_and_accuracy():
    # two bins: 0.9, 0.9 with one right -> |0.5 - 0.9| = 0.4; 0.6, 0.6 with both right -> 0.4
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    assert expected_calibration_error(probabilities, labels, 10) == pytest.approx(0.4)


def test_bins_count_by_their_size():
    # 0.9: one of one right -> 0.1 over 1 photo; 0.6: none of three -> 0.6 over 3 photos
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.6, 0.4]])
    labels = np.array([0, 1, 1, 1])
    assert expected_calibration_error(probabilities, labels, 10) == pytest.approx((0.1 + 1.8) / 4)


def test_missing_labels_count_for_nothing():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1]])
    assert expected_calibration_error(probabilities, np.array([0, -1])) == pytest.approx(0.1)
    assert np.isnan(expected_calibration_error(probabilities, np.array([-1, -1])))


def test_the_temperature_that_labels_were_drawn_with_is_found():
    assert fit_temperature(*too_sure(num_photos=4000)) == pytest.approx(3.0, rel=0.1)


def test_a_calibrated_classifier_keeps_its_temperature():
    assert fit_temperature(*too_sure(num_photos=4000, temperature=1.0)) == pytest.approx(1, rel=0.1)


def test_calibration_lowers_the_error_on_other_photos():
    temperature, errors = calibrate(*too_sure(seed=1))
    assert errors["after"] < errors["before"]
    logits, labels = too_sure(seed=2)
    shares = [
        np.exp(logits / t) / np.exp(logits / t).sum(1, keepdims=True) for t in (1, temperature)
    ]
    before, after = (expected_calibration_error(each, labels) for each in shares)
    assert after < 0.5 * before


def test_few_labels_leave_the_logits_alone():
    logits, labels = too_sure(num_photos=30)
    labels[15:] = -1
    assert fit_temperature(logits, labels) == 1.0


def test_a_set_is_a_question_for_each_value():
    logits, labels = as_yes_or_no(np.array([[2.0, -1.0]]), np.array([[1, 0]]))
    assert logits.tolist() == [[0.0, 2.0], [0.0, -1.0]]
    assert labels.tolist() == [1, 0]


def test_the_temperature_of_a_set_is_found():
    rng = np.random.default_rng(1)
    logits = rng.normal(0.0, 4.0, [400, 6]).astype(np.float32)
    held = (rng.random([400, 6]) < 1 / (1 + np.exp(-logits / 3.0))).astype(np.int32)
    held[:100] = -1
    temperature, errors = calibrate(logits, held)
    assert temperature == pytest.approx(3.0, rel=0.1)
    assert errors["after"] < errors["before"]

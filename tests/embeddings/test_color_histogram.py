"""Soft color histograms, with shares that can be redone by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from embeddings.color_histogram import GAIN, color_histogram, num_features


def shares(image: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """The shares of each grid color in the whole and in the middle, [levels] * 3 each."""
    found = color_histogram(tf.constant(image[None], tf.float32), levels).numpy()[0]
    assert found.shape == (num_features(levels),)
    whole, middle = np.split((found / GAIN) ** 2, 2)
    return whole.reshape([levels] * 3), middle.reshape([levels] * 3)


def test_a_color_between_grid_colors_is_shared_by_nearness():
    # of 3 levels the second lies at 127.5: 153 is 0.2 of the way from it to the third
    whole, _ = shares(np.full((32, 32, 3), (255, 153, 0), np.uint8), 3)
    assert whole[2, 1, 0] == pytest.approx(0.8, abs=1e-4)
    assert whole[2, 2, 0] == pytest.approx(0.2, abs=1e-4)
    assert whole.sum() == pytest.approx(1.0, abs=1e-4)


def test_the_middle_is_counted_by_itself():
    image = np.full((64, 64, 3), 255, np.uint8)
    image[16:48, 16:48] = (255, 0, 0)
    whole, middle = shares(image, 2)
    assert whole[1, 0, 0] == pytest.approx(0.25, abs=1e-4)
    assert whole[1, 1, 1] == pytest.approx(0.75, abs=1e-4)
    assert middle[1, 0, 0] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("size", [16, 32, 80, 224])
def test_each_half_has_the_same_length_whatever_the_size(size):
    image = np.random.default_rng(0).integers(0, 256, (2, size, size, 3))
    found = color_histogram(tf.constant(image, tf.float32), 4).numpy()
    for half in np.split(found, 2, axis=1):
        np.testing.assert_allclose(np.linalg.norm(half, axis=1), GAIN, rtol=1e-3)


def test_its_gradient_is_a_number_everywhere():
    images = tf.zeros([1, 32, 32, 3])
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(color_histogram(images, 4))
    assert np.isfinite(tape.gradient(total, images).numpy()).all()

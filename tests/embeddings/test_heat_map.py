"""Heat maps: they lie where the evidence is."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from embeddings.heads import Heads
from embeddings.heat_map import class_heat, overlay, pair_heat


class Quarters(tf.keras.layers.Layer):
    """Stands in for an image tower: four maps cells, one channel per color, a plain projection."""

    def maps(self, images):
        return tf.nn.avg_pool2d(images, 4, 4, "VALID") / 255.0

    def pool(self, maps, images):
        return tf.reduce_mean(maps, axis=[1, 2])

    def embed(self, features):
        return tf.math.l2_normalize(features, axis=1)


class Stub:
    """A tower whose classes are the colors red, green and blue."""

    def __init__(self):
        self.layer = Quarters()
        self.heads = Heads({"category": 3}, metric_scale=1.0)
        self.heads(tf.zeros([1, 3]), tf.zeros([1, 3]))
        self.heads.classifiers["category"].set_weights([np.eye(3), np.zeros(3)])


def photo(**quarters):
    """[8, 8, 3] with colored quarters: top_left=0 is a red one."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    places = {"top_left": (0, 0), "top_right": (0, 4), "low_left": (4, 0), "low_right": (4, 4)}
    for name, channel in quarters.items():
        row, col = places[name]
        pixels[row : row + 4, col : col + 4, channel] = 255
    return pixels


def test_the_heat_of_a_class_lies_where_it_is_seen():
    pixels = photo(top_left=0, low_right=1)
    np.testing.assert_allclose(class_heat(Stub(), pixels, "category", 0), [[1, 0], [0, 0]])
    np.testing.assert_allclose(class_heat(Stub(), pixels, "category", 1), [[0, 0], [0, 1]])


def test_a_class_that_nothing_speaks_for_has_no_heat():
    assert not class_heat(Stub(), photo(top_left=0), "category", 2).any()


def test_two_photos_are_alike_where_they_share_a_color():
    first, second = pair_heat(
        Stub(), photo(top_left=0, top_right=1), photo(low_left=0, low_right=2)
    )
    assert np.unravel_index(first.argmax(), first.shape) == (0, 0)  # its red quarter
    assert np.unravel_index(second.argmax(), second.shape) == (1, 0)
    assert first[0, 1] < 0.1  # green is in one of them only


def test_an_overlay_leaves_cold_places_as_they_are():
    pixels = np.full((16, 16, 3), 200, np.uint8)
    heat = np.zeros((2, 2), np.float32)
    assert np.array_equal(np.asarray(overlay(pixels, heat)), pixels)
    heat[0, 0] = 1.0
    found = np.asarray(overlay(pixels, heat)).astype(int)
    assert np.abs(found[0, 0] - 200).sum() > 30
    assert np.abs(found[15, 15] - 200).sum() < np.abs(found[0, 0] - 200).sum()


def test_a_tower_without_heads_has_no_class_heat():
    stub = Stub()
    stub.heads = None
    with pytest.raises(ValueError, match="no heads"):
        class_heat(stub, photo(), "category", 0)

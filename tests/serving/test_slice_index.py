"""A slice speaks of its items by their rows in the whole."""

import numpy as np
import tensorflow as tf

from recsys.index import ExactIndex
from serving.slice_index import SliceIndex

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], np.float32)
SLICE = SliceIndex(ExactIndex(VECTORS[1:3]), range(1, 3))


def test_only_its_own_items_are_found_by_the_rows_of_the_whole():
    scores, rows = SLICE.search(VECTORS[3:], 4, tf.constant([[-1]]))
    assert rows.numpy().tolist() == [[1, 2]]
    np.testing.assert_allclose(scores, [[0.96, 0.8]], rtol=1e-6)


def test_rows_of_other_slices_exclude_nothing():
    assert SLICE.search(VECTORS[3:], 2, tf.constant([[0, 3, -1]]))[1].numpy().tolist() == [[1, 2]]
    assert SLICE.search(VECTORS[3:], 2, tf.constant([[0, 1, 3]]))[1].numpy().tolist() == [[2, -1]]


def test_vectors_of_other_slices_are_zeros():
    found = SLICE.rows_of(tf.constant([[0, 1], [2, 3]]))
    np.testing.assert_array_equal(found, [[[0, 0], VECTORS[1]], [VECTORS[2], [0, 0]]])

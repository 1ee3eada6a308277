"""The formula of a mixed query, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.errors import DataError
from serving.query_mix import mix

X, Y = np.array([5.0, 0.0]), np.array([0.0, 0.1])


def test_one_part_is_its_direction():
    assert mix([X], [0.3]).tolist() == [1.0, 0.0]
    assert mix([X], [-0.3]).tolist() == [-1.0, 0.0]


def test_parts_count_by_their_weights_and_not_by_their_lengths():
    np.testing.assert_allclose(mix([X, Y], [3, 4]), [0.6, 0.8], atol=1e-6)
    np.testing.assert_allclose(mix([X, Y], [3, -4]), [0.6, -0.8], atol=1e-6)
    assert mix([X, Y], [1, 0]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("vectors", "weights", "words"),
    [([], [], "nothing to search by"), ([X, -X], [1, 1], "cancel"), ([X], [0], "cancel"),
     ([X, 0 * Y], [1, 1], "says nothing")],
)  # fmt: skip
def test_a_query_without_direction_is_refused(vectors, weights, words):
    with pytest.raises(DataError, match=words):
        mix(vectors, weights)

"""What is near, by vectors alone."""

import numpy as np

from serving import nearness
from serving.nearness import Nearness


def circle(count):
    turns = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def test_the_nearest_of_a_small_catalog_are_near_and_no_others():
    near = Nearness(circle(20), 20, near=4)
    scores = near.scores([5, 0], [3, 4, 6, 7, 8, 19, 1])
    assert np.isfinite(scores).tolist() == [
        [True, True, True, True, False, False, False],
        [False, False, False, False, False, True, True],
    ]
    assert scores[0, 1] == np.float32(circle(20)[5] @ circle(20)[4])


def test_an_item_is_no_neighbor_of_itself_but_counts_where_it_is_asked_for():
    # with itself among its nearest, near=1 would leave no room for another
    assert np.isfinite(Nearness(circle(20), 20, near=2).scores([5], [4, 6])).all()


def test_an_item_without_a_vector_is_near_nothing():
    vectors = circle(20)
    vectors[5] = 0
    scores = Nearness(vectors, 20, near=20).scores([5, 4], [6, 5])
    assert np.isneginf(scores[0]).all()
    assert np.isfinite(scores[1, 0])


def test_a_sample_tells_about_where_the_nearest_of_a_large_catalog_end():
    count, dim, near = 40_000, 8, 200
    vectors = np.random.default_rng(0).normal(size=(count, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    told = Nearness(vectors, count, near)
    sizes = [int(np.isfinite(told.scores([row], list(range(count)))).sum()) for row in range(20)]
    # 200 of 40,000 are 20.5 of 4,096: the 21st nearest, within a third of it or so
    assert 120 < np.mean(sizes) < 290
    assert len(told._rows) == nearness.SAMPLE

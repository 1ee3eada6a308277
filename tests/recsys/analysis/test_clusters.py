"""Groups of vectors."""

import numpy as np
import pytest

from recsys.analysis import clusters
from recsys.analysis.clusters import choose_k, silhouette, spherical_kmeans


def bundles(sizes, noise=0.05, dim=8):
    """Unit vectors near one axis each."""
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    vectors = np.eye(dim)[truth] + noise * rng.normal(size=(len(truth), dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def test_groups_are_found_and_the_largest_comes_first():
    vectors, truth = bundles([10, 40, 20])
    group, centers = spherical_kmeans(vectors, 3, np.random.default_rng(0))
    assert np.bincount(group).tolist() == [40, 20, 10]
    assert {(int(a), int(b)) for a, b in zip(truth, group, strict=True)} == {(0, 2), (1, 0), (2, 1)}
    assert np.linalg.norm(centers, axis=1) == pytest.approx(np.ones(3))


def test_the_number_of_groups_is_that_with_the_widest_silhouette():
    vectors, _ = bundles([30, 30, 30, 30])
    group, _, width = choose_k(vectors, range(2, 8), np.random.default_rng(0))
    assert group.max() + 1 == 4
    assert width > 0.8


def test_silhouette_by_hand():
    # cosine distances: a to b 0, a to c and d 1, c to d 0; every point is its own group's twin
    vectors = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    assert silhouette(vectors, np.array([0, 0, 1, 1]), np.random.default_rng(0)) == 1.0
    # crossed: own distance 1, other's mean 0.5, so (0.5 - 1) / 1
    crossed = silhouette(vectors, np.array([0, 1, 0, 1]), np.random.default_rng(0))
    assert crossed == pytest.approx(-0.5)


def test_one_group_has_no_silhouette():
    assert silhouette(np.eye(3), np.zeros(3, int), np.random.default_rng(0)) == 0.0


def test_of_many_vectors_some_are_fitted_and_all_are_grouped(monkeypatch):
    monkeypatch.setattr(clusters, "MOST_FITTED", 50)
    vectors, _ = bundles([100, 400, 200])
    group, _ = spherical_kmeans(vectors, 3, np.random.default_rng(0))
    assert np.bincount(group).tolist() == [400, 200, 100]


def test_equal_vectors_are_no_trouble():
    group, _ = spherical_kmeans(np.ones((5, 1)), 3, np.random.default_rng(0))
    assert group.tolist() == [0] * 5

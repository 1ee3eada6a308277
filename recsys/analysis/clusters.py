"""Spherical k-means in plain numpy: groups of unit vectors that point alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
MOST_JUDGED = 2000  # vectors that the silhouette is taken over: it looks at all pairs
MOST_FITTED = 8000  # vectors that centers are fitted to; the others join the nearest
MOST_ROUNDS = 40
RESTARTS = 3


def spherical_kmeans(
    vectors: Floats, k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """Groups unit vectors by cosine (Dhillon & Modha, Machine Learning 2001).

    Begins as k-means++ does (Arthur & Vassilvitskii, SODA 2007), RESTARTS times; the best is
    kept. Centers are fitted to at most MOST_FITTED vectors.

    Args:
        vectors: [n, dim], rows of norm 1, n >= k.

    Returns:
        int64 [n] group of each, the largest group first, and [k, dim] unit centers.
    """
    fitted = vectors
    if len(vectors) > MOST_FITTED:
        fitted = vectors[rng.choice(len(vectors), MOST_FITTED, replace=False)]
    found = [_fit(fitted, _begin(fitted, k, rng)) for _ in range(RESTARTS)]
    centers, _ = max(found, key=lambda each: each[1])
    group = (vectors @ centers.T).argmax(axis=1)
    order = np.argsort(-np.bincount(group, minlength=k), kind="stable")
    return np.argsort(order)[group], centers[order]


def silhouette(vectors: Floats, group: NDArray[np.int64], rng: np.random.Generator) -> float:
    """How well groups stand apart, in [-1, 1], by cosine distance (Rousseeuw, 1987).

    Over at most MOST_JUDGED vectors; 0 where there is only one group.
    """
    if len(vectors) > MOST_JUDGED:
        chosen = rng.choice(len(vectors), MOST_JUDGED, replace=False)
        vectors, group = vectors[chosen], group[chosen]
    names, group = np.unique(group, return_inverse=True)
    if len(names) < 2:
        return 0.0
    distance = 1 - vectors @ vectors.T
    np.fill_diagonal(distance, 0)
    member = np.eye(len(names))[group]
    sums, sizes = distance @ member, member.sum(axis=0)
    rows = np.arange(len(group))
    own_size = sizes[group]
    own = sums[rows, group] / np.maximum(own_size - 1, 1)
    means = sums / sizes
    means[rows, group] = np.inf
    other = means.min(axis=1)
    width = np.where(own_size > 1, (other - own) / np.maximum(np.maximum(own, other), 1e-12), 0)
    return float(width.mean())


def choose_k(
    vectors: Floats, candidates: range, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, float]:
    """Groups, centers and silhouette for the number of groups whose silhouette is widest."""
    best = None
    for k in candidates:
        if k > len(vectors):
            break
        group, centers = spherical_kmeans(vectors, k, rng)
        width = silhouette(vectors, group, rng)
        if best is None or width > best[2]:
            best = (group, centers, width)
    if best is None:
        group, centers = spherical_kmeans(vectors, 1, rng)
        best = (group, centers, 0.0)
    return best


def _begin(vectors: Floats, k: int, rng: np.random.Generator) -> Floats:
    chosen = [int(rng.integers(len(vectors)))]
    far = 1 - vectors @ vectors[chosen[0]]
    while len(chosen) < k:
        far = np.maximum(far, 0)
        total = far.sum()
        share = far / total if total > 1e-9 else np.full(len(vectors), 1 / len(vectors))
        chosen.append(int(rng.choice(len(vectors), p=share)))
        far = np.minimum(far, 1 - vectors @ vectors[chosen[-1]])
    return vectors[chosen]


def _fit(vectors: Floats, centers: Floats) -> tuple[Floats, float]:
    """Centers that have come to rest, and the sum of cosines to them."""
    group = np.full(len(vectors), -1)
    for _ in range(MOST_ROUNDS):
        now = (vectors @ centers.T).argmax(axis=1)
        if (now == group).all():
            break
        group = now
        sums = np.stack([vectors[group == place].sum(axis=0) for place in range(len(centers))])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # a group that lost everybody keeps its place
        centers = np.where(lengths > 1e-9, sums / np.maximum(lengths, 1e-9), centers)
    return centers, float((vectors @ centers.T).max(axis=1).sum())

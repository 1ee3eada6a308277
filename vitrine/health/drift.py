"""Whether the vectors of the same items still lie as they lay: pure figures, by hand checkable."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NUM_BANDS = 10  # tenths of the old values
NUM_BINS = 30  # of the histograms that a report draws
HALF = 0.5  # added to each count: a tenth that is empty has no logarithm

Vectors = NDArray[np.float32]
Values = NDArray[np.floating]


def centroid_shift(old: Vectors, new: Vectors) -> float:
    """How far the mean vector moved, in standard deviations of the old vectors around theirs.

    Args:
        old, new: float32 [num_items, dim] of the same items, row by row.

    Returns:
        0 where nothing moved; 1 is as far as an item usually lies from the center. 0 without
        items.
    """
    if not len(old):
        return 0.0
    before, after = old.mean(axis=0, dtype=np.float64), new.mean(axis=0, dtype=np.float64)
    # mean squared distance from the mean: E|v|^2 - |E v|^2
    spread = float(np.einsum("nd,nd->", old, old, dtype=np.float64) / len(old) - before @ before)
    return float(np.linalg.norm(after - before) / max(spread, 1e-12) ** 0.5)


def similarity_to(center: Vectors, vectors: Vectors) -> Vectors:
    """The cosine of each unit vector with a direction, float32 [num_items]."""
    norm = float(np.linalg.norm(center))
    return np.asarray(vectors @ (center / max(norm, 1e-12)), np.float32)


def population_stability(old: Values, new: Values, num_bands: int = NUM_BANDS) -> float:
    """The population stability index of two samples (Siddiqi, Credit Risk Scorecards, 2006).

    The sum of (q - p) ln(q / p) over bands of equally many old values, where p and q are the
    shares of old and new ones in it. 0 is the same distribution, 0.1 a shift worth a look, 0.25
    another population.

    Args:
        old, new: [n] and [m] values; those that are not finite are left out.
        num_bands: fewer where old values coincide.
    """
    old, new = old[np.isfinite(old)], new[np.isfinite(new)]
    if not len(old) or not len(new):
        return 0.0
    edges = np.unique(np.quantile(old, np.linspace(0, 1, num_bands + 1)[1:-1]))
    p, q = (_shares(values, edges) for values in (old, new))
    return float(np.sum((q - p) * np.log(q / p)))


def histograms(old: Values, new: Values, num_bins: int = NUM_BINS) -> dict[str, list[float]]:
    """Counts of both in bins of one width: `edges` [num_bins + 1], `old` and `new` [num_bins]."""
    old, new = old[np.isfinite(old)], new[np.isfinite(new)]
    if not len(old) or not len(new):
        return {}
    both = np.concatenate([old, new])
    edges = np.histogram_bin_edges(both, num_bins)
    return {
        "edges": [round(float(edge), 6) for edge in edges],
        "old": np.histogram(old, edges)[0].tolist(),
        "new": np.histogram(new, edges)[0].tolist(),
    }


def _shares(values: Values, edges: Values) -> NDArray[np.float64]:
    bands = np.searchsorted(edges, values, side="right")
    counts = np.bincount(bands, minlength=len(edges) + 1) + HALF
    return np.asarray(counts / counts.sum(), np.float64)

"""Whether probabilities can be believed: what is said with 0.8 should be right 8 times in 10."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

MIN_LABELED = 20  # fewer photos say nothing of a temperature
COLDEST, HOTTEST = 0.05, 20.0


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The temperature that makes held-out labels likeliest (Guo et al. 2017, section 4.2).

    Args:
        logits: [n, num_classes], of photos that were not trained on.
        labels: [n], -1 where missing.

    Returns:
        What logits are divided by; above 1 where the classifier was too sure of itself, and 1
        where fewer than 20 photos are labeled. The likeliest class never changes.
    """
    known = labels >= 0
    if known.sum() < MIN_LABELED:
        return 1.0
    logits, labels = logits[known].astype(np.float64), labels[known]

    def mean_loss(log_temperature: float) -> float:
        logs = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(np.mean(logs[np.arange(len(labels)), labels]))

    found = minimize_scalar(
        mean_loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded"
    )  # fmt: skip
    return float(np.exp(found.x))


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int32], num_bins: int = 15
) -> float:
    """How far confidence lies from accuracy, on average (Naeini et al. 2015; Guo et al. 2017).

    Photos are put into bins of equal width by the probability of their likeliest class; the
    distance between a bin's mean probability and its accuracy counts by the bin's size.

    Args:
        probabilities: [n, num_classes].
        labels: [n], -1 where missing.
        num_bins: how many bins.

    Returns:
        A number in [0, 1], or nan when no photo is labeled.
    """
    known = labels >= 0
    if not known.any():
        return float("nan")
    probabilities, labels = probabilities[known], labels[known]
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    distance = np.bincount(bins, right - confidence, minlength=num_bins)
    return float(np.abs(distance).sum() / len(labels))


def as_yes_or_no(
    logits: NDArray[np.float32], held: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A label of several values as one question for each photo and value.

    Args:
        logits: [n, num_classes], whose sigmoids are probabilities.
        held: [n, num_classes], 1 for each value that a photo has, rows of -1 where missing.

    Returns:
        Logits [n * num_classes, 2] whose softmax says the same, no first, and labels
        [n * num_classes]; so everything here speaks of them too.
    """
    yes = logits.reshape(-1)
    return np.stack([np.zeros_like(yes), yes], axis=1), held.reshape(-1)


def calibrate(
    logits: NDArray[np.float32], labels: NDArray[np.int32]
) -> tuple[float, dict[str, float]]:
    """A temperature for one head, with the calibration error before and after it.

    Args:
        logits: [n, num_classes], of photos that were not trained on.
        labels: [n], -1 where missing; or [n, num_classes], see `as_yes_or_no`.

    Returns:
        The temperature, and `{"before": …, "after": …}` on these photos.
    """
    if labels.ndim == 2:
        logits, labels = as_yes_or_no(logits, labels)
    temperature = fit_temperature(logits, labels)
    errors = {
        "before": expected_calibration_error(softmax(logits, axis=1), labels),
        "after": expected_calibration_error(softmax(logits / temperature, axis=1), labels),
    }
    return temperature, errors

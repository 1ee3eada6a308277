"""How well the tower names what it sees, on photos that it never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from embeddings.calibration import as_yes_or_no, expected_calibration_error
from embeddings.image_tower import load_tower
from embeddings.labels import Labels, is_missing, read_labels
from embeddings.seen_photos import SeenPhotos, see_photos
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.workdir import Workdir


def judge_tower(config: Config, workdir: Workdir, split: str = "test") -> dict[str, dict[str, Any]]:
    """Accuracy, macro-F1 and calibration error of every head.

    Args:
        config: photos, tower and embed settings are used.
        workdir: holds the prepared tables and a trained tower.
        split: `validation`, which the temperatures were fitted on, or `test`.

    Returns:
        See `judge_heads`.

    Raises:
        ArtifactError: there is no tower.
        DataError: the split has no photo that can be read.
    """
    tower = load_tower(workdir.tower)
    labels = read_labels(load_catalog(workdir), config.tower.max_label_values)
    with see_photos(config, workdir, tower, split) as seen:
        return judge_heads(seen, labels, tower.settings.temperatures)


def judge_heads(
    seen: SeenPhotos, labels: Labels, temperatures: dict[str, float]
) -> dict[str, dict[str, Any]]:
    """What each head makes of photos.

    Returns:
        By label: photos, classes, accuracy, macro_f1, and calibration_error before and after
        the temperature. A label that no photo has is left out. Of a label with several values
        at once, accuracy is the share of photos that have the value called likeliest.
    """
    found = {name: _measure(logits, labels.numbers[name][seen.item_rows],
                            temperatures.get(name, 1.0))
             for name, logits in seen.logits.items()}  # fmt: skip
    return {name: measured for name, measured in found.items() if measured}


def macro_f1(predicted: NDArray[np.int64], labels: NDArray[np.int32], num_classes: int) -> float:
    """Mean F1 over the classes that occur among labels or predictions; all known labels."""
    scores = []
    for number in range(num_classes):
        hits = int(np.sum((predicted == number) & (labels == number)))
        claimed, there = int(np.sum(predicted == number)), int(np.sum(labels == number))
        if claimed + there:
            scores.append(2 * hits / (claimed + there))
    return float(np.mean(scores)) if scores else float("nan")


def set_f1(claimed: NDArray[np.bool_], held: NDArray[np.bool_]) -> float:
    """Mean F1 over the values that occur, of photos that may have several: bool [n, classes]."""
    hits = np.sum(claimed & held, axis=0)
    total = claimed.sum(axis=0) + held.sum(axis=0)
    return float(np.mean(2 * hits[total > 0] / total[total > 0])) if total.any() else float("nan")


def _measure(
    logits: NDArray[np.float32], known: NDArray[np.int32], temperature: float
) -> dict[str, Any]:
    labeled = ~is_missing(known)
    if not labeled.any():
        return {}
    logits, known = logits[labeled], known[labeled]
    best = logits.argmax(axis=1)
    if known.ndim == 2:
        accuracy = float(np.mean(known[np.arange(len(known)), best] == 1))
        f1 = set_f1(logits > 0, known == 1)
        asked, answers = as_yes_or_no(logits, known)
    else:
        accuracy, f1 = float(np.mean(best == known)), macro_f1(best, known, logits.shape[1])
        asked, answers = logits, known
    return {
        "photos": len(known), "classes": logits.shape[1], "accuracy": accuracy, "macro_f1": f1,
        "calibration_error": {
            "before": expected_calibration_error(softmax(asked, axis=1), answers),
            "after": expected_calibration_error(softmax(asked / temperature, axis=1), answers),
        },
    }  # fmt: skip

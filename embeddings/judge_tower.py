"""How well the tower names what it sees, on photos that it never saw."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import softmax

from embeddings.calibration import expected_calibration_error
from embeddings.image_tower import LoadedTower, load_tower
from embeddings.labels import Labels, read_labels
from embeddings.pixel_cache import cache_pixels, photos_of
from recsys.catalog import load_catalog
from recsys.columns import SPLIT
from recsys.config import Config
from recsys.errors import DataError
from recsys.workdir import Workdir


def judge_tower(config: Config, workdir: Workdir, split: str = "test") -> dict[str, dict[str, Any]]:
    """Accuracy, macro-F1 and calibration error of every head.

    Args:
        config: photos, tower and embed settings are used.
        workdir: holds the prepared tables and a trained tower.
        split: `validation`, which the temperatures were fitted on, or `test`.

    Returns:
        By label: photos, classes, accuracy, macro_f1, and calibration_error before and after
        the temperature. A label that no photo of the split has is left out.

    Raises:
        ArtifactError: there is no tower.
        DataError: the split has no photo that can be read.
    """
    tower = load_tower(workdir.tower)
    catalog = load_catalog(workdir)
    rows = np.flatnonzero(catalog[SPLIT].to_numpy(dtype=object) == split)
    labels = read_labels(catalog, config.tower.max_label_values)
    with tempfile.TemporaryDirectory(dir=workdir.root) as scratch:
        cache = cache_pixels(photos_of(catalog, rows), config.photos, tower.image_size,
                             Path(scratch) / "pixels", config.embed.decode_workers)  # fmt: skip
        if not len(cache.pixels):
            raise DataError(f"the {split} split has no photo that can be read.",
                            where=str(workdir.tables), mend="Look at `vitrine check`.")  # fmt: skip
        logits = _logits(tower, cache.pixels, config.embed.batch_size)
    return {name: measured for name, found in logits.items()
            if (measured := _measure(name, found, cache.item_rows, labels, tower))}  # fmt: skip


def macro_f1(predicted: NDArray[np.int64], labels: NDArray[np.int32], num_classes: int) -> float:
    """Mean F1 over the classes that occur among labels or predictions; all known labels."""
    scores = []
    for number in range(num_classes):
        hits = int(np.sum((predicted == number) & (labels == number)))
        claimed, there = int(np.sum(predicted == number)), int(np.sum(labels == number))
        if claimed + there:
            scores.append(2 * hits / (claimed + there))
    return float(np.mean(scores)) if scores else float("nan")


def _measure(
    name: str, logits: NDArray[np.float32], item_rows: NDArray[np.int32], labels: Labels,
    tower: LoadedTower,
) -> dict[str, Any]:  # fmt: skip
    known = labels.numbers[name][item_rows]
    labeled = known >= 0
    if not labeled.any():
        return {}
    logits, known = logits[labeled], known[labeled]
    predicted = logits.argmax(axis=1)
    temperature = tower.settings.temperatures.get(name, 1.0)
    return {
        "photos": len(known), "classes": logits.shape[1],
        "accuracy": float(np.mean(predicted == known)),
        "macro_f1": macro_f1(predicted, known, logits.shape[1]),
        "calibration_error": {
            "before": expected_calibration_error(softmax(logits, axis=1), known),
            "after": expected_calibration_error(softmax(logits / temperature, axis=1), known),
        },
    }  # fmt: skip


def _logits(
    tower: LoadedTower, pixels: np.ndarray, batch_size: int
) -> dict[str, NDArray[np.float32]]:
    heads = tower.heads
    if heads is None:
        return {}

    @tf.function(reduce_retracing=True, autograph=False)
    def classify(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        features = tower.layer.features(tf.cast(batch, tf.float32))
        return heads(features, tower.layer.embed(features))[0]

    parts = [classify(np.asarray(pixels[start : start + batch_size]))
             for start in range(0, len(pixels), batch_size)]  # fmt: skip
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

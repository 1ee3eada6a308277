"""Labels: categories and attributes of the catalog as class numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from recsys.columns import CATEGORY, IMAGE_SEPARATOR, SPLIT, attribute_columns
from recsys.features import several
from recsys.progress import say

MISSING = -1


@dataclass(frozen=True)
class Labels:
    """What the tower can be taught about each item of a catalog.

    Attributes:
        values: label name to its classes.
        numbers: int32 [num_items] class numbers; of a label that may have several values at
            once int32 [num_items, num_classes], 1 for those that an item has. -1 is missing.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def several(self) -> list[str]:
        """The labels of which an item may have several values at once."""
        return [name for name, numbers in self.numbers.items() if numbers.ndim == 2]

    def class_weights(self, rows: np.ndarray, balance: float) -> dict[str, np.ndarray]:
        """How much one photo of each class counts: (1 / its share) ** balance, about 1.

        Args:
            rows: item rows of the training photos.
            balance: 0 counts photos alike, 1 counts classes alike.

        Returns:
            For each label float32 [num_classes]; the mean over the photos is 1.
        """
        return {name: _weights(self.numbers[name][rows], len(values), balance)
                for name, values in self.values.items()}  # fmt: skip


def read_labels(catalog: pd.DataFrame, max_values: int) -> Labels:
    """Finds the labels that can be learned: at least two classes among the training items.

    Classes are those of the training split; an item of any other class has no label. An
    attribute that has several values in a cell of it ("Action|Comedy") is a set of yes and no.

    Args:
        catalog: as prepared.
        max_values: an attribute with more classes than this is left out.
    """
    labels = Labels()
    training = (catalog[SPLIT] == "train").to_numpy()
    for name in (CATEGORY, *attribute_columns(list(catalog.columns))):
        texts = catalog[name].tolist()
        many = name != CATEGORY and any(
            IMAGE_SEPARATOR in text for text, taught in zip(texts, training, strict=True) if taught
        )
        cells = [several(text) if many else [text] if text else [] for text in texts]
        known = (cell for cell, taught in zip(cells, training, strict=True) if taught)
        classes = sorted({value for cell in known for value in cell})
        if 2 <= len(classes) <= max_values:
            labels.values[name] = classes
            labels.numbers[name] = _held(cells, classes) if many else _single(cells, classes)
        elif classes:
            why = "one value teaches nothing" if len(classes) == 1 else "that is an id"
            say(f"  `{name}` is not learned: {len(classes)} in training, and {why}")
    return labels


def is_missing(numbers: np.ndarray) -> np.ndarray:
    """Which items have no label: bool [n] of int32 [n] or [n, num_classes]."""
    return (numbers if numbers.ndim == 1 else numbers[:, 0]) == MISSING


def _single(cells: list[list[str]], classes: list[str]) -> np.ndarray:
    number_of = {text: number for number, text in enumerate(classes)}
    return np.array([number_of.get(cell[0], MISSING) if cell else MISSING for cell in cells],
                    np.int32)  # fmt: skip


def _held(cells: list[list[str]], classes: list[str]) -> np.ndarray:
    number_of = {text: number for number, text in enumerate(classes)}
    held = np.full((len(cells), len(classes)), MISSING, np.int32)
    for row, cell in enumerate(cells):
        numbers = [number_of[text] for text in cell if text in number_of]
        if numbers:
            held[row] = 0
            held[row, numbers] = 1
    return held


def _weights(numbers: np.ndarray, num_classes: int, balance: float) -> np.ndarray:
    named = numbers[numbers >= 0] if numbers.ndim == 1 else np.nonzero(numbers == 1)[1]
    counts = np.bincount(named, minlength=num_classes).astype(np.float64)
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -balance, 0.0)
    total = float(weights @ counts)
    return (weights * (counts.sum() / total if total else 0.0)).astype(np.float32)

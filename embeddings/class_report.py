"""What a classifier confuses with what, and for whom it works less well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_GROUP = 10  # fewer photos say little of a group


@dataclass(frozen=True)
class ClassReport:
    """How a head did on labeled photos.

    Attributes:
        classes: their names.
        confusion: int64 [num_classes, num_classes], rows are true, columns are named.
    """

    classes: list[str]
    confusion: NDArray[np.int64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """Of the photos called so, the share that are; nan where none is called so."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Of the photos that are so, the share called so; nan where there is none."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def f1(self) -> NDArray[np.float64]:
        """Twice the hits over those called so and those that are; nan where there is neither."""
        both = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return _share(2 * np.diag(self.confusion), both)

    @property
    def support(self) -> NDArray[np.int64]:
        """How many photos of each class there are."""
        return np.asarray(self.confusion.sum(axis=1), np.int64)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each class that occurs: photos, precision, recall, F1, mistaken for."""
        found = []
        for number, name in enumerate(self.classes):
            if not self.support[number] and not self.confusion[:, number].any():
                continue
            wrong = self.confusion[number].copy()
            wrong[number] = 0
            found.append({
                "class": name, "photos": int(self.support[number]),
                "precision": _number(self.precision[number]),
                "recall": _number(self.recall[number]), "f1": _number(self.f1[number]),
                "mistaken_for": self.classes[int(wrong.argmax())] if wrong.any() else "",
            })  # fmt: skip
        return found


def class_report(
    predicted: NDArray[np.int64], labels: NDArray[np.int32], classes: list[str]
) -> ClassReport:
    """Counts what was named for what.

    Args:
        predicted: [n] class numbers.
        labels: [n] true class numbers, all known.
        classes: their names.
    """
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    return ClassReport(classes, confusion)


def set_rows(
    claimed: NDArray[np.bool_], held: NDArray[np.bool_], classes: list[str]
) -> list[dict[str, Any]]:
    """The rows of a label of which a photo may have several values; nothing is mistaken for one.

    Args:
        claimed, held: bool [n, num_classes], what was named and what is.
        classes: their names.
    """
    hits, named, there = (x.sum(axis=0) for x in (claimed & held, claimed, held))
    figures = zip(_share(hits, named), _share(hits, there), _share(2 * hits, named + there),
                  strict=True)  # fmt: skip
    return [
        {"class": name, "photos": int(there[number]), "precision": _number(precision),
         "recall": _number(recall), "f1": _number(f1), "mistaken_for": ""}
        for number, (name, (precision, recall, f1)) in enumerate(zip(classes, figures, strict=True))
        if named[number] or there[number]
    ]  # fmt: skip


def gaps(right: NDArray[np.bool_], groups: NDArray[Any]) -> list[dict[str, Any]]:
    """The share that is right in each group, worst first, so that a bias shows.

    Args:
        right: [n] whether each photo's answer is right.
        groups: [n] text; an empty one is no group.

    Returns:
        For each group of at least 10 photos its photos, accuracy, and how far that lies below
        the accuracy of all others; `doubt` is twice the standard error of that difference.
    """
    found = []
    for name in sorted({str(group) for group in groups if group}):
        inside = groups == name
        if inside.sum() < MIN_GROUP or (~inside).sum() < MIN_GROUP:
            continue
        own, rest = right[inside], right[~inside]
        variance = own.var() / len(own) + rest.var() / len(rest)
        found.append({
            "group": name, "photos": int(inside.sum()), "accuracy": float(own.mean()),
            "below_others": float(rest.mean() - own.mean()), "doubt": float(2 * variance**0.5),
        })  # fmt: skip
    return sorted(found, key=lambda row: (-row["below_others"], row["group"]))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

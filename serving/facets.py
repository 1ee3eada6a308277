"""Which items have which value, ready for filters: rows by value, and masks that are remembered.

A mask over 100,000 items takes 100 kB and half a millisecond to make, and shops ask for the same
few conditions again and again; so each is made once and handed out read-only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from recsys import columns

MASK_BYTES = 64_000_000  # of remembered masks; at 100,000 items some 600 of them


@dataclass(frozen=True)
class Mask:
    """A mask that nobody may change, with how many items it allows.

    Attributes:
        allowed: bool [num_items], read-only.
        count: how many are true.
    """

    allowed: np.ndarray
    count: int

    @classmethod
    def of(cls, allowed: np.ndarray) -> Mask:
        """Closes an array to changes and counts it once."""
        allowed.setflags(write=False)
        return cls(allowed, int(np.count_nonzero(allowed)))


class Masks:
    """The masks that were asked for last, by any hashable name of what they allow.

    Args:
        max_bytes: how much is remembered.
    """

    def __init__(self, max_bytes: int = MASK_BYTES) -> None:
        self._max_bytes = max_bytes
        self._known: OrderedDict[Hashable, Mask] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> Mask:
        """The mask of a key; it is made where it is not remembered."""
        with self._lock:
            if (found := self._known.get(key)) is not None:
                self._known.move_to_end(key)
                return found
        made = Mask.of(make())
        with self._lock:
            if key not in self._known:
                self._known[key] = made
                self._num_bytes += made.allowed.nbytes
            while self._num_bytes > self._max_bytes and len(self._known) > 1:
                self._num_bytes -= self._known.popitem(last=False)[1].allowed.nbytes
            return self._known.get(key, made)


class Facet:
    """One column of text as rows by value.

    Args:
        values: [num_items] text; empty is no value.
        split: the values of one item's text.

    Attributes:
        rows: value -> int64 rows, ascending.
    """

    def __init__(self, values: Sequence[str], split: Callable[[str], list[str]]) -> None:
        found: dict[str, list[int]] = {}
        for row, text in enumerate(values):
            for value in split(text) if text else ():
                found.setdefault(value, []).append(row)
        self.rows = {value: np.array(rows, np.int64) for value, rows in found.items()}
        self._num_items = len(values)

    def mask(self, values: Sequence[str]) -> np.ndarray:
        """Which items have one of the values: a new bool [num_items]."""
        mask = np.zeros(self._num_items, bool)
        for value in values:
            if (rows := self.rows.get(value)) is not None:
                mask[rows] = True
        return mask


def category_levels(category: str) -> list[str]:
    """Every level of a path: "A > B" gives "A" and "A > B"."""
    levels = category.split(columns.CATEGORY_SEPARATOR) if category else []
    return [columns.CATEGORY_SEPARATOR.join(levels[: i + 1]) for i in range(len(levels))]


def one_value(text: str) -> list[str]:
    """A text that is one value."""
    return [text]


def several_values(text: str) -> list[str]:
    """The values of an attribute, which are joined by `|` where there are several."""
    return list(dict.fromkeys(value for value in text.split(columns.IMAGE_SEPARATOR) if value))

"""Conditions: what an item must be, the same for the catalog's rows and for one item alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys import columns
from serving.facets import Mask, category_levels, one_value, several_values
from serving.items import Items


class Condition:
    """What an item must be. Conditions are compared by what they say, so masks are shared."""

    def mask(self, items: Items) -> Mask:
        """Which items it allows; remembered by the items."""
        return items.masks.get(self, lambda: self._mask(items))

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item, given by the catalog's columns; missing ones are empty."""
        raise NotImplementedError

    def _mask(self, items: Items) -> np.ndarray:
        raise NotImplementedError


@dataclass(frozen=True)
class OneOf(Condition):
    """A text column holds one of these values."""

    column: str
    values: tuple[str, ...]

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        has = _values_of(self.column)(str(item.get(self.column) or ""))
        return not set(has).isdisjoint(self.values)

    def _mask(self, items: Items) -> np.ndarray:
        if self.column != columns.ITEM_ID:
            facet = items.facets.get(self.column)
            # a rule of merchandising may be older than the catalog
            return np.zeros(len(items), bool) if facet is None else facet.mask(self.values)
        mask = np.zeros(len(items), bool)
        mask[[items.rows[value] for value in self.values if value in items.rows]] = True
        return mask


@dataclass(frozen=True)
class Within(Condition):
    """A number lies in a range, both ends included; a missing number lies in none."""

    column: str
    low: float = -math.inf
    high: float = math.inf

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        value = item.get(self.column)
        return value is not None and bool(self.low <= float(value) <= self.high)

    def _mask(self, items: Items) -> np.ndarray:
        values = items.price if self.column == columns.PRICE else items.created_at
        # a missing number is nan, and every comparison with it is false
        return (values >= self.low) & (values <= self.high)


@dataclass(frozen=True)
class Says(Condition):
    """A yes-or-no column says this."""

    column: str
    value: bool

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        return bool(item.get(self.column, self.column == columns.AVAILABLE)) is self.value

    def _mask(self, items: Items) -> np.ndarray:
        values = items.available if self.column == columns.AVAILABLE else items.has_photo
        return values == self.value


@dataclass(frozen=True)
class Titled(Condition):
    """The title holds each of these words, in any case."""

    words: tuple[str, ...]

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        title = str(item.get(columns.TITLE) or "").casefold()
        return all(word in title for word in self.words)

    def _mask(self, items: Items) -> np.ndarray:
        return items.titled(" ".join(self.words))


@dataclass(frozen=True)
class AllOf(Condition):
    """Every part holds; without parts it allows everything."""

    parts: tuple[Condition, ...] = ()

    def mask(self, items: Items) -> Mask:
        """Which items it allows; one that allows all is not made anew."""
        return super().mask(items) if self.parts else items.everything

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        return all(part.passes(item) for part in self.parts)

    def _mask(self, items: Items) -> np.ndarray:
        return np.logical_and.reduce([part.mask(items).allowed for part in self.parts])


@dataclass(frozen=True)
class AnyOf(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        return any(part.passes(item) for part in self.parts)

    def _mask(self, items: Items) -> np.ndarray:
        return np.logical_or.reduce([part.mask(items).allowed for part in self.parts])


@dataclass(frozen=True)
class Not(Condition):
    """The part does not hold."""

    part: Condition

    def passes(self, item: Mapping[str, Any]) -> bool:
        """Whether it allows one item."""
        return not self.part.passes(item)

    def _mask(self, items: Items) -> np.ndarray:
        return ~self.part.mask(items).allowed


EVERYTHING = AllOf()


def _values_of(column: str) -> Callable[[str], list[str]]:
    split = {columns.CATEGORY: category_levels, columns.BRAND: one_value,
             columns.ITEM_ID: one_value}  # fmt: skip
    return split.get(column, several_values)

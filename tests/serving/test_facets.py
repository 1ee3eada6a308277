"""Rows by value, and masks that are made once."""

from __future__ import annotations

import numpy as np
import pytest

from serving.facets import Facet, Mask, Masks, category_levels, one_value, several_values


def test_a_facet_finds_the_items_of_each_value():
    facet = Facet(["red|blue", "", "blue"], several_values)
    assert facet.mask(["blue"]).tolist() == [True, False, True]
    assert facet.mask(["red", "green"]).tolist() == [True, False, False]


def test_a_category_holds_all_below_it():
    assert category_levels("A > B > C") == ["A", "A > B", "A > B > C"]
    assert Facet(["A > B", "A", "A > BC"], category_levels).mask(["A > B"]).tolist() == [
        True, False, False,
    ]  # fmt: skip


def test_texts_are_split_as_their_column_has_it():
    assert one_value("a|b") == ["a|b"]
    assert several_values("a||b|a") == ["a", "b"]
    assert category_levels("") == []


def test_a_mask_is_made_once_and_cannot_be_changed():
    masks, made = Masks(), []

    def make() -> np.ndarray:
        made.append(1)
        return np.array([True, False, True])

    first, second = masks.get("a", make), masks.get("a", make)
    assert first is second
    assert (len(made), first.count) == (1, 2)
    with pytest.raises(ValueError, match="read-only"):
        first.allowed[0] = False


def test_the_mask_not_asked_for_longest_is_forgotten_first():
    masks, made = Masks(max_bytes=20), []

    def maker(name: str):
        return lambda: made.append(name) or np.ones(10, bool)

    for name in ("a", "b", "a", "c", "a", "b"):  # room for two: c puts b out
        masks.get(name, maker(name))
    assert made == ["a", "b", "c", "b"]


def test_of_counts():
    assert Mask.of(np.zeros(4, bool)).count == 0

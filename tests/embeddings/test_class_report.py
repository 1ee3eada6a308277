"""Confusions, per-class figures and gaps between groups, redone by hand."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.class_report import class_report, gaps, set_rows


def test_each_class_has_its_precision_recall_and_f1():
    # three cats, one of them called dog; one dog, called dog; no bird at all
    found = class_report(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), ["cat", "dog", "bird"])
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    cat, dog = found.rows()
    assert (cat["photos"], cat["precision"], cat["mistaken_for"]) == (3, 1.0, "dog")
    assert cat["recall"] == pytest.approx(2 / 3)
    assert cat["f1"] == pytest.approx(4 / 5)
    assert (dog["precision"], dog["recall"], dog["mistaken_for"]) == (0.5, 1.0, "")


def test_a_class_that_is_only_named_by_mistake_has_no_recall():
    found = class_report(np.array([1]), np.array([0]), ["cat", "dog"])
    assert [row["recall"] for row in found.rows()] == [0.0, None]


def test_the_worst_group_comes_first():
    right = np.array([True] * 10 + [True] * 5 + [False] * 5 + [True] * 3)
    groups = np.array(["a"] * 10 + ["b"] * 10 + ["c"] * 3, object)
    worst, best = gaps(right, groups)  # three photos are no group
    assert (worst["group"], worst["photos"], worst["accuracy"]) == ("b", 10, 0.5)
    assert worst["below_others"] == pytest.approx(0.5)
    assert worst["doubt"] == pytest.approx(2 * (0.25 / 10) ** 0.5)  # all others are right
    assert best["below_others"] == pytest.approx(8 / 13 - 1.0)


def test_photos_without_a_group_only_compare():
    groups = np.array(["a"] * 10 + [""] * 10, object)
    assert [row["group"] for row in gaps(np.ones(20, bool), groups)] == ["a"]


def test_each_value_of_a_set_has_its_figures():
    claimed = np.array([[1, 0, 0], [1, 1, 0]], bool)
    held = np.array([[1, 0, 0], [0, 1, 0]], bool)
    first, second = set_rows(claimed, held, ["new", "blue", "old"])
    assert (first["photos"], first["precision"], first["recall"]) == (1, 0.5, 1.0)
    assert first["f1"] == pytest.approx(2 / 3)
    assert (second["class"], second["f1"]) == ("blue", 1.0)

"""Photos that show what another item's photo shows."""

from __future__ import annotations

import numpy as np

from vitrine.health.near_duplicates import duplicates_report, near_duplicates

# items 0, 2 and 4 show the same, 1 and 3 nearly, 5 nothing of the kind
ANGLES = np.array([0.0, 1.0, 0.001, 1.02, 0.002, 2.0])
VECTORS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)


def test_groups_hold_what_an_asked_item_nearly_coincides_with():
    everything = np.arange(6)
    assert near_duplicates(VECTORS, everything, 0.9999) == [[0, 2, 4]]
    # cos 0.02 = 0.9998
    assert near_duplicates(VECTORS, everything, 0.9997) == [[0, 2, 4], [1, 3]]


def test_only_the_asked_lead_to_a_group():
    assert near_duplicates(VECTORS, np.array([3, 5]), 0.9997) == [[1, 3]]
    assert near_duplicates(VECTORS, np.array([], np.int64), 0.9) == []


def test_many_are_asked_in_parts(monkeypatch):
    monkeypatch.setattr("vitrine.health.near_duplicates.MAX_SCORES", 12)  # two of six at once
    assert near_duplicates(VECTORS, np.arange(6), 0.9997) == [[0, 2, 4], [1, 3]]


def test_the_report_counts_the_asked_that_have_one():
    found = duplicates_report(list("abcdef"), VECTORS, np.array([2, 3, 5]), 0.9997)
    assert found == {"asked": 3, "found": 2, "groups": 2, "min_cosine": 0.9997,
                     "examples": [["a", "c", "e"], ["b", "d"]]}  # fmt: skip

"""What the tower names, measured on photos that it never saw."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.judge_tower import judge_tower, macro_f1
from recsys.errors import DataError


def test_every_head_is_measured_on_the_test_photos(trained):
    found = judge_tower(*trained)
    assert set(found) == {"category", "attr_color"}
    shapes = found["category"]
    assert (shapes["photos"], shapes["classes"]) == (16, 2)  # 2 of every 12 items are for testing
    assert shapes["accuracy"] >= 0.9
    assert shapes["macro_f1"] >= 0.9
    assert 0 <= shapes["calibration_error"]["after"] <= 1


def test_nothing_is_left_in_the_workdir(trained):
    before = set(trained[1].root.iterdir())
    judge_tower(*trained, split="validation")
    assert set(trained[1].root.iterdir()) == before


def test_a_split_without_photos_is_refused(trained):
    with pytest.raises(DataError, match="no photo"):
        judge_tower(*trained, split="none")


def test_macro_f1_is_the_mean_over_classes():
    # class 0: 2 hits, claimed 3, there 2 -> 4/5; class 1: 1 hit, claimed 1, there 2 -> 2/3
    found = macro_f1(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 3)
    assert found == pytest.approx((4 / 5 + 2 / 3) / 2)  # class 2 does not occur

"""The figures behind a tower's report, on drawn shapes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from embeddings.hardships import HARDSHIPS
from embeddings.judge_tower import judge_tower
from embeddings.tower_figures import tower_figures
from recsys.errors import DataError


def test_the_figures_fit_together(trained):
    figures = tower_figures(*trained)
    assert figures["photos"] == 16
    assert figures["heads"] == judge_tower(*trained)
    confusion = np.array(figures["classes"]["category"]["confusion"])
    assert confusion.sum() == 16
    assert np.trace(confusion) / 16 == pytest.approx(figures["heads"]["category"]["accuracy"])
    assert len(figures["mistakes"]) == 16 - np.trace(confusion)
    assert set(HARDSHIPS) < set(figures["robustness"])
    json.dumps(figures)


def test_a_group_that_is_no_column_is_refused(trained):
    with pytest.raises(DataError, match="no column `attr_size`"):
        tower_figures(*trained, groups=["attr_size"])

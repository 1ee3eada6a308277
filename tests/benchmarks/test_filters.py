"""Full pages under filters over 100,000 vectors in a real ScaNN index."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from filters import SHARES, judge


@pytest.mark.slow
def test_pages_are_full_and_right_however_little_a_filter_allows():
    lines = judge(items=100_000, dim=64, num_queries=40)
    assert {(line.kind, line.share) for line in lines} == {
        (kind, share) for kind in ("random", "clusters") for share in SHARES
    }
    for line in lines:
        assert line.num_short == 0, line
        assert line.recall >= 0.95, line

"""Shares and their intervals."""

import pytest

from recsys.rates import rate


def test_the_interval_is_wilsons():
    found = rate(8, 10)
    # (0.8 + 3.84146 / 20) / 1.384146 = 0.7167, half-width 1.96 sqrt(0.016 + 0.009604) / 1.384146
    assert found["rate"] == 0.8
    assert (found["low"], found["high"]) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@pytest.mark.parametrize("part", [0, 5])
def test_nobody_and_everybody_are_inside_their_interval(part):
    found = rate(part, 5)
    assert 0 <= found["low"] <= found["rate"] <= found["high"] <= 1


def test_of_nothing_there_is_no_share():
    assert rate(0, 0) == {"part": 0, "whole": 0, "rate": None, "low": None, "high": None}

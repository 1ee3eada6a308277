"""Popularity and trend as known at a moment, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.popularity_clock import DAY, PopularityClock
from recsys.sequences import make_sequences


@pytest.fixture
def clock() -> PopularityClock:
    """Item a is touched on days 1, 50, 70 and 80, b on day 10, c never."""
    rows = [("u", "a", 1), ("v", "a", 80), ("u", "a", 50), ("w", "a", 70), ("u", "b", 10)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).assign(event="view")
    frame["timestamp"] = frame["timestamp"] * float(DAY)
    return PopularityClock.of(make_sequences(frame, list("abc"), {"view": 1.0}), 3)


def test_only_what_came_before_counts(clock):
    found = clock.features(np.array([[0, 1, 2]] * 3), np.array([80, 81, 1]) * float(DAY))
    # day 80: days 1, 50 and 70 lie before; the event of that very moment does not
    assert found[:, :, 0] == pytest.approx(np.log1p([[3, 1, 0], [4, 1, 0], [0, 0, 0]]))


def test_the_trend_compares_two_windows(clock):
    found = clock.features(np.array([[0, 1]]), np.array([90.0 * DAY]))
    # a: days 60 to 90 hold 2 events, 30 to 60 one -> log 3/2; b: none in either
    assert found[0, :, 1] == pytest.approx([np.log(3 / 2), 0.0])


def test_no_events_at_all():
    nothing = PopularityClock(np.zeros(3, np.int64), np.zeros(0))
    assert not nothing.features(np.array([[0, 1]]), np.array([5.0])).any()

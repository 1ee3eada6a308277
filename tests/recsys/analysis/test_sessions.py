"""Sessions of the hand-computed shop."""

import pytest

from recsys.analysis import sessions
from tests.recsys.analysis.hand_shop import hand_events

EVENTS = hand_events()


def test_a_gap_longer_than_set_begins_another_session():
    numbers = sessions.number_sessions(EVENTS, gap_minutes=30)
    # a: 5 events, then 2 a day later; b: 2, then 1 after 31 minutes; c: 1; d: 2 at one time
    assert numbers.tolist() == [0, 0, 0, 0, 0, 2, 2, 3, 4, 5, 5, 1, 1]
    assert sessions.number_sessions(EVENTS, gap_minutes=31).nunique() == 5


def test_figures_of_sessions():
    found = sessions.measure(EVENTS, sessions.number_sessions(EVENTS, 30))
    assert (found["sessions"], found["shoppers"], found["per_shopper"]) == (6, 4, 1.5)
    assert found["events_median"] == 2  # of 5, 2, 2, 1, 1, 2
    assert found["events_mean"] == pytest.approx(13 / 6)
    assert found["minutes_median"] == 1.5  # of 3, 5, 10, 0, 0, 0
    assert found["with_cart"]["part"] == 2
    assert found["with_purchase"]["part"] == 3
    assert found["single"]["part"] == 2
    assert [row["sessions"] for row in found["by_size"]] == [2, 3, 0, 1, 0, 0]
    assert found["by_hour"] == [6, *[0] * 23]


def test_no_events_are_no_sessions():
    none = EVENTS.iloc[:0]
    assert sessions.measure(none, sessions.number_sessions(none, 30)) == {"sessions": 0}


def test_the_definition_names_the_gap():
    assert "more than 45 minutes" in sessions.definition(45)

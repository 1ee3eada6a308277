"""Events over time."""

from recsys.analysis.activity import over_time
from tests.recsys.analysis.hand_shop import hand_events


def test_every_day_has_its_counts():
    found = over_time(hand_events())
    assert found["unit"] == "day"
    assert found["starts"] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert found["counts"]["purchase"] == [2, 2, 1]
    assert found["counts"]["cart"] == [2, 0, 0]


def test_a_long_log_is_counted_by_week_and_a_longer_one_by_month():
    events = hand_events()
    events.loc[0, "timestamp"] = -86_400.0 * 200
    assert over_time(events)["unit"] == "week"
    events.loc[0, "timestamp"] = -86_400.0 * 2000
    assert over_time(events)["unit"] == "month"
    assert "month" in over_time(events)["definition"]

"""A bucket holds a burst, and fills at its rate; the clock is the test's."""

from __future__ import annotations

from serving.api.token_buckets import MOST, TokenBuckets


def buckets(rate: float, burst: int) -> tuple[TokenBuckets, list[float]]:
    now = [0.0]
    return TokenBuckets(rate, burst, clock=lambda: now[0]), now


def test_a_burst_goes_through_and_then_the_rate():
    found, now = buckets(rate=4.0, burst=3)
    assert [found.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.25]
    now[0] = 0.125  # half a token
    assert found.take("a") == 0.125
    now[0] = 0.25
    assert [found.take("a"), found.take("a")] == [0.0, 0.25]


def test_a_pause_fills_no_more_than_the_burst():
    found, now = buckets(rate=4.0, burst=2)
    found.take("a")
    now[0] = 1000.0
    assert [found.take("a") for _ in range(3)] == [0.0, 0.0, 0.25]


def test_keys_do_not_share():
    found, _ = buckets(rate=1.0, burst=1)
    assert [found.take("a"), found.take("b"), found.take("a")] == [0.0, 0.0, 1.0]


def test_no_rate_counts_nothing():
    found, _ = buckets(rate=0.0, burst=1)
    assert {found.take("a") for _ in range(100)} == {0.0}


def test_a_clock_that_goes_back_takes_nothing_away():
    found, now = buckets(rate=1.0, burst=2)
    now[0] = 100.0
    found.take("a")
    now[0] = 50.0
    assert found.take("a") == 0.0


def test_buckets_do_not_grow_without_end():
    found, _ = buckets(rate=1.0, burst=1)
    for number in range(MOST + 5):
        found.take(str(number))
    assert len(found._buckets) == MOST

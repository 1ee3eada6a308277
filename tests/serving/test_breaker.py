"""The breaker opens after failures in a row, and one call at a time finds out whether to close."""

from __future__ import annotations

import threading

import pytest

from recsys.errors import ServingError, UnavailableError
from serving.breaker import CircuitBreaker


class Clock:
    """Seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, seconds=2.0, where="there", clock=clock)


def fail(breaker: CircuitBreaker, kind: type[Exception] = UnavailableError) -> None:
    with pytest.raises(kind, match="down"), breaker.call():
        raise kind("down.")


def succeed(breaker: CircuitBreaker) -> None:
    with breaker.call():
        pass


def refuse(breaker: CircuitBreaker) -> None:
    """It is open: what is within the call does not run."""
    with pytest.raises(UnavailableError, match="left alone"), breaker.call():
        raise AssertionError("called")


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker):
    fail(breaker)
    fail(breaker)
    succeed(breaker)  # begins the count anew
    fail(breaker)
    fail(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"
    refuse(breaker)


def test_an_answer_that_refuses_is_an_answer(breaker: CircuitBreaker):
    for _ in range(5):
        fail(breaker, ServingError)
        fail(breaker, KeyError)
    assert breaker.state == "closed"


def test_after_a_rest_one_call_tries_and_closes_it(breaker: CircuitBreaker, clock: Clock):
    for _ in range(3):
        fail(breaker)
    clock.now += 1.9
    refuse(breaker)
    clock.now += 0.1
    assert breaker.state == "half-open"
    with breaker.call():
        refuse(breaker)  # another one meanwhile
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "closed"  # three in a row again


def test_a_try_that_fails_opens_it_for_another_rest(breaker: CircuitBreaker, clock: Clock):
    for _ in range(3):
        fail(breaker)
    clock.now += 2.0
    fail(breaker)
    clock.now += 1.0
    refuse(breaker)
    clock.now += 1.0
    succeed(breaker)
    assert breaker.state == "closed"


def test_a_try_that_is_broken_off_lets_another_one_try(breaker: CircuitBreaker, clock: Clock):
    for _ in range(3):
        fail(breaker)
    clock.now += 2.0
    with pytest.raises(KeyboardInterrupt), breaker.call():
        raise KeyboardInterrupt
    assert breaker.state == "half-open"
    succeed(breaker)
    assert breaker.state == "closed"


def test_a_late_answer_to_an_early_call_does_not_close_it(breaker: CircuitBreaker):
    with breaker.call():
        for _ in range(3):
            fail(breaker)
    assert breaker.state == "open"


def test_of_many_threads_one_tries(breaker: CircuitBreaker, clock: Clock):
    for _ in range(3):
        fail(breaker)
    clock.now += 2.0
    inside, go, called, refused = threading.Event(), threading.Event(), [], []

    def ask() -> None:
        try:
            with breaker.call():
                called.append(1)
                inside.set()
                go.wait(5)
        except UnavailableError:
            refused.append(1)

    first = threading.Thread(target=ask)
    first.start()
    assert inside.wait(5)
    others = [threading.Thread(target=ask) for _ in range(7)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    go.set()
    first.join()
    assert (len(called), len(refused)) == (1, 7)

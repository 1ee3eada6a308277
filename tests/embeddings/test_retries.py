"""Trying again: how often, after what waits, and when to give up."""

from __future__ import annotations

import pytest

from embeddings import retries
from embeddings.retries import Patience, TransientError, persist
from recsys.config import SourcesConfig
from recsys.errors import PhotoError

SETTINGS = SourcesConfig(backoff_seconds=1, max_backoff_seconds=5, total_seconds=1000)


def error(reason="server_error"):
    return PhotoError("the server answers 503.", reason=reason, where="http://a/b", mend="Wait.")


class Attempt:
    """Fails so many times; with waits that the server asks for."""

    def __init__(self, failures: int, wait: float = 0.0) -> None:
        self.calls = 0
        self.failures = failures
        self.wait = wait

    def __call__(self, patience: Patience) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise TransientError(error(), self.wait)
        return "photo"


@pytest.fixture
def waits(monkeypatch):
    monkeypatch.setattr(retries.random, "random", lambda: 0.5)
    return []


def test_a_failure_that_passes_is_not_noticed(waits):
    attempt = Attempt(failures=4)
    assert persist(attempt, SETTINGS, tries=5, sleep=waits.append) == "photo"
    assert attempt.calls == 5
    # half of 1, 2, 4 and, since no wait is longer than 5, of 5
    assert waits == [0.5, 1, 2, 2.5]


def test_the_last_failure_is_told_with_the_number_of_tries(waits):
    with pytest.raises(PhotoError) as caught:
        persist(Attempt(failures=9), SETTINGS, tries=3, sleep=waits.append)
    assert caught.value.what == "the server answers 503, in 3 tries."
    assert (caught.value.reason, caught.value.where) == ("server_error", "http://a/b")
    assert len(waits) == 2


def test_what_will_not_pass_is_raised_at_once(waits):
    def attempt(patience):
        raise error("missing")

    with pytest.raises(PhotoError, match="answers 503"):
        persist(attempt, SETTINGS, tries=5, sleep=waits.append)
    assert waits == []


def test_a_server_is_left_alone_as_long_as_it_asks(waits):
    persist(Attempt(failures=1, wait=33), SETTINGS, tries=2, sleep=waits.append)
    assert waits == [33]


def test_a_wait_that_is_longer_than_the_time_left_is_not_begun(waits):
    attempt = Attempt(failures=9, wait=1001)
    with pytest.raises(PhotoError, match=r"answers 503\. Wait\."):
        persist(attempt, SETTINGS, tries=5, sleep=waits.append)
    assert (attempt.calls, waits) == (1, [])


def test_waits_are_drawn_from_nothing_to_the_bound():
    waits: list[float] = []
    for _ in range(300):
        persist(Attempt(failures=1), SETTINGS, tries=2, sleep=waits.append)
    assert 0 <= min(waits) < 0.1
    assert 0.9 < max(waits) <= 1


def test_time_that_is_excused_is_given_back():
    patience = Patience(10)
    patience.excuse(5)
    assert patience.left() == pytest.approx(15, abs=1)
    assert Patience(0).left() == 0

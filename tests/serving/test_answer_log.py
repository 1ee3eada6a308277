"""Answers are written by a thread, many at a time."""

import time

import pytest

from recsys.errors import ServingError
from serving import answer_log
from serving.answer_log import AnswerLog
from serving.store import Store
from serving.store_answers import GivenAnswer, ShownItem

DAY = 86_400.0


def given(request_id, timestamp=10 * DAY):
    return GivenAnswer(request_id, timestamp, "recommend", "f", 1, (ShownItem("a"),))


@pytest.fixture
def store():
    made = Store("sqlite://")
    yield made
    made.close()


def test_what_was_added_is_written_by_flush_and_known_before(store):
    log = AnswerLog(store, keep_days=5, clock=lambda: 10 * DAY)
    log.add(given("r"))
    assert log.of(["r", "s", ""]) == {"r": ("recommend", "f")}
    assert list(store.answers()) == []
    log.flush()
    assert [each.request_id for each in store.answers()] == ["r"]
    # another process knows it from the store
    assert AnswerLog(store, 5).of(["r"]) == {"r": ("recommend", "f")}


def test_a_thread_writes_and_the_end_writes_the_rest(store, monkeypatch):
    monkeypatch.setattr(answer_log, "FLUSH_SECONDS", 0.01)
    told = []
    log = AnswerLog(store, keep_days=5, clock=lambda: 10 * DAY, tell=lambda: told.append(1))
    log.start()
    log.add(given("r"))
    deadline = time.monotonic() + 5
    while not list(store.answers()) and time.monotonic() < deadline:
        time.sleep(0.01)
    log.add(given("s"))
    log.close()
    assert [each.request_id for each in store.answers()] == ["r", "s"]
    assert told


def test_old_answers_go(store):
    log = AnswerLog(store, keep_days=5, clock=lambda: 10 * DAY)
    log.add(given("old", timestamp=4 * DAY))
    log.add(given("new", timestamp=6 * DAY))
    log.flush()
    assert [each.request_id for each in store.answers()] == ["new"]


def test_off_keeps_nothing(store):
    log = AnswerLog(store, keep_days=0)
    log.start()
    log.add(given("r"))
    log.close()
    assert list(store.answers()) == []
    assert log.of(["r"]) == {}


def test_while_the_database_is_down_answers_wait_up_to_a_limit(store, monkeypatch):
    monkeypatch.setattr(answer_log, "MOST_WAITING", 2)
    log = AnswerLog(store, keep_days=5, clock=lambda: 10 * DAY)

    def down(answers):
        raise ServingError("the database cannot be used.")

    with monkeypatch.context() as patched:
        patched.setattr(store, "add_answers", down)
        log.add(given("r"))
        log.flush()
        log.add(given("s"))
        log.add(given("t"))
        log.flush()
    assert log.dropped == 1
    log.flush()
    assert [each.request_id for each in store.answers()] == ["r", "s"]

"""Events: whole batches, each event id once, kept through a kill, told by shopper."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading

import pytest

from recsys.errors import DataError
from serving.store import Event, Store


def test_history_is_the_last_events_oldest_first(store: Store):
    store.add_events([Event("ann", str(i), "view", float(i % 3)) for i in range(6)])
    # times are 0 1 2 0 1 2: the last three by time, then by arrival, are 4, 2, 5
    assert [event.item_id for event in store.history("ann", 3)] == ["4", "2", "5"]


def test_a_value_is_kept_and_a_missing_one_stays_missing(store: Store):
    store.add_events([Event("ann", "1", "rating", 1.0, 4.5), Event("ann", "2", "view", 2.0)])
    first, second = store.history("ann", 2)
    assert first.value == 4.5
    assert math.isnan(second.value)


def test_an_event_id_is_stored_once(store: Store):
    event = Event("ann", "1", "view", 1.0, event_id="e1")
    assert store.add_events([event, event]) == 1
    assert store.add_events([event, Event("ann", "2", "view", 2.0)]) == 1
    assert store.counts() == (0, 2)


def test_users_are_counted_listed_and_found_near(store: Store):
    store.add_events([Event(u, "1", "view", 1.0) for u in ("ann", "ann", "bob", "zoe")])
    assert [(user.user_id, user.num_events) for user in store.users(9)] == [
        ("ann", 2), ("bob", 1), ("zoe", 1)]  # fmt: skip
    assert [user.user_id for user in store.users(9, min_events=2)] == ["ann"]
    assert [user.user_id for user in store.users(1, offset=1)] == ["bob"]
    assert store.users_near("bo", limit=1) == ["ann", "bob"]
    assert store.user("ann").num_events == 2  # type: ignore[union-attr]
    assert store.user("an") is None


def test_popularity_counts_events_by_item(store: Store):
    store.add_events([Event("ann", i, "view", 1.0) for i in ("1", "1", "2")])
    assert store.popularity() == {"1": 2, "2": 1}


def test_writers_and_readers_at_once_lose_nothing(store: Store):
    def write(user_id: str) -> None:
        for i in range(25):
            store.add_events([Event(user_id, str(i), "view", float(i))])
            store.history(user_id, 5)

    threads = [threading.Thread(target=write, args=(f"u{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts() == (0, 200)


def test_an_acknowledged_event_outlives_a_kill(database_url: str):
    program = f"""
from serving.store import Event, Store
store = Store({database_url!r})
for number in range(10_000):
    store.add_events([Event("ann", str(number), "view", float(number), event_id=str(number))])
    print(number, flush=True)
"""
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(50)]
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += writer.stdout.readlines()
    with contextlib.closing(Store(database_url)) as store:
        kept = {event.item_id for event in store.history("ann", 20_000)}
    assert {line.strip() for line in acknowledged if line.endswith("\n")} <= kept


def test_senders_that_repeat_each_other_are_told_of_each_event_once(store: Store):
    """Eight senders, the same 40 events in as many orders: 40 are new, whoever comes first."""
    events = [Event("ann", str(i), "view", float(i), event_id=f"e{i}") for i in range(40)]
    stored: list[int] = []

    def send(sender: int) -> None:
        for start in range(0, 40, 10):
            batch = events[(start + 5 * sender) % 40 :][:10]
            stored.append(store.add_events(batch[:: -1 if sender % 2 else 1]))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(stored) == store.counts()[1] == 40


def test_a_batch_with_something_that_cannot_be_held_leaves_nothing(store: Store):
    with pytest.raises(DataError, match="cannot hold"):
        store.add_events([Event("ann", "1", "view", 1.0), Event("ann", "\ud800", "view", 2.0)])
    assert store.counts() == (0, 0)

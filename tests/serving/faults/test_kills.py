"""kill -9 in the middle of 1,000 event posts: every acknowledged event is there, once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.serving.faults.site import Sender, Site, stored
from tests.serving.postgresql import PostgreSQL

NUM_EVENTS = 1000
pytestmark = pytest.mark.slow


def test_each_of_the_three_is_killed_over_postgresql(
    open_site: Callable[..., Site], postgresql: PostgreSQL
):
    url = postgresql.fresh()
    site = open_site(f"serving.database_url={url}")
    sender = Sender(str(site.api.base_url), list(site.bundle.items["item_id"]), NUM_EVENTS)

    def kill_model_server() -> None:
        os.kill(site.model_server, signal.SIGKILL)

    def kill_database() -> None:
        postgresql.kill()
        before = set(sender.acknowledged)
        time.sleep(1.0)
        # those that were on their way back may still arrive; nothing is acknowledged after them
        assert len(sender.acknowledged - before) <= 8
        postgresql.start()

    def kill_api() -> None:
        site.kill()
        site.start()

    try:
        sender.run({200: kill_model_server, 400: kill_database, 700: kill_api})
    except BaseException:
        print(site.log)
        raise
    assert set(sender.refused) == {503}  # while there was no database
    assert sender.lost > 0  # while there was no API
    assert stored(url) == Counter({f"e{number}": 1 for number in range(NUM_EVENTS)})


def test_the_api_is_killed_over_sqlite(site: Site):
    sender = Sender(str(site.api.base_url), list(site.bundle.items["item_id"]), NUM_EVENTS)
    at_the_kill: set[int] = set()

    def kill_api() -> None:
        at_the_kill.update(sender.acknowledged)
        site.kill()
        # what was acknowledged is in the file before anyone sends it again
        assert {f"e{number}" for number in at_the_kill} <= set(stored(url))
        site.start()

    url = f"sqlite:///{site.workdir.store}"
    sender.run({400: kill_api})
    assert len(at_the_kill) >= 400
    assert stored(url) == Counter({f"e{number}": 1 for number in range(NUM_EVENTS)})

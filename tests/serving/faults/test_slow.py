"""A model server that hangs: answers stay quick, are marked, and are whole again afterwards."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.serving.faults.site import Site

pytestmark = pytest.mark.slow


def stop(process: int) -> None:
    """Halts every thread of a process; on a busy machine some would still answer."""
    os.kill(process, signal.SIGSTOP)
    threads = list(Path(f"/proc/{process}/task").iterdir())
    while any("T (stopped)" not in (each / "status").read_text() for each in threads):
        time.sleep(0.01)


def test_a_model_server_that_hangs_is_left_alone(site: Site):
    item_id = site.bundle.items["item_id"].iloc[0]

    def ask() -> tuple[bool, float]:
        began = time.monotonic()
        answer = site.api.get(f"/v1/items/{item_id}/similar?k=5")
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) == 5
        return answer.json()["degraded"], time.monotonic() - began

    assert ask()[0] is False
    stop(site.model_server)
    try:
        waited = [ask() for _ in range(3)]  # each waits its three seconds out
        quick = [ask() for _ in range(10)]
        assert {degraded for degraded, _ in waited + quick} == {True}
        assert min(seconds for _, seconds in waited) > 2.5
        # one of them may be the one that tries
        assert sorted(seconds for _, seconds in quick)[-2] < 2.5
        assert site.api.get("/readyz").status_code == 503
    finally:
        os.kill(site.model_server, signal.SIGCONT)
    end = time.monotonic() + 30
    while ask()[0] and time.monotonic() < end:
        time.sleep(0.2)
    assert ask()[0] is False

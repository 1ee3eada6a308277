"""A full disk: batches are refused whole, what was acknowledged stays, and it goes on with room."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from httpx import Client

from recsys.errors import UnavailableError
from serving.service import Service
from serving.store import Event, Store

BATCH = 50
MEGABYTES = 4

PROGRAM = """
import sys
from recsys.errors import UnavailableError
from serving.store import Event, Store

store = Store(sys.argv[1])
for batch in range(100_000):
    events = [Event("ann", "i" * 200, "view", float(batch), event_id=f"{batch}-{n}")
              for n in range(BATCH)]
    try:
        store.add_events(events)
    except UnavailableError as error:
        print("full", error.what, flush=True)
        break
    print(batch, flush=True)
store.history("ann", 5)
try:
    store.add_events(events)
    print("room again", flush=True)
except UnavailableError:
    print("still full", flush=True)
""".replace("BATCH", str(BATCH))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "vitrine-test", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs `mount`")
    if done.returncode:
        pytest.skip("may not mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path, before: Callable[[], None] = lambda: None) -> list[str]:
    """What the program printed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"sqlite:///{path}"], capture_output=True, text=True,
        check=False, preexec_fn=before, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def check(path: Path, said: list[str]) -> None:
    """Exactly what was acknowledged is there, in whole batches, and more can be added."""
    acknowledged = [line for line in said if line.isdecimal()]
    assert len(acknowledged) > 5
    assert said[len(acknowledged)].startswith("full the database cannot be used")
    with contextlib.closing(Store(f"sqlite:///{path}")) as store:
        assert store.counts()[1] == BATCH * len(acknowledged)
        assert store.add_events([Event("ann", "1", "view", 1.0, event_id="later")]) == 1


def test_a_full_disk_refuses_whole_batches(small_disk: Path):
    reserve = small_disk / "reserve"
    reserve.write_bytes(b"x" * 1_000_000)
    said = fill(small_disk / "store.sqlite")
    assert said[-1] == "still full"
    reserve.unlink()
    check(small_disk / "store.sqlite", said)


def test_a_file_that_may_not_grow_refuses_whole_batches(tmp_path: Path):
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    said = fill(tmp_path / "store.sqlite", limit)
    check(tmp_path / "store.sqlite", said)


def test_the_api_says_503_and_goes_on_when_there_is_room(service: Service, api: Client):
    """SQLite's own limit of pages stands for the disk."""
    store = service.store

    def limit(pages: int) -> None:
        with store._database.reading() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def post(number: int) -> int:
        events = [{"user_id": "u" * 190, "item_id": "3", "event": "view",
                   "event_id": f"{number}-{n}"} for n in range(5)]  # fmt: skip
        return api.post("/v1/events", json={"events": events}).status_code

    with store._database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    limit(int(pages) + 3)
    before = store.counts()[1]
    statuses = [post(number) for number in range(60)]
    assert set(statuses) == {200, 503}
    assert store.counts()[1] == before + 5 * statuses.count(200)
    assert api.get("/v1/users/ann/recommendations").status_code == 200
    limit(1_000_000)
    assert post(1000) == 200


def test_the_stores_error_says_that_it_may_pass(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 's.sqlite'}")
    with store._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")
    with contextlib.closing(store), pytest.raises(UnavailableError, match="full"):
        for number in range(100):
            store.add_events([Event("ann", "x" * 4000, "view", float(number))])

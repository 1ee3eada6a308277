"""`vitrine serve` as real processes that a test may kill and start again."""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import sqlalchemy as sa

from recsys.workdir import Workdir
from serving.bundle import Bundle, open_bundle

START_SECONDS = 300
SEND_SECONDS = 300
MAX_WAITING = 24  # of the shared shop; the senders of a test are fewer


class Site:
    """One shop on a fixed port: the API and the model server that it starts.

    Args:
        root: where its workdir `w` lies and its log is written.
        settings: overrides of the config.
    """

    def __init__(self, root: Path, *settings: str) -> None:
        self.root = root
        self.workdir = Workdir(root / "w")
        self.bundle: Bundle = open_bundle(self.workdir)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._settings = [part for each in settings for part in ("--set", each)]
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def log(self) -> str:
        """Everything that it said."""
        return (self.root / "log").read_text()

    @property
    def model_server(self) -> int:
        """The process number of its model server."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return int(" ".join(path.read_text() for path in children).split()[0])

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Starts it."""
        command = [sys.executable, "-m", "vitrine", "serve", "--workdir", str(self.workdir.root),
                   "--port", str(self.port), *self._settings]  # fmt: skip
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def wait(self) -> None:
        """Waits until it is ready."""
        assert self.process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if self.api.get("/readyz").status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"it did not become ready:\n{self.log}")

    def kill(self) -> None:
        """Ends the API the way that a power cut would; its model server goes with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Ends it."""
        self.api.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Sender:
    """Posts numbered events, each until it is acknowledged; repeats are the server's to notice.

    Attributes:
        acknowledged: numbers of events that a 200 was received for.
        refused: statuses of answers that were none.
        lost: how many posts got no answer at all.
    """

    url: str
    item_ids: list[str]
    count: int
    acknowledged: set[int] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    lost: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, at: dict[int, Callable[[], None]], threads: int = 8) -> None:
        """Sends everything; when so many are acknowledged, something happens meanwhile.

        Args:
            at: number of acknowledged events -> what to do then, in this thread.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(self.count):
            waiting.put(number)
        senders = [threading.Thread(target=self._send, args=(waiting,)) for _ in range(threads)]
        for thread in senders:
            thread.start()
        for count, happen in sorted(at.items()):
            while len(self.acknowledged) < count and any(t.is_alive() for t in senders):
                time.sleep(0.002)
            happen()
        for thread in senders:
            thread.join(SEND_SECONDS)
        assert not any(thread.is_alive() for thread in senders), len(self.acknowledged)

    def _send(self, waiting: queue.SimpleQueue[int]) -> None:
        with httpx.Client(base_url=self.url, timeout=20) as client:
            while True:
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                while not self._posted(client, number):
                    time.sleep(0.05)

    def _posted(self, client: httpx.Client, number: int) -> bool:
        event = {"user_id": f"u{number % 20}", "event": "view", "event_id": f"e{number}",
                 "item_id": self.item_ids[number % len(self.item_ids)]}  # fmt: skip
        try:
            status = client.post("/v1/events", json={"events": [event]}).status_code
        except httpx.TransportError:
            with self._lock:
                self.lost += 1
            return False
        with self._lock:
            if status == 200:
                self.acknowledged.add(number)
            else:
                self.refused.append(status)
        return status == 200


def stored(url: str) -> Counter[str]:
    """How often each event id that came through the API is in a database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return Counter(connection.scalars(sa.text(
            "SELECT event_id FROM events WHERE event_id IS NOT NULL"
        )))  # fmt: skip

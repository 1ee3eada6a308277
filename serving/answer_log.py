"""Writes down answers without keeping them waiting: a thread writes, many at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from recsys.errors import VitrineError
from serving.store_answers import GivenAnswer, StoredAnswers

FLUSH_SECONDS = 0.5
FORGET_SECONDS = 3600.0
MOST_WAITING = 20_000  # answers; more are dropped and counted while the database is down
MOST_KNOWN = 10_000  # of the latest requests, to tell an event's verb and bundle at once: 3 MB
DAY = 86_400.0

_log = logging.getLogger("vitrine.answers")


class AnswerLog:
    """Keeps the answers of the last days.

    An answer is not held up for its record: what waits when the process is killed is lost, as an
    acknowledged event never is.

    Args:
        store: where they are kept.
        keep_days: older ones are removed; 0 keeps none.
        clock: seconds since the epoch.
        tell: called after each round of writing, with nothing to write as well.
    """

    def __init__(
        self, store: StoredAnswers, keep_days: float, *, clock: Callable[[], float] = time.time,
        tell: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._store = store
        self._keep_days = keep_days
        self._clock = clock
        self._tell = tell
        self._waiting: deque[GivenAnswer] = deque()
        self._known: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._forgot_at = -FORGET_SECONDS
        self.dropped = 0

    @property
    def is_on(self) -> bool:
        """Whether answers are kept."""
        return self._keep_days > 0

    def add(self, answer: GivenAnswer) -> None:
        """Takes one answer; it is written soon."""
        if not self.is_on:
            return
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self.dropped += 1
                return
            self._waiting.append(answer)
            self._known[answer.request_id] = (answer.verb, answer.bundle)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def of(self, request_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Verb and bundle of those requests that were answered; unknown ones are left out."""
        wanted = {each for each in request_ids if each} if self.is_on else set()
        with self._lock:
            found = {each: self._known[each] for each in wanted if each in self._known}
        missing = sorted(wanted - found.keys())
        for answer in self._store.answers(request_ids=missing) if missing else ():
            found[answer.request_id] = (answer.verb, answer.bundle)
        return found

    def start(self) -> None:
        """Begins to write; without it, `flush` must be called."""
        if self.is_on and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Writes what waits, and ends."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        self.flush()

    def flush(self) -> None:
        """Writes what waits; where that fails, it goes on waiting."""
        with self._lock:
            batch = list(self._waiting)
            self._waiting.clear()
        try:
            self._store.add_answers(batch)
            if self.is_on and self._clock() - self._forgot_at >= FORGET_SECONDS:
                self._forgot_at = self._clock()
                self._store.forget_answers(self._forgot_at - self._keep_days * DAY)
        except VitrineError as error:
            _log.warning("answers wait to be written: %s", error.line)
            with self._lock:
                room = MOST_WAITING - len(self._waiting)
                self.dropped += max(0, len(batch) - room)
                self._waiting.extendleft(reversed(batch[max(0, len(batch) - room) :]))

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
                self._tell()
            except Exception:  # the thread must not end
                _log.exception("answers could not be written")

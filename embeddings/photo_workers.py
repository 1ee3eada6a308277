"""Photos through worker processes; one that dies is replaced, and the photo that did it skipped."""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import queue
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from embeddings.photo_work import Fitted, KnownHashes, PhotoTask, WorkSettings
from embeddings.photo_worker import AT_ONCE
from recsys.artifact import disk_errors
from recsys.errors import PhotoError, VitrineError

WORKER = (sys.executable, "-m", "embeddings.photo_worker")
MOST_DEATHS = 3  # of workers in a row that had begun no photo: they cannot run here at all
# glibc would give a photo's memory back after each one and take it again, page by page, for the
# next: a quarter of the time that decoding takes. Larger blocks go back all the same.
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
_SECONDS_TO_LOOK = 0.5  # how long a blocked thread may take to see that it is to stop


@dataclass(frozen=True, kw_only=True)
class PhotoWorkers:
    """How many worker processes, and what they need.

    Attributes:
        decode_seconds: a photo that holds its worker for longer is given up.
        ahead: fitted photos that may wait for the reader.
        command: starts a worker; a file descriptor is added to it.
    """

    count: int
    settings: WorkSettings
    decode_seconds: float = 60.0
    ahead: int = 64
    command: tuple[str, ...] = WORKER

    def fit(self, tasks: Iterable[PhotoTask], known: KnownHashes) -> Iterator[Fitted]:
        """Yields what becomes of each task, in any order; tasks are taken as they are needed.

        Args:
            tasks: each location once.
            known: hashes of photos that need no decoding.

        Raises:
            VitrineError: the processes end before they begin with a photo.
        """
        with tempfile.TemporaryDirectory(prefix="vitrine-photos-") as scratch:
            path = Path(scratch) / "known.npy"
            with disk_errors(path):
                known.save(path)
            run = _Run(self, iter(tasks), path)
            threads = [
                threading.Thread(target=run.tend, name=f"photos-{number}", daemon=True)
                for number in range(self.count)
            ]
            for thread in threads:
                thread.start()
            try:
                yield from run.results(len(threads))
            finally:
                run.stop()
                for thread in threads:
                    thread.join()


@dataclass
class _Run:
    """The tasks of one call and the threads that hand them out, each to a process of its own."""

    plan: PhotoWorkers
    tasks: Iterator[PhotoTask]
    known: Path
    done: queue.Queue[Fitted | Exception | None] = field(init=False)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    processes: set[_Process] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.done = queue.Queue(self.plan.ahead)

    def results(self, num_threads: int) -> Iterator[Fitted]:
        while num_threads:
            value = self.done.get()
            if isinstance(value, Exception):
                raise value
            if value is None:
                num_threads -= 1
            else:
                yield value

    def stop(self) -> None:
        """Ends the processes, whatever they are at; so do their threads then."""
        with self.lock:
            self.stopped.set()
            for process in self.processes:
                process.process.kill()  # its thread notices

    def tend(self) -> None:
        """What one thread does: keeps a process in work, and starts another where it dies."""
        try:
            left: collections.deque[PhotoTask] = collections.deque()
            suspect, deaths = "", 0
            while not self.stopped.is_set():
                died = self._keep_busy(left, suspect)
                if died is None:
                    break
                deaths = 0 if died.answered or died.begun else deaths + 1
                if deaths == MOST_DEATHS:
                    raise _no_worker(died)
                left.extend(died.held.values())
                suspect = self._judge(died, left, suspect)
            self._put(None)
        except Exception as error:  # of the tasks as well as of this file
            self._put(error)

    def _keep_busy(self, left: collections.deque[PhotoTask], suspect: str) -> _Process | None:
        """Hands tasks to a new process until none are left, or it dies; returns a dead one."""
        process = self._start()
        if process is None:
            return None
        try:
            while True:
                self._hand_out(process, left, alone=bool(suspect) and not process.answered)
                if not process.held:
                    return None
                self._put(process.take(self.plan.decode_seconds))
        except _DeathError:
            return None if self.stopped.is_set() else process
        finally:
            with self.lock:
                self.processes.discard(process)
            process.end()

    def _start(self) -> _Process | None:
        with self.lock:
            if self.stopped.is_set():
                return None
            process = _Process(self.plan.command, self.known, self.plan.settings)
            self.processes.add(process)
            return process

    def _hand_out(
        self, process: _Process, left: collections.deque[PhotoTask], *, alone: bool
    ) -> None:
        while len(process.held) < (1 if alone else AT_ONCE):
            task = left.popleft() if left else self._next()
            if task is None:
                return
            process.give(task)

    def _next(self) -> PhotoTask | None:
        with self.lock:
            return next(self.tasks, None)

    def _judge(self, died: _Process, left: collections.deque[PhotoTask], suspect: str) -> str:
        """Skips a photo that killed two workers; returns one to try again, alone in its worker.

        Once may be the machine's doing, which ends processes where memory runs out. One that
        takes too long is not waited for twice.
        """
        task = died.held.get(died.begun)
        if task is None:
            return ""
        left.remove(task)
        if task.location != suspect and not died.too_slow:
            left.appendleft(task)
            return task.location
        cause = "it was not done in time" if died.too_slow else "its process ended twice"
        error = PhotoError(
            f"decoder died: {cause}.", reason="decoder_died", where=task.location,
            mend="Save the photo again, as JPEG or PNG.",
        )  # fmt: skip
        self._put(Fitted(task.location, task.state.failed(error), error=error))
        return ""

    def _put(self, value: Fitted | Exception | None) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Full):
                self.done.put(value, timeout=_SECONDS_TO_LOOK)
                return


class _DeathError(Exception):
    """A worker process is gone."""


class _Process:
    """One worker process, and the tasks that it holds."""

    def __init__(self, command: tuple[str, ...], known: Path, settings: WorkSettings) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            handle = theirs.fileno()
            environment = {**os.environ, **_MEMORY, "OMP_NUM_THREADS": "1",
                           "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # fmt: skip
            self.process = subprocess.Popen([*command, str(handle)], pass_fds=[handle],
                                            stdin=subprocess.DEVNULL, env=environment)  # fmt: skip
            self.connection = Connection(ours.detach())
        self.command = command
        self.held: dict[str, PhotoTask] = {}
        self.begun = ""
        self.answered = 0
        self.too_slow = False
        self._send((str(known), settings))

    def give(self, task: PhotoTask) -> None:
        self.held[task.location] = task
        self._send(task)

    def take(self, decode_seconds: float) -> Fitted:
        """The next answer; raises _DeathError."""
        while True:
            try:
                if not self.connection.poll(decode_seconds if self.begun else None):
                    self.too_slow = True
                    raise _DeathError
                message = self.connection.recv()
            except (EOFError, OSError, pickle.UnpicklingError):
                raise _DeathError from None
            if isinstance(message, Fitted):
                self.begun = ""
                self.answered += 1
                del self.held[message.location]
                return message
            self.begun = message

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()

    def _send(self, value: object) -> None:
        # one that is gone is noticed, with what it had begun, when its answer is awaited
        with contextlib.suppress(OSError):
            self.connection.send(value)


def _no_worker(died: _Process) -> VitrineError:
    return VitrineError(
        f"the processes that decode photos end before they begin (exit {died.process.returncode}).",
        where=" ".join(died.command),
        mend="What they wrote stands above; `vitrine doctor` checks the packages.",
    )

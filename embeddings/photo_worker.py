"""A worker process: asks the sources of several photos at once, and decodes one after the other.

    python -m embeddings.photo_worker FILE_DESCRIPTOR

It is a process of its own, since a decoder that broken bytes bring down takes its process along,
and not one of multiprocessing's, which would import the caller's program and TensorFlow with it.
It says which photo it decodes before it begins, so that the one that killed it has a name.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from embeddings.photo_state import Read
from embeddings.photo_work import Asked, KnownHashes, PhotoTask, WorkSettings, ask, fit

AT_ONCE = 8  # sources asked at once, and tasks that a worker holds: servers answer in 50 ms or so


def main() -> None:
    """Works until the other end closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends us
    connection = Connection(int(sys.argv[1]))
    path, settings = connection.recv()
    try:
        serve(connection, KnownHashes.load(Path(path)), settings)
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # without waiting for what is being read


def serve(connection: Connection, known: KnownHashes, settings: WorkSettings) -> None:
    """Answers each task with a Fitted, before which comes the location of one to be decoded."""
    answered: queue.SimpleQueue[Asked | BaseException] = queue.SimpleQueue()
    threading.Thread(
        target=_ask_all, args=(connection, known, settings, answered), daemon=True
    ).start()
    while True:
        asked = answered.get()
        if isinstance(asked, BaseException):
            raise asked
        if isinstance(asked.fetched, Read):
            connection.send(asked.task.location)
        connection.send(fit(asked, known, settings))


def _ask_all(
    connection: Connection,
    known: KnownHashes,
    settings: WorkSettings,
    answered: queue.SimpleQueue[Asked | BaseException],
) -> None:
    def answer(task: PhotoTask) -> None:
        try:
            answered.put(ask(task, known, settings))
        except BaseException as error:
            answered.put(error)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ask") as pool:
        while True:
            try:
                task = connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # nobody waits for what is being read or decoded
            pool.submit(answer, task)


if __name__ == "__main__":
    main()

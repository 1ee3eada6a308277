"""At most so many requests at once to one host, of all processes on this machine.

A slot is a lock on a file, so that the operating system frees it when its holder dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_WAIT_SECONDS = (0.005, 0.03)  # between looks at slots that are all taken


@contextlib.contextmanager
def host_slot(host: str, count: int) -> Iterator[float]:
    """Waits until fewer than `count` holders ask this host; yields the seconds it took."""
    began = time.monotonic()
    while (handle := _free_slot(host, count)) is None:
        time.sleep(random.uniform(*_WAIT_SECONDS))
    try:
        yield time.monotonic() - began
    finally:
        os.close(handle)


def _free_slot(host: str, count: int) -> int | None:
    name = hashlib.sha256(host.encode()).hexdigest()[:16]
    first = random.randrange(count)
    for number in range(count):
        path = _folder(os.getuid()) / f"{name}.{(first + number) % count}"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the folder of temporary files was tidied up
            _folder.cache_clear()
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return handle
    return None


@functools.cache
def _folder(user: int) -> Path:
    """A folder of this user's alone; one of its own where somebody else took the name."""
    folder = Path(tempfile.gettempdir()) / f"vitrine-hosts-{user}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != user:
        return Path(tempfile.mkdtemp(prefix="vitrine-hosts-"))
    return folder

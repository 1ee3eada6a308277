"""One writer per workdir: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from recsys.artifact import disk_errors
from recsys.errors import LockedError


@contextlib.contextmanager
def workdir_lock(root: Path, what: str = "run") -> Iterator[None]:
    """Holds the workdir's lock; refuses at once where another process holds it.

    Args:
        what: which command works here, for whoever is refused meanwhile.

    Raises:
        LockedError: another process works in this workdir; it names the process.
    """
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 500).decode(errors="replace").strip() or "an unknown process"
            raise LockedError(
                f"another process works in this workdir: {holder}.", where=str(root),
                mend="Wait for it to end, stop it, or give another --workdir.",
            ) from None  # fmt: skip
        os.truncate(handle, 0)
        os.pwrite(handle, _myself(what).encode(), 0)
        yield
    finally:
        os.close(handle)


def _myself(what: str) -> str:
    since = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"`vitrine {what}`, process {os.getpid()} on {socket.gethostname()} since {since}"

"""Photos in local files: a file of the same size and time is the same file."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

from embeddings.images import check_length
from embeddings.photo_state import PhotoState, Read, Unchanged
from recsys.errors import PhotoError

# A file that changes again within one tick of its file system's clock keeps its time: what was
# read so soon after its last change is read once more, as git does it.
_TICK_NS = 20_000_000  # the kernel's clock, twice its slowest rate
_COARSE_TICK_NS = 2_000_000_000  # FAT's and some network file systems'


def fetch_local(path: str, state: PhotoState, max_bytes: int) -> Unchanged | Read:
    """Reads a file unless its size and time are those of `state`.

    Raises:
        PhotoError: it is missing, cannot be read, is empty or longer than `max_bytes`.
    """
    began = time.time()
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for its writer
            raise OSError("this is no file")
        if _is_same(found, state):
            return Unchanged(state.confirmed())
        with Path(path).open("rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise PhotoError(
            "there is no such file.", reason="missing", where=path,
            mend="Check the image column and data.root.",
        ) from None  # fmt: skip
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or str(error)
        raise PhotoError(
            f"cannot read the file: {text}.", reason="unreadable", where=path,
            mend="Check the address and your permission to read it.",
        ) from error  # fmt: skip
    check_length(len(data), max_bytes, path)
    return Read(data, PhotoState(
        sha256=hashlib.sha256(data).hexdigest(), size=len(data), mtime_ns=found.st_mtime_ns,
        checked_at=began,
    ))  # fmt: skip


def _is_same(found: os.stat_result, state: PhotoState) -> bool:
    known = state.sha256 and (state.size, state.mtime_ns) == (found.st_size, found.st_mtime_ns)
    tick = _TICK_NS if found.st_mtime_ns % 1_000_000_000 else _COARSE_TICK_NS
    return bool(known) and state.checked_at * 1e9 > found.st_mtime_ns + tick

"""What is known of one photo's file since it was last asked for, and what asking gave."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from recsys.errors import PhotoError


@dataclass(frozen=True)
class PhotoState:
    """One location's file as it was when it was last asked for; `EMPTY` of one never asked for.

    `sha256` stays through failures: the vector of those bytes is the last good one.
    """

    sha256: str = ""  # of the bytes last read; empty: never read
    size: int = -1  # their number
    mtime_ns: int = 0  # of a local file
    etag: str = ""  # as the server gave it, for the next conditional request
    last_modified: str = ""  # likewise
    failures: int = 0  # runs in a row in which it could not be read
    last_error: str = ""  # the last one's reason and what happened; empty after a success
    checked_at: float = 0.0  # seconds since 1970, UTC

    def failed(self, error: PhotoError) -> PhotoState:
        """The state after one more run in which the photo could not be read or used."""
        return replace(self, failures=self.failures + 1, checked_at=time.time(),
                       last_error=f"{error.reason}: {error.what}")  # fmt: skip

    def confirmed(self) -> PhotoState:
        """The state after its source said that nothing changed."""
        return replace(self, failures=0, last_error="", checked_at=time.time())

    def keeps_vector(self, keep_failed_refreshes: int) -> bool:
        """Whether an item still has the vector of `sha256`, though its photo may be gone."""
        return bool(self.sha256) and self.failures <= keep_failed_refreshes


EMPTY = PhotoState()


@dataclass(frozen=True)
class Unchanged:
    """The bytes are those of `state.sha256`; they were not read."""

    state: PhotoState


@dataclass(frozen=True)
class Read:
    """The bytes, which may be the same as before: `state.sha256` tells."""

    data: bytes
    state: PhotoState


@dataclass(frozen=True)
class Failed:
    """The photo cannot be had; `state` counts it and keeps what was known."""

    error: PhotoError
    state: PhotoState


Fetched = Unchanged | Read | Failed

"""What a worker does with one photo: ask its source, hash, decode, fit. Every engine runs this.

Nothing here needs TensorFlow, and everything pickles, so that it runs in worker processes and
on other machines.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from embeddings.images import decode_photo, fit_photo
from embeddings.photo_source import fetch
from embeddings.photo_state import Failed, Fetched, PhotoState, Unchanged
from recsys.config import PhotosConfig, SourcesConfig
from recsys.errors import PhotoError


@dataclass(frozen=True)
class PhotoTask:
    """One photo to look at, and what the last refresh knew of it."""

    location: str
    state: PhotoState


class Spent(NamedTuple):
    """Seconds that one photo took in each stage; of the network, its share of the batch."""

    read: float = 0.0
    fit: float = 0.0
    network: float = 0.0


NO_TIME = Spent()


@dataclass(frozen=True)
class Asked:
    """A task whose source has answered, `seconds` after it was asked."""

    task: PhotoTask
    fetched: Fetched
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """What became of a task.

    `pixels`, uint8 [size, size, 3], are there only where the network has to see the photo: it
    was read, and no vector of its hash is stored. After an error the state has the hash that it
    had, and counts one more failure.
    """

    location: str
    state: PhotoState
    pixels: np.ndarray | None = None
    error: PhotoError | None = None
    spent: Spent = NO_TIME


@dataclass(frozen=True)
class WorkSettings:
    """The settings that a worker needs; `image_size` is the side of the tower's square."""

    photos: PhotosConfig
    sources: SourcesConfig
    image_size: int


class KnownHashes:
    """The photo hashes that have vectors already: 32 bytes each, looked up by bisection.

    Args:
        digests: uint64 [n, 4], the SHA-256 as big-endian words, in ascending order.

    Example:
        >>> "ab" * 32 in KnownHashes.of(["ab" * 32])
        True
    """

    def __init__(self, digests: np.ndarray) -> None:
        self.digests = digests

    @classmethod
    def of(cls, sha256s: list[str]) -> KnownHashes:
        """From hashes in hex, in any order."""
        return cls(digest_words(sorted(set(sha256s))))

    def save(self, path: Path) -> None:
        """Writes them to a file that worker processes map instead of holding a copy each."""
        np.save(path, self.digests)

    @classmethod
    def load(cls, path: Path) -> KnownHashes:
        """Maps a saved file; nothing is read before it is looked up."""
        return cls(np.load(path, mmap_mode="r"))

    def __len__(self) -> int:
        return len(self.digests)

    def __contains__(self, sha256: str) -> bool:
        return self.find(sha256) >= 0

    def find(self, sha256: str) -> int:
        """The position of a hash, or -1."""
        if len(sha256) != 64:
            return -1
        word = digest_words([sha256])[0]
        first = self.digests[:, 0]
        start = int(np.searchsorted(first, word[0], "left"))
        while start < len(first) and first[start] == word[0]:
            if np.array_equal(self.digests[start], word):
                return start
            start += 1
        return -1


def digest_words(sha256s: list[str]) -> np.ndarray:
    """Hashes in hex as uint64 [n, 4]; ordered as the text is."""
    data = bytes.fromhex("".join(sha256s))
    return np.frombuffer(data, ">u8").reshape(-1, 4).astype(np.uint64)


def work(task: PhotoTask, known: KnownHashes, settings: WorkSettings) -> Fitted:
    """Asks the photo's source; reads, decodes and fits what has no vector yet.

    Args:
        task: the photo.
        known: hashes that have vectors of this tower.
        settings: of reading, decoding and fitting.
    """
    return fit(ask(task, known, settings), known, settings)


def ask(task: PhotoTask, known: KnownHashes, settings: WorkSettings) -> Asked:
    """The first half of `work`, which waits for disks and networks.

    A photo whose stored hash is not known is read whether or not it changed: another tower
    makes its vector, or the part that held it was lost.
    """
    began = time.monotonic()
    state = task.state
    if state.sha256 not in known:
        state = replace(state, size=-1, mtime_ns=0, etag="", last_modified="")
    fetched = fetch(task.location, state, settings.sources, settings.photos.max_bytes)
    return Asked(task, fetched, time.monotonic() - began)


def fit(asked: Asked, known: KnownHashes, settings: WorkSettings) -> Fitted:
    """The second half of `work`, which keeps a core busy: decodes what the network must see."""
    task, fetched, spent = asked.task, asked.fetched, Spent(read=asked.seconds)
    if isinstance(fetched, Failed):
        return Fitted(task.location, fetched.state, error=fetched.error, spent=spent)
    if isinstance(fetched, Unchanged) or fetched.state.sha256 in known:
        return Fitted(task.location, fetched.state, spent=spent)
    began = time.monotonic()
    try:
        photo = decode_photo(fetched.data, settings.photos, task.location)
        pixels = fit_photo(photo, settings.image_size, settings.photos.fit)
    except PhotoError as error:
        # the state is that of the last good photo still, so that this one is looked at again
        return Fitted(task.location, task.state.failed(error), error=error, spent=spent)
    spent = spent._replace(fit=time.monotonic() - began)
    return Fitted(task.location, fetched.state, pixels, spent=spent)

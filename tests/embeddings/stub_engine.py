"""An engine without processes and without a network: workers' work, and a vector of the hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from embeddings.engine import PhotoResult
from embeddings.photo_work import KnownHashes, PhotoTask, WorkSettings, work
from recsys.config import PhotosConfig, SourcesConfig

DIM = 4


def vector_of(sha256: str) -> np.ndarray:
    """A unit vector that says which photo it is of."""
    vector = np.frombuffer(bytes.fromhex(sha256)[:DIM], np.uint8).astype(np.float32) + 1
    return vector / np.linalg.norm(vector)


class StubEngine:
    """Notes which locations it was asked for and which hashes it gave vectors of.

    Args:
        stop_after: results, then a KeyboardInterrupt.
    """

    def __init__(self, stop_after: int | None = None) -> None:
        self.settings = WorkSettings(PhotosConfig(), SourcesConfig(), 8)
        self.stop_after = stop_after
        self.asked: list[str] = []
        self.embedded: list[str] = []

    def run(self, tasks: Iterable[PhotoTask], known: KnownHashes) -> Iterator[PhotoResult]:
        """One result per task, in order."""
        for task in tasks:
            if len(self.asked) == self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(task.location)
            fitted = work(task, known, self.settings)
            vector = None
            if fitted.pixels is not None and fitted.state.sha256 not in self.embedded:
                vector = vector_of(fitted.state.sha256)
                self.embedded.append(fitted.state.sha256)
            yield PhotoResult(task.location, fitted.state, vector, fitted.error, fitted.spent)

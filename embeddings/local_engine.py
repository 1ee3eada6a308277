"""The engine on this machine: worker processes decode, this process runs the network.

Between them lies a bounded queue, so that memory is that of some batches, whatever the size of
the catalog.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from embeddings.engine import PhotoResult
from embeddings.photo_work import Fitted, KnownHashes, PhotoTask
from embeddings.photo_workers import PhotoWorkers

REMEMBERED_PHOTOS = 1 << 18  # hashes of this run, so that a photo is encoded once: 40 MB


@dataclass(frozen=True)
class LocalEngine:
    """Decodes in processes, encodes in batches.

    Attributes:
        workers: that decode.
        encode: uint8 [n, size, size, 3] to float32 [n, dim], for at most `batch_size` photos.
    """

    workers: PhotoWorkers
    encode: Callable[[np.ndarray], np.ndarray]
    batch_size: int

    def run(self, tasks: Iterable[PhotoTask], known: KnownHashes) -> Iterator[PhotoResult]:
        """Yields one result for each task, in any order, in bounded memory."""
        seen: collections.OrderedDict[bytes, None] = collections.OrderedDict()
        waiting: list[Fitted] = []
        for fitted in self.workers.fit(tasks, known):
            digest = bytes.fromhex(fitted.state.sha256)
            if fitted.pixels is None or digest in seen:
                yield result_of(fitted)
                continue
            seen[digest] = None
            if len(seen) > REMEMBERED_PHOTOS:
                seen.popitem(last=False)
            waiting.append(fitted)
            if len(waiting) == self.batch_size:
                yield from encode_all(waiting, self.encode)
                waiting = []
        if waiting:
            yield from encode_all(waiting, self.encode)


def encode_all(
    fitted: list[Fitted], encode: Callable[[np.ndarray], np.ndarray]
) -> Iterator[PhotoResult]:
    """The results of photos that have pixels, from one call of the network."""
    began = time.monotonic()
    vectors = encode(np.stack([photo.pixels for photo in fitted if photo.pixels is not None]))
    share = (time.monotonic() - began) / len(fitted)
    for photo, vector in zip(fitted, vectors, strict=True):
        yield result_of(photo, vector, share)


def result_of(
    fitted: Fitted, vector: np.ndarray | None = None, network_seconds: float = 0.0
) -> PhotoResult:
    """A worker's answer as the engine's."""
    spent = fitted.spent._replace(network=network_seconds)
    return PhotoResult(fitted.location, fitted.state, vector, fitted.error, spent)

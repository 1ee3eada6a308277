"""What looks at photos and gives vectors: one protocol, an engine on this machine, one on Ray.

An engine takes tasks one at a time and holds a bounded number of them, whatever the size of the
catalog. The same tasks give the same vectors on every engine, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from embeddings.photo_state import PhotoState
from embeddings.photo_work import NO_TIME, KnownHashes, PhotoTask, Spent
from recsys.errors import PhotoError


@dataclass(frozen=True)
class PhotoResult:
    """What became of one task.

    A vector, float32 [dim], is there where the network saw the photo; `state.sha256` names it.
    Neither vector nor error: the photo is unchanged, or its hash is known. An engine may leave
    the vector out as well where an earlier result of the same run gave one for the same hash.
    """

    location: str
    state: PhotoState
    vector: np.ndarray | None = None
    error: PhotoError | None = None
    spent: Spent = NO_TIME


class Engine(Protocol):
    """Looks at photos, and embeds those that have no vector yet."""

    def run(self, tasks: Iterable[PhotoTask], known: KnownHashes) -> Iterator[PhotoResult]:
        """Yields one result for each task, in any order, in bounded memory.

        Args:
            tasks: taken one at a time, each location once.
            known: hashes that need no vector.
        """
        ...

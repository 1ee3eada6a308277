"""What looks at photos and gives vectors: one protocol, an engine on this machine, one on Ray.

An engine takes tasks one at a time and holds a bounded number of them, whatever the size of the
catalog. The same tasks give the same vectors on every engine, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np

from embeddings.photo_state import PhotoState
from embeddings.photo_work import NO_TIME, KnownHashes, PhotoTask, Spent, WorkSettings
from recsys.config import Config
from recsys.errors import PhotoError

if TYPE_CHECKING:
    from embeddings.image_tower import LoadedTower


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


def make_engine(config: Config, tower: LoadedTower) -> Engine:
    """The engine that `embed.engine` names, with this tower in it; imports TensorFlow."""
    if config.embed.engine == "ray":
        engine: Engine = import_module("embeddings.ray_engine").make_ray_engine(config, tower)
        return engine
    from embeddings.local_engine import LocalEngine
    from embeddings.photo_encoder import make_encode
    from embeddings.photo_workers import PhotoWorkers

    batch_size = config.embed.batch_size
    workers = PhotoWorkers(
        count=config.embed.decode_workers, decode_seconds=config.embed.decode_seconds,
        settings=WorkSettings(config.photos, config.sources, tower.image_size),
        ahead=2 * batch_size,
    )  # fmt: skip
    return LocalEngine(workers, make_encode(tower, batch_size), batch_size)

"""The engine on a cluster: Ray Data hands blocks of photos to actors, each with a tower.

An actor runs the local engine on its blocks: the same functions in the same worker processes,
so that a photo that kills its decoder is skipped here as there, and pixels never leave the
machine that decoded them. A block whose node dies is done again on another.
"""

from __future__ import annotations

import collections
import itertools
import logging
import os
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embeddings.engine import PhotoResult
from embeddings.local_engine import REMEMBERED_PHOTOS, LocalEngine
from embeddings.photo_work import KnownHashes, PhotoTask, WorkSettings
from embeddings.photo_workers import PhotoWorkers
from recsys.config import Config
from recsys.ray_cluster import has_gpus, num_workers, ray_cluster

if TYPE_CHECKING:
    from embeddings.image_tower import Tower

PHOTOS_AT_ONCE = 1_000_000  # tasks that lie in the cluster's store: 300 MB, what exceeds it on disk
Files = dict[str, bytes]


@dataclass(frozen=True)
class RayEngine:
    """Embeds on a Ray cluster.

    Attributes:
        config: embed, photos, sources and ray settings are used.
        tower: its files, so that the workers need no folder of this machine.
        image_size: the side of the tower's square.
    """

    config: Config
    tower: Files
    image_size: int

    def run(self, tasks: Iterable[PhotoTask], known: KnownHashes) -> Iterator[PhotoResult]:
        """Yields one result for each task, in any order, in bounded memory."""
        seen: collections.OrderedDict[bytes, None] = collections.OrderedDict()
        source = iter(tasks)
        with ray_cluster(self.config.ray) as ray:
            tower, digests = ray.put(self.tower), ray.put(known.digests)
            while blocks := self._blocks(itertools.islice(source, PHOTOS_AT_ONCE)):
                for result in self._embed(ray, blocks, tower, digests):
                    yield _once(result, seen)

    def _blocks(self, tasks: Iterable[PhotoTask]) -> list[dict[str, bytes]]:
        size = self.config.ray.block_size
        source = iter(tasks)
        blocks = iter(lambda: list(itertools.islice(source, size)), [])
        return [{"tasks": pickle.dumps(block)} for block in blocks]

    def _embed(
        self, ray: Any, blocks: list[dict[str, bytes]], tower: Any, digests: Any
    ) -> Iterator[PhotoResult]:
        from ray import data

        _hush(data)
        most = min(num_workers(ray, self.config.ray), len(blocks))
        done = data.from_items(blocks, override_num_blocks=len(blocks)).map(
            _Embedder, fn_constructor_args=(self.config, self.image_size, tower, digests),
            # as few as 1: who has nothing left to do makes room for one whose node has died
            compute=data.ActorPoolStrategy(
                min_size=1, max_size=most, initial_size=most, max_tasks_in_flight_per_actor=2
            ),
            num_cpus=self.config.ray.cpus_per_worker, num_gpus=1 if has_gpus(ray) else None,
        )  # fmt: skip
        for row in done.iter_rows():
            yield from pickle.loads(row["results"])


def make_ray_engine(config: Config, tower: Tower) -> RayEngine:
    """The engine that `embed.engine: ray` names, with this tower in it."""
    from embeddings.image_tower import save_tower

    with tempfile.TemporaryDirectory() as folder:
        save_tower(tower, Path(folder))
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return RayEngine(config, files, tower.image_size)


class _Embedder:
    """One actor: a tower, and the processes that decode for it."""

    def __init__(self, config: Config, image_size: int, tower: Any, digests: Any) -> None:
        import ray

        from embeddings.image_tower import read_tower
        from embeddings.photo_encoder import make_encode

        self.folder = tempfile.TemporaryDirectory(prefix="vitrine-ray-")
        folder = Path(self.folder.name)
        for name, content in ray.get(tower).items():
            (folder / name).write_bytes(content)
        batch_size = config.embed.batch_size
        workers = PhotoWorkers(
            count=config.embed.decode_workers, decode_seconds=config.embed.decode_seconds,
            settings=WorkSettings(config.photos, config.sources, image_size), ahead=2 * batch_size,
        )  # fmt: skip
        self.known = _SavedHashes(ray.get(digests), folder / "known.npy")
        self.engine = LocalEngine(workers, make_encode(read_tower(folder), batch_size), batch_size)

    def __call__(self, block: dict[str, bytes]) -> dict[str, bytes]:
        results = list(self.engine.run(pickle.loads(block["tasks"]), self.known))
        return {"results": pickle.dumps(results)}


class _SavedHashes(KnownHashes):
    """Hashes that are written once, however many blocks ask for their file."""

    def __init__(self, digests: Any, path: Path) -> None:
        super().__init__(digests)
        self.path = path
        super().save(path)

    def save(self, path: Path) -> None:
        os.link(self.path, path)


def _once(result: PhotoResult, seen: collections.OrderedDict[bytes, None]) -> PhotoResult:
    """Without its vector where another worker has given one for the same hash."""
    if result.vector is None:
        return result
    digest = bytes.fromhex(result.state.sha256)
    if digest in seen:
        return replace(result, vector=None)
    seen[digest] = None
    if len(seen) > REMEMBERED_PHOTOS:
        seen.popitem(last=False)
    return result


def _hush(data: Any) -> None:
    """No bars and no reports: `track` counts what has come back."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)

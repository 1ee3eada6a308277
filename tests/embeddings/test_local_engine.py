"""The local engine: each photo encoded once, in whole batches, held in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.local_engine import LocalEngine
from embeddings.photo_state import EMPTY
from embeddings.photo_work import KnownHashes, PhotoTask, WorkSettings
from embeddings.photo_workers import PhotoWorkers
from recsys.config import PhotosConfig, SourcesConfig
from tests.embeddings.photo_bytes import encoded, picture

NOTHING = KnownHashes.of([])


@pytest.fixture
def photos(tmp_path):
    """Ten photos, of which 7, 8 and 9 are photo 0 again."""
    paths = [tmp_path / f"{number}.png" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(picture(40 + number % 7, 60), "PNG"))
    return paths


class Network:
    """Gives the mean color of each photo, and notes the sizes of its batches."""

    def __init__(self):
        self.batches = []

    def __call__(self, pixels):
        self.batches.append(len(pixels))
        return pixels.mean(axis=(1, 2)).astype(np.float32)


def run(photos, known=NOTHING, batch_size=4):
    network = Network()
    settings = WorkSettings(PhotosConfig(), SourcesConfig(), 8)
    engine = LocalEngine(PhotoWorkers(count=1, settings=settings), network, batch_size)
    tasks = [PhotoTask(str(path), EMPTY) for path in photos]
    return {result.location: result for result in engine.run(tasks, known)}, network


def test_a_photo_of_many_files_is_encoded_once(photos):
    found, network = run(photos)
    assert network.batches == [4, 3]  # seven different photos
    vectors = {result.state.sha256: result.vector for result in found.values()
               if result.vector is not None}  # fmt: skip
    assert len(vectors) == 7
    assert {result.state.sha256 for result in found.values()} == set(vectors)
    assert sum(result.vector is None for result in found.values()) == 3
    assert all(min(result.spent[:2]) > 0 for result in found.values())


def test_known_photos_and_bad_ones_never_reach_the_network(photos):
    first, _ = run(photos)
    photos[1].write_bytes(b"text")
    known = KnownHashes.of([first[str(photos[2])].state.sha256])
    found, network = run(photos[:4], known)
    assert network.batches == [2]
    assert found[str(photos[1])].error.reason == "not_a_photo"
    assert (found[str(photos[2])].vector, found[str(photos[2])].error) == (None, None)

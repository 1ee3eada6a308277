"""The engine on Ray gives what the local one gives, also where a node dies in the middle."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tensorflow as tf
import yaml

from embeddings.backbone import Backbone
from embeddings.engine import make_engine
from embeddings.image_tower import TowerSettings, build_tower
from embeddings.photo_state import EMPTY
from embeddings.photo_work import KnownHashes, PhotoTask
from recsys.config import config_from
from tests.embeddings.photo_bytes import encoded, picture
from tests.embeddings.small_catalog import BACKBONE

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

NOTHING = KnownHashes.of([])
SETTINGS = {
    "embed": {"batch_size": 4, "decode_workers": 1, "engine": "ray"},
    "ray": {"object_store_mb": 100, "block_size": 8, "cpus_per_worker": os.cpu_count() or 1},
}


@pytest.fixture(scope="module")
def tower():
    tf.keras.utils.set_random_seed(0)
    backbone = Backbone.model_validate(yaml.safe_load(BACKBONE))
    return build_tower(TowerSettings(backbone=backbone, image_size=32, embedding_dim=8))


@pytest.fixture
def photos(tmp_path):
    """Forty photos: number 39 is number 0 again, and 5 is none."""
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(picture(40 + number % 39, 60), "PNG"))
    paths[5].write_bytes(b"text")
    return [str(path) for path in paths]


def run(tower, photos, engine, **sections):
    settings = {**SETTINGS, **sections, "embed": {**SETTINGS["embed"], "engine": engine}}
    tasks = [PhotoTask(path, EMPTY) for path in photos]
    found = {}
    for result in make_engine(config_from(settings, where="test"), tower).run(tasks, NOTHING):
        assert result.location not in found
        found[result.location] = result
    return found


def assert_same(found, expected):
    assert {place: result.state.sha256 for place, result in found.items()} == {
        place: result.state.sha256 for place, result in expected.items()
    }
    vectors, others = (
        {result.state.sha256: result.vector for result in results.values()
         if result.vector is not None} for results in (found, expected)
    )  # fmt: skip
    assert vectors.keys() == others.keys()
    assert len(vectors) == 38
    for sha256, vector in vectors.items():
        np.testing.assert_allclose(vector, others[sha256], atol=1e-6)


def test_it_gives_what_the_local_engine_gives(tower, photos):
    found = run(tower, photos, "ray")
    assert not ray.is_initialized()  # what it started is gone
    assert_same(found, run(tower, photos, "local"))
    assert found[photos[5]].error.reason == "not_a_photo"
    assert sum(result.vector is not None for result in found.values()) == 38


@pytest.mark.long
def test_a_node_that_dies_in_the_middle_changes_nothing(tower, photos):
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    size = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    dying = cluster.add_node(**size)
    try:
        settings = {"ray": {"address": cluster.address, "block_size": 4, "object_store_mb": 100}}
        tasks = [PhotoTask(path, EMPTY) for path in photos]
        config = config_from({**SETTINGS, **settings}, where="test")
        found = {}
        for result in make_engine(config, tower).run(tasks, NOTHING):
            found[result.location] = result
            if len(found) == 8:
                cluster.remove_node(dying, allow_graceful=False)
        assert len(cluster.list_all_nodes()) == 1
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert_same(found, run(tower, photos, "local"))

"""Training on Ray: two workers learn what one learns; an error of ours comes back as itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recsys.config import RayConfig
from recsys.errors import TrainingError
from recsys.ray_cluster import ray_cluster
from tests.embeddings.small_catalog import prepared, small_config, write_catalog
from tests.recsys.small_shop import make_shop
from vitrine import pipeline
from vitrine.pipeline import STEPS
from vitrine.ray_training import STEPS as TRAININGS
from vitrine.ray_training import train_on_ray, work

# nothing is left to chance, so that one worker and two can be compared
SECTIONS = {
    "model": {"dropout": 0.0, "id_dropout": 0.0}, "train": {"epochs": 3},
    "ray": {"object_store_mb": 100, "train": True, "restarts": 0},
}  # fmt: skip


def test_the_training_steps_go_to_the_cluster_where_the_config_says_so(tmp_path):
    config, _ = make_shop(tmp_path, **SECTIONS)
    steps = {step.name: step for step in STEPS}
    for name in TRAININGS:
        function = pipeline._function(steps[name], config)
        assert (function.func, function.args) == (train_on_ray, (steps[name].function,))
    assert pipeline._function(steps["prepare"], config).__name__ == "prepare"


def test_an_error_of_ours_is_not_tried_again(tmp_path):
    failed = tmp_path / "error.json"
    failed.write_text(json.dumps({
        "module": "recsys.errors", "type": "TrainingError", "what": "there are no events.",
        "where": "tables", "mend": "Add some.",
    }))  # fmt: skip
    with pytest.raises(TrainingError, match=r"tables: there are no events\. Add some\."):
        work({"failed": str(failed)})


@pytest.fixture(scope="module")
def cluster():
    """A cluster that both trainings use."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with ray_cluster(RayConfig(object_store_mb=100)):
        yield ray


@pytest.mark.long
def test_two_workers_train_what_one_trains(tmp_path, cluster):
    from recsys.train import train

    config, workdir = make_shop(tmp_path, **SECTIONS)
    alone = train(config, workdir)
    vectors = np.load(workdir.model / "candidate_vectors.npy")
    together = pipeline.run_step("train", config, workdir)
    np.testing.assert_allclose(
        [epoch["loss"] for epoch in together["epochs"]],
        [epoch["loss"] for epoch in alone["epochs"]], rtol=0.01,
    )  # fmt: skip
    assert together["validation_ndcg_at_10"] == pytest.approx(
        alone["validation_ndcg_at_10"], abs=0.02
    )
    again = np.load(workdir.model / "candidate_vectors.npy")
    assert (np.sum(vectors * again, axis=1) > 0.99).all()
    assert not list(workdir.root.glob(".ray-*"))


@pytest.mark.long
def test_two_workers_train_a_tower_that_names_what_it_sees(tmp_path, cluster):
    write_catalog(tmp_path)
    config = small_config(tmp_path, ray=SECTIONS["ray"])
    workdir = prepared(tmp_path, config)
    summary = train_on_ray("embeddings.train_tower:train_tower", config, workdir)
    assert summary["num_training_photos"] == 32
    assert summary["validation"]["category"] >= 0.8
    from embeddings.image_tower import load_tower

    assert load_tower(workdir.tower).settings.num_classes() == {"category": 2, "attr_color": 3}

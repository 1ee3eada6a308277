"""The step: from a prepared catalog to a tower, whatever labels it has."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.image_tower import build_tower, load_tower
from embeddings.train_tower import train_tower
from embeddings.weights import save_weights
from recsys.errors import ArtifactError, DataError
from tests.embeddings.small_catalog import SHAPES, draw, prepared, small_config, write_catalog

QUICK = {"epochs": 1}


def run(root, **sections):
    config = small_config(root, **sections)
    workdir = prepared(root, config)
    return train_tower(config, workdir), workdir


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("catalog")
    write_catalog(root)
    (root / "3.png").write_bytes(b"no photo")
    return run(root)


def test_the_summary_counts_photos_labels_and_scores(trained):
    summary, _ = trained
    assert (summary["num_training_photos"], summary["num_validation_photos"]) == (31, 8)
    assert summary["rejected_photos"] == {"not_a_photo": 1}
    assert summary["classes"] == {"category": 2, "attr_color": 3}
    assert summary["validation"]["category"] >= 0.8
    assert summary["taught_by"] == "labels"


def test_the_tower_names_what_it_sees(trained):
    tower = load_tower(trained[1].tower)
    photos = np.stack([np.asarray(draw(SHAPES[n % 2], "blue", 200 + n).resize((32, 32)))
                       for n in range(8)])  # fmt: skip
    found = tower.model(photos.astype(np.float32))["category_probabilities"].numpy()
    names = [tower.categories[number] for number in found.argmax(axis=1)]
    assert sum(name == SHAPES[n % 2] for n, name in enumerate(names)) >= 7


def test_the_summary_says_how_far_probabilities_are_from_the_truth(trained):
    summary, workdir = trained
    assert set(summary["calibration_error"]) == {"category", "attr_color"}
    assert set(load_tower(workdir.tower).settings.temperatures) == {"category", "attr_color"}


def test_nothing_but_the_tower_is_left_behind(trained):
    names = {path.name for path in trained[1].root.iterdir()}
    assert {name for name in names if name.startswith(".")} == set()


def test_without_labels_and_weights_it_teaches_itself(tmp_path, capsys):
    write_catalog(tmp_path, 24, category="", attr_color="")
    summary, workdir = run(tmp_path, tower=QUICK)
    assert summary["taught_by"] == "itself"
    assert "no labels" in capsys.readouterr().err
    assert list(load_tower(workdir.tower).model(np.zeros((1, 32, 32, 3)))) == ["embedding"]


def test_without_labels_weights_stay_as_they_are(tmp_path):
    write_catalog(tmp_path, 24, category="same for all", attr_color="")
    config = small_config(tmp_path)
    settings = load_settings(config)
    save_weights(build_tower(settings).layer.network, tmp_path / "w.weights.h5")
    summary, workdir = run(tmp_path, tower={"weights": str(tmp_path / "w.weights.h5")})
    assert summary["taught_by"] == "projection"
    kernel = load_tower(workdir.tower).layer.projection.get_weights()[0]
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(16), atol=1e-4)


def load_settings(config):
    from embeddings.backbone import load_backbone
    from embeddings.image_tower import TowerSettings

    return TowerSettings(
        backbone=load_backbone(config.tower.backbone), image_size=32, embedding_dim=16
    )


def test_one_item_is_enough_for_a_tower(tmp_path):
    write_catalog(tmp_path, 1)
    summary, workdir = run(tmp_path, tower=QUICK)
    assert summary["taught_by"] == "nothing"
    assert load_tower(workdir.tower).embedding_dim == 16


def test_a_catalog_whose_photos_all_fail_is_refused_with_the_counts(tmp_path):
    write_catalog(tmp_path, 4)
    for path in tmp_path.glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"'empty': 4.*vitrine check"):
        run(tmp_path)


def test_missing_weights_are_named_before_any_training(tmp_path):
    write_catalog(tmp_path, 4)
    with pytest.raises(ArtifactError, match=r"tower\.weights"):
        run(tmp_path, tower={"weights": str(tmp_path / "none.h5")})


def test_a_workdir_that_is_not_prepared_says_what_to_run(tmp_path):
    from recsys.workdir import Workdir

    write_catalog(tmp_path, 4)
    with pytest.raises(ArtifactError, match="vitrine prepare"):
        train_tower(small_config(tmp_path), Workdir(tmp_path / "w"))


def test_a_tower_learns_from_a_teacher_with_colors_and_an_adversary(trained, tmp_path):
    write_catalog(tmp_path, 48)
    config = small_config(tmp_path, tower={
        "teachers": [str(trained[1].tower)], "color_levels": 3, "adversary": 2.0, "epochs": 8,
    })  # fmt: skip
    workdir = prepared(tmp_path, config)
    summary = train_tower(config, workdir)
    assert summary["validation"]["attr_color"] == 1.0
    assert load_tower(workdir.tower).settings.color_levels == 3


def test_a_teacher_that_is_not_there_is_named(tmp_path):
    write_catalog(tmp_path, 12)
    config = small_config(tmp_path, tower={"teachers": [str(tmp_path / "nowhere")]})
    with pytest.raises(ArtifactError, match="no tower here"):
        train_tower(config, prepared(tmp_path, config))

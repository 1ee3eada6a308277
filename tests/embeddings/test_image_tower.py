"""The image tower: built from explicit arguments, saved, loaded, and checked."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from embeddings.backbone import Backbone, load_backbone
from embeddings.image_tower import (
    KIND,
    WEIGHTS_FILE,
    ImageTower,
    TowerSettings,
    build_network,
    build_tower,
    load_backbone_weights,
    load_tower,
    picture_features,
    save_tower,
)
from embeddings.weights import save_weights
from recsys.artifact import write_artifact
from recsys.errors import ArtifactError, ConfigError
from tests.embeddings.small_catalog import BACKBONE

SMALL = Backbone.model_validate(yaml.safe_load(BACKBONE))
SETTINGS = TowerSettings(
    backbone=SMALL, image_size=32, embedding_dim=8, categories=["a", "b", "c"],
    attributes={"attr_base color": ["red", "green"]}, fit="crop",
)  # fmt: skip
PHOTOS = tf.constant(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)), tf.float32)
WEIGHTS = Path(os.environ.get("VITRINE_DATA", "../shared/data")).parent / "weights"


@pytest.fixture(scope="module")
def tower():
    tf.keras.utils.set_random_seed(0)
    return build_tower(SETTINGS)


@pytest.fixture
def saved(tower, tmp_path):
    folder = tmp_path / "tower"
    with write_artifact(folder, KIND) as draft:
        save_tower(tower, draft.path)
        draft.info["answer"] = tower.answer()
    return folder


def test_embeddings_have_norm_one_and_probabilities_sum_to_one(tower):
    found = tower.model(PHOTOS)
    assert {name: tuple(x.shape) for name, x in found.items()} == {
        "embedding": (3, 8), "category_probabilities": (3, 3),
        "attr_base color_probabilities": (3, 2),
    }  # fmt: skip
    np.testing.assert_allclose(np.linalg.norm(found["embedding"], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.sum(found["category_probabilities"], axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("size", [0.0, 1e-8])
def test_features_of_hardly_any_length_still_give_a_unit_vector(tower, size):
    features = tf.fill([2, tower.layer.projection.kernel.shape[0]], size)
    np.testing.assert_allclose(np.linalg.norm(tower.layer.embed(features), axis=1), 1, rtol=1e-5)


def test_a_tower_without_labels_only_embeds():
    plain = build_tower(TowerSettings(backbone=SMALL, image_size=32, embedding_dim=4))
    assert list(plain.model(PHOTOS)) == ["embedding"]


def test_a_loaded_tower_gives_what_the_saved_one_gave(tower, saved):
    loaded = load_tower(saved)
    np.testing.assert_allclose(
        loaded.model(PHOTOS)["embedding"], tower.model(PHOTOS)["embedding"], atol=1e-6
    )
    assert (loaded.categories, loaded.attributes) == (tower.categories, tower.attributes)
    assert (loaded.image_size, loaded.embedding_dim, loaded.fit) == (32, 8, "crop")
    assert len(loaded.fingerprint) == 16


def test_temperatures_soften_probabilities_and_are_saved(tower, tmp_path):
    softer = tower.calibrated({"category": 2.0})
    plain, soft = (t.model(PHOTOS)["category_probabilities"].numpy() for t in (tower, softer))
    # p ** (1/2), normalized again
    np.testing.assert_allclose(soft, plain**0.5 / (plain**0.5).sum(1, keepdims=True), rtol=1e-4)
    with write_artifact(tmp_path / "tower", KIND) as draft:
        save_tower(softer, draft.path)
        draft.info["answer"] = softer.answer()
    loaded = load_tower(tmp_path / "tower")
    np.testing.assert_allclose(loaded.model(PHOTOS)["category_probabilities"], soft, rtol=1e-4)


def test_a_layer_is_built_again_from_its_config(tower):
    again = ImageTower.from_config(tower.layer.get_config())
    again(PHOTOS)
    again.set_weights(tower.layer.get_weights())
    np.testing.assert_allclose(again(PHOTOS), tower.layer(PHOTOS), atol=1e-6)


def test_colors_are_features_beside_those_of_the_network(tower, tmp_path):
    colored = build_tower(SETTINGS.model_copy(update={"color_levels": 3}))
    plain = tower.layer.features(PHOTOS).shape[1]
    assert colored.layer.features(PHOTOS).shape == (3, plain + 2 * 27)
    with write_artifact(tmp_path / "tower", KIND) as draft:
        save_tower(colored, draft.path)
        draft.info["answer"] = colored.answer()
    loaded = load_tower(tmp_path / "tower")
    np.testing.assert_allclose(loaded.layer(PHOTOS), colored.layer(PHOTOS), atol=1e-6)


def test_gem_pooling_leans_towards_the_strongest_response(tower):
    settings = SETTINGS.model_copy(update={"pooling": "gem"})
    gem = build_tower(settings)
    gem.layer.set_weights(tower.layer.get_weights())
    assert (gem.layer.features(PHOTOS) >= tower.layer.features(PHOTOS) - 1e-4).numpy().all()


def test_frozen_batch_norm_neither_learns_nor_follows_its_batch():
    settings = SETTINGS.model_copy(update={"batch_norm": "frozen"})
    frozen = build_tower(settings)
    found = frozen.layer.features(PHOTOS, training=True)
    np.testing.assert_allclose(found, frozen.layer.features(PHOTOS), atol=1e-5)
    assert not [v for v in frozen.layer.network.trainable_variables if "gamma" in v.name]


def test_a_missing_tower_says_what_to_run(tmp_path):
    with pytest.raises(ArtifactError, match="vitrine train-tower"):
        load_tower(tmp_path / "none")


@pytest.mark.parametrize("name", ["tower.json", WEIGHTS_FILE])
def test_a_cut_off_file_is_found(saved, name):
    path = saved / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ArtifactError) as caught:
        load_tower(saved)
    assert caught.value.where == str(path)


def test_weights_that_answer_differently_are_found(tower, saved):
    other = build_tower(SETTINGS)  # other random weights of the same shapes
    save_weights(other.model, saved / WEIGHTS_FILE)
    with pytest.raises(ArtifactError, match="answer"):
        load_tower(saved)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"network": "keras_cv.models.EfficientNetV2B0Backbone"}, "unknown network"),
        ({"network": "os.system"}, "unknown network"),
        ({"network": "tf.keras.applications.NoNet"}, "unknown network"),
        ({"arguments": {"depth": 3}}, "does not take these arguments"),
    ],
)
def test_a_network_that_cannot_be_built_is_a_config_error(change, problem):
    with pytest.raises(ConfigError, match=problem):
        build_network(SMALL.model_copy(update=change))


LARGE = pytest.mark.slow  # seconds each to build


@pytest.mark.parametrize(
    ("name", "parameters"),
    [  # as published for the network without its classifier
        ("mobilenet_v3_small", 939_120),
        pytest.param("resnet50_v2", 23_564_800, marks=LARGE),
        pytest.param("resnet50", 23_561_152, marks=LARGE),
        pytest.param("efficientnet_v1_b0", 4_049_564, marks=LARGE),
        pytest.param("efficientnet_v2_b0", 5_919_312, marks=LARGE),
        pytest.param("densenet121", 7_037_504, marks=LARGE),
    ],
)
def test_each_backbone_file_builds_the_network_that_it_names(name, parameters):
    network = build_network(load_backbone(name))
    assert network.count_params() == parameters
    assert network(tf.zeros([1, 64, 64, 3])).shape[:3] == (1, 2, 2)


def test_building_asks_no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert build_network(load_backbone("tiny")).count_params() > 100_000
    assert build_network(load_backbone("mobilenet_v2_035")).count_params() == 410_208


def test_unknown_weights_are_taken_on_trust_and_known_ones_must_answer(tmp_path):
    source = ImageTower(SMALL.model_dump(), 8)
    path = tmp_path / "w.weights.h5"
    save_weights(source.network, path)
    target = ImageTower(SMALL.model_dump(), 8)
    assert not load_backbone_weights(target, path)
    np.testing.assert_allclose(picture_features(target), picture_features(source), atol=1e-5)


@pytest.mark.data
@pytest.mark.skipif(not WEIGHTS.is_dir(), reason="needs the development weights")
@pytest.mark.parametrize(
    ("name", "file", "wrong_scale"),
    [
        ("efficientnet_lite0", "efficientnet_lite0_notop.kerascv_std.weights.h5", (0, 255)),
        ("mobilenet_v2_035", "mobilenet_v2_0.35_224_notop.weights.h5", (0, 255)),
    ],
)
def test_imagenet_weights_answer_as_recorded_and_a_wrong_scale_does_not(name, file, wrong_scale):
    backbone = load_backbone(name).model_dump()
    assert load_backbone_weights(ImageTower(backbone, 8), WEIGHTS / file)
    backbone["scale"] = dict(zip(("offset", "divisor"), wrong_scale, strict=True))
    with pytest.raises(ArtifactError, match="input scale"):
        load_backbone_weights(ImageTower(backbone, 8), WEIGHTS / file)

"""The training loop: it learns, stops, goes on after a kill, and keeps the best epoch."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
import yaml

from embeddings.backbone import Backbone
from embeddings.image_tower import TowerSettings, build_tower
from embeddings.tower_training import BEST_FILE, STATE_FILE, Examples, Training
from recsys.config import TowerConfig
from recsys.errors import TrainingError
from tests.embeddings.small_catalog import BACKBONE, COLORS, SHAPES, draw

SMALL = Backbone.model_validate(yaml.safe_load(BACKBONE))
WEIGHTS = {"category": np.ones(2, np.float32), "attr_color": np.ones(3, np.float32)}
CONFIG = TowerConfig(
    epochs=10, batch_size=16, learning_rate=0.01, backbone_learning_rate_factor=1.0,
    dropout=0.0, patience=20,
)  # fmt: skip


def examples(count, first=0, **labels):
    numbers = np.arange(first, first + count)
    shape, color = numbers % 2, numbers // 2 % 3
    photos = [draw(SHAPES[s], list(COLORS)[c], n).resize((32, 32))
              for s, c, n in zip(shape, color, numbers, strict=True)]  # fmt: skip
    found = {"category": shape.astype(np.int32), "attr_color": color.astype(np.int32), **labels}
    return Examples(np.stack([np.asarray(photo) for photo in photos]), found)


def tower(seed=0, labels=True):
    tf.keras.utils.set_random_seed(seed)
    classes = {"categories": list(SHAPES), "attributes": {"attr_color": list(COLORS)}}
    return build_tower(
        TowerSettings(backbone=SMALL, image_size=32, embedding_dim=8, **(classes if labels else {}))
    )


TRAINING, VALIDATION = examples(48), examples(24, first=100)


def test_it_learns_shapes_and_colors(tmp_path):
    run = Training(tower(), CONFIG, WEIGHTS, tmp_path)
    state = run.fit(TRAINING, VALIDATION, "key")
    best = state.history[state.best_epoch - 1]
    assert best["category"] >= 0.9
    assert best["attr_color"] >= 0.9
    assert state.history[-1]["loss"] < state.history[0]["loss"]


def test_the_weights_of_the_best_epoch_are_the_ones_kept(tmp_path):
    run = Training(tower(), CONFIG, WEIGHTS, tmp_path)
    state = run.fit(TRAINING, VALIDATION, "key")
    assert state.best_score == max(epoch["score"] for epoch in state.history)
    assert run.evaluate(VALIDATION)["score"] == pytest.approx(state.best_score)


def test_it_stops_when_the_score_no_longer_rises(tmp_path):
    run = Training(tower(), CONFIG.model_copy(update={"patience": 2}), WEIGHTS, tmp_path)
    run.evaluate = lambda _: {"score": 0.5}
    state = run.fit(TRAINING, VALIDATION, "key")
    assert (state.epoch, state.best_epoch) == (3, 1)


def test_a_killed_training_goes_on_to_the_same_result(tmp_path):
    whole = Training(tower(), CONFIG, WEIGHTS, tmp_path / "whole").fit(TRAINING, VALIDATION, "key")
    first = Training(tower(), CONFIG, WEIGHTS, tmp_path / "killed")
    with pytest.raises(KeyboardInterrupt):
        kill_after(first, epochs=4).fit(TRAINING, VALIDATION, "key")
    second = Training(tower(seed=1), CONFIG, WEIGHTS, tmp_path / "killed")
    state = second.fit(TRAINING, VALIDATION, "key")
    assert [epoch["loss"] for epoch in state.history] == pytest.approx(
        [epoch["loss"] for epoch in whole.history], rel=0.05
    )


def test_it_learns_from_small_mixed_photos_with_averaged_weights(tmp_path):
    config = CONFIG.model_copy(update={
        "early_image_size": 24, "early_epochs": 5, "mixup": 0.2, "cutmix": 0.2,
        "weight_average": 0.9, "augment_contrast": 0.1, "augment_erase": 0.1,
    })  # fmt: skip
    run = Training(tower(), config, WEIGHTS, tmp_path)
    state = run.fit(TRAINING, VALIDATION, "key")
    assert state.history[state.best_epoch - 1]["category"] >= 0.9
    # the weights that are kept are the averaged ones, which were judged
    assert run.evaluate(VALIDATION)["score"] == pytest.approx(state.best_score)


def kill_after(training, epochs):
    train_epoch = training._train_epoch

    def train_or_die(examples, epoch, *rest):
        if epoch == epochs:
            raise KeyboardInterrupt
        return train_epoch(examples, epoch, *rest)

    training._train_epoch = train_or_die
    return training


def test_a_checkpoint_of_another_training_is_not_gone_on_from(tmp_path):
    short = CONFIG.model_copy(update={"epochs": 1})
    Training(tower(), short, WEIGHTS, tmp_path).fit(TRAINING, VALIDATION, "one")
    state = Training(tower(), short, WEIGHTS, tmp_path).fit(TRAINING, VALIDATION, "two")
    assert state.epoch == 1
    assert json.loads((tmp_path / STATE_FILE).read_text())["key"] == "two"


def test_a_loss_that_is_no_number_stops_and_names_batch_and_checkpoint(tmp_path):
    run = Training(tower(), CONFIG, WEIGHTS, tmp_path)
    kill = kill_after(run, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        kill.fit(TRAINING, VALIDATION, "key")
    kept = (tmp_path / BEST_FILE).read_bytes()
    broken = {**WEIGHTS, "category": np.array([np.nan, np.nan], np.float32)}
    again = Training(tower(), CONFIG, broken, tmp_path)
    with pytest.raises(TrainingError, match=r"step 1 of epoch 2.*epoch 1 are kept") as caught:
        again.fit(TRAINING, VALIDATION, "key")
    assert "tower.learning_rate" in caught.value.mend
    assert (tmp_path / BEST_FILE).read_bytes() == kept


def test_frozen_epochs_leave_the_backbone_alone(tmp_path):
    frozen = tower()
    before = [variable.numpy() for variable in frozen.layer.network.trainable_variables]
    config = CONFIG.model_copy(update={"frozen_epochs": 1, "epochs": 1})
    run = kill_after(Training(frozen, config, WEIGHTS, tmp_path), epochs=1)
    with pytest.raises(KeyboardInterrupt):
        run.fit(TRAINING, VALIDATION, "key")
    for left, right in zip(before, frozen.layer.network.trainable_variables, strict=True):
        np.testing.assert_array_equal(left, right)


def test_without_labels_it_learns_to_tell_photos_apart(tmp_path):
    pixels = Examples(TRAINING.pixels, {})
    run = Training(tower(labels=False), CONFIG.model_copy(update={"epochs": 3}), {}, tmp_path)
    state = run.fit(pixels, Examples(VALIDATION.pixels, {}), "key")
    assert state.history[-1]["loss"] < state.history[0]["loss"]


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_photos_than_a_batch_are_enough(tmp_path, count):
    config = CONFIG.model_copy(update={"epochs": 1})
    nobody = Examples(VALIDATION.pixels[:0], {})
    state = Training(tower(), config, WEIGHTS, tmp_path).fit(examples(count), nobody, "key")
    assert (state.epoch, state.best_epoch) == (1, 1)  # without a judge the last epoch is best

"""What the tower names, measured on photos that it never saw."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.image_tower import load_tower
from embeddings.judge_tower import judge_tower, macro_f1, set_f1
from embeddings.train_tower import train_tower
from recsys.errors import DataError
from tests.embeddings.small_catalog import draw, prepared, small_config, write_catalog


def test_every_head_is_measured_on_the_test_photos(trained):
    found = judge_tower(*trained)
    assert set(found) == {"category", "attr_color"}
    shapes = found["category"]
    assert (shapes["photos"], shapes["classes"]) == (16, 2)  # 2 of every 12 items are for testing
    assert shapes["accuracy"] >= 0.9
    assert shapes["macro_f1"] >= 0.9
    assert 0 <= shapes["calibration_error"]["after"] <= 1


def test_nothing_is_left_in_the_workdir(trained):
    before = set(trained[1].root.iterdir())
    judge_tower(*trained, split="validation")
    assert set(trained[1].root.iterdir()) == before


def test_a_split_without_photos_is_refused(trained):
    with pytest.raises(DataError, match="no photo"):
        judge_tower(*trained, split="none")


def test_macro_f1_is_the_mean_over_classes():
    # class 0: 2 hits, claimed 3, there 2 -> 4/5; class 1: 1 hit, claimed 1, there 2 -> 2/3
    found = macro_f1(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 3)
    assert found == pytest.approx((4 / 5 + 2 / 3) / 2)  # class 2 does not occur


def test_f1_of_sets_is_the_mean_over_values():
    claimed = np.array([[1, 1, 0], [0, 1, 0]], bool)
    held = np.array([[1, 0, 0], [0, 1, 0]], bool)
    assert set_f1(claimed, held) == pytest.approx((1 + 2 / 3) / 2)  # the third does not occur


def test_a_label_of_several_values_is_learned_and_measured(tmp_path):
    frame = write_catalog(tmp_path, 96)
    traits = frame["category"] + "|" + frame["attr_color"]
    frame.assign(attr_trait=traits).drop(columns=["attr_color", "category"]).to_csv(
        tmp_path / "catalog.csv", index=False
    )
    config = small_config(tmp_path)
    workdir = prepared(tmp_path, config)
    train_tower(config, workdir)
    found = judge_tower(config, workdir)["attr_trait"]
    assert (found["photos"], found["classes"]) == (16, 5)  # two shapes, three colors
    assert found["accuracy"] >= 0.9
    assert found["macro_f1"] >= 0.8
    assert 0 <= found["calibration_error"]["after"] <= 0.2
    tower = load_tower(workdir.tower)
    assert tower.settings.several == ["attr_trait"]
    photo = np.asarray(draw("disc", "red", 7).resize((32, 32)), np.float32)[np.newaxis]
    chances = tower.model(photo)["attr_trait_probabilities"][0].numpy()
    likely = {value for value, chance in zip(tower.attributes["attr_trait"], chances, strict=True)
              if chance > 0.5}  # fmt: skip
    assert likely == {"disc", "red"}

"""What a tower is taught by: each part of its loss counts as the settings say."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import yaml

from embeddings.backbone import Backbone
from embeddings.distillation import Teachers
from embeddings.image_tower import TowerSettings, build_tower
from embeddings.tower_loss import TowerLoss
from recsys.config import TowerConfig
from tests.embeddings.small_catalog import BACKBONE

SMALL = Backbone.model_validate(yaml.safe_load(BACKBONE))
VALUES = {"category": ["a", "b", "c"], "attr_color": ["red", "green"], "attr_use": ["x", "y"]}
WEIGHTS = {name: np.ones(len(values), np.float32) for name, values in VALUES.items()}
IMAGES = tf.constant(np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3)), tf.float32)
LABELS = {"category": tf.constant([0, 1, 2, 0, 1, -1]), "attr_color": tf.constant([0, 1] * 3),
          "attr_use": tf.constant([[1, 0], [1, 1], [0, 1], [-1, -1], [1, 0], [0, 1]])}  # fmt: skip


def tower():
    return build_tower(TowerSettings(
        backbone=SMALL, image_size=32, embedding_dim=8, categories=VALUES["category"],
        attributes={name: VALUES[name] for name in ("attr_color", "attr_use")},
        several=["attr_use"],
    ))  # fmt: skip


@pytest.fixture(scope="module")
def student():
    return tower()


def loss(student, teachers=None, training=False, **settings) -> float:
    config = TowerConfig(dropout=0.0, **settings)
    taught = TowerLoss(student, config, WEIGHTS, teachers)
    return float(taught(IMAGES, LABELS, training=training)[0])


def test_the_parts_add_up(student):
    silent = {"category_weight": 0.0, "attribute_weight": 0.0}
    categories = loss(student, attribute_weight=0.0)
    attributes = loss(student, category_weight=0.0)
    assert loss(student) == pytest.approx(categories + attributes, rel=1e-5)
    assert loss(student, **silent) == 0.0
    pairs = loss(student, **silent, contrastive_weight=1.0)
    assert loss(student, **silent, contrastive_weight=2.0) == pytest.approx(2 * pairs, rel=1e-5)


def test_teachers_count_in_training_alone(student):
    teachers = Teachers([tower()], VALUES)
    assert teachers.labels == ["category", "attr_color"]  # a set has no softmax to soften
    one = loss(student, teachers, training=True) - loss(student, training=True)
    two = loss(student, teachers, training=True, teacher_weight=2.0) - loss(student, training=True)
    assert one > 0
    assert two == pytest.approx(2 * one, rel=0.02)
    assert loss(student, teachers) == loss(student)


def test_every_second_photo_is_led_astray_by_no_more_than_said(student):
    taught = TowerLoss(student, TowerConfig(adversary=3.0), WEIGHTS)
    moved = taught.led_astray(IMAGES, LABELS, None).numpy() - IMAGES.numpy()
    assert not moved[::2].any()
    assert np.abs(moved).max() == 3.0
    worse = taught(IMAGES + moved, LABELS, training=False)[0]
    assert float(worse) > float(taught(IMAGES, LABELS, training=False)[0])


def test_without_labels_the_halves_are_two_views(student):
    alone = build_tower(TowerSettings(backbone=SMALL, image_size=32, embedding_dim=8))
    taught = TowerLoss(alone, TowerConfig(dropout=0.0), {})
    assert taught.by_itself
    same = taught(tf.concat([IMAGES[:3], IMAGES[:3]], axis=0), {}, training=False)[0]
    other = taught(tf.concat([IMAGES[:3], IMAGES[3:]], axis=0), {}, training=False)[0]
    assert float(same) < float(other)

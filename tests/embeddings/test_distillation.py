"""Distillation: agreement costs nothing, and a tower comes to see as its teachers do."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import yaml

from embeddings.backbone import Backbone
from embeddings.distillation import Teachers, distillation_loss, nearness
from embeddings.image_tower import TowerSettings, build_tower
from recsys.errors import ConfigError
from tests.embeddings.small_catalog import BACKBONE

SMALL = Backbone.model_validate(yaml.safe_load(BACKBONE))
VALUES = {"category": ["a", "b", "c"], "attr_color": ["red", "green"]}
IMAGES = tf.constant(np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3)), tf.float32)


def tower(dim: int = 8, size: int = 32, **changes):
    settings = {"categories": VALUES["category"], "attributes": {"attr_color": ["red", "green"]},
                **changes}  # fmt: skip
    return build_tower(TowerSettings(backbone=SMALL, image_size=size, embedding_dim=dim, **settings)
                       )  # fmt: skip


def seen(student):
    features = student.layer.features(IMAGES)
    embeddings = student.layer.embed(features)
    return embeddings, student.heads(features, embeddings)[0]


def test_nearness_is_a_softmax_over_the_others():
    # cosines 0.1 ln 3 and 0: shares 3/4 and 1/4; nobody is near to itself
    cosine = 0.1 * np.log(3.0)
    vectors = [[1.0, 0.0, 0.0], [cosine, np.sqrt(1 - cosine**2), 0.0], [0.0, 0.0, 1.0]]
    found = nearness(tf.constant(vectors, tf.float32)).numpy()
    np.testing.assert_allclose(found[0], [0.0, 0.75, 0.25], atol=1e-6)
    np.testing.assert_allclose(found[2], [0.5, 0.5, 0.0], atol=1e-6)


def test_a_tower_agrees_with_itself_at_no_cost():
    teacher = tower()
    views = Teachers([teacher], VALUES).views(IMAGES)
    assert float(distillation_loss(views, *seen(teacher))) == pytest.approx(0.0, abs=1e-5)
    assert float(distillation_loss(views, *seen(tower()))) > 1e-4


def test_teachers_may_be_of_other_sizes_and_are_averaged():
    first, second = tower(dim=16, size=48), tower(dim=4)
    shares, chances = Teachers([first, second], VALUES).views(IMAGES)
    one = Teachers([first], VALUES).views(IMAGES)
    other = Teachers([second], VALUES).views(IMAGES)
    np.testing.assert_allclose(shares, (one[0] + other[0]) / 2, atol=1e-6)
    for name in VALUES:
        np.testing.assert_allclose(chances[name], (one[1][name] + other[1][name]) / 2, atol=1e-6)


def test_a_label_of_other_classes_is_not_taught():
    teachers = Teachers([tower(), tower(categories=["a", "b"])], VALUES)
    assert teachers.labels == ["attr_color"]


def test_a_student_comes_to_see_as_its_teacher_does():
    teacher, student = tower(dim=16), tower()
    views = Teachers([teacher], VALUES).views(IMAGES)
    optimizer = tf.keras.optimizers.legacy.Adam(0.01)
    variables = student.model.trainable_variables
    losses = []
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = distillation_loss(views, *seen(student))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, variables, unconnected_gradients="zero"), variables,
                strict=True)
        )  # fmt: skip
        losses.append(float(loss))
    assert losses[-1] < 0.2 * losses[0]


def test_no_teacher_at_all_is_refused():
    with pytest.raises(ConfigError, match="no teacher"):
        Teachers([], VALUES)

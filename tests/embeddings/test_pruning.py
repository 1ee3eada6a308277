"""Pruning takes the smallest weights of each kernel and no others."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import yaml

from embeddings.backbone import Backbone
from embeddings.image_tower import TowerSettings, build_tower
from embeddings.pruning import pruned, zero_share
from tests.embeddings.small_catalog import BACKBONE

SETTINGS = TowerSettings(
    backbone=Backbone.model_validate(yaml.safe_load(BACKBONE)), image_size=32, embedding_dim=8
)


@pytest.fixture(scope="module")
def tower():
    return build_tower(SETTINGS)


def test_half_of_a_kernel_goes_and_the_larger_half_stays(tower):
    before = tower.layer.projection.kernel.numpy()
    after = pruned(tower, 0.5).layer.projection.kernel.numpy()
    gone = after == 0
    assert gone.mean() == pytest.approx(0.5, abs=0.01)
    assert np.abs(before[gone]).max() < np.abs(before[~gone]).min()
    assert np.array_equal(after[~gone], before[~gone])
    assert np.array_equal(tower.layer.projection.kernel.numpy(), before)  # the tower is as it was


def test_depthwise_kernels_and_biases_stay(tower):
    few = pruned(tower, 0.9)
    for old, new in zip(tower.layer.submodules, few.layer.submodules, strict=True):
        if isinstance(old, tf.keras.layers.DepthwiseConv2D):
            assert np.array_equal(old.depthwise_kernel.numpy(), new.depthwise_kernel.numpy())
    assert zero_share(few) > zero_share(tower) + 0.3


def test_nothing_pruned_is_the_same_tower(tower):
    photos = tf.constant(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)), tf.float32)
    np.testing.assert_array_equal(pruned(tower, 0.0).layer(photos), tower.layer(photos))

"""Mixed photos: what they are made of, and in what shares."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from embeddings.mixing import mix
from recsys.config import TowerConfig

SEED = tf.constant([5, 6])
LEVELS = np.arange(8, dtype=np.float32) * 10  # photo i has level 10 i all over
IMAGES = tf.constant(np.broadcast_to(LEVELS[:, None, None, None], (8, 16, 16, 3)))


def mixed(**settings):
    images, own = mix(IMAGES, TowerConfig(**settings), SEED)
    return images.numpy(), own.numpy()


def test_off_by_default():
    images, own = mixed()
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(own, np.ones(8))


def test_mixup_fades_by_the_share_that_it_tells():
    images, own = mixed(mixup=1.0)
    wanted = own * LEVELS + (1 - own) * LEVELS[::-1]
    np.testing.assert_allclose(images[:, 3, 4, 1], wanted, rtol=1e-5)
    np.testing.assert_allclose(np.ptp(images, axis=(1, 2, 3)), 0, atol=1e-4)


def test_cutmix_pastes_as_many_pixels_as_it_tells():
    images, own = mixed(cutmix=1.0)
    for row in range(8):
        share = np.mean(images[row, :, :, 0] == LEVELS[row])
        assert share == pytest.approx(own[row], abs=1e-6)
        rest = images[row][images[row] != LEVELS[row]]
        assert (rest == LEVELS[7 - row]).all()


def test_a_photo_keeps_about_half_of_itself_or_more():
    for settings in ({"mixup": 0.5}, {"cutmix": 0.5}):
        own = mixed(**settings)[1]
        assert own.min() >= 0.45  # half, but for whole pixels
        assert own.max() <= 1
        assert np.ptp(own) > 0.05


def test_with_both_each_batch_takes_one_of_them():
    config = TowerConfig(mixup=1.0, cutmix=1.0)
    faded = [
        np.ptp(mix(IMAGES, config, tf.constant([seed, 0]))[0].numpy(), axis=(1, 2, 3)).max() < 1e-3
        for seed in range(12)
    ]
    assert 0 < sum(faded) < 12


def test_the_same_seed_gives_the_same_mixture():
    np.testing.assert_array_equal(mixed(cutmix=1.0)[0], mixed(cutmix=1.0)[0])

"""Augmentation: what it may change and what it must not."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from embeddings.augment import augment
from recsys.config import TowerConfig

STILL = {"augment_shift": 0.0, "augment_zoom": 0.0, "augment_light": 0.0, "augment_flip": False}
SEED = tf.constant([3, 4])


def photos(count=16, size=8):
    values = np.random.default_rng(0).integers(0, 256, (count, size, size, 3))
    return tf.constant(values, tf.float32)


def changed(images, **settings):
    return augment(images, TowerConfig(**{**STILL, **settings}), SEED).numpy()


def test_with_everything_off_a_photo_stays_as_it_is():
    images = photos()
    np.testing.assert_allclose(changed(images), images, atol=1e-3)


def test_flip_mirrors_some_photos_and_leaves_the_others():
    images = photos().numpy()
    found = changed(tf.constant(images), augment_flip=True)
    mirrored = [np.allclose(found[i], images[i, :, ::-1], atol=1e-3) for i in range(16)]
    same = [np.allclose(found[i], images[i], atol=1e-3) for i in range(16)]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert 0 < sum(mirrored) < 16


def test_a_shift_brings_white_into_view():
    black = tf.zeros([16, 20, 20, 3])
    found = changed(black, augment_shift=0.3)
    assert found.max() == 255
    assert found[:, 10, 10].max() < 255  # at most 6 of 20 pixels: the center stays


def test_light_changes_a_photo_by_one_factor():
    images = tf.fill([16, 4, 4, 3], 100.0)
    found = changed(images, augment_light=0.2)
    assert found.min() >= 80
    assert found.max() <= 120
    assert np.ptp(found, axis=(1, 2, 3)).max() < 1e-3  # within a photo nothing varies
    assert np.ptp(found[:, 0, 0, 0]) > 5  # between photos it does


def test_contrast_moves_levels_away_from_the_mean_or_towards_it():
    half = np.full((16, 4, 4, 3), 80.0, np.float32)
    half[:, :, 2:] = 120.0  # the mean is 100
    found = changed(tf.constant(half), augment_contrast=0.5)
    spread = found[:, 0, 3, 0] - found[:, 0, 0, 0]
    assert spread.min() >= 20 - 1e-3
    assert spread.max() <= 60 + 1e-3
    assert np.ptp(spread) > 5
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), 100, atol=1e-3)


def test_a_rectangle_is_painted_over_as_many_photos_as_asked_for():
    images = tf.zeros([64, 20, 20, 3])
    found = changed(images, augment_erase=0.5)
    gray = (found == 127).all(axis=3)
    assert 15 < gray.any(axis=(1, 2)).sum() < 49
    assert gray.mean(axis=(1, 2)).max() <= 0.45**2 + 0.05
    assert set(np.unique(found)) == {0.0, 127.0}


def test_smaller_photos_show_the_same_picture():
    columns = np.arange(8, dtype=np.float32) * 10
    images = tf.constant(np.broadcast_to(columns[None, None, :, None], (2, 8, 8, 3)))
    found = augment(images, TowerConfig(**STILL), SEED, out_size=4).numpy()
    assert found.shape == (2, 4, 4, 3)
    # pixel x of 4 lies between pixels 2x and 2x + 1 of 8
    np.testing.assert_allclose(found[0, 0, :, 0], [5, 25, 45, 65], atol=1e-3)


def test_the_same_seed_gives_the_same_photos_and_another_seed_does_not():
    images = photos()
    config = TowerConfig()
    first, again = augment(images, config, SEED), augment(images, config, SEED)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, augment(images, config, SEED + 1))

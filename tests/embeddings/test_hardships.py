"""Each hardship does to a photo what its name says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.hardships import HARDSHIPS, SCENE, harder


def photo() -> np.ndarray:
    """A red square of 40 pixels in the middle of 80 white ones."""
    pixels = np.full((80, 80, 3), 255, np.uint8)
    pixels[20:60, 20:60] = (200, 30, 30)
    return pixels


@pytest.mark.parametrize("name", HARDSHIPS)
def test_every_hardship_keeps_the_shape_and_changes_something(name):
    pixels = photo() // 2 + 20
    changed = harder(pixels, name)
    assert changed.shape == pixels.shape
    assert changed.dtype == np.uint8
    assert np.any(changed != pixels)


def red(pixels: np.ndarray) -> int:
    return int(np.sum((pixels[..., 0] > 150) & (pixels[..., 1] < 90)))


def test_a_crop_enlarges_the_middle():
    # 40 of 60 pixels are red then: 53 of 80
    assert red(harder(photo(), "crop")) == pytest.approx((40 / 0.75) ** 2, rel=0.06)


def test_a_rotation_keeps_what_is_there_and_the_paper():
    turned = harder(photo(), "rotation")
    assert red(turned) == pytest.approx(40 * 40, rel=0.06)
    assert turned[0, 0].tolist() == [255, 255, 255]


def test_a_blur_softens_the_edge():
    edge = harder(photo(), "blur")[40, 17:23, 1].astype(int)
    assert np.max(np.abs(np.diff(edge))) < 200


def test_brightness_scales_every_channel():
    assert harder(photo(), "darker")[40, 40].tolist() == pytest.approx([110, 16, 16], abs=1)
    assert harder(photo(), "brighter")[40, 40].tolist() == [255, 45, 45]


def test_only_the_background_is_painted():
    changed = harder(photo(), "background")
    assert tuple(changed[0, 0]) == SCENE
    assert np.array_equal(changed[20:60, 20:60], photo()[20:60, 20:60])


def test_a_photo_without_an_even_background_keeps_its_middle():
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    changed = harder(noise, "background")
    assert np.mean(np.any(changed != noise, axis=2)) < 0.3

"""The part of a photo within a box."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recsys.errors import PhotoError
from serving.region import Region

PHOTO = Image.fromarray(np.arange(40 * 60, dtype=np.uint8).reshape(40, 60))


def test_a_box_is_in_shares_of_the_sides():
    part = Region(0.5, 0.25, 1.0, 1.0).of(PHOTO, 1, "photo")
    assert part.size == (30, 30)
    np.testing.assert_array_equal(np.asarray(part), np.asarray(PHOTO)[10:, 30:])


def test_the_whole_box_is_the_whole_photo():
    assert Region(0, 0, 1, 1).of(PHOTO, 1, "photo").tobytes() == PHOTO.tobytes()


def test_a_box_of_too_few_pixels_is_refused():
    with pytest.raises(PhotoError, match="6 x 40 pixels, and 8") as error:
        Region(0, 0, 0.1, 1).of(PHOTO, 8, "photo[1]")
    assert (error.value.reason, error.value.where) == ("too_small", "photo[1]")

"""The pixel cache: photos decoded once, bad ones counted, memory bounded."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from embeddings.images import fit_photo
from embeddings.pixel_cache import Photo, cache_pixels, map_ahead
from recsys.config import PhotosConfig
from tests.embeddings.photo_bytes import encoded, picture

PHOTOS = PhotosConfig()


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "good.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "text.jpg").write_bytes(b"not a photo at all")
    names = ["good.png", "text.jpg", "missing.png", "good.png"]
    return [Photo(10 + row, str(tmp_path / name)) for row, name in enumerate(names)]


def test_good_photos_are_kept_in_order_and_bad_ones_counted(photos, tmp_path):
    cache = cache_pixels(photos, PHOTOS, 16, tmp_path / "c" / "pixels", workers=2)
    assert cache.item_rows.tolist() == [10, 13]
    assert cache.places.tolist() == [0, 3]
    assert cache.rejected == {"not_a_photo": 1, "missing": 1}
    np.testing.assert_array_equal(cache.pixels[1], fit_photo(picture(), 16, "pad"))


def test_a_second_run_does_not_read_the_photos_again(photos, tmp_path):
    path = tmp_path / "pixels"
    first = cache_pixels(photos, PHOTOS, 16, path, workers=1)
    (tmp_path / "good.png").unlink()
    again = cache_pixels(photos, PHOTOS, 16, path, workers=1)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert again.rejected == first.rejected
    other_size = cache_pixels(photos, PHOTOS, 8, path, workers=1)
    assert len(other_size.pixels) == 0  # decoded anew: the photo is gone


def test_no_photos_are_an_empty_cache(tmp_path):
    cache = cache_pixels([], PHOTOS, 16, tmp_path / "pixels", workers=1)
    assert cache.pixels.shape == (0, 16, 16, 3)


def test_map_ahead_keeps_the_order_and_stays_within_its_bound():
    started: list[int] = []

    def work(value: int) -> int:
        started.append(value)
        time.sleep(0.001 * (5 - value % 5))
        return value * value

    found = []
    for result in map_ahead(work, range(40), 4, 6):
        found.append(result)
        assert len(started) <= len(found) + 6
    assert found == [value * value for value in range(40)]


def test_map_ahead_leaves_no_threads_behind_when_the_reader_stops():
    before = threading.active_count()
    results = map_ahead(lambda value: value, range(1000), 3, 10)
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before

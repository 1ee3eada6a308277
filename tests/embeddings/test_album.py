"""The rows of the table: which photos an item has, which are lost, and which stand in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from embeddings.album import Album, combine, items_with_photos
from embeddings.photo_state import PhotoState
from embeddings.photo_store import PhotoStore
from recsys.config import PhotosConfig
from recsys.errors import DataError
from tests.embeddings.stub_engine import DIM, vector_of

ONE, TWO, GONE = "01" * 32, "02" * 32, "03" * 32


def items(*images):
    ids = [f"i{row}" for row in range(len(images))]
    return items_with_photos(pd.DataFrame({"item_id": ids, "image": images}))


@pytest.fixture
def album(tmp_path):
    """Two photos with vectors, one that fails since two runs, one that never could be read."""
    store = PhotoStore(tmp_path, "tower", PhotosConfig(), DIM)
    for sha256 in (ONE, TWO):
        store.add(sha256, vector_of(sha256))
    store.flush()
    store.open()
    states = {
        "one.jpg": PhotoState(sha256=ONE), "two.jpg": PhotoState(sha256=TWO),
        "dead.jpg": PhotoState(sha256=TWO, failures=2, last_error="missing: no such file."),
        "bad.jpg": PhotoState(failures=1, last_error="truncated: it breaks off: early."),
        "lost.jpg": PhotoState(sha256=GONE, failures=1, last_error="missing: no such file."),
    }  # fmt: skip
    return Album(states, store, 2)


def test_items_without_photos_are_left_out():
    assert [(item.row, item.item_id, item.locations) for item in items("", "a|b", "", "c|")] == [
        (1, "i1", ["a", "b"]), (3, "i3", ["c"]),
    ]  # fmt: skip


def test_rows_are_in_catalog_order_with_the_mean_of_several_photos(album):
    part = album.part(items("two.jpg", "one.jpg|two.jpg", "bad.jpg", "bad.jpg|one.jpg"))
    assert part.item_ids == ["i0", "i1", "i3"]
    assert part.photo_sha256 == [TWO, f"{ONE}|{TWO}", ONE]
    mean = vector_of(ONE) + vector_of(TWO)
    wanted = [vector_of(TWO), mean / np.linalg.norm(mean), vector_of(ONE)]
    np.testing.assert_allclose(part.vectors, wanted, rtol=1e-6)
    assert part.vectors.dtype == np.float32


def test_a_photo_that_fails_keeps_its_vector_for_so_many_runs(album):
    part = album.part(items("dead.jpg"))
    assert part.item_ids == ["i0"]
    assert part.rejected[0]["detail"] == (
        "dead.jpg: no such file. (its last good photo stands in for it)"
    )
    strict = Album(album.states, album.store, 1).part(items("dead.jpg"))
    assert strict.item_ids == []
    assert strict.vectors.shape == (0, DIM)
    assert strict.rejected[0]["detail"] == "dead.jpg: no such file."


def test_every_photo_that_failed_is_listed_with_its_cause(album):
    part = album.part(items("one.jpg", "bad.jpg|lost.jpg"))
    assert [(row["row"], row["item_id"], row["reason"]) for row in part.rejected] == [
        (1, "i1", "truncated"), (1, "i1", "missing"),
    ]  # fmt: skip
    assert part.rejected[0]["detail"] == "bad.jpg: it breaks off: early."


def test_too_many_lost_photos_are_refused_and_kept_ones_do_not_count(album):
    catalog = items("one.jpg", "two.jpg", "dead.jpg", "bad.jpg")
    counts = album.refuse_if_too_many_lost(catalog, 0.25)
    assert counts == {"rejected": {"truncated": 1}, "kept": {"missing": 1}}
    with pytest.raises(DataError, match="1 of 4 photos cannot be used: 1 truncated") as caught:
        album.refuse_if_too_many_lost(catalog, 0.2)
    assert caught.value.where == "bad.jpg"
    with pytest.raises(DataError, match="1 of 1"):
        album.refuse_if_too_many_lost(items("bad.jpg"), 1.0)


def test_parts_hold_so_many_items(album):
    parts = list(album.parts(items(*["one.jpg"] * 5), 2))
    assert [len(part.item_ids) for part in parts] == [2, 2, 1]


def test_combining_opposite_photos_keeps_the_first():
    first = np.array([1.0, 0.0], np.float32)
    np.testing.assert_array_equal(combine(np.stack([first, -first])), first)
    np.testing.assert_allclose(combine(np.stack([first, first[::-1]])), [0.5**0.5] * 2, rtol=1e-6)

"""Smaller towers: what they keep, what they lose, and when they are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from embeddings import shrink as module
from embeddings.image_tower import load_tower
from embeddings.pruning import zero_share
from embeddings.shrink import FILE, MAX_LOST, Shrunk, convert, most_pruned, r_at_1, shrink
from recsys.errors import DataError
from tests.embeddings.small_catalog import (
    COLORS,
    SHAPES,
    draw,
)

PHOTOS = np.stack([
    np.asarray(draw(SHAPES[n % 2], list(COLORS)[n % 3], 300 + n).resize((32, 32)))
    for n in range(24)
])  # fmt: skip


@pytest.fixture(scope="module")
def tower(trained):
    return load_tower(trained[1].tower)


@pytest.mark.parametrize(
    ("form", "cosine"), [("float32", 1 - 1e-5), ("float16", 1 - 1e-3), ("int8", 0.9)]
)
def test_embeddings_stay_what_they_were(tower, form, cosine):
    wanted = tower.layer(PHOTOS.astype(np.float32)).numpy()
    found = Shrunk(convert(tower, form, PHOTOS)).embed(PHOTOS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert np.mean(np.sum(found * wanted, axis=1)) >= cosine


def test_fewer_bits_make_a_smaller_file(tower):
    sizes = {form: len(convert(tower, form, PHOTOS)) for form in ("float32", "float16", "int8")}
    assert sizes["float16"] < sizes["float32"]
    assert sizes["int8"] < sizes["float32"]


def test_the_report_compares_it_with_the_tower_it_was_made_of(trained, tmp_path):
    report = shrink(*trained, "float16", tmp_path / "small")
    assert report["small"]["bytes"] < report["float32"]["bytes"]
    assert report["small"]["r_at_1"] == pytest.approx(report["float32"]["r_at_1"], abs=0.01)
    assert (tmp_path / "small" / FILE).stat().st_size == report["small"]["bytes"]
    manifest = json.loads((tmp_path / "small" / "manifest.json").read_text())
    assert manifest["info"]["form"] == "float16"
    assert not list(trained[1].root.glob(".shrink*"))


def test_a_pruned_tower_compresses_to_less(trained, tmp_path):
    report = shrink(*trained, "pruned", tmp_path / "small")
    assert report["share"] > 0
    assert report["small"]["compressed_bytes"] < report["float32"]["compressed_bytes"]
    assert report["r_at_1_lost"] <= MAX_LOST


def test_as_much_is_pruned_as_loses_no_more_than_allowed(tower):
    worth = iter([0.9, 0.5, 0.889, 0.891])  # of the tower, and with 70, 60 and 50% zeros
    small, share = most_pruned(tower, lambda _: next(worth))
    assert share == 0.5
    assert zero_share(small) > zero_share(tower) + 0.3
    worth = iter([0.9] + 7 * [0.5])
    assert most_pruned(tower, lambda _: next(worth)) == (tower, 0.0)


def test_one_that_loses_too_much_is_not_written(trained, tmp_path, monkeypatch):
    found = iter([0.9, 0.88])
    monkeypatch.setattr(module, "r_at_1", lambda *_: next(found))
    with pytest.raises(DataError, match=r"loses 0\.020"):
        shrink(*trained, "int8", tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_r_at_1_counts_queries_whose_nearest_has_their_label():
    gallery, labels = np.eye(2), np.array(["a", "b"])
    queries = np.array([[1, 0], [0.9, 0.1], [0, 1]])  # nearest a, a, b
    assert r_at_1(queries, np.array(["a", "b", "b"]), gallery, labels) == pytest.approx(2 / 3)

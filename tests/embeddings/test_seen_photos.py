"""Photos of a split, encoded once, with what names them."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.image_tower import load_tower
from embeddings.seen_photos import compiled, encode, see_photos
from recsys.catalog import load_catalog
from recsys.embedding_table import open_table


def test_vectors_are_those_of_the_embedding_table(trained):
    config, workdir = trained
    item_ids = load_catalog(workdir)["item_id"].tolist()
    table, _ = open_table(workdir.embeddings).vectors_for(item_ids)
    with see_photos(config, workdir, load_tower(workdir.tower), "test") as seen:
        assert len(seen.photos) == len(seen.pixels) == 16
        assert [photo.item_row for photo in seen.photos] == seen.item_rows.tolist()
        np.testing.assert_allclose(seen.vectors, table[seen.item_rows], atol=1e-5)


def test_batches_change_nothing(trained):
    see = compiled(load_tower(trained[1].tower))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    whole, parts = encode(see, pixels, 5), encode(see, pixels, 2)
    np.testing.assert_allclose(whole[0], parts[0], atol=1e-5)
    assert set(whole[1]) == {"category", "attr_color"}
    np.testing.assert_allclose(whole[1]["category"], parts[1]["category"], atol=1e-4)


def test_nothing_stays_on_disk_after_an_error(trained):
    config, workdir = trained
    before = set(workdir.root.iterdir())
    tower = load_tower(workdir.tower)
    with pytest.raises(RuntimeError), see_photos(config, workdir, tower, "test"):
        raise RuntimeError
    assert set(workdir.root.iterdir()) == before

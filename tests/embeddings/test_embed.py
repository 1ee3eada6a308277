"""Embedding a catalog: every photo once, bad ones rejected, killed runs gone on with."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from embeddings import photo_encoder
from embeddings.embed import embed
from embeddings.image_tower import load_tower
from embeddings.images import decode_photo, fit_photo
from embeddings.train_tower import train_tower
from recsys.embedding_table import open_table
from recsys.errors import ArtifactError, DataError
from recsys.workdir import Workdir
from tests.embeddings.small_catalog import draw, prepared, small_config, write_catalog

FEW = {"epochs": 1}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A catalog of 48 photos with a barely trained tower; copied by each test."""
    root = tmp_path_factory.mktemp("catalog")
    write_catalog(root)
    config = small_config(root, tower=FEW)
    train_tower(config, prepared(root, config))
    return root


@pytest.fixture
def root(base, tmp_path):
    shutil.copytree(base, tmp_path, dirs_exist_ok=True)
    return tmp_path


def config_of(root, **sections):
    return small_config(root, tower=FEW, **sections)


def embed_again(root, **sections):
    config = config_of(root, **sections)
    return embed(config, prepared(root, config))


def change_images(root, change):
    frame = pd.read_csv(root / "catalog.csv")
    frame["image"] = [change(row, image) for row, image in enumerate(frame["image"])]
    frame.to_csv(root / "catalog.csv", index=False)


def test_each_item_has_the_vector_that_the_tower_gives_its_photo(root):
    summary = embed_again(root)
    assert (summary["num_items"], summary["num_photos"], summary["embedded"]) == (48, 48, 48)
    table, tower = open_table(root / "workdir" / "embeddings"), load_tower(root / "workdir/tower")
    item_ids, vectors = table.read()
    assert item_ids == [f"i{number}" for number in range(48)]
    photos = config_of(root).photos
    pixels = fit_photo(decode_photo((root / "7.png").read_bytes(), photos), 32, "pad")
    wanted = tower.model(pixels[None].astype(np.float32))["embedding"][0]
    np.testing.assert_allclose(vectors[7], wanted, atol=1e-5)
    assert table.tower_fingerprint == tower.fingerprint


def test_the_batch_size_and_the_parts_do_not_change_a_vector(root):
    embed_again(root)
    first = open_table(root / "workdir" / "embeddings").read()[1]
    embed_again(root, embed={"batch_size": 7, "part_size": 100, "decode_workers": 1})
    again = open_table(root / "workdir" / "embeddings").read()[1]
    np.testing.assert_allclose(first, again, atol=1e-5)


def test_bad_photos_are_rejected_with_their_reason(root):
    (root / "0.png").write_bytes(b"text")
    (root / "1.png").unlink()
    summary = embed_again(root)
    assert summary["rejected"] == {"not_a_photo": 1, "missing": 1}
    table = open_table(root / "workdir" / "embeddings")
    assert table.vectors_for(["i0", "i1", "i2"])[1].tolist() == [False, False, True]
    rejected = pd.read_parquet(root / "workdir" / "embeddings" / "rejected.parquet")
    assert rejected["item_id"].tolist() == ["i0", "i1"]
    assert "0.png" in rejected["detail"][0]


def test_a_photo_of_many_items_is_embedded_once(root):
    change_images(root, lambda row, image: "5.png" if row % 2 else image)
    summary = embed_again(root)
    # 24 photos of even items and photo 5
    assert (summary["num_items"], summary["embedded"]) == (48, 25)
    vectors = open_table(root / "workdir" / "embeddings").vectors_for(["i1", "i47"])[0]
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_several_photos_of_an_item_are_averaged_and_a_bad_one_left_out(root):
    change_images(root, lambda row, image: "0.png|1.png|none.png" if row == 2 else image)
    embed_again(root)
    table = open_table(root / "workdir" / "embeddings")
    first, second, both = table.vectors_for(["i0", "i1", "i2"])[0]
    mean = (first + second) / 2
    np.testing.assert_allclose(both, mean / np.linalg.norm(mean), atol=1e-6)
    part = pd.read_parquet(table.artifact.path / "parts" / "00000.parquet")
    assert [len(hashes.split("|")) for hashes in part["photo_sha256"][:3]] == [1, 1, 2]


def test_only_photos_of_new_bytes_are_embedded_again(root):
    whole = embed_again(root)
    first = open_table(root / "workdir" / "embeddings")
    assert (whole["embedded"], whole["unchanged"]) == (48, 0)
    again = embed_again(root, embed={"batch_size": 3, "part_size": 20})
    assert (again["embedded"], again["unchanged"]) == (0, 48)
    assert open_table(root / "workdir" / "embeddings").fingerprint == first.fingerprint
    shutil.copyfile(root / "9.png", root / "3.png")  # known bytes under another name
    os.utime(root / "4.png")  # touched: the same bytes
    draw("bar", "red", 99).save(root / "5.png")  # new bytes
    change_images(root, lambda row, image: "7.png" if row == 6 else image)
    assert embed_again(root)["embedded"] == 1
    item_ids, vectors = open_table(root / "workdir" / "embeddings").read()
    np.testing.assert_array_equal(vectors[3], vectors[9])
    np.testing.assert_array_equal(vectors[6], vectors[7])
    assert item_ids == [f"i{number}" for number in range(48)]


def test_a_damaged_part_of_the_store_is_embedded_again(root):
    embed_again(root)
    first = open_table(root / "workdir" / "embeddings").read()[1]
    path = next((root / "workdir" / "photos").rglob("parts/*.parquet"))
    path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)
    assert embed_again(root)["embedded"] in (20, 8)  # parts of 20, 20 and 8 photos
    np.testing.assert_allclose(open_table(root / "workdir" / "embeddings").read()[1], first,
                               atol=1e-6)  # fmt: skip


def test_too_many_bad_photos_refuse_the_step_and_name_the_reasons(root):
    for number in range(12):
        (root / f"{number}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"12 of 48 photos cannot be used: 12 empty") as caught:
        embed_again(root, data={"max_bad_fraction": 0.2})
    assert "0.png" in caught.value.where
    assert "max_bad_fraction" in caught.value.mend
    assert embed_again(root, data={"max_bad_fraction": 0.3})["num_items"] == 36


def test_the_network_sees_whole_batches(root, monkeypatch):
    shapes = []
    make_encode = photo_encoder.make_encode

    def counting(tower, batch_size):
        encode = make_encode(tower, batch_size)
        return lambda pixels: shapes.append(len(pixels)) or encode(pixels)

    monkeypatch.setattr(photo_encoder, "make_encode", counting)
    embed_again(root)
    assert shapes == [16, 16, 16]


def test_a_workdir_without_a_tower_says_what_to_run(root):
    shutil.rmtree(root / "workdir" / "tower")
    with pytest.raises(ArtifactError, match="vitrine train-tower"):
        embed(config_of(root), Workdir(root / "workdir"))

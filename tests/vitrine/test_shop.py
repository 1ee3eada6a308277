"""The generated shop: the same seed the same bytes, faults as promised, nothing overwritten."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

import vitrine.shop
from embeddings.images import decode_photo
from embeddings.photo_source import read_bytes
from recsys.artifact import open_artifact, verify_artifact
from recsys.config import PhotosConfig, config_from
from recsys.errors import DataError, PhotoError
from recsys.prepare import prepare
from recsys.workdir import Workdir
from vitrine.shop import make_shop, spoil


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shops") / "shop"
    return folder, make_shop(folder, items=200, users=260, seed=3)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again, other = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    for folder, seed in ((first, 1), (again, 1), (other, 2)):
        make_shop(folder, items=12, users=9, seed=seed)
    assert bytes_of(first) == bytes_of(again)
    assert bytes_of(first) != bytes_of(other)


def test_the_shop_is_what_its_summary_says(shop):
    folder, summary = shop
    verify_artifact(open_artifact(folder, "shop", mend=""))
    catalog = pd.read_parquet(folder / "catalog.parquet")
    events = pd.read_parquet(folder / "events.parquet")
    assert len(catalog) == summary["items"] + summary["bad_items"] == 200 + 3
    assert len(events) == summary["events"] + summary["bad_events"]
    named = [name for image in catalog["image"][:200] for name in image.split("|")]
    files = {path.relative_to(folder).as_posix() for path in (folder / "images").iterdir()}
    assert summary["photos"] == len(named)
    assert len(set(named) - files) == summary["spoiled_photos"]["missing"] == 1
    assert files <= set(named)


def test_vitrine_reads_the_shop_and_rejects_only_what_was_spoiled(shop, tmp_path):
    folder, _ = shop
    config = config_from({"data": {"root": str(folder)}}, where="test")
    summary = prepare(config, Workdir(tmp_path / "w"))
    assert summary["items"] == 200
    assert summary["rejected"]["catalog"] == {
        "repeated_item_id": 1, "bad_item_id": 1, "bad_price": 1,
    }  # fmt: skip
    assert set(summary["rejected"]["events"]) <= {"unknown_item", "bad_user_id", "bad_timestamp"}
    assert set(summary["event_kinds"]) == {"view", "cart", "like", "purchase"}


def test_every_fault_is_there_once_and_the_other_photos_are_fine(shop):
    folder, _ = shop
    reasons, hashes = [], []
    for image in pd.read_parquet(folder / "catalog.parquet")["image"][:200]:
        for name in image.split("|"):
            try:
                data = read_bytes(str(folder / name), 10**6)
                decode_photo(data, PhotosConfig())
                hashes.append(hashlib.sha256(data).hexdigest())
            except PhotoError as error:
                reasons.append(error.reason)
    assert sorted(reasons) == ["blank", "missing", "not_a_photo", "too_small", "truncated"]
    assert len(hashes) - len(set(hashes)) == 1  # the duplicate


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="not empty and holds no generated shop"):
        make_shop(tmp_path, items=2, users=2)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "s").write_text("")
    with pytest.raises(DataError, match="a file, not a folder"):
        make_shop(tmp_path / "s", items=2, users=2)


def test_another_artifact_is_refused(tmp_path):
    from recsys.artifact import write_artifact

    with write_artifact(tmp_path / "tables", "tables"):
        pass
    with pytest.raises(DataError, match="holds no generated shop: this is a tables"):
        make_shop(tmp_path / "tables", items=2, users=2)


def test_a_shop_replaces_a_shop_and_an_empty_folder(tmp_path):
    (tmp_path / "s").mkdir()
    make_shop(tmp_path / "s", items=3, users=2)
    make_shop(tmp_path / "s", items=5, users=2)
    assert len(pd.read_parquet(tmp_path / "s" / "catalog.parquet")) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_making_that_dies_leaves_nothing_to_read(tmp_path, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(vitrine.shop, "make_events", die)
    with pytest.raises(KeyboardInterrupt):
        make_shop(tmp_path / "s", items=3, users=2)
    assert list(tmp_path.iterdir()) == []


def test_a_shop_of_one_item_and_one_user(tmp_path):
    summary = make_shop(tmp_path / "s", items=1, users=1)
    assert summary["items"] == 1
    with pytest.raises(DataError, match="at least 1 item"):
        make_shop(tmp_path / "t", items=0, users=1)


def test_spoiling_is_what_it_says():
    photo = bytes(range(90))
    assert spoil(photo, "") == photo
    assert spoil(photo, "truncated") == photo[:30]
    assert spoil(photo, "missing") is None
    assert b"404" in spoil(photo, "not_a_photo")

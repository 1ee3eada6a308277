"""What changed of the photos is told without decoding one, and without writing anything."""

import os

import numpy as np
import pandas as pd
import pytest

from embeddings.photo_source import fetch
from embeddings.photo_state import EMPTY
from embeddings.photo_states import write_states
from recsys.artifact import write_artifact
from recsys.config import Config
from recsys.embedding_table import Part, write_table
from recsys.workdir import Workdir
from vitrine.refresh_photos import any_photos, photo_changes, photos_key

CONFIG = Config()


def write_tables(workdir, images):
    frame = pd.DataFrame({"item_id": list(images), "image": list(images.values())})
    with write_artifact(workdir.tables, "tables") as draft:
        frame.to_parquet(draft.path / "catalog.parquet")
    return frame


@pytest.fixture
def shop(tmp_path):
    """Items a and b with a photo each, embedded; their files are x.jpg and y.jpg."""
    workdir = Workdir(tmp_path / "w")
    files = [tmp_path / "x.jpg", tmp_path / "y.jpg"]
    for file in files:
        file.write_bytes(file.name.encode())
    states = {str(file): fetch(str(file), EMPTY, CONFIG.sources, 1000).state for file in files}
    write_states(workdir.photos, states)
    hashes = [state.sha256 for state in states.values()]
    vectors = np.array([[0.6, 0.8], [0.8, 0.6]], np.float32)
    part = Part(item_ids=["a", "b"], photo_sha256=hashes, vectors=vectors)
    write_table(workdir.embeddings, [part], tower_fingerprint="t", embedding_dim=2, inputs={})
    return workdir, *map(str, files)


def test_nothing_changed(shop):
    workdir, x, y = shop
    found = photo_changes(CONFIG, workdir, write_tables(workdir, {"a": x, "b": y}))
    assert (found.items, found.photos, found.unreachable) == (0, 0, 0)


def test_a_touched_or_moved_file_is_the_same_photo(shop, tmp_path):
    workdir, x, y = shop
    os.utime(x, (1, 1))
    moved = tmp_path / "moved.jpg"
    os.rename(y, moved)  # noqa: PTH104
    found = photo_changes(CONFIG, workdir, write_tables(workdir, {"a": x, "b": str(moved)}))
    assert (found.items, found.photos) == (0, 0)


def test_other_bytes_are_another_photo_and_new_ones_count_once(shop, tmp_path):
    workdir, x, y = shop
    (tmp_path / "x.jpg").write_bytes(b"other")
    for name in ("n1.jpg", "n2.jpg"):
        (tmp_path / name).write_bytes(b"the same")
    new = {"c": str(tmp_path / "n1.jpg"), "d": str(tmp_path / "n2.jpg"), "e": y}
    found = photo_changes(CONFIG, workdir, write_tables(workdir, {"a": x, "b": y, **new}))
    # a has other bytes; c and d share one new photo, and e shows what is embedded already
    assert (found.items, found.photos, found.unreachable) == (1, 2, 0)


def test_what_cannot_be_read_is_counted(shop, tmp_path):
    workdir, x, y = shop
    gone = str(tmp_path / "gone.jpg")
    found = photo_changes(CONFIG, workdir, write_tables(workdir, {"a": x, "b": y, "c": gone}))
    assert (found.photos, found.unreachable) == (0, 1)


def test_a_remote_photo_that_was_never_read_is_not_read_by_a_plan(shop):
    workdir, x, y = shop
    images = {"a": x, "b": y, "c": "http://nobody.invalid/c.jpg"}
    assert photo_changes(CONFIG, workdir, write_tables(workdir, images)).photos == 1


def test_the_key_follows_items_photos_and_files(shop):
    workdir, x, y = shop
    write_tables(workdir, {"a": x, "b": y})
    key = photos_key(CONFIG, workdir)
    assert photos_key(CONFIG, workdir) == key and any_photos(workdir)
    os.utime(x, (1, 1))
    touched = photos_key(CONFIG, workdir)
    assert touched != key
    write_tables(workdir, {"a": y, "b": x})
    assert photos_key(CONFIG, workdir) != touched


def test_remote_photos_are_asked_each_time(shop):
    workdir, x, _ = shop
    write_tables(workdir, {"a": x, "b": "http://nobody.invalid/b.jpg"})
    assert photos_key(CONFIG, workdir) != photos_key(CONFIG, workdir)


def test_a_photo_that_is_gone_is_asked_for_until_its_vector_is_given_up(shop, tmp_path):
    workdir, x, y = shop
    write_tables(workdir, {"a": x, "b": y})
    (tmp_path / "y.jpg").unlink()
    state = fetch(y, EMPTY, CONFIG.sources, 1000).state
    keep = CONFIG.sources.keep_failed_refreshes
    for failures, again in ((1, True), (keep, True), (keep + 1, False)):
        write_states(workdir.photos, {y: state.__class__("ab" * 32, failures=failures)})
        assert (photos_key(CONFIG, workdir) != photos_key(CONFIG, workdir)) is again


def test_a_catalog_without_photos_has_none(tmp_path):
    workdir = Workdir(tmp_path)
    write_tables(workdir, {"a": "", "b": ""})
    assert not any_photos(workdir)

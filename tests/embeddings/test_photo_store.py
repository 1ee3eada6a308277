"""The photo store: vectors by the hash of the photo, in parts that are whole or dropped."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import numpy as np
import pytest

from embeddings import photo_store
from embeddings.photo_store import PhotoStore, damaged_parts
from recsys.config import PhotosConfig
from recsys.errors import ArtifactError

DIM = 4


def sha(number):
    return hashlib.sha256(b"photo %d" % number).hexdigest()


def vector(number):
    angle = np.float32(number)
    return np.array([np.cos(angle), np.sin(angle), 0, 0], np.float32)


def opened(root, tower="tower", settings=PhotosConfig(), part_size=4):
    return PhotoStore(root, tower, settings, DIM, part_size)


def filled(root, numbers):
    store = opened(root)
    for number in numbers:
        store.add(sha(number), vector(number))
    store.flush()
    return opened(root)


def parts(root):
    return sorted(root.rglob("*.parquet"))


def test_vectors_come_back_in_the_order_asked_for_from_any_part(tmp_path):
    store = filled(tmp_path, range(10))
    assert len(parts(tmp_path)) == 3  # of 4, 4 and 2
    asked = [7, 0, 9, 7, 3]
    found = store.vectors([sha(number) for number in asked])
    np.testing.assert_array_equal(found, [vector(number) for number in asked])
    assert store.vectors([]).shape == (0, DIM)


def test_what_is_stored_is_known_and_nothing_else(tmp_path):
    store = filled(tmp_path, range(10))
    assert [sha(number) in store.known for number in (0, 9, 10)] == [True, True, False]
    with pytest.raises(ArtifactError, match="has no vector"):
        store.vectors([sha(0), sha(10)])


def test_another_tower_and_another_fit_have_stores_of_their_own(tmp_path):
    filled(tmp_path, range(3))
    assert len(opened(tmp_path, tower="other").known) == 0
    assert len(opened(tmp_path, settings=PhotosConfig(fit="crop")).known) == 0
    assert len(opened(tmp_path).known) == 3


def test_a_part_with_a_flipped_byte_is_dropped_and_the_others_stay(tmp_path, capsys):
    filled(tmp_path, range(10))
    path = parts(tmp_path)[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert damaged_parts(tmp_path) == [path]
    store = opened(tmp_path)
    assert 6 <= len(store.known) <= 8  # without the 4 or 2 photos of that part
    assert str(path) in capsys.readouterr().err.replace("\n", "")
    assert not path.exists()
    assert damaged_parts(tmp_path) == []


def test_a_part_of_another_tower_is_dropped(tmp_path):
    filled(tmp_path, range(3))
    target = opened(tmp_path, tower="other").parts_folder
    target.mkdir(parents=True)
    path = parts(tmp_path)[0]
    (target / path.name).write_bytes(path.read_bytes())
    assert len(opened(tmp_path, tower="other").known) == 0


def test_a_killed_run_leaves_whole_parts_and_its_draft_is_cleared(tmp_path):
    store = opened(tmp_path)
    for number in range(6):  # a part of 4; the other 2 were not written yet
        store.add(sha(number), vector(number))
    (store.parts_folder / "0123.tmp").write_bytes(b"half")
    assert len(opened(tmp_path).known) == 4
    assert list(tmp_path.rglob("*.tmp")) == []


def test_the_same_photos_make_the_same_part(tmp_path):
    names = [[path.name for path in parts(folder)] for folder in (tmp_path / "a", tmp_path / "b")
             if filled(folder, range(3))]  # fmt: skip
    assert names[0] == names[1]


def test_a_full_disk_is_an_error_that_leaves_no_part(tmp_path, monkeypatch):
    def full(path, data):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ArtifactError, match="Free some space"):
        filled(tmp_path, range(4))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("bad", [np.nan, 0.0])
def test_a_broken_tower_cannot_fill_the_store(tmp_path, bad):
    store = opened(tmp_path)
    store.add(sha(0), np.full(DIM, bad, np.float32))
    with pytest.raises(ArtifactError, match="norm"):
        store.flush()
    assert parts(tmp_path) == []


def test_vectors_held_in_memory_are_bounded(tmp_path, monkeypatch):
    store = filled(tmp_path, range(40))
    monkeypatch.setattr(photo_store, "MOST_CACHED", 3 * 4 * DIM * 4)  # three parts
    found = store.vectors([sha(number) for number in range(40)])
    np.testing.assert_array_equal(found, [vector(number) for number in range(40)])
    assert len(store._cache) == 3

"""Updating the store: only what is new is embedded, and what is done is kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from embeddings import photo_update
from embeddings.photo_states import read_states
from embeddings.photo_store import PhotoStore
from embeddings.photo_update import update_photos
from recsys.config import PhotosConfig
from recsys.deadline import deadline
from recsys.errors import OutOfTimeError
from tests.embeddings.photo_bytes import encoded, picture
from tests.embeddings.stub_engine import DIM, StubEngine, vector_of


@pytest.fixture
def photos(tmp_path):
    """Ten photos, no two alike, changed long ago."""
    return [write(tmp_path / f"{number}.png", number) for number in range(10)]


def write(path, number):
    path.write_bytes(encoded(picture(40 + number, 60), "PNG"))
    os.utime(path, (1_000_000_000 + number,) * 2)
    return str(path)


def opened(root, tower="tower"):
    return PhotoStore(root / "photos", tower, PhotosConfig(), DIM, part_size=4)


def update(root, locations, tower="tower", **stub):
    engine = StubEngine(**stub)
    store = opened(root, tower)
    done = update_photos(locations, root / "photos", engine, store)
    return done, engine, store


def test_the_first_time_every_photo_is_embedded_and_then_none(tmp_path, photos):
    done, engine, store = update(tmp_path, photos)
    assert (done.num_embedded, len(store.known)) == (10, 10)
    hashes = [done.states[place].sha256 for place in photos]
    np.testing.assert_array_equal(store.vectors(hashes), [vector_of(text) for text in hashes])
    done, engine, _ = update(tmp_path, photos)
    assert (done.num_embedded, engine.asked) == (0, photos)


def test_new_bytes_alone_are_embedded(tmp_path, photos):
    update(tmp_path, photos)
    write(tmp_path / "3.png", 90)  # changed
    os.utime(photos[4])  # touched
    write(tmp_path / "copy.png", 5)  # known bytes in another place
    write(tmp_path / "new.png", 91)
    added = [str(tmp_path / "copy.png"), str(tmp_path / "new.png")]
    done, engine, _ = update(tmp_path, [*photos[:8], *added])
    assert engine.embedded == [done.states[photos[3]].sha256, done.states[added[1]].sha256]


def test_another_tower_embeds_every_photo_and_the_first_one_none_again(tmp_path, photos):
    update(tmp_path, photos)
    assert update(tmp_path, photos, tower="other")[0].num_embedded == 10
    assert update(tmp_path, photos)[0].num_embedded == 0


def test_what_was_embedded_before_a_stop_is_kept(tmp_path, photos):
    with pytest.raises(KeyboardInterrupt):
        update(tmp_path, photos, stop_after=7)
    done, engine, _ = update(tmp_path, photos)
    assert done.num_embedded == 3
    assert engine.asked == photos


def test_a_failure_counts_once_for_a_run_however_often_it_is_stopped(tmp_path, photos):
    update(tmp_path, photos)
    Path(photos[0]).unlink()
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            update(tmp_path, photos, stop_after=7)
        assert read_states(tmp_path / "photos")[photos[0]].failures == 0
    for number in (1, 2):
        done, _, _ = update(tmp_path, photos)
        assert done.states[photos[0]].failures == number
        assert read_states(tmp_path / "photos")[photos[0]].failures == number


def test_a_kill_loses_at_most_one_part(tmp_path, photos, monkeypatch):
    # what SIGKILL does: nothing after it happens
    monkeypatch.setattr(photo_update._Saver, "now", lambda self: None)
    monkeypatch.setattr(PhotoStore, "flush", flush_whole_parts)
    with pytest.raises(KeyboardInterrupt):
        update(tmp_path, photos, stop_after=7)
    monkeypatch.undo()
    assert update(tmp_path, photos)[0].num_embedded == 6  # a part of 4 was there


flush = PhotoStore.flush


def flush_whole_parts(store):
    if len(store._gathered) == store.part_size:
        flush(store)


def test_time_that_is_over_stops_it_and_the_next_run_goes_on(tmp_path, photos):
    with deadline(1e-9), pytest.raises(OutOfTimeError, match="are kept"):
        update(tmp_path, photos)
    assert len(opened(tmp_path).known) == 1
    assert update(tmp_path, photos)[0].num_embedded == 9


def test_states_of_locations_that_left_the_catalog_are_forgotten(tmp_path, photos):
    update(tmp_path, photos)
    update(tmp_path, photos[:2])
    assert list(read_states(tmp_path / "photos")) == photos[:2]
    assert update(tmp_path, photos)[0].num_embedded == 0  # read again, and known by their hash


def test_the_summary_counts_photos_and_time(tmp_path, photos):
    (tmp_path / "2.png").write_bytes(b"text")
    done, _, _ = update(tmp_path, photos)
    summary = done.summary()
    assert (summary["num_locations"], summary["embedded"], summary["failed"]) == (10, 9, 1)
    assert summary["photos_per_second"] > 0
    assert summary["stage_seconds"].keys() == {"read", "decode", "network"}
    assert update(tmp_path, photos)[0].summary()["unchanged"] == 9

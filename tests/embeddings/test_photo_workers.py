"""Worker processes: every photo answered once, killers named and skipped, nothing left behind."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time

import pytest

from embeddings.photo_state import EMPTY
from embeddings.photo_work import KnownHashes, PhotoTask, WorkSettings
from embeddings.photo_workers import PhotoWorkers
from recsys.config import PhotosConfig, SourcesConfig
from recsys.errors import VitrineError
from tests.embeddings.photo_bytes import encoded, picture

SETTINGS = WorkSettings(PhotosConfig(), SourcesConfig(), 8)
NOTHING = KnownHashes.of([])
KILLING = (sys.executable, "-m", "tests.embeddings.killing_worker")


def workers(count=2, **changes):
    return PhotoWorkers(count=count, settings=SETTINGS, **changes)


@pytest.fixture
def photos(tmp_path):
    """Forty photos, no two alike."""
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(picture(40 + number, 60), "PNG"))
    return paths


def tasks(paths):
    return [PhotoTask(str(path), EMPTY) for path in paths]


def fitted(plan, paths, known=NOTHING):
    found = list(plan.fit(tasks(paths), known))
    assert sorted(photo.location for photo in found) == sorted(map(str, paths))
    return {photo.location: photo for photo in found}


def test_every_photo_is_answered_once(photos, tmp_path):
    known = KnownHashes.of([hashlib.sha256(photos[3].read_bytes()).hexdigest()])
    photos[4].write_bytes(b"text")
    found = fitted(workers(), [*photos, tmp_path / "none.png"], known)
    assert found[str(photos[3])].pixels is None
    assert found[str(photos[4])].error.reason == "not_a_photo"
    assert found[str(tmp_path / "none.png")].error.reason == "missing"
    assert sum(photo.pixels is not None for photo in found.values()) == 38


def test_a_photo_that_kills_its_decoder_is_named_and_skipped(photos, tmp_path):
    for number in (17, 39):
        photos[number].write_bytes(b"kill %d" % number)
    photos[20].write_bytes(f"kill once {tmp_path / '5'}".encode())
    found = fitted(workers(command=KILLING), photos)
    bad = [str(photos[number]) for number in (17, 39)]
    assert sorted(place for place, photo in found.items() if photo.error) == sorted(bad)
    assert {found[place].error.reason for place in bad} == {"decoder_died"}
    # what killed once only, as an empty memory does, is tried again
    assert found[str(photos[20])].pixels is not None


def test_a_photo_that_holds_its_decoder_for_good_is_given_up(photos):
    photos[5].write_bytes(b"hang")
    found = fitted(workers(1, command=KILLING, decode_seconds=1.5), photos[:10])
    error = found[str(photos[5])].error
    assert (error.reason, "in time" in error.what) == ("decoder_died", True)
    assert sum(photo.pixels is not None for photo in found.values()) == 9


def test_workers_that_cannot_run_at_all_are_an_error(photos):
    plan = workers(command=(sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(VitrineError, match=r"before they begin \(exit 3\)"):
        list(plan.fit(tasks(photos), NOTHING))


def test_tasks_are_taken_as_they_are_needed(photos):
    taken = []

    def all_tasks():
        for task in tasks(photos):
            taken.append(task)
            yield task

    found = workers(1, ahead=2).fit(all_tasks(), NOTHING)
    next(found)
    time.sleep(0.5)  # the worker goes on until the queue is full
    # 1 read, 2 in the queue, 1 waiting for a place in it, 8 in the worker
    assert len(taken) <= 12
    found.close()


def test_a_reader_that_stops_leaves_no_process_and_no_thread(photos):
    found = workers().fit(tasks(photos), NOTHING)
    next(found)
    found.close()
    assert [thread for thread in threading.enumerate() if "photos-" in thread.name] == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_error_of_the_tasks_reaches_the_reader(photos):
    def broken():
        yield tasks(photos)[0]
        raise KeyError("photo")

    with pytest.raises(KeyError, match="photo"):
        list(workers().fit(broken(), NOTHING))

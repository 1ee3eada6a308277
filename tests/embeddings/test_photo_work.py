"""What a worker does with one photo: read only what changed, decode only what is not known."""

from __future__ import annotations

import hashlib
import os
import pickle

import numpy as np
import pytest

from embeddings.photo_state import EMPTY
from embeddings.photo_work import Fitted, KnownHashes, PhotoTask, WorkSettings, work
from recsys.config import PhotosConfig, SourcesConfig
from tests.embeddings.photo_bytes import encoded, picture

SETTINGS = WorkSettings(PhotosConfig(), SourcesConfig(), 16)
NOTHING = KnownHashes.of([])
PHOTO = encoded(picture(), "PNG")
LONG_AGO = 1_000_000_000


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.png"
    write(path, PHOTO)
    return path


def write(path, data, when=LONG_AGO):
    path.write_bytes(data)
    os.utime(path, (when, when))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def look(path, state=EMPTY, known=NOTHING) -> Fitted:
    return work(PhotoTask(str(path), state), known, SETTINGS)


def test_a_new_photo_is_read_and_fitted(photo):
    found = look(photo)
    assert found.pixels.shape == (16, 16, 3)
    assert found.pixels.dtype == np.uint8
    assert (found.state.sha256, found.error) == (sha256(PHOTO), None)


def test_a_known_hash_is_not_decoded_wherever_its_bytes_lie(photo, tmp_path):
    known = KnownHashes.of([sha256(PHOTO)])
    write(tmp_path / "copy.png", PHOTO)
    found = look(tmp_path / "copy.png", known=known)
    assert (found.pixels, found.error, found.state.sha256) == (None, None, sha256(PHOTO))


def test_an_unchanged_file_is_not_read(photo):
    known = KnownHashes.of([sha256(PHOTO)])
    state = look(photo, known=known).state
    write(photo, b"x" * len(PHOTO))  # of the same size and time: taken for the same file
    assert look(photo, state, known).state.sha256 == sha256(PHOTO)
    write(photo, b"x" * len(PHOTO), LONG_AGO + 1)
    assert look(photo, state, known).error.reason == "not_a_photo"


def test_an_unchanged_file_whose_vector_is_lost_is_read_again(photo):
    state = look(photo).state
    assert look(photo, state, NOTHING).pixels is not None


def test_a_photo_that_became_bad_keeps_the_hash_of_the_good_one(photo):
    known = KnownHashes.of([sha256(PHOTO)])
    state = look(photo, known=known).state
    write(photo, PHOTO[:200], LONG_AGO + 9)
    once = look(photo, state, known)
    assert (once.state.sha256, once.state.failures) == (sha256(PHOTO), 1)
    assert once.error.reason == "truncated"
    twice = look(photo, once.state, known)  # looked at again, though it has not changed since
    assert (twice.state.failures, twice.state.last_error[:9]) == (2, "truncated")
    write(photo, PHOTO, LONG_AGO + 10)
    assert look(photo, twice.state, known).state.failures == 0


def test_a_missing_photo_is_an_error_that_crosses_processes(tmp_path):
    found = pickle.loads(pickle.dumps(look(tmp_path / "none.png")))
    assert found.error.reason == "missing"
    assert found.state.failures == 1


def test_hashes_are_found_exactly(tmp_path):
    hashes = [sha256(str(number).encode()) for number in range(100)]
    near = hashes[0][:63] + ("0" if hashes[0][63] != "0" else "1")  # another in its last digit
    known = KnownHashes.of(hashes[:50])
    known.save(tmp_path / "known.npy")
    for copy in (
        known,
        KnownHashes.load(tmp_path / "known.npy"),
        pickle.loads(pickle.dumps(known)),
    ):
        assert [text in copy for text in hashes] == [True] * 50 + [False] * 50
        assert near not in copy
        assert "" not in copy
    assert len(KnownHashes.of([*hashes[:3], hashes[0]])) == 3

"""Local photos: read when size or time say so, and never waited for."""

from __future__ import annotations

import hashlib
import os

import pytest

from embeddings.local_source import fetch_local
from embeddings.photo_state import EMPTY, Read, Unchanged
from recsys.errors import PhotoError

LONG_AGO = 1_600_000_000 * 10**9 + 5


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "p.jpg"
    path.write_bytes(b"photo")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def read(path, state=EMPTY, max_bytes=100):
    return fetch_local(str(path), state, max_bytes)


def reason_of(path, max_bytes=100):
    with pytest.raises(PhotoError) as caught:
        read(path, max_bytes=max_bytes)
    assert caught.value.where == str(path)
    assert caught.value.mend
    return caught.value.reason


def test_a_file_is_read_once(path):
    first = read(path)
    assert isinstance(first, Read)
    assert first.data == b"photo"
    assert first.state.sha256 == hashlib.sha256(b"photo").hexdigest()
    assert (first.state.size, first.state.mtime_ns) == (5, LONG_AGO)
    again = read(path, first.state)
    assert isinstance(again, Unchanged)
    assert again.state.sha256 == first.state.sha256


def test_a_touched_file_is_read_and_has_its_old_hash(path):
    state = read(path).state
    os.utime(path, ns=(LONG_AGO, LONG_AGO + 1))
    again = read(path, state)
    assert isinstance(again, Read)
    assert again.state.sha256 == state.sha256


def test_a_file_of_another_size_is_read_though_its_time_is_the_same(path):
    state = read(path).state
    path.write_bytes(b"other!")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    assert read(path, state).data == b"other!"


def test_a_file_that_was_read_within_a_tick_of_its_change_is_read_again(path):
    now = read(path).state.checked_at
    just = int(now * 10**9) // 10**9 * 10**9  # whole seconds: a coarse clock
    os.utime(path, ns=(just, just))
    state = read(path).state
    path.write_bytes(b"photO")  # within the tick: the same size and time
    os.utime(path, ns=(just, just))
    assert read(path, state).data == b"photO"


@pytest.mark.parametrize("name", ["none.jpg", "p.jpg/below.jpg"])
def test_a_file_that_is_not_there_is_missing(path, name):
    assert reason_of(path.parent / name) == "missing"


def test_what_is_no_file_is_unreadable_and_not_waited_for(path):
    assert reason_of(path.parent) == "unreadable"
    os.mkfifo(path.parent / "pipe")
    assert reason_of(path.parent / "pipe") == "unreadable"
    assert reason_of("a\0b") == "unreadable"


def test_lengths_are_bounded(path):
    assert reason_of(path, max_bytes=4) == "too_large"
    path.write_bytes(b"")
    assert reason_of(path) == "empty"

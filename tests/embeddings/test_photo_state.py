"""States of photos: what survives a failure, and for how long."""

from __future__ import annotations

import pickle

from embeddings.photo_state import EMPTY, PhotoState
from recsys.errors import PhotoError

GONE = PhotoError("there is no such file.", reason="missing", where="a.jpg")
KNOWN = PhotoState(sha256="ab", size=3, mtime_ns=7, etag='"e"', last_modified="Mon", checked_at=1)


def test_a_failure_is_counted_and_forgets_nothing():
    failed = KNOWN.failed(GONE).failed(GONE)
    assert (failed.failures, failed.last_error) == (2, "missing: there is no such file.")
    assert (failed.sha256, failed.size, failed.mtime_ns) == ("ab", 3, 7)
    assert (failed.etag, failed.last_modified) == ('"e"', "Mon")
    assert failed.checked_at > 1


def test_a_confirmation_ends_the_count():
    state = KNOWN.failed(GONE).confirmed()
    assert (state.failures, state.last_error, state.sha256) == (0, "", "ab")


def test_a_dead_link_keeps_its_vector_for_so_many_runs():
    state = KNOWN
    kept = []
    for _ in range(4):
        state = state.failed(GONE)
        kept.append(state.keeps_vector(keep_failed_refreshes=2))
    assert kept == [True, True, False, False]


def test_what_was_never_read_has_no_vector_to_keep():
    assert not EMPTY.failed(GONE).keeps_vector(keep_failed_refreshes=9)


def test_states_pass_between_processes():
    assert pickle.loads(pickle.dumps(KNOWN)) == KNOWN

"""What is known of each location comes back as it was, or not at all."""

from __future__ import annotations

from embeddings.photo_state import EMPTY, PhotoState
from embeddings.photo_states import STATES_FILE, read_states, write_states

STATES = {
    "a.jpg": PhotoState(sha256="ab" * 32, size=7, mtime_ns=1_700_000_000_123_456_789,
                        checked_at=1.25),
    "https://shop.example/ü b.jpg?x=1|2": PhotoState(
        sha256="cd" * 32, etag='W/"5"', last_modified="Sat, 21 Nov 2026 10:00:00 GMT", failures=2,
        last_error="missing: 404."),
    "": EMPTY,
}  # fmt: skip


def test_states_come_back_exactly_and_in_order(tmp_path):
    write_states(tmp_path / "photos", STATES)
    found = read_states(tmp_path / "photos")
    assert list(found.items()) == list(STATES.items())
    assert [path.name for path in (tmp_path / "photos").iterdir()] == [STATES_FILE]


def test_no_states_are_states_too(tmp_path):
    assert read_states(tmp_path) == {}
    write_states(tmp_path, {})
    assert read_states(tmp_path) == {}


def test_a_damaged_file_is_said_and_taken_for_none(tmp_path, capsys):
    write_states(tmp_path, STATES)
    path = tmp_path / STATES_FILE
    path.write_bytes(path.read_bytes()[:-30])
    assert read_states(tmp_path) == {}
    assert "every photo is read again" in capsys.readouterr().err

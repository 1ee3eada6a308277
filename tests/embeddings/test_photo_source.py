"""One way to a photo's bytes, wherever they are."""

from __future__ import annotations

import pytest

from embeddings.photo_source import fetch, read_bytes
from embeddings.photo_state import EMPTY, Failed, Read
from recsys.config import SourcesConfig
from recsys.errors import PhotoError

SETTINGS = SourcesConfig()


def test_paths_and_file_urls_are_local(tmp_path):
    path = tmp_path / "a b.jpg"
    path.write_bytes(b"photo")
    for location in (str(path), f"file://{path}", f"file://{str(path).replace(' ', '%20')}"):
        fetched = fetch(location, EMPTY, SETTINGS, 100)
        assert isinstance(fetched, Read), location
        assert fetched.data == b"photo"


def test_a_failure_is_an_answer_and_is_counted(tmp_path):
    fetched = fetch(str(tmp_path / "none.jpg"), EMPTY, SETTINGS, 100)
    assert isinstance(fetched, Failed)
    assert fetched.error.reason == "missing"
    assert fetched.state.failures == 1


def test_reading_stops_at_the_limit(tmp_path):
    path = tmp_path / "p.jpg"
    path.write_bytes(bytes(11))
    assert read_bytes(str(path), 11) == bytes(11)
    with pytest.raises(PhotoError, match="longer than 10 bytes") as caught:
        read_bytes(str(path), 10)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize(
    ("location", "reason"),
    [("nothing/here.jpg", "missing"), (".", "unreadable"), ("nosuch://x/y.jpg", "unreadable")],
)
def test_a_file_that_cannot_be_read_is_named(location, reason):
    with pytest.raises(PhotoError) as caught:
        read_bytes(location, 10)
    assert caught.value.reason == reason
    assert caught.value.where == location

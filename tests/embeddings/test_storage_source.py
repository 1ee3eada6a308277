"""Photos in storage, on a real local S3 server and in memory: ETag before bytes."""

from __future__ import annotations

import time

import fsspec
import pytest

from embeddings import storage_source
from embeddings.photo_source import fetch
from embeddings.photo_state import EMPTY, Failed, Read, Unchanged
from embeddings.retries import Patience, TransientError
from embeddings.storage_source import fetch_stored
from recsys.config import SourcesConfig
from recsys.errors import PhotoError
from tests.embeddings.s3_server import s3_server

SETTINGS = SourcesConfig(tries=4, backoff_seconds=0.01, timeout_seconds=2, total_seconds=20)


@pytest.fixture(scope="module")
def s3():
    with pytest.MonkeyPatch.context() as monkeypatch, s3_server(monkeypatch) as server:
        yield server


@pytest.fixture(autouse=True)
def well(request):
    yield
    if "s3" in request.fixturenames:
        request.getfixturevalue("s3").fails = None


def get(location, state=EMPTY, max_bytes=10_000):
    return fetch(location, state, SETTINGS, max_bytes)


def reason_of(location, **options):
    fetched = get(location, **options)
    assert isinstance(fetched, Failed)
    assert fetched.error.where == location
    assert fetched.error.mend
    return fetched.error.reason


def test_the_same_etag_is_the_same_photo(s3):
    s3.put({"shop/a.jpg": b"photo"})
    first = get("s3://shop/a.jpg")
    assert isinstance(first, Read)
    assert first.data == b"photo"
    assert first.state.etag
    s3.asked.clear()
    again = get("s3://shop/a.jpg", first.state)
    assert isinstance(again, Unchanged)
    assert again.state.sha256 == first.state.sha256
    assert s3.asked == {("HEAD", "/shop/a.jpg"): 1}
    s3.put({"shop/a.jpg": b"phot0"})
    changed = get("s3://shop/a.jpg", again.state)
    assert isinstance(changed, Read)
    assert changed.data == b"phot0"


def test_what_is_not_there_or_no_photo_is_told_at_once(s3):
    s3.put({"shop/empty.jpg": b"", "shop/folder/b.jpg": b"b", "shop/large.jpg": bytes(11)})
    assert reason_of("s3://shop/none.jpg") == "missing"
    assert reason_of("s3://nobucket/none.jpg") == "missing"
    assert reason_of("s3://shop/empty.jpg") == "empty"
    assert reason_of("s3://shop/folder") == "unreadable"
    s3.asked.clear()
    assert reason_of("s3://shop/large.jpg", max_bytes=10) == "too_large"
    assert set(s3.asked) == {("HEAD", "/shop/large.jpg")}  # none of its bytes


def test_a_storage_that_fails_now_and_then_is_asked_again(s3):
    s3.put({"shop/a.jpg": b"photo"})
    statuses = [503, None, 503, None]
    s3.fails = lambda method, path: statuses.pop(0)
    fetched = get("s3://shop/a.jpg")
    assert isinstance(fetched, Read)
    # HEAD fails, and again; GET fails, which says SlowDown, and the client itself asks again
    assert statuses == []


def test_a_storage_that_fails_always_is_given_up(s3):
    s3.fails = lambda method, path: 503
    assert reason_of("s3://shop/a.jpg") == "unreachable"
    s3.fails = lambda method, path: 403
    assert reason_of("s3://shop/a.jpg") == "forbidden"


def test_who_has_no_credentials_is_told_so(s3, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    cached = fsspec.get_filesystem_class("s3")
    cached.clear_instance_cache()
    try:
        assert reason_of("s3://shop/a.jpg") == "forbidden"
    finally:
        cached.clear_instance_cache()


def test_a_call_that_hangs_is_left():
    began = time.monotonic()
    with pytest.raises(TransientError) as caught:
        storage_source._in_time(lambda: time.sleep(2), 0.1, "s3://a/b")
    assert caught.value.error.reason == "timed_out"
    assert time.monotonic() - began < 1


class Changing(fsspec.get_filesystem_class("memory")):  # type: ignore[misc]
    """Says of each file that it has five bytes."""

    protocol = "changing"

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.rpartition("/")[2]

    def info(self, path, **options):
        return {"name": path, "type": "file", "size": 5}


@pytest.mark.parametrize(("data", "words"), [(b"four", "gives 4"), (b"sixsix", "gives 6 or more")])
def test_another_length_than_said_is_refused(data, words):
    fsspec.register_implementation("changing", Changing, clobber=True)
    fsspec.filesystem("memory").pipe_file("/changed.jpg", data)
    with pytest.raises(TransientError) as caught:
        fetch_stored("changing:///changed.jpg", EMPTY, SETTINGS, 100, Patience(5))
    assert caught.value.error.reason == "incomplete"
    assert words in caught.value.error.what


def test_without_an_etag_time_and_size_tell():
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/p.jpg", b"photo")
    first = get("memory://p.jpg")
    assert isinstance(first, Read)
    assert isinstance(get("memory://p.jpg", first.state), Unchanged)
    memory.pipe_file("/p.jpg", b"photO")
    assert isinstance(get("memory://p.jpg", first.state), Read)


def test_a_storage_without_its_package_is_told_with_the_cure(monkeypatch):
    def no_package(*arguments, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(storage_source.fsspec.core, "url_to_fs", no_package)
    with pytest.raises(PhotoError) as caught:
        fetch_stored("s3://a/b", EMPTY, SETTINGS, 100, Patience(5))
    assert caught.value.reason == "unreadable"
    assert "vitrine[s3]" in caught.value.mend

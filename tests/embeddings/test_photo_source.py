"""One way to a photo's bytes, wherever they are."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from embeddings.local_engine import LocalEngine
from embeddings.photo_source import fetch, read_bytes
from embeddings.photo_state import EMPTY, Failed, Read, Unchanged
from embeddings.photo_work import KnownHashes, PhotoTask, WorkSettings
from embeddings.photo_workers import PhotoWorkers
from recsys.config import PhotosConfig, SourcesConfig
from recsys.errors import PhotoError
from tests.embeddings.failing_sources import STAYING, Failures
from tests.embeddings.photo_bytes import encoded, picture
from tests.embeddings.photo_server import photo_server
from tests.embeddings.s3_server import s3_server

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


def test_what_is_no_address_is_unreadable():
    fetched = fetch("http://[::bad/p.jpg", EMPTY, SETTINGS, 100)
    assert isinstance(fetched, Failed)
    assert fetched.error.reason == "unreadable"


def test_a_dead_link_is_counted_and_its_bytes_are_not_forgotten():
    with photo_server() as server:
        server.answers["/p.jpg"] = b"photo"
        state = fetch(server.url("/p.jpg"), EMPTY, SETTINGS, 100).state
        server.answers["/p.jpg"] = lambda handler: handler.status(404)
        for number in (1, 2):
            fetched = fetch(server.url("/p.jpg"), state, SETTINGS, 100)
            assert isinstance(fetched, Failed)
            state = fetched.state
            assert (state.failures, state.sha256) == (number, hashlib.sha256(b"photo").hexdigest())
        server.answers["/p.jpg"] = b"photo"
        assert isinstance(fetch(server.url("/p.jpg"), state, SETTINGS, 100), Unchanged)


def test_a_host_is_asked_by_so_many_at_once():
    settings = SourcesConfig(per_host=3)
    with photo_server() as server, ThreadPoolExecutor(12) as pool:
        here: list[int] = []  # one entry for each request that is being answered
        most = []

        def answer(handler):
            here.append(1)
            most.append(len(here))
            time.sleep(0.01)
            here.pop()
            handler.honest(b"photo")

        server.answers["/p.jpg"] = answer
        tasks = [server.url("/p.jpg")] * 60
        fetched = pool.map(lambda url: fetch(url, EMPTY, settings, 100), tasks)
        assert {type(one) for one in fetched} == {Read}
        assert 2 <= max(most) <= 3


def test_with_5_percent_failures_what_can_be_reached_is_embedded_and_the_rest_is_listed(
    monkeypatch,
):
    """Through the engine and its worker processes, from a web server and from S3."""
    settings = SourcesConfig(tries=8, backoff_seconds=0.02, timeout_seconds=1)
    failures = Failures(0.05)
    photos = {f"{number}.png": encoded(picture(40 + number, 60), "PNG") for number in range(110)}
    with photo_server() as server, s3_server(monkeypatch) as s3:
        s3.put({f"shop/{name}": photos[name] for name in list(photos)[75:]})
        s3.fails = failures.storage
        server.answers |= {f"/{name}": failures.web(data) for name, data in photos.items()}
        bad = {server.url(f"/bad/{number}"): reason
               for number, (_, reason) in enumerate(STAYING.values())}  # fmt: skip
        server.answers |= {f"/bad/{number}": answer
                           for number, (answer, _) in enumerate(STAYING.values())}  # fmt: skip
        good = {server.url(f"/{name}"): photos[name] for name in list(photos)[:75]}
        good |= {f"s3://shop/{name}": photos[name] for name in list(photos)[75:]}
        bad |= {"s3://shop/none.png": "missing", "http://127.0.0.1:9/p.png": "unreachable"}
        workers = PhotoWorkers(count=2, settings=WorkSettings(PhotosConfig(), settings, 8))
        engine = LocalEngine(workers, lambda pixels: pixels.mean(axis=(1, 2)), batch_size=16)
        tasks = [PhotoTask(location, EMPTY) for location in [*good, *bad]]
        results = {result.location: result for result in engine.run(tasks, KnownHashes.of([]))}
    assert {place for place, result in results.items() if result.vector is not None} == set(good)
    for location, data in good.items():
        assert results[location].state.sha256 == hashlib.sha256(data).hexdigest()
    listed = {place: result.error.reason for place, result in results.items() if result.error}
    assert listed == bad
    assert sum(failures.met.values()) >= 3

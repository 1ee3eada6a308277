"""The typed client against a real server: answers are typed, problems are our errors."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from recsys.config import Config
from recsys.errors import ArtifactError, DataError, NotFoundError, PhotoError, ServingError
from serving.api.app import create_app
from serving.api.http_protocol import HttpProtocol
from serving.api.schemas import EventBody, HistoryEvent, PhotoPart
from serving.api_client import Vitrine
from tests.serving.fuzz.hostile import encoded, picture
from tests.serving.fuzz.shop import circle_service


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    path.write_bytes(encoded(picture(), "PNG"))
    return path


@pytest.fixture(scope="module")
def shop(photo: Path) -> Iterator[Vitrine]:
    app = create_app(circle_service([photo], Config()))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", http=HttpProtocol))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        with Vitrine(f"http://127.0.0.1:{listener.getsockname()[1]}/", retries=0) as client:
            yield client
        server.should_exit = True
        thread.join()


def test_items_and_their_neighbors_are_typed(shop: Vitrine):
    assert shop.items(limit=2, filter={"price": {"min": 100}}).items[0].item_id == "10"
    assert shop.categories().categories["Women"] == 60
    assert shop.item("17").item.price == 170.0
    found = shop.similar_items("30", k=2, filter={"attr_color": "red"})
    assert {item.item_id for item in found.items} == {"29", "31"}
    assert shop.photo("3")[:2] == b"\xff\xd8"


def test_search_takes_words_photos_and_items(shop: Vitrine, photo: Path):
    assert shop.search("red midi dress", k=1).items[0].reason == "matches “red midi dress”"
    by_photo = shop.search(photos=[photo, photo.read_bytes()], k=1)
    assert by_photo.categories[0].name == "Dresses"
    part = PhotoPart(weight=0.5, box=(0.0, 0.0, 0.75, 1.0))
    assert len(shop.search(photos=[photo], parts=[part], k=3, diversity=0.2).items) == 3
    liked = shop.search(items=[{"item_id": "30"}], k=1)
    assert liked.items[0].item_id in {"29", "31"}


def test_users_are_recommended_to_and_forgotten(shop: Vitrine):
    assert shop.user("ann").user.num_events == 4
    assert shop.history("ann", limit=1).events[0].item_id == "5"
    assert shop.recommend("ann", k=2, collapse=True).items[0].reason_kind == "similar_to_history"
    history = [HistoryEvent(item_id="8"), HistoryEvent(item_id="nothing")]
    assert shop.recommend_for(history, k=1).ignored == ["nothing"]
    event = EventBody(user_id="eve", item_id="9", event="view", event_id="e1")
    assert shop.add_events([event]).stored == 1
    assert shop.add_events([event]).repeated == 1
    assert "eve" in {user.user_id for user in shop.users(limit=10).users}
    receipt = shop.forget_user("eve")
    assert shop.receipt(receipt.receipt.receipt_id).receipt == receipt.receipt
    with pytest.raises(NotFoundError):
        shop.user("eve")


def test_an_item_is_put_and_withdrawn(shop: Vitrine, photo: Path):
    assert shop.put_item("a/b", [photo], title="New", category="Women > Bags").item.title == "New"
    assert shop.put_item("a/b", price=5.0).item.price == 5.0
    assert shop.withdraw_item("a/b").item_id == "a/b"


def test_bundles_are_listed_and_moved(shop: Vitrine):
    assert {each.version: each.share for each in shop.bundles().bundles}[3] == 1.0
    moved = {each.version: each.share for each in shop.serve_bundle(4, share=0.25).bundles}
    assert moved == {2: 0.0, 3: 0.75, 4: 0.25}
    shop.serve_bundle(3)
    assert shop.attribution(days=1).definition
    assert shop.ready().ready


def test_problems_become_our_errors(shop: Vitrine):
    with pytest.raises(NotFoundError) as missing:
        shop.item("1O7")
    assert missing.value.where == "item_id"
    with pytest.raises(DataError, match="colour"):
        shop.similar_items("3", filter={"attr_colour": "red"})
    with pytest.raises(PhotoError) as spoiled:
        shop.search(photos=[b"hello"])
    assert spoiled.value.reason == "not_a_photo"
    with pytest.raises(NotFoundError, match="no bundle 9"):
        shop.serve_bundle(9)


def test_a_server_that_is_not_there_or_another_program_is_told(shop: Vitrine):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with Vitrine(address, retries=0) as nobody, pytest.raises(ServingError, match="be reached"):
        nobody.item("3")
    with pytest.raises(ServingError, match="is no ItemAnswer"):
        shop._get(type(shop.item("3")), "/healthz", {})


def test_a_status_without_a_problem_is_told_too():
    from serving.api_client import _error

    assert isinstance(_error(409, b"<html>", "GET /"), ArtifactError)
    assert _error(502, b"", "GET /").line == "GET /: the answer is 502."


def test_the_client_needs_no_tensorflow():
    program = "import sys, serving.api_client; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

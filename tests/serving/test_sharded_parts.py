"""Two real model servers share the items of a bundle: the API answers as it does from one."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from recsys.config import Config
from recsys.errors import ServingError
from recsys.interactions import load_interactions
from recsys.scann_parts import BRUTE_FORCE, ScannSettings
from recsys.workdir import Workdir
from serving.api.app import create_app
from serving.bundle import Bundle, list_versions, open_bundle
from serving.bundle_shelf import BundleShelf
from serving.client import ModelServerClient
from serving.export import export
from serving.local import LocalBundle
from serving.model_servers import ModelServerProcesses, ModelServers
from serving.recommender import Recommender
from serving.serve import start_processes
from serving.service import Service
from serving.sharded_parts import shared_out
from serving.shards import shard_of
from serving.store import Store

with warnings.catch_warnings():  # Starlette would rather have httpx2
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

NUM = 100
TIE = 1e-5  # scores nearer than this may change places: a float32 sum depends on its order
FILTER = {"any": [{"price": {"max": 40}}, {"category": "Women"}]}


@dataclass
class Shop:
    """A running API over two model servers, with a bundle in shards and one that is whole."""

    api: TestClient
    service: Service
    processes: ModelServerProcesses
    sharded: Bundle
    whole: Bundle
    users: list[str]
    answers: dict[int, list[Any]] = field(default_factory=dict)

    def serve(self, bundle: Bundle) -> None:
        self.service.releases.choose(self.service.releases.traffic.served_by(bundle.version))


class Shelf(BundleShelf):
    """One whose recommenders all live at the same moment."""

    now = 0.0

    def opened(self, bundle: Bundle) -> Recommender:
        recommender = super().opened(bundle)
        recommender.clock = lambda: self.now
        return recommender


@pytest.fixture(scope="module")
def shared_workdir(
    demo_workdir: Workdir, demo_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Workdir:
    """The demo's workdir with its bundle, and the same in two shards."""
    root = tmp_path_factory.mktemp("shards") / "w"
    shutil.copytree(demo_workdir.root, root, copy_function=os.link)
    config = demo_config.model_copy(
        update={"export": demo_config.export.model_copy(update={"shards": 2})}
    )
    export(config, Workdir(root))
    return Workdir(root)


@pytest.fixture(scope="module")
def shop(shared_workdir: Workdir, demo_config: Config) -> Iterator[Shop]:
    workdir = shared_workdir
    whole, sharded = (open_bundle(workdir, version) for version in list_versions(workdir))
    events = load_interactions(workdir)
    now = float(events["timestamp"].max()) + 60
    store = Store("sqlite://")
    store.fill_items(sharded.items, sharded.fingerprint)
    store.fill_events(events, "tables")
    with start_processes(workdir, sharded) as processes:
        clients = [ModelServerClient(address, timeout=60) for address in processes.addresses]
        shelf = Shelf(demo_config, workdir, ModelServers(clients), store, processes)
        shelf.now = now
        service = Service(shelf.opened(sharded), store, demo_config, lambda: now, shelf)
        with TestClient(create_app(service)) as api:
            users = events["user_id"].drop_duplicates().tolist()[:NUM]
            yield Shop(api, service, processes, sharded, whole, users)
        for client in clients:
            client.close()
    store.close()


def everything(shop: Shop) -> list[list[tuple[str, float]]]:
    """Answers to a hundred shoppers, items and photos, to words, filters and new visitors."""
    api, items = shop.api, shop.whole.items
    replies = [api.get(f"/v1/users/{user}/recommendations?k=20&explain=true")
               for user in shop.users]  # fmt: skip
    for hour in range(0, 24, 4):
        context = {"hour": hour, "weekday": hour % 7}
        replies.append(api.post("/v1/recommendations", json={"k": 30, "context": context}))
    history = [{"item_id": each, "event": "view"} for each in items["item_id"][:3]]
    for more in ({"filter": FILTER}, {"diversity": 0.5}, {"max_per_category": 1}, {"offset": 40},
                 {"boost": [{"filter": {"price": {"max": 30}}, "by": 0.3}]}):  # fmt: skip
        replies.append(api.post("/v1/recommendations", json={"history": history, **more}))
    for item_id in items["item_id"][:NUM]:
        replies.append(api.get(f"/v1/items/{item_id}/similar?k=15&max_price=60"))
    for image in "|".join(items["image"]).split("|")[:NUM]:
        files = {"photo": Path(image).read_bytes()} if Path(image).is_file() else {"photo": b"?"}
        replies.append(api.post("/v1/search/image?k=8", files=files))
    for title in items["title"][:10]:
        query = {"text": [{"text": title}], "items": [{"item_id": items["item_id"][5]}], "k": 12}
        replies.append(api.post("/v1/search", json=query))
    good = [reply for reply in replies if reply.status_code == 200]
    assert len(good) > 0.9 * len(replies), [each.text for each in replies if each not in good][:3]
    assert not any(reply.json()["degraded"] for reply in good)
    return [[(item["item_id"], item["score"]) for item in reply.json()["items"]] for reply in good]


def assert_same(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=TIE)
    for at, ((one, score), (other, _)) in enumerate(zip(found, expected, strict=True)):
        near = [each for each, its in expected if abs(its - score) <= TIE]
        is_cut = at == len(found) - 1 or abs(found[-1][1] - score) <= TIE
        assert one == other or one in near or is_cut


@pytest.mark.slow
def test_two_servers_hold_a_half_each(shop: Shop):
    names = shop.sharded.servables
    assert shop.sharded.num_shards == 2
    assert sorted({shard_of(name) for name in names} - {None}) == [0, 1]
    for shard, address in enumerate(shop.processes.addresses):
        with ModelServerClient(address, timeout=60) as client:
            assert client.status(f"recommend_shard{shard}")[0].available
            with pytest.raises(ServingError, match="NOT_FOUND"):
                client.status(f"recommend_shard{1 - shard}")


@pytest.mark.slow
def test_every_answer_is_that_of_the_whole(shop: Shop):
    found = everything(shop)
    shop.serve(shop.whole)
    first = shop.api.get(f"/v1/items/{shop.whole.items['item_id'][0]}/similar").json()
    assert first["bundle"]["version"] == shop.whole.version
    expected = everything(shop)
    shop.serve(shop.sharded)
    assert len(found) == len(expected) > 3 * NUM
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


@pytest.mark.slow
def test_items_put_and_withdrawn_are_in_the_next_answer(shop: Shop):
    items = shop.sharded.items
    photo = next(Path(image) for image in items["image"] if Path(image).is_file())
    item = {"title": "New in shards", "category": items["category"][0], "price": 35.0}
    files = [("photos", ("a.png", photo.read_bytes(), "image/png"))]
    reply = shop.api.put("/v1/items/new", files=files, data={"item": json.dumps(item)})
    assert reply.status_code == 201, reply.text
    found = shop.api.post("/v1/search/image?k=3", files={"photo": photo.read_bytes()}).json()
    assert "new" in [each["item_id"] for each in found["items"]]
    assert shop.api.delete("/v1/items/new").status_code == 200
    found = shop.api.post("/v1/search/image?k=3", files={"photo": photo.read_bytes()}).json()
    assert "new" not in [each["item_id"] for each in found["items"]]


@pytest.mark.slow
def test_the_command_line_asks_all_shards(shop: Shop):
    whole, sharded = (LocalBundle(shop.whole.workdir, each.version)
                      for each in (shop.whole, shop.sharded))  # fmt: skip
    for item_id in shop.whole.items["item_id"][:3]:
        found, expected = (each.similar_items(item_id, k=5) for each in (sharded, whole))
        assert [each["item_id"] for each in found] == [each["item_id"] for each in expected]


@pytest.mark.slow
def test_while_one_is_down_the_others_answer_and_say_so(shop: Shop):
    # the last test here: the server is not started again
    second = shop.processes._processes[1]
    second.close()
    half = set(shop.sharded.items["item_id"][: len(shop.sharded.items) // 2])
    user, far = shop.users[0], shop.sharded.items["item_id"].iloc[-1]
    for path in (f"/v1/users/{user}/recommendations", f"/v1/items/{far}/similar?k=5"):
        start = time.monotonic()
        reply = shop.api.get(path)
        assert reply.status_code == 200
        assert time.monotonic() - start < 5
        assert "1 of 2 parts of the catalog" in reply.headers["Vitrine-Degraded"]
        found = {item["item_id"] for item in reply.json()["items"]}
        assert found and found <= half
    ready = shop.api.get("/readyz")
    assert ready.status_code == 200
    assert any("1 of 2 parts" in each for each in ready.json()["warnings"])


def test_a_slice_has_leaves_of_the_size_that_was_measured():
    settings = ScannSettings(num_leaves=1000, leaves_to_search=50)
    assert shared_out(settings, 0.25) == ScannSettings(num_leaves=250, leaves_to_search=13)
    assert shared_out(BRUTE_FORCE, 0.25) == BRUTE_FORCE

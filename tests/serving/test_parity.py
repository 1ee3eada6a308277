"""One model, five places: in memory, its SavedModel, gRPC, REST and the HTTP API answer alike.

For 100 shoppers and 100 photos the exact engine gives the same ids in the same order with
scores within 1e-4. Items whose scores differ by at most 1e-6 may change places: a float32 sum
depends on the order of its terms, and the order on the size of the batch.
"""

import base64
import json
import socket
import threading
import time

import httpx
import numpy as np
import pytest
import tensorflow as tf
import uvicorn

from embeddings.images import decode_photo, encode_png, fit_photo
from embeddings.photo_source import read_bytes
from recsys.errors import PhotoError
from recsys.interactions import load_interactions
from serving.api.app import create_app
from serving.bundle import open_bundle
from serving.canaries import text
from serving.client import ModelServerClient
from serving.items import Items
from serving.loaded_servable import LoadedServable, as_text
from serving.parts import make_servables, open_parts
from serving.recommender import Recommender
from serving.same_answers import difference
from serving.server_files import model_config
from serving.service import Service
from serving.store import Store
from tests.serving.model_server.running import Running

TOLERANCE = 1e-4
K = 10
NUM = 100


class InMemory:
    """The modules that were never written anywhere."""

    def __init__(self, workdir, config, fingerprint):
        self._servables = {
            name: servable.signatures()
            for name, (servable, _) in make_servables(
                open_parts(workdir), config, fingerprint).items()
        }  # fmt: skip

    def predict(self, servable, inputs, signature="serving_default"):
        found = self._servables[servable][signature](
            **{name: tf.constant(values) for name, values in inputs.items()}
        )
        return {name: as_text(value.numpy()) for name, value in found.items()}


class Saved:
    """The SavedModels in sessions."""

    def __init__(self, bundle):
        self._loaded = {n: LoadedServable(bundle.model_folder(n)) for n in bundle.servables}

    def predict(self, servable, inputs, signature="serving_default"):
        return self._loaded[servable].predict(inputs, signature)


class OverGrpc:
    """The model server's gRPC."""

    def __init__(self, server):
        self._client = ModelServerClient(f"127.0.0.1:{server.server.port}", timeout=60)

    def predict(self, servable, inputs, signature="serving_default"):
        return self._client.predict(servable, inputs, signature=signature)


class OverRest:
    """The model server's REST, in the column form."""

    def __init__(self, server):
        self._server = server

    def predict(self, servable, inputs, signature="serving_default"):
        body = {"signature_name": signature,
                "inputs": {name: as_json(values) for name, values in inputs.items()}}  # fmt: skip
        reply = self._server.http(f"/v1/models/{servable}:predict", json.dumps(body))
        assert reply.status == 200, reply.text
        return {
            name: from_json(values) for name, values in json.loads(reply.text)["outputs"].items()
        }


def as_json(values):
    if values.dtype != object:
        return values.tolist()
    if any(len(value) > 200 for value in values.flat):  # photos
        return [{"b64": base64.b64encode(value).decode()} for value in values]
    return np.vectorize(bytes.decode, otypes=[object])(values).tolist()


def from_json(values):
    array = np.array(values, dtype=object)
    is_text = array.size and isinstance(array.flat[0], str)
    return array if is_text else np.array(values, np.float32)


@pytest.fixture(scope="module")
def bundle(demo_workdir):
    return open_bundle(demo_workdir)


@pytest.fixture(scope="module")
def server(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("server") / "models.config"
    path.write_text(model_config(bundle.servables, root=str(bundle.workdir.models)))
    running = Running(model_config_file=str(path))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def in_memory(demo_workdir, demo_config, bundle):
    return InMemory(demo_workdir, demo_config, bundle.fingerprint)


@pytest.fixture(scope="module", params=["saved_model", "grpc", "rest"])
def elsewhere(request, bundle, server):
    """The same model in another place."""
    makers = {"saved_model": lambda: Saved(bundle), "grpc": lambda: OverGrpc(server),
              "rest": lambda: OverRest(server)}  # fmt: skip
    return makers[request.param]()


@pytest.fixture(scope="module")
def shoppers(demo_workdir):
    """100 shoppers' histories as the servable takes them, a minute after the last event."""
    events = load_interactions(demo_workdir)
    now = float(events["timestamp"].max()) + 60
    user_ids = events["user_id"].drop_duplicates().tolist()[:NUM]
    moment = time.gmtime(now)
    asked = []
    for user_id in user_ids:
        mine = events[events["user_id"] == user_id].tail(20)
        asked.append({
            "history": text(mine["item_id"].tolist())[None],
            "kinds": text(mine["event"].tolist())[None],
            "ages": (now - mine["timestamp"].to_numpy())[None].astype(np.float32),
            "hour": np.array([moment.tm_hour], np.int32),
            "weekday": np.array([moment.tm_wday], np.int32),
            "exclude": text(events[events["user_id"] == user_id]["item_id"].tolist())[None],
        })  # fmt: skip
    assert len(asked) == NUM
    return now, user_ids, asked


@pytest.fixture(scope="module")
def photos(bundle, demo_config):
    """100 photos of different bytes: (as uploaded, as the API sends it to the encoder)."""
    found = {}
    for image in "|".join(bundle.items["image"]).split("|"):
        data = read_bytes(image, demo_config.photos.max_bytes)
        try:
            photo = decode_photo(data, demo_config.photos)
        except PhotoError:
            continue
        size, fit = bundle.info["image_size"], bundle.info["fit"]
        found.setdefault(data, encode_png(fit_photo(photo, size, fit)))
    chosen = list(found.items())[:NUM]
    assert len(chosen) == NUM
    return chosen


@pytest.fixture(scope="module")
def api(bundle, server, shoppers, demo_workdir, demo_config):
    """An HTTP client of the API, whose clock stands at the shoppers' moment."""
    now, _, _ = shoppers
    store = Store("sqlite://")
    store.fill_items(bundle.items, bundle.fingerprint)
    store.fill_events(load_interactions(demo_workdir), "tables")
    items = Items(store.read_items(), store.popularity())
    client = ModelServerClient(f"127.0.0.1:{server.server.port}", timeout=60)
    recommender = Recommender(bundle, client, items, demo_config.serving, clock=lambda: now)
    app = create_app(Service(recommender, store, demo_config, clock=lambda: now))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=program.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=60) as http:
            yield http
        program.should_exit = True
        thread.join(30)
    store.close()


def page(inputs, k):
    """A request's inputs with k, and an exclusion of nothing unless there is one."""
    batch = len(next(iter(inputs.values())))
    nothing = np.full((batch, 1), b"", dtype=object)
    return {"exclude": nothing, **inputs, "k": np.full(batch, k, np.int32)}


def buyable(answer, bundle):
    """The first K of one row's answer that can be bought, as the API shows them."""
    kept = set(bundle.items.loc[bundle.items["available"], "item_id"])
    places = [i for i, item_id in enumerate(answer["item_ids"][0]) if item_id in kept][:K]
    return {name: answer[name][:, places] for name in ("item_ids", "scores")}


def from_api(reply):
    assert reply.status_code == 200, reply.text
    items = reply.json()["items"]
    assert len(items) == K
    return {
        "item_ids": np.array([[item["item_id"] for item in items]], object),
        "scores": np.array([[item["score"] for item in items]], np.float32),
    }


def test_shoppers_get_the_same_recommendations(in_memory, elsewhere, shoppers):
    for asked in shoppers[2]:
        inputs = page(asked, K)
        expected = in_memory.predict("recommend", inputs)
        assert difference(expected, elsewhere.predict("recommend", inputs), TOLERANCE) == ""


def test_photos_find_the_same_items(in_memory, elsewhere, photos):
    for start in range(0, NUM, 20):
        batch = {"photo": text([png for _, png in photos[start : start + 20]])}
        expected = in_memory.predict("image_encoder", batch)
        found = elsewhere.predict("image_encoder", batch)
        assert difference(expected, found, TOLERANCE) == ""
        near = [
            place.predict(
                "similar_items", page({"embedding": each["embedding"]}, K), "by_embedding"
            )
            for place, each in ((in_memory, expected), (elsewhere, found))
        ]
        assert difference(near[0], near[1], TOLERANCE) == ""


def test_items_have_the_same_neighbors(in_memory, elsewhere, bundle):
    inputs = page({"item_id": text(bundle.items["item_id"].tolist()[:NUM])}, K)
    expected = in_memory.predict("similar_items", inputs)
    assert difference(expected, elsewhere.predict("similar_items", inputs), TOLERANCE) == ""


def test_the_api_recommends_the_same(in_memory, api, shoppers, bundle):
    _, user_ids, asked = shoppers
    for user_id, inputs in zip(user_ids, asked, strict=True):
        whole = in_memory.predict("recommend", page(inputs, len(bundle.items)))
        found = from_api(api.get(f"/v1/users/{user_id}/recommendations", params={"k": K}))
        assert difference(buyable(whole, bundle), found, TOLERANCE) == ""


def test_the_api_finds_the_same_by_photo(in_memory, api, photos, bundle):
    for data, png in photos:
        embedding = in_memory.predict("image_encoder", {"photo": text([png])})["embedding"]
        inputs = page({"embedding": embedding}, len(bundle.items))
        whole = in_memory.predict("similar_items", inputs, "by_embedding")
        reply = api.post("/v1/search/image", params={"k": K}, files={"photo": data})
        assert difference(buyable(whole, bundle), from_api(reply), TOLERANCE) == ""


def test_every_place_answers_with_the_bundles_fingerprint(elsewhere, api, bundle, photos):
    answer = elsewhere.predict("image_encoder", {"photo": text([photos[0][1]])})
    assert answer["fingerprint"].tolist() == [bundle.fingerprint]
    item_id = bundle.items["item_id"][0]
    reply = api.get(f"/v1/items/{item_id}/similar").json()
    assert reply["bundle"] == {"version": bundle.version, "fingerprint": bundle.fingerprint}


def test_scann_finds_what_the_exact_engine_finds(elsewhere, shoppers, photos):
    embeddings = elsewhere.predict("image_encoder", {"photo": text([p for _, p in photos])})
    inputs = page({"embedding": embeddings["embedding"]}, K)
    recalls = [
        recall(*(elsewhere.predict(name, inputs, "by_embedding")
                 for name in ("similar_items", "similar_items_scann")))
    ]  # fmt: skip
    for asked in shoppers[2]:
        exact, scann = (elsewhere.predict(name, page(asked, K))
                        for name in ("recommend", "recommend_scann"))  # fmt: skip
        recalls.append(recall(exact, scann))
    assert recalls[0] >= 0.95
    assert np.mean(recalls[1:]) >= 0.95


def recall(exact, scann):
    """Mean share of the exact engine's items that ScaNN finds."""
    pairs = zip(exact["item_ids"], scann["item_ids"], strict=True)
    return np.mean([len(set(one) & set(other)) / len(one) for one, other in pairs])

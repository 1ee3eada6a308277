"""The API over two halves of the circle: answers are those of the whole, or say what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx import Client

from serving.api.app import create_app
from serving.items import Items
from serving.recommender import Recommender
from serving.service import Service
from serving.shards import shard_name, shard_of, without_shard
from tests.serving.api.circle import CircleBundle, CircleClient
from tests.serving.api.conftest import CONFIG, NOW, NUM_ITEMS
from tests.serving.api.test_live_routes import HAT, photo_at, put

HALF = NUM_ITEMS // 2
QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/recommendations", {"k": 7}),
    ("/v1/recommendations", {"k": 20, "history": [{"item_id": "17", "event": "view"}]}),
    ("/v1/recommendations", {"filter": {"price": {"min": 20, "max": 160}}, "exclude": ["4"]}),
    ("/v1/recommendations", {"k": 3, "offset": 8, "diversity": 0.5, "max_per_category": 1}),
    ("/v1/search", {"text": [{"text": "somewhere at 0.4"}], "k": 9}),
    ("/v1/search", {"items": [{"item_id": "9"}], "words": "red", "k": 9}),
]  # fmt: skip


class Halves(CircleClient):
    """Two model servers that share the circle; `gone` does not answer."""

    gone: int | None = None

    def predict(self, model: str, inputs: Any, **more: Any) -> dict[str, np.ndarray]:
        """Answers of one half, as of the whole without the other half's items."""
        shard = shard_of(model)
        self.down = shard is not None and shard == self.gone
        if shard is not None and "exclude" in inputs:
            others = self.item_ids[:HALF] if shard else self.item_ids[HALF:]
            inputs = {**inputs, "exclude": [[*row, *others] for row in inputs["exclude"]]}
        return super().predict(without_shard(model), inputs, **more)


@pytest.fixture
def halves() -> Halves:
    return Halves([str(number) for number in range(NUM_ITEMS)])


@pytest.fixture
def shared(service: Service, halves: Halves) -> Iterator[Client]:
    """The app over the same items and events, in two halves."""
    old: Any = service.bundle
    names = [shard_name(verb, shard) for verb in ("similar_items", "recommend") for shard in (0, 1)]
    info = {**old.info, "servables": ["image_encoder", "text_encoder", *names],
            "embedding_dims": {"photo": 2, "behavior": 2}}  # fmt: skip
    bundle = CircleBundle(old.items, info=info)
    items = Items(service.store.read_items(), service.store.popularity())
    recommender = Recommender(bundle, halves, items, CONFIG.serving, clock=lambda: NOW)
    with TestClient(create_app(Service(recommender, service.store, CONFIG, lambda: NOW))) as api:
        yield api


def found(reply: Any) -> list[tuple[str, float, str]]:
    assert reply.status_code == 200, reply.text
    return [(item["item_id"], round(item["score"], 5), item["reason"])
            for item in reply.json()["items"]]  # fmt: skip


def assert_same(one: Any, other: Any) -> None:
    """The same, but for the order of two items on either side that lie equally near."""
    first, second = found(one), found(other)
    assert [score for _, score, _ in first] == [score for _, score, _ in second]
    last = first[-1][1]  # the page may cut a pair
    kept = [sorted(each for each in answer if each[1] != last) for answer in (first, second)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(("path", "query"), QUERIES)
def test_queries(api: Client, shared: Client, path: str, query: dict[str, Any]):
    assert_same(shared.post(path, json=query), api.post(path, json=query))


def test_shoppers_items_and_photos(api: Client, shared: Client):
    for path in ("/v1/users/ann/recommendations?k=12", "/v1/items/3/similar?k=6&max_price=90",
                 "/v1/items/16/similar", "/v1/users/bob/recommendations?explain=true"):  # fmt: skip
        assert_same(shared.get(path), api.get(path))
    photo = {"photo": photo_at(10.4)}
    assert_same(*(each.post("/v1/search/image", files=photo) for each in (shared, api)))


def test_an_item_put_since_is_found_beside_both_halves(shared: Client):
    assert put(shared, "new", 9.6, **HAT).status_code == 201
    near = [each for each, *_ in found(shared.get("/v1/items/9/similar?k=3"))]
    assert (near[0], set(near[1:])) == ("new", {"8", "10"})  # of either half


@pytest.mark.parametrize("gone", [0, 1])
def test_a_half_that_is_gone_is_missing_and_the_answer_says_so(
    shared: Client, halves: Halves, gone: int, photo: Path
):
    halves.gone = gone
    left = set(halves.item_ids[HALF:] if gone == 0 else halves.item_ids[:HALF])
    replies = [
        shared.get("/v1/users/ann/recommendations?k=20"), shared.get("/v1/items/3/similar"),
        shared.get("/v1/items/16/similar"),
        shared.post("/v1/search/image", files={"photo": photo.read_bytes()}),
        shared.post("/v1/search", json={"text": [{"text": "at 0.4"}]}),
    ]  # fmt: skip
    for reply in replies:
        assert "1 of 2 parts of the catalog" in reply.headers["vitrine-degraded"]
        ids = {each for each, *_ in found(reply)}
        assert ids and ids <= left
    ready = shared.get("/readyz")
    assert (ready.status_code, len(ready.json()["warnings"])) == (200, 1)

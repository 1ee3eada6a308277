"""The door: keys, scopes, rates, pages of other sites."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from httpx import Client
from starlette.datastructures import Headers

from recsys.config import Config
from serving.api.app import create_app
from serving.api.guard import presented_key
from serving.api_keys import make_key
from serving.service import Service
from tests.serving.api.conftest import CONFIG, TestClient

EVENT = {"events": [{"user_id": "ann", "item_id": "3", "event": "view"}]}


@pytest.fixture
def keys(service: Service) -> dict[str, str]:
    """A key of each scope."""
    made = {}
    for scope in ("read", "write", "admin"):
        key, made[scope] = make_key(scope, scope, 0.0)
        service.store.add_key(key)
    return made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def app_with(service: Service, **security: object) -> FastAPI:
    settings = {**CONFIG.model_dump(), "security": security}
    service.config = Config.model_validate(settings)
    return create_app(service)


def test_each_scope_may_what_it_says_and_no_more(keys: dict[str, str], api: Client):
    asked: list[Callable[[dict[str, str]], int]] = [
        lambda head: api.get("/v1/items/3", headers=head).status_code,
        lambda head: api.post("/v1/events", json=EVENT, headers=head).status_code,
        lambda head: api.delete("/v1/users/bob", headers=head).status_code,
    ]
    assert [ask({}) for ask in asked] == [401, 401, 401]
    assert [ask(bearer("wrong")) for ask in asked] == [401, 401, 401]
    assert [ask(bearer(keys["read"])) for ask in asked] == [200, 403, 403]
    assert [ask(bearer(keys["write"])) for ask in asked] == [200, 200, 403]
    assert [ask({"X-API-Key": keys["admin"]}) for ask in asked] == [200, 200, 200]


def test_every_route_of_data_needs_a_key(keys: dict[str, str], api: Client):
    """Whatever is added later, too: only the page's files and the two signs of life are open."""
    paths = api.get("/openapi.json", headers=bearer(keys["read"])).json()["paths"]
    asked = [(method, path) for path, methods in paths.items() for method in methods]
    assert len(asked) > 15
    statuses = {
        (method, path): api.request(method, path.replace("{", "").replace("}", "")).status_code
        for method, path in asked
    }
    is_open = {("get", "/healthz"), ("get", "/readyz")}
    assert {each for each, status in statuses.items() if status != 401} == is_open
    assert [api.get(path).status_code for path in ("/", "/page/page.js")] == [200, 200]


def test_where_others_reach_it_a_key_is_asked_for_before_there_is_one(service: Service):
    with TestClient(create_app(service, exposed=True)) as api:
        answer = api.get("/v1/items")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert api.get("/healthz").status_code == 200
        assert api.get("/").status_code == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    service: Service, keys: dict[str, str]
):
    app = app_with(service, requests_per_second=0.5, request_burst=2)
    with TestClient(app) as api:
        answers = [api.get("/v1/items/3", headers=bearer(keys["read"])) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["retry-after"] == "2"  # a token takes 1 / 0.5 s
        assert answers[2].json()["title"] == "Too often"
        assert api.get("/v1/items/3", headers=bearer(keys["write"])).status_code == 200


def test_nobody_is_counted_where_no_key_is_asked_for(service: Service):
    with TestClient(app_with(service, requests_per_second=0.1, request_burst=1)) as api:
        assert {api.get("/v1/items/3").status_code for _ in range(5)} == {200}


def test_a_page_of_another_site_cannot_change_anything(api: Client):
    for origin in ("http://evil.example", "null", "http://testserver.evil.example"):
        answer = api.post("/v1/events", json=EVENT, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["where"]) == (403, "Origin")
    own = api.post("/v1/events", json=EVENT, headers={"Origin": "http://testserver"})
    assert own.status_code == 200


def test_no_other_origin_may_read_unless_it_is_named(service: Service, api: Client):
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    assert "access-control-allow-origin" not in api.get("/v1/items", headers=asked).headers
    assert api.options("/v1/events", headers=asked).status_code == 405
    with TestClient(app_with(service, cors_origins=["https://shop.example"])) as named:
        allowed = named.options("/v1/events", headers=asked)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
        assert named.post("/v1/events", json=EVENT, headers=asked).status_code == 200
        other = named.get("/v1/items", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(("headers", "key"), [
    ({"authorization": "Bearer  k "}, "k"), ({"authorization": "bearer k"}, "k"),
    ({"authorization": "Basic k"}, ""), ({"x-api-key": "k"}, "k"), ({}, ""),
    ({"authorization": "Basic b", "x-api-key": "k"}, "k"),
])  # fmt: skip
def test_where_a_key_is_looked_for(headers: dict[str, str], key: str):
    assert presented_key(Headers(headers)) == key

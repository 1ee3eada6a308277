"""The API while the model server or the database does not answer."""

from __future__ import annotations

import pytest
from httpx import Client

from recsys.errors import UnavailableError
from serving.service import Service
from tests.serving.api.circle import CircleClient

# items 0 to 19: categories in turn bags, dresses, shoes; ann viewed 3, bought 10, viewed 4


def ids(body: dict[str, list[dict[str, str]]]) -> list[str]:
    return [item["item_id"] for item in body["items"]]


def test_with_all_well_nothing_is_degraded(api: Client):
    answer = api.get("/v1/users/ann/recommendations")
    assert (answer.json()["degraded"], answer.json()["degraded_because"]) == (False, None)
    assert "vitrine-degraded" not in answer.headers


def test_without_the_model_server_a_shopper_gets_what_is_popular(
    api: Client, model_server: CircleClient
):
    model_server.down = True
    answer = api.get("/v1/users/bob/recommendations?k=20")  # bob viewed 7, a dress
    body = answer.json()
    assert answer.status_code == 200
    assert body["degraded"] is True
    assert body["degraded_because"] == answer.headers["vitrine-degraded"]
    assert "model server" in body["degraded_because"]
    found = ids(body)
    # dresses 4 and 10 have an event each, 1 13 16 19 none; then 3 of the others, then the rest;
    # 7 is seen, 12 is withdrawn
    assert found[:6] == ["4", "10", "1", "13", "16", "19"]
    assert found[6] == "3"
    assert set(found) == {str(i) for i in range(20)} - {"7", "12"}
    assert {item["reason_kind"] for item in body["items"]} == {"popular"}
    assert body["items"][0]["reason"] == "popular in Dresses"


def test_filters_exclusions_and_pages_hold_all_the_same(api: Client, model_server: CircleClient):
    model_server.down = True
    query = {"history": [{"item_id": "7", "event": "view"}], "exclude": ["4"], "k": 3,
             "filter": {"price": {"min": 20, "max": 160}}}  # fmt: skip
    first = api.post("/v1/recommendations", json=query).json()
    assert ids(first) == ["10", "13", "16"]
    second = api.post("/v1/recommendations", json={**query, "offset": 3}).json()
    assert ids(second)[0] == "3"
    assert not set(ids(first)) & set(ids(second))


def test_similar_items_are_then_popular_ones_of_the_category(
    api: Client, model_server: CircleClient
):
    model_server.down = True
    body = api.get("/v1/items/4/similar?k=2").json()
    assert (body["degraded"], ids(body)) == (True, ["7", "10"])
    assert api.get("/v1/items/none/similar").status_code == 404


def test_a_photo_cannot_be_looked_at_without_the_model_server(
    api: Client, model_server: CircleClient, photo
):
    model_server.down = True
    answer = api.post("/v1/search/image", files={"photo": photo.read_bytes()})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.fixture
def no_database(api: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*arguments: object, **more: object) -> None:
        raise UnavailableError("the database cannot be used.")

    for name in ("reading", "writing"):
        monkeypatch.setattr(service.store._database, name, down)


@pytest.mark.usefixtures("no_database")
def test_without_the_database_the_requests_history_is_enough(api: Client):
    query = {"history": [{"item_id": "4", "event": "view"}], "k": 2}
    body = api.post("/v1/recommendations", json=query).json()
    # item 4 itself is seen; beside it lie 3 and 5
    assert (sorted(ids(body)), body["degraded"]) == (["3", "5"], False)
    assert api.get("/v1/items/4/similar?k=2").json()["degraded"] is False
    assert api.get("/v1/items/4").status_code == 200


@pytest.mark.usefixtures("no_database")
def test_without_the_database_a_known_user_is_a_new_visitor(api: Client):
    body = api.get("/v1/users/ann/recommendations?k=3").json()
    assert body["degraded"] is True
    assert "database" in body["degraded_because"]
    assert len(body["items"]) == 3


@pytest.mark.usefixtures("no_database")
def test_without_the_database_events_are_refused(api: Client):
    event = {"user_id": "ann", "item_id": "3", "event": "view"}
    answer = api.post("/v1/events", json={"events": [event]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert api.get("/v1/users/ann/history").status_code == 503


@pytest.mark.usefixtures("no_database")
def test_without_both_there_is_still_an_answer(api: Client, model_server: CircleClient):
    model_server.down = True
    body = api.get("/v1/users/ann/recommendations?k=3").json()
    assert (body["degraded"], len(body["items"])) == (True, 3)

"""Answers are kept, events name them, new items are tried, and the report adds it up."""

import numpy as np
import pytest

from recsys.config import Config
from recsys.errors import ServingError
from serving.api.app import create_app
from serving.api.noted import learn
from serving.items import Items
from serving.recommender import Recommender
from serving.service import Service
from serving.store import Store
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items
from tests.serving.api.conftest import NOW, TestClient


def log_of(api):
    return api.app.state.answer_log


def answers(api, service):
    log_of(api).flush()
    return list(service.store.answers())


def test_an_answer_is_kept_with_what_it_showed(api, service):
    given = api.get("/v1/items/3/similar?k=2", headers={"X-Request-ID": "mine"}).json()
    [kept] = answers(api, service)
    assert (kept.request_id, kept.verb, kept.bundle, kept.version, kept.timestamp) == (
        "mine", "similar_items", "circle", 3, NOW,
    )  # fmt: skip
    assert [each.item_id for each in kept.shown] == [each["item_id"] for each in given["items"]]


def test_recommendations_are_kept_by_their_verb_and_no_user_is_named(api, service):
    api.get("/v1/users/ann/recommendations?k=2")
    [kept] = answers(api, service)
    assert (kept.verb, kept.share, len(kept.shown)) == ("recommend", 0.0, 2)
    assert "ann" not in repr(kept)


def test_an_event_that_names_a_request_is_attributed(api, service):
    shown = api.get("/v1/users/ann/recommendations?k=2").json()
    first = shown["items"][0]["item_id"]
    event = {"user_id": "ann", "item_id": first, "event": "cart", "request_id": shown["request_id"]}
    assert api.post("/v1/events", json={"events": [event]}).json()["stored"] == 1
    log_of(api).flush()
    report = api.get("/v1/operations/attribution?days=1").json()
    [row] = report["rows"]
    assert (row["verb"], row["bundle"], row["answers"], row["impressions"]) == (
        "recommend", "circle", 1, 2,
    )  # fmt: skip
    assert [row[kind]["part"] for kind in ("click", "cart", "purchase")] == [1, 1, 0]
    assert row["cart"]["low"] < row["cart"]["rate"] == 0.5 < row["cart"]["high"]
    metrics = api.get("/metrics").text
    assert ('vitrine_attributed_events_total{bundle="circle",event="cart",verb="recommend"} 1.0'
            in metrics)  # fmt: skip
    assert 'vitrine_shown_items_total{bundle="circle",verb="recommend"} 2.0' in metrics


def test_an_event_of_an_unknown_request_is_stored_all_the_same(api):
    event = {"user_id": "ann", "item_id": "3", "event": "view", "request_id": "nobody"}
    assert api.post("/v1/events", json={"events": [event]}).json()["stored"] == 1
    assert "vitrine_attributed_events_total{" not in api.get("/metrics").text


def test_attribution_asks_for_days_that_make_sense(api):
    assert api.get("/v1/operations/attribution?days=0").status_code == 422
    assert api.get("/v1/operations/attribution").json()["rows"] == []


def test_a_database_that_is_down_holds_no_answer_up(api, service, monkeypatch):
    def down(answers):
        raise ServingError("the database cannot be used.")

    with monkeypatch.context() as patched:
        patched.setattr(service.store, "add_answers", down)
        assert api.get("/v1/items/3/similar").status_code == 200
        log_of(api).flush()
    assert len(answers(api, service)) == 1


@pytest.fixture
def exploring():
    """Every place tries one of the new items, 14 to 19; nobody has done anything yet."""
    store = Store("sqlite://")
    items = circle_items(20)
    bundle = CircleBundle(items)
    store.fill_items(items, bundle.fingerprint)
    config = Config.model_validate({"serving": {"explore_share": 1.0, "new_days": 5.5}})
    recommender = Recommender(
        bundle, CircleClient([str(i) for i in range(20)]),
        Items(store.read_items(), store.popularity(), config.serving.new_days), config.serving,
        clock=lambda: NOW,
    )  # fmt: skip
    service = Service(recommender, store, config, clock=lambda: NOW)
    with TestClient(create_app(service)) as api:
        yield api, service
    store.close()


def recommended(api, **body):
    answer = api.post("/v1/recommendations", json={"k": 3, "history": [{"item_id": "3"}], **body})
    return answer.json()["items"]


def test_new_items_are_tried_said_to_be_new_and_kept_with_their_chance(exploring):
    api, service = exploring
    items = recommended(api)
    assert all(int(each["item_id"]) >= 14 and each["reason"] == "new" for each in items)
    [kept] = answers(api, service)
    assert kept.share == 1.0
    assert [each.explored for each in kept.shown] == [True] * 3
    assert all(0 < each.chance <= 1 and each.choices == 2 for each in kept.shown)


def test_what_is_tried_passes_the_filter_and_was_not_seen(exploring):
    api, _ = exploring
    for _ in range(10):
        items = recommended(api, filter={"price": {"max": 160}}, exclude=["15"])
        assert {each["item_id"] for each in items if each["reason"] == "new"} <= {"14", "16"}


def test_items_that_nobody_clicks_are_tried_no_more(exploring):
    api, service = exploring
    for _ in range(150):
        items = recommended(api, k=1)
        if items[0]["item_id"] != "14":
            event = {"user_id": "u", "item_id": items[0]["item_id"], "event": "view"}
            log_of(api).flush()
            request_id = list(service.store.answers())[-1].request_id
            api.post("/v1/events", json={"events": [{**event, "request_id": request_id}]})
    log_of(api).flush()
    learn(service)
    tried = {recommended(api, k=1)[0]["item_id"] for _ in range(40)}
    assert "14" not in tried
    assert len(tried) > 1


def test_similar_items_are_never_explored(exploring):
    api, service = exploring
    api.get("/v1/items/3/similar?k=3")
    [kept] = answers(api, service)
    assert np.sum([each.choices for each in kept.shown]) == 0

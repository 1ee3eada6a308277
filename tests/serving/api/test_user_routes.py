"""Recommendations and events over the app."""

from __future__ import annotations

import pytest
from httpx import Client

from tests.serving.api.circle import CircleClient


def ids(answer) -> list[str]:
    return [item["item_id"] for item in answer.json()["items"]]


def test_recommendations_lie_around_the_last_item_and_leave_seen_ones_out(api: Client):
    answer = api.get("/v1/users/ann/recommendations?k=4")
    # ann's last item is 4; 3 is seen; the nearest to 4 are 5, then 6 and 2, then 7 and 1
    assert set(ids(answer)) == {"5", "6", "2", "7"} or set(ids(answer)) == {"5", "6", "2", "1"}
    assert ids(answer)[0] == "5"


def test_every_answer_says_who_answered(api: Client):
    body = api.get("/v1/users/ann/recommendations", headers={"X-Request-ID": "mine-1"}).json()
    assert body["request_id"] == "mine-1"
    assert body["bundle"] == {"version": 3, "fingerprint": "circle"}
    assert body["took_ms"] > 0


def test_reasons_name_the_item_of_the_history_and_what_was_done_with_it(api: Client):
    items = {i["item_id"]: i for i in api.get("/v1/users/ann/recommendations?k=16").json()["items"]}
    # 5 is nearest to 4, which was viewed; 11 to 10, which was bought
    assert items["5"]["reason"] == "similar to item 4 you viewed"
    assert items["5"]["because_of"] == "4"
    assert items["11"]["reason"] == "similar to item 10 you bought"
    # 15 is five steps from 10, and an explanation looks at the four nearest; created on day 15
    # of 19, so it is new; 7 has bob's event, so it is popular
    assert items["15"]["reason"] == "new"
    assert items["7"]["reason"] == "popular in Dresses"


def test_a_withdrawn_item_is_never_recommended(api: Client):
    assert "12" not in ids(api.get("/v1/users/ann/recommendations?k=50"))
    assert "12" not in ids(api.get("/v1/items/11/similar?k=50"))


def test_k_above_the_catalog_gives_all_that_may_be_given(api: Client):
    # 20 items, 3 seen by ann, 1 withdrawn
    assert len(ids(api.get("/v1/users/ann/recommendations?k=50"))) == 16


@pytest.mark.parametrize("k", ["0", "-1", "51", "ten", "1e3"])
def test_k_out_of_range_is_a_problem(api: Client, k: str):
    answer = api.get(f"/v1/users/ann/recommendations?k={k}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["where"] == "query.k"


def test_an_unknown_user_is_told_the_nearest_one(api: Client):
    answer = api.get("/v1/users/anne/recommendations")
    assert answer.status_code == 404
    assert answer.json()["mend"] == "Did you mean `ann`?"


def test_filters_fill_the_page_where_it_can_be_filled(api: Client, model_server: CircleClient):
    answer = api.get("/v1/users/ann/recommendations?k=4&category=Women > Shoes&min_price=100")
    # shoes are 2, 5, 8, 11, 14, 17; those from 100 on: 11, 14, 17, none seen or withdrawn
    assert sorted(ids(answer), key=int) == ["11", "14", "17"]


def test_an_unknown_category_is_told_the_nearest_one(api: Client):
    answer = api.get("/v1/users/ann/recommendations?category=Women > Shoe")
    assert answer.status_code == 404
    assert answer.json()["mend"] == "Did you mean `Women > Shoes`?"


def test_a_misspelled_parameter_is_refused(api: Client):
    answer = api.get("/v1/users/ann/recommendations?cateogry=x")
    assert answer.status_code == 422
    assert answer.json()["where"] == "query.cateogry"


def test_the_next_page_goes_on_where_the_first_ended(api: Client):
    whole = ids(api.get("/v1/users/ann/recommendations?k=6"))
    assert ids(api.get("/v1/users/ann/recommendations?k=3&offset=3")) == whole[3:]


def test_a_new_visitor_gets_an_answer(api: Client):
    answer = api.post("/v1/recommendations", json={"history": [], "k": 3})
    # nobody's query is item 0, which is not seen
    assert ids(answer)[0] == "0"
    assert answer.json()["items"][0]["reason_kind"] in ("popular", "new", "taste")


def test_a_history_in_the_request_equals_the_same_one_in_the_store(api: Client):
    history = [{"item_id": "3"}, {"item_id": "10", "event": "purchase"}, {"item_id": "4"}]
    sent = api.post("/v1/recommendations", json={"history": history, "k": 5})
    assert ids(sent) == ids(api.get("/v1/users/ann/recommendations?k=5"))


def test_unknown_items_of_a_history_are_named_and_passed_over(api: Client):
    answer = api.post("/v1/recommendations", json={"history": [{"item_id": "gone"}]})
    assert answer.status_code == 200
    assert answer.json()["ignored"] == ["gone"]


def test_the_next_recommendation_sees_an_event(api: Client):
    before = ids(api.get("/v1/users/bob/recommendations?k=1"))
    event = {"user_id": "bob", "item_id": "16", "event": "view"}
    posted = api.post("/v1/events", json={"events": [event]})
    assert posted.json() | {"stored": 1, "repeated": 0} == posted.json()
    after = ids(api.get("/v1/users/bob/recommendations?k=2"))
    assert before[0] in ("6", "8")
    assert set(after) == {"15", "17"}


def test_an_event_with_a_known_id_is_not_stored_twice(api: Client):
    event = {"user_id": "bob", "item_id": "16", "event": "view", "event_id": "e1"}
    first = api.post("/v1/events", json={"events": [event]}).json()
    second = api.post("/v1/events", json={"events": [event, {**event, "event_id": "e2"}]}).json()
    assert (first["stored"], first["repeated"]) == (1, 0)
    assert (second["stored"], second["repeated"]) == (1, 1)


def test_a_batch_with_one_bad_event_stores_none(api: Client):
    good = {"user_id": "cat", "item_id": "1", "event": "view"}
    answer = api.post("/v1/events", json={"events": [good, {**good, "item_id": "1x"}]})
    assert answer.status_code == 404
    assert answer.json()["where"] == "events[1].item_id"
    assert api.get("/v1/users/cat").status_code == 404


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"event": "vieww"}, "events[0].event"),
        ({"timestamp": 1_700_000_000_000}, "body.events.0.timestamp"),
        ({"timestamp": 1_700_200_000}, "events[0].timestamp"),
        ({"timestamp": "yesterday"}, "body.events.0.timestamp"),
        ({"timestamp": -5}, "body.events.0.timestamp"),
        ({"user_id": ""}, "body.events.0.user_id"),
        ({"user_id": "a\u0000b"}, "body.events.0.user_id"),
        ({"user_id": "a" * 300}, "body.events.0.user_id"),
        ({"colour": "red"}, "body.events.0.colour"),
    ],
)
def test_a_bad_event_is_refused_and_named(api: Client, change: dict, where: str):
    event = {"user_id": "cat", "item_id": "1", "event": "view", **change}
    answer = api.post("/v1/events", json={"events": [event]})
    assert answer.status_code == 422
    assert answer.json()["where"].startswith(where)


def test_too_many_events_at_once_are_refused(api: Client):
    event = {"user_id": "cat", "item_id": "1", "event": "view"}
    answer = api.post("/v1/events", json={"events": [event] * 6})
    assert answer.status_code == 422
    assert "at most 5" in answer.json()["detail"]


def test_a_lone_surrogate_is_refused_not_crashed_on(api: Client):
    body = b'{"events":[{"user_id":"\\ud800","item_id":"1","event":"view"}]}'
    answer = api.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_times_come_as_seconds_or_as_iso(api: Client):
    events = [
        {"user_id": "cat", "item_id": "1", "event": "view", "timestamp": 60},
        {"user_id": "cat", "item_id": "2", "event": "view", "timestamp": "1970-01-01T00:02:00Z"},
        {"user_id": "cat", "item_id": "3", "event": "view", "timestamp": "1970-01-01 00:03"},
    ]
    assert api.post("/v1/events", json={"events": events}).status_code == 200
    history = api.get("/v1/users/cat/history").json()["events"]
    assert [(event["item_id"], event["timestamp"]) for event in history] == [
        ("3", 180.0), ("2", 120.0), ("1", 60.0)]  # fmt: skip


def test_users_are_listed_with_their_events(api: Client):
    users = api.get("/v1/users?min_events=2").json()["users"]
    assert [(user["user_id"], user["num_events"]) for user in users] == [("ann", 3)]
    assert api.get("/v1/users/ann").json()["user"]["num_events"] == 3


def test_history_is_latest_first_with_its_items(api: Client):
    events = api.get("/v1/users/ann/history?limit=2").json()["events"]
    assert [event["item_id"] for event in events] == ["4", "10"]
    assert events[0]["item"]["title"] == "Blue thing 4"


def test_without_a_recommender_it_says_what_is_missing(api: Client, service):
    for name in ("recommend", "recommend_scann"):
        service.recommender.served._servables.pop(name)
    answer = api.get("/v1/users/ann/recommendations")
    assert answer.status_code == 409
    assert "events make recommendations" in answer.json()["mend"]


def test_an_answer_is_explained_where_that_is_asked_for(api: Client, model_server: CircleClient):
    items = api.get("/v1/users/ann/recommendations?k=2&explain=true").json()["items"]
    found = items[0]["explanation"]
    # 5 lies 18 degrees from 4, 36 from 3 and 90 from 10: cosines 0.951, 0.809 and 0
    assert [each["item_id"] for each in found["because"]] == ["4", "3"]
    assert found["because"][0]["share"] == pytest.approx(0.951 / 1.760, abs=1e-3)
    assert found["parts"] == {"photo": 0.5, "words": 0.0, "id": 0.5, "context": 0.0}
    assert [call[1] for call in model_server.calls].count("explain") == 1


def test_nobody_is_explained_unasked(api: Client, model_server: CircleClient):
    items = api.get("/v1/users/ann/recommendations?k=2").json()["items"]
    assert [item["explanation"] for item in items] == [None, None]
    assert "explain" not in [call[1] for call in model_server.calls]


def test_a_history_in_the_request_is_explained_too(api: Client):
    body = {"history": [{"item_id": "4"}], "k": 1, "explain": True}
    (item,) = api.post("/v1/recommendations", json=body).json()["items"]
    assert item["explanation"]["because"] == [{"item_id": "4", "share": 1.0}]


def test_the_reasons_of_a_new_visitor_name_no_item(api: Client):
    body = {"history": [], "k": 1, "explain": True}
    (item,) = api.post("/v1/recommendations", json=body).json()["items"]
    assert item["explanation"]["because"] == []

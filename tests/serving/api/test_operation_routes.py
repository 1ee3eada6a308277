"""Alive, ready, and counted."""

from __future__ import annotations

from httpx import Client

from serving.merchandising import Merchandising
from serving.service import Service
from tests.serving.api.circle import CircleClient


def test_a_database_that_is_down_is_a_503(api: Client, service: Service):
    service.store._database._engine.dispose()
    service.store.__init__("sqlite://")  # type: ignore[misc]
    with service.store._database._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE events")
    answer = api.get("/v1/users")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert api.get("/readyz").json()["checks"]["database"].startswith("sqlite://")
    assert api.get("/v1/items/3").status_code == 200


def test_a_model_server_that_is_down_is_not_ready(api: Client, model_server: CircleClient):
    model_server.down = True
    ready = api.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == "ok"
    assert "UNAVAILABLE" in ready.json()["checks"]["model server"]
    assert api.get("/healthz").status_code == 200
    model_server.down = False
    assert api.get("/readyz").json()["ready"] is True


def test_metrics_name_routes_not_ids(api: Client):
    api.get("/v1/items/3")
    api.get("/v1/users/ann/recommendations")
    api.get("/v1/users/nobody")
    text = api.get("/metrics").text
    assert 'route="/v1/items/{item_id:path}",status="200"' in text
    assert "ann" not in text
    assert "nobody" not in text
    assert 'vitrine_bundle_version{fingerprint="circle"} 3.0' in text
    assert 'reason="similar_to_history",verb="recommend"' in text


def test_bundles_are_listed_with_their_part_of_the_users(api: Client):
    body = api.get("/v1/operations/bundles").json()
    assert [(b["version"], b["share"], b["loaded"]) for b in body["bundles"]] == [(3, 1.0, True)]
    assert body["pinned"] is False
    assert body["latest_refresh"] is None  # one bundle for good has no workdir that is refreshed


def test_where_there_is_one_bundle_nothing_moves(api: Client):
    answer = api.post("/v1/operations/bundles/2:serve")
    assert answer.status_code == 409
    assert "one bundle" in answer.json()["detail"]
    assert api.post("/v1/operations/bundles/x:serve").status_code == 422


def test_times_are_told_by_bundle(api: Client):
    api.get("/v1/items/3/similar")
    assert 'vitrine_bundle_seconds_count{version="3"} 1.0' in api.get("/metrics").text


def test_spoiled_rules_are_told_and_stop_nothing(api: Client, service, tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("pins: 3")
    service.recommender._ranking.merchandising = Merchandising(str(path), service.items)
    assert api.get("/v1/items/3/similar").status_code == 200
    answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["warnings"] == [f"merchandising: {path}: `pins` is no list of at most "
                                         "1000 rules."]  # fmt: skip

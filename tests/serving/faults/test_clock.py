"""The wall clock jumps: nothing fails, nothing is lost, and nobody is locked out."""

from __future__ import annotations

import pytest
from httpx import Client

from serving.api.app import create_app
from serving.api_keys import make_key
from serving.service import Service
from tests.serving.api.conftest import NOW, TestClient

DAY = 86_400.0


class Wall:
    """The time of day, which may jump."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall(service: Service, monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    service.clock = wall
    service.recommender.clock = wall
    monkeypatch.setattr("time.time", wall)
    return wall


EVENT = {"user_id": "ann", "item_id": "5", "event": "view"}


@pytest.mark.parametrize("jump", [-365 * DAY, -3600.0, 3600.0, 365 * DAY, 40 * 365 * DAY])
def test_a_jump_fails_nobody(api: Client, wall: Wall, jump: float):
    assert api.post("/v1/events", json={"events": [EVENT]}).status_code == 200
    wall.now += jump
    for path in ("/v1/users/ann/recommendations", "/v1/users/ann/history", "/v1/items/3/similar",
                 "/readyz", "/metrics"):  # fmt: skip
        assert api.get(path).status_code == 200, path
    answer = api.post("/v1/events", json={"events": [{**EVENT, "event_id": "after"}]})
    assert answer.json()["stored"] == 1
    history = api.get("/v1/users/ann/history").json()["events"]
    assert len(history) == 5  # three at first, one before the jump, one after it
    # an event without a time has that of the wall, so a jump back puts it among the earlier ones
    times = [event["timestamp"] for event in history]
    assert times == sorted(times, reverse=True)
    assert NOW + jump in times


def test_ages_are_never_negative_after_a_jump_back(api: Client, service: Service, wall: Wall):
    api.post("/v1/events", json={"events": [EVENT]})
    wall.now -= 10 * DAY
    assert min(visit.age for visit in service.visits(service.history("ann"))) == 0.0


def test_what_was_taken_is_taken_back_by_no_jump(api: Client, wall: Wall):
    """After a jump back, an event that was in time lies ahead: told again, it is a repeat."""
    event = {**EVENT, "event_id": "e", "timestamp": NOW}
    assert api.post("/v1/events", json={"events": [event]}).json()["stored"] == 1
    wall.now -= 3600.0
    again = api.post("/v1/events", json={"events": [event]}).json()
    assert (again["stored"], again["repeated"]) == (0, 1)


def test_a_key_is_neither_locked_out_nor_let_loose(service: Service, wall: Wall):
    key, text = make_key("shop", "read", NOW)
    service.store.add_key(key)
    head = {"Authorization": f"Bearer {text}"}
    with TestClient(create_app(service)) as api:
        for jump in (-365 * DAY, 730 * DAY):
            wall.now += jump
            assert {api.get("/v1/items/3", headers=head).status_code for _ in range(5)} == {200}
        service.store.revoke_key(key.key_id, wall.now)
        wall.now -= 3650 * DAY  # long before it was revoked
    with TestClient(create_app(service)) as api:
        assert api.get("/v1/items/3", headers=head).status_code == 401

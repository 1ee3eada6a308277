"""Who is asked for what, of several model servers."""

from __future__ import annotations

from typing import Any, cast

import pytest

from recsys.errors import UnavailableError
from serving.client import ModelServerClient
from serving.model_servers import ModelServers, held


class Server:
    """Remembers what it was asked."""

    def __init__(self, down: bool = False) -> None:
        self.down = down
        self.asked: list[str] = []

    def predict(self, model: str, inputs: object, **_: Any) -> dict[str, Any]:
        if self.down:
            raise UnavailableError("connection refused.")
        self.asked.append(model)
        return {}


def servers(*down: bool) -> tuple[ModelServers, list[Server]]:
    each = [Server(is_down) for is_down in down]
    return ModelServers(cast("list[ModelServerClient]", each)), each


def test_a_shard_is_asked_of_its_own_server():
    whole, (first, second) = servers(False, False)
    for shard in range(3):
        whole.predict(f"recommend_shard{shard}", {})
    assert first.asked == ["recommend_shard0", "recommend_shard2"]
    assert second.asked == ["recommend_shard1"]


def test_they_take_turns_with_what_all_hold():
    whole, each = servers(False, False)
    for _ in range(4):
        whole.predict("rank", {})
    assert [len(server.asked) for server in each] == [2, 2]


def test_another_is_asked_where_one_is_down():
    whole, each = servers(True, False)
    for _ in range(3):
        whole.predict("image_encoder", {})
    assert len(each[1].asked) == 3
    with pytest.raises(UnavailableError):
        whole.predict("recommend_shard0", {})  # nobody else holds it


def test_all_are_down():
    with pytest.raises(UnavailableError):
        servers(True, True)[0].predict("rank", {})


def test_each_is_told_its_shards_and_what_is_whole():
    versions = {"rank": [1, 2], "recommend": [1], "recommend_shard0": [2], "recommend_shard1": [2]}
    assert set(held(versions, 0, 2)) == {"rank", "recommend", "recommend_shard0"}
    assert held(versions, 0, 2)["rank"] == [1, 2]
    assert "recommend_shard0" not in held(versions, 1, 2)

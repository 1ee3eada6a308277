"""A slash within an id is percent-encoded where something is changed."""

from __future__ import annotations

import pytest
from httpx import Client


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/v1/items/17/similar", "GET"), ("DELETE", "/v1/items/17/photo", "GET"),
     ("DELETE", "/v1/users/ann/history", "GET"), ("PATCH", "/v1/items/17", "DELETE, GET, PUT")],
)  # fmt: skip
def test_a_part_of_an_item_or_user_is_not_changed(
    api: Client, method: str, path: str, allowed: str
):
    body = {"json": {"title": "x"}} if method == "PUT" else {}
    answer = api.request(method, path, **body)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert api.get("/v1/users/ann").status_code == 200


def test_an_id_with_an_encoded_slash_is_put_and_read(api: Client):
    assert api.put("/v1/items/a%2Fb", json={"title": "New"}).status_code == 201
    assert api.get("/v1/items/a%2Fb").json()["item"]["title"] == "New"

"""Scopes contain one another, and a route lets through only what it needs."""

from __future__ import annotations

import warnings

import pytest
from fastapi import FastAPI, Request

from serving.api.access import LOCAL, Principal, needs
from serving.api.problems import add_problem_handlers
from serving.api_keys import SCOPES

with warnings.catch_warnings():  # Starlette would rather have httpx2
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient


def client_of(principal: Principal | None) -> TestClient:
    app = FastAPI()
    add_problem_handlers(app)

    @app.middleware("http")
    async def know(request: Request, call_next):  # type: ignore[no-untyped-def]
        if principal:
            request.state.principal = principal
        return await call_next(request)

    for scope in SCOPES:
        app.get(f"/{scope}", dependencies=[needs(scope)])(lambda: "done")
    return TestClient(app)


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [("read", [200, 403, 403]), ("write", [200, 200, 403]), ("admin", [200, 200, 200])],
)
def test_a_scope_covers_those_below_it(scope: str, statuses: list[int]):
    client = client_of(Principal("k", scope))
    assert [client.get(f"/{needed}").status_code for needed in SCOPES] == statuses


def test_nobody_is_asked_for_a_key():
    answer = client_of(None).get("/read")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "vitrine keys add" in answer.json()["mend"]


def test_a_scope_too_small_is_told_which_is_needed():
    answer = client_of(Principal("k", "read")).get("/write")
    assert answer.json()["detail"] == "this key may read, and write is needed."


def test_without_keys_everybody_is_admin():
    assert LOCAL.may("admin")


def test_an_unknown_scope_is_a_mistake_in_the_code():
    with pytest.raises(ValueError, match="unknown scope"):
        needs("delete")

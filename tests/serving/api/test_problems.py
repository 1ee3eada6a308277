"""Which error is which status, and what a problem says."""

from __future__ import annotations

import json

import pytest
from httpx import Client

from recsys.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    NotFoundError,
    PhotoError,
    ServingError,
    VitrineError,
)
from serving.api.problems import problem, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError(""), 404), (ArtifactError(""), 409), (DataError(""), 422),
        (ServingError(""), 503), (ConfigError(""), 500), (VitrineError(""), 500),
        (PhotoError("", reason="too_large"), 413), (PhotoError("", reason="not_a_photo"), 415),
        (PhotoError("", reason="blank"), 422),
    ],
)  # fmt: skip
def test_each_error_has_its_status(error: VitrineError, status: int):
    assert status_of(error) == status


def test_a_problem_says_what_where_and_how_to_mend_it():
    response = problem(503, "it is down.", request_id="r", where="there", mend="Wait.", reason="x")
    assert response.media_type == "application/problem+json"
    assert response.headers["retry-after"] == "2"
    assert json.loads(bytes(response.body)) == {
        "type": "urn:vitrine:not-available-now", "title": "Not available now", "status": 503,
        "detail": "it is down.", "where": "there", "mend": "Wait.", "request_id": "r",
        "reason": "x",
    }  # fmt: skip


def test_only_what_may_pass_is_told_when_to_come_back():
    assert "retry-after" not in problem(404, "gone.", request_id="r").headers


def test_text_that_cannot_be_encoded_is_escaped():
    assert b"\\ud800" in bytes(problem(404, "\ud800", request_id="r").body)


def test_a_wrong_method_is_told_the_right_ones(api: Client):
    answer = api.patch("/v1/users/ann")
    assert answer.status_code == 405
    documented = api.get("/openapi.json").json()["paths"]["/v1/users/{user_id}"]
    assert answer.headers["allow"].split(", ") == sorted(map(str.upper, documented))

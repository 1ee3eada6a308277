"""Search by photos, regions, words and items on the circle: item i of 20 lies at i / 20 turns."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from recsys.config import Config
from serving.api.schemas import SearchRequest
from serving.api.search_routes import reason_of

PATH = "/v1/search"


def photo(left: int, right: int | None = None) -> bytes:
    """A square of this red, or two beside each other: red r lies at r / 256 turns."""
    reds = [left] if right is None else [left, right]
    pixels = np.zeros((64, 64 * len(reds), 3), np.uint8)
    pixels[..., 0] = np.repeat(reds, 64)
    pixels[:32, :, 1] = 255  # some contrast
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def found(api: Client, query: dict[str, Any] | None = None, *photos: bytes) -> list[str]:
    """The ids of the answer, best first."""
    if photos:
        files: list[Any] = [("photo", ("photo.png", data)) for data in photos]
        data = {} if query is None else {"query": json.dumps(query)}
        answer = api.post(PATH, files=files, data=data)
    else:
        answer = api.post(PATH, json=query)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_words_alone_find_what_lies_where_they_do(api: Client):
    body = api.post(PATH, json={"text": [{"text": "at 0.25"}], "k": 1}).json()
    assert [item["item_id"] for item in body["items"]] == ["5"]
    assert body["items"][0]["reason"] == "matches “at 0.25”"
    assert body["items"][0]["reason_kind"] == "matches_words"


def test_a_photo_alone_says_what_it_shows(api: Client):
    answer = api.post(PATH, files={"photo": ("photo.png", photo(128))}).json()
    assert answer["items"][0]["item_id"] == "10"
    assert answer["categories"][0]["name"] == "Dresses"


def test_two_photos_meet_in_the_middle(api: Client):
    assert found(api, {"k": 1}, photo(0), photo(51)) == ["2"]  # 0 and 4 of 20


def test_weights_pull(api: Client):
    # 0 and a quarter of a turn, weights 3 and 1: atan(1/3) is 18.4 degrees, and an item 18
    query = {"text": [{"text": "at 0", "weight": 3.0}, {"text": "at 0.25"}], "k": 1}
    assert found(api, query) == ["1"]


def test_a_weight_below_zero_leads_away(api: Client):
    query = {"photos": [{}], "text": [{"text": "at 0.25", "weight": -1.0}], "k": 1}
    # 0 less a quarter of a turn: 45 degrees the other way, between 17 and 18
    assert found(api, query, photo(0))[0] in ("17", "18")


def test_a_region_is_searched_by_alone(api: Client):
    right = {"photos": [{"box": [0.5, 0.0, 1.0, 1.0]}], "k": 1}
    assert found(api, right, photo(0, 128)) == ["10"]
    left = {"photos": [{"box": [0.0, 0.0, 0.5, 1.0]}], "k": 1}
    assert found(api, left, photo(0, 128)) == ["0"]


def test_items_may_be_searched_by_and_are_not_found_themselves(api: Client):
    assert set(found(api, {"items": [{"item_id": "5"}], "k": 2})) == {"4", "6"}


def test_filters_exclusions_and_pages_hold(api: Client):
    query = {"text": [{"text": "at 0.25"}], "filter": {"attr_color": "red"}, "limit": 2}
    assert found(api, {**query, "exclude": ["5"]}) in (["3", "7"], ["7", "3"])
    assert found(api, {**query, "offset": 10}) == []


@pytest.mark.parametrize(
    ("query", "photos", "status", "where"),
    [
        ({}, 0, 422, "query"),
        ({"photos": [{}]}, 0, 422, "query.photos"),
        ({"photos": [{}, {}]}, 1, 422, "query.photos"),
        ({"photos": [{"box": [0.5, 0, 0.5, 1]}]}, 1, 422, "query.photos.0"),
        ({"photos": [{"box": [0, 0, 0.01, 1]}]}, 1, 422, "photo[0]"),
        ({"text": [{"text": "at 0", "weight": 99}]}, 0, 422, "query.text.0.weight"),
        ({"items": [{"item_id": "none"}]}, 0, 404, "item_id"),
        ({"txt": []}, 0, 422, "query.txt"),
        ({"filter": {"brnd": "a"}, "text": [{"text": "at 0"}]}, 0, 422, "filter.brnd"),
    ],
)
def test_what_cannot_be_searched_by_is_refused(
    api: Client, query: dict[str, Any], photos: int, status: int, where: str
):
    if photos:
        answer = api.post(PATH, files={"photo": ("p.png", photo(9))},
                          data={"query": json.dumps(query)})  # fmt: skip
    else:
        answer = api.post(PATH, json=query)
    assert (answer.status_code, answer.json()["where"]) == (status, where)


@pytest.mark.parametrize(
    ("content", "kind"), [(b"{", "application/json"), (b"\xff", "application/json"),
                          (b"x", "text/plain"), (b"x", "multipart/form-data")],
)  # fmt: skip
def test_what_is_no_query_is_a_4xx(api: Client, content: bytes, kind: str):
    answer = api.post(PATH, content=content, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500
    assert answer.json()["mend"]


def test_too_many_photos_are_refused(api: Client):
    count = Config().serving.max_query_photos + 1
    answer = api.post(PATH, files=[("photo", ("p.png", b"x"))] * count)
    assert answer.status_code == 415
    assert "Too many files" in answer.json()["detail"]


def test_a_bundle_without_words_says_so(api: Client, service):
    service.recommender.served._servables.pop("text_encoder")
    answer = api.post(PATH, json={"text": [{"text": "red"}]})
    assert answer.status_code == 409
    assert "text_encoder" in answer.json()["detail"]


def test_the_reason_names_what_was_searched_by():
    item = SearchRequest.model_validate({"items": [{"item_id": "5"}]})
    assert reason_of(item).text == "similar to item 5"
    both = SearchRequest.model_validate({"photos": [{}], "text": [{"text": "red"}]})
    assert reason_of(both).text == "looks like what you search for"


def test_a_bundle_without_photos_says_so_before_any_photo_is_fitted(api: Client, service):
    service.recommender.served._servables.pop("image_encoder")
    service.recommender.bundle.info["image_size"] = 0
    answer = api.post(PATH, files={"photo": ("photo.png", photo(9))})
    assert answer.status_code == 409
    assert "image_encoder" in answer.json()["detail"]


def test_a_query_of_words_is_no_longer_than_other_requests(api: Client, service):
    most = service.config.serving.max_body_bytes
    answer = api.post(PATH, json={"exclude": ["x" * 100] * (most // 100)})
    assert (answer.status_code, answer.json()["title"]) == (413, "Too large")

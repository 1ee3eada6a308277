"""Items put and withdrawn over HTTP are in the next answer, or in none."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

HAT = {"title": "Green hat", "category": "Women > Hats", "brand": "Bolt", "price": 35.0,
       "attributes": {"color": "green"}}  # fmt: skip


def photo_at(place: float) -> bytes:
    """A photo that the circle's tower lays at this item number of 20; it has some contrast."""
    red = place * 256 / 20
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, :20, 0], pixels[:, 20:, 0] = round(red - 20), round(red + 20)
    pixels[:, 20:, 1] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def put(api: TestClient, item_id: str, *places: float, **item):
    files = [("photos", ("a.png", photo_at(place), "image/png")) for place in places]
    return api.put(f"/v1/items/{item_id}", files=files, data={"item": json.dumps(item)})


def similar(api: TestClient, item_id: str, **query) -> list[str]:
    answer = api.get(f"/v1/items/{item_id}/similar", params={"k": 3, **query}).json()
    return [item["item_id"] for item in answer["items"]]


def test_an_item_put_with_photos_is_in_the_next_answers(api):
    answer = put(api, "new", 6.4, **HAT)
    assert answer.status_code == 201, answer.text
    item = answer.json()["item"]
    assert (item["title"], item["price"], item["attributes"]) == (
        "Green hat", 35.0, {"color": "green"},
    )  # fmt: skip
    assert similar(api, "6")[0] == "new"
    assert similar(api, "6", category="Women > Hats") == ["new"]
    assert "new" in [each["item_id"] for each in api.get("/v1/items?limit=50").json()["items"]]
    assert api.get("/v1/categories").json()["categories"]["Women > Hats"] == 1
    found = api.post("/v1/search/image?k=1", files={"photo": photo_at(6.4)}).json()["items"]
    assert found[0]["item_id"] == "new"
    history = {"history": [{"item_id": "6"}], "k": 19}
    assert len(api.post("/v1/recommendations", json=history).json()["items"]) == 18


def test_its_photo_can_be_shown(api):
    put(api, "new", 6.4, **HAT)
    path = api.get("/v1/items/new").json()["item"]["photo"]
    shown = api.get(path)
    assert shown.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size == (8, 8)
    assert api.get(f"{path}?index=1").status_code == 404


def test_a_price_and_an_availability_need_no_photo(api):
    answer = api.put("/v1/items/6", json={"price": 1.5, "available": False})
    assert answer.status_code == 200
    item = api.get("/v1/items/6").json()["item"]
    assert (item["price"], item["available"], item["title"]) == (1.5, False, "Blue thing 6")
    assert "6" not in similar(api, "7", k=19)


def test_a_withdrawn_item_is_in_no_answer(api):
    assert api.delete("/v1/items/6").json()["item_id"] == "6"
    assert "6" not in similar(api, "7", k=19)
    assert api.get("/v1/items/6").status_code == 404
    assert api.get("/v1/items/6/similar").status_code == 404
    listed = api.get("/v1/items?limit=50&available=false").json()
    assert "6" not in [each["item_id"] for each in listed["items"]]
    history = {"history": [{"item_id": "6"}], "k": 19}
    answer = api.post("/v1/recommendations", json=history).json()
    assert answer["ignored"] == ["6"]
    assert "6" not in [each["item_id"] for each in answer["items"]]
    assert api.delete("/v1/items/6").status_code == 404


@pytest.mark.parametrize(
    ("item", "where"),
    [({"colour": "red"}, "item.colour"), ({"price": -1}, "item.price"),
     ({"price": "12"}, "item.price"), ({"attributes": {"size": "M"}}, "size")],
)  # fmt: skip
def test_what_cannot_be_kept_is_a_problem_that_names_it(api, item, where):
    answer = api.put("/v1/items/new", json=item)
    assert answer.status_code == 422
    assert where in answer.json()["detail"]
    assert api.get("/v1/items/new").status_code == 404


def test_a_photo_that_is_none_keeps_nothing(api):
    files = [("photos", ("a.png", photo_at(6.4), "image/png")), ("photos", ("b", b"nothing"))]
    answer = api.put("/v1/items/new", files=files, data={"item": json.dumps(HAT)})
    assert answer.status_code == 415
    assert answer.json()["where"] == "photos[1]"
    assert api.get("/v1/items/new").status_code == 404


def test_no_path_or_address_can_be_put_as_a_photo(api, tmp_path: Path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(photo_at(3))
    assert api.put("/v1/items/6", json={"image": str(secret)}).status_code == 422
    answer = api.put("/v1/items/new", data={"item": json.dumps({**HAT, "image": str(secret)})},
                     files=[("photos", ("a.png", photo_at(6), "image/png"))])  # fmt: skip
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", ""])
def test_another_kind_of_body_says_what_to_send(api, kind):
    answer = api.put("/v1/items/new", content=b"x", headers={"content-type": kind})
    assert answer.status_code == 422
    assert "photos" in answer.json()["mend"]


def test_the_openapi_document_names_both(api):
    paths = api.get("/openapi.json").json()["paths"]["/v1/items/{item_id}"]
    assert {"get", "put", "delete"} <= paths.keys()
    assert "multipart/form-data" in paths["put"]["requestBody"]["content"]

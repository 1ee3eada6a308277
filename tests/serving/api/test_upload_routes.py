"""Search by an uploaded photo, and uploads that are none."""

from __future__ import annotations

import contextlib
import io
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from tests.serving.api.circle import CircleClient

PATH = "/v1/search/image"


def png(red: int = 128, size: int = 64) -> bytes:
    """A square whose red is `red` on average, with some contrast in green."""
    pixels = np.full((size, size, 3), red, np.uint8)
    pixels[: size // 2, :, 1] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def send(api: Client, data: bytes, query: str = ""):
    return api.post(PATH + query, files={"photo": ("photo.png", data)})


def test_the_nearest_items_and_what_it_shows_come_back(api: Client, model_server: CircleClient):
    body = send(api, png(red=128), "?k=3").json()
    # a red of 128 lies half around the circle, where item 10 of 20 is
    assert body["items"][0]["item_id"] == "10"
    assert body["items"][0]["reason"] == "looks like your photo"
    assert body["categories"][0] == {"name": "Dresses", "probability": pytest.approx(0.7)}
    assert body["attributes"]["color"][0]["name"] == "red"
    assert model_server.calls == [("image_encoder", "", 3), ("similar_items", "by_embedding", 3)]


def test_the_bytes_may_be_the_body_itself(api: Client):
    answer = api.post(PATH + "?k=1", content=png(), headers={"Content-Type": "image/png"})
    assert answer.json()["items"][0]["item_id"] == "10"


def test_filters_hold_for_photos_too(api: Client):
    items = send(api, png(), "?k=2&category=Women > Shoes").json()["items"]
    # shoes nearest to 10 are 11, then 8
    assert [item["item_id"] for item in items] == ["11", "8"]


def damaged(at: float) -> bytes:
    return png()[: int(len(png()) * at)]


def bomb() -> bytes:
    """A PNG that says it is 60000 x 60000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    size = (60_000).to_bytes(4, "big")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + size + b"\x08\x02\x00\x00\x00")
            + chunk(b"IDAT", zlib.compress(bytes(60_000))) + chunk(b"IEND", b""))  # fmt: skip


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"", 422, "empty"),
        (b"hello, this is text", 415, "not_a_photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_a_photo"),
        (b"GIF89a", 415, "not_a_photo"),
        (b"\xff\xd8\xff\xe0", 415, "not_a_photo"),
        (damaged(0.6), 422, "truncated"),
        (png(size=8), 422, "too_small"),
        (bomb(), 413, "too_large"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(
    api: Client, data: bytes, status: int, reason: str
):
    answer = send(api, data)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["mend"]


@pytest.mark.parametrize("share", [n / 20 for n in range(20)])
def test_a_photo_cut_anywhere_is_a_4xx_with_a_reason(api: Client, share: float):
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png())).save(buffer, "JPEG")
    answer = send(api, buffer.getvalue()[: int(len(buffer.getvalue()) * share)])
    assert 400 <= answer.status_code < 500
    assert answer.json()["reason"]


def test_a_blank_photo_is_refused(api: Client):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
    assert send(api, buffer.getvalue()).json()["reason"] == "blank"


def test_an_upload_that_is_too_long_is_refused(api: Client):
    answer = send(api, bytes(300_000))
    assert answer.status_code == 413
    assert "200000 bytes" in answer.json()["detail"]


def test_an_upload_that_does_not_tell_its_length_is_cut_off(api: Client):
    answer = api.post(PATH, content=(bytes(10_000) for _ in range(100)),
                      headers={"Content-Type": "image/png"})  # fmt: skip
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({}, b"x", 415),
        ({"Content-Type": "multipart/form-data"}, b"x", 415),
        ({"Content-Type": "multipart/form-data; boundary=a"}, b"no boundary here", 415),
        ({"Content-Type": "multipart/form-data; boundary=a"}, b"--a\r\n\r\n--a--", 415),
    ],
)
def test_a_form_that_is_none_is_refused(api: Client, headers: dict, body: bytes, status: int):
    answer = api.post(PATH, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_without_the_field_says_which(api: Client):
    answer = api.post(PATH, files={"image": ("a.png", png())})
    assert answer.status_code == 415
    assert "`photo`" in answer.json()["detail"]


def test_uploads_never_touch_the_disk(api: Client, monkeypatch: pytest.MonkeyPatch):
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("an upload was written to disk")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    data = png() + bytes(150_000)  # past what Starlette keeps in memory on its own
    assert send(api, data * 1).status_code == 200


def test_a_bundle_without_a_tower_says_so(api: Client, service):
    service.recommender.served._servables.pop("image_encoder")
    answer = send(api, png())
    assert answer.status_code == 409
    assert "image_encoder" in answer.json()["detail"]


def test_more_uploads_than_may_be_held_are_turned_away(api: Client):
    decoders = api.app.state.decoders
    with contextlib.ExitStack() as places:
        for _ in range(16):
            places.enter_context(decoders.place())
        answer = send(api, png())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert send(api, png()).status_code == 200


def test_outcomes_are_counted(api: Client, tmp_path: Path):
    send(api, png())
    send(api, b"text")
    text = api.get("/metrics").text
    assert 'vitrine_uploads_total{outcome="accepted"} 1.0' in text
    assert 'vitrine_uploads_total{outcome="not_a_photo"} 1.0' in text

"""Being forgotten; and what never gets into the log, onto the disk, or out to the network."""

from __future__ import annotations

import io
import logging
import socket
import tempfile
from pathlib import Path

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from serving.api.app import create_app
from serving.api.decoders import Decoders
from serving.api_keys import make_key
from serving.service import Service
from tests.serving.api.circle import CircleClient
from tests.serving.api.conftest import NOW, TestClient


def test_a_forgotten_user_is_unknown_and_there_is_a_receipt(api: Client):
    answer = api.delete("/v1/users/ann")
    receipt = answer.json()["receipt"]
    assert (answer.status_code, receipt["num_events"], receipt["deleted_at"]) == (200, 3, NOW)
    assert "ann" not in answer.text
    assert api.get("/v1/users/ann").status_code == 404
    assert api.get(f"/v1/receipts/{receipt['receipt_id']}").json()["receipt"] == receipt
    assert api.get("/v1/users/bob").status_code == 200


def test_who_is_not_known_cannot_be_forgotten(api: Client):
    assert api.delete("/v1/users/nobody").status_code == 404
    assert api.get(f"/v1/receipts/{'0' * 16}").status_code == 404
    assert api.get("/v1/receipts/x").status_code == 422


SECRET_USER = "very-own-name@example.org"


def test_the_log_holds_no_photo_key_or_user_id(
    service: Service, model_server: CircleClient, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """Everything that logs: refused, the model server down, the database down, our mistake."""
    key, text = make_key("shop", "admin", 0.0)
    service.store.add_key(key)
    head = {"Authorization": f"Bearer {text}"}
    event = {"user_id": SECRET_USER, "item_id": "3", "event": "view"}
    photo = b"\x89PNG photo-bytes"
    caplog.set_level(logging.DEBUG)
    with TestClient(create_app(service)) as api:
        api.post("/v1/events", json={"events": [event]}, headers=head)
        api.get(f"/v1/users/{SECRET_USER}/history", headers={"X-API-Key": text[:-1] + "~"})
        api.post("/v1/search/image", content=photo, headers={**head, "Content-Type": "image/png"})
        model_server.down = True
        api.get(f"/v1/users/{SECRET_USER}/recommendations", headers=head)

        def fail(*arguments: object) -> None:
            raise RuntimeError(f"no {arguments}")

        monkeypatch.setattr(service.store, "user", fail)
        assert api.get(f"/v1/users/{SECRET_USER}", headers=head).status_code == 500
        with service.store._database._engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE events")
        assert api.post("/v1/events", json={"events": [event]}, headers=head).status_code == 503
    ours = "\n".join(
        f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))  # the test's own client
    )  # fmt: skip
    assert "failed on /v1/users" in ours
    assert "the database cannot be used" in ours
    for secret in (SECRET_USER, text, text.rpartition("_")[2][:20], "photo-bytes"):
        assert secret not in ours


def test_an_upload_of_any_size_never_touches_the_disk(api: Client, monkeypatch: pytest.MonkeyPatch):
    """Starlette would roll a file above one megabyte over to a temporary one."""

    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    service: Service = api.app.state.service  # type: ignore[attr-defined]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    rng = np.random.default_rng(0)
    data = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (900, 900, 3), np.uint8)).save(data, "PNG")
    assert len(data.getvalue()) > 2_000_000
    limits = service.config.serving.model_copy(update={"max_upload_bytes": 9_000_000})
    service.config = service.config.model_copy(update={"serving": limits})
    with TestClient(create_app(service)) as larger:
        answer = larger.post("/v1/search/image", files={"photo": data.getvalue()})
        assert answer.status_code == 200, answer.text
        for method, path, field in (
            ("POST", "/v1/search", "photo"),
            ("PUT", "/v1/items/9", "photos"),
        ):
            answer = larger.request(method, path, files={field: data.getvalue()})
            assert answer.status_code == 200, (path, answer.text)


def test_nothing_of_a_photos_exif_goes_on(api: Client, photo: Path):
    exif = Image.Exif()
    exif[0x010F] = "secret-camera"  # the maker's name
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    data = io.BytesIO()
    Image.open(photo).save(data, "JPEG", exif=exif)
    assert b"secret-camera" in data.getvalue()
    decoders: Decoders = api.app.state.decoders  # type: ignore[attr-defined]
    sent = decoders.png(data.getvalue(), 64, "pad")  # to the tower, and into the store
    photo.write_bytes(data.getvalue())
    shown = api.get("/v1/items/3/photo").content
    for image in (sent, shown):
        assert b"secret-camera" not in image
        assert not Image.open(io.BytesIO(image)).getexif()


def test_no_route_lets_the_framework_read_a_form(api: Client):
    """FastAPI's own forms spool to the disk; every route reads its form in memory instead."""
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    assert "EventsRequest" in schemas
    assert [name for name in schemas if name.startswith("Body_")] == []  # FastAPI's name for one


def test_an_address_in_a_request_is_never_fetched(api: Client, monkeypatch: pytest.MonkeyPatch):
    """Every place of a request that takes a text is given an address; nothing is dialed."""
    dialed: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: dialed.append(to))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **more: dialed.append(asked))
    url = "http://169.254.169.254/latest/meta-data"
    text = {"Content-Type": "image/png"}
    api.post("/v1/search/image", content=url.encode(), headers=text)
    api.post("/v1/search/image", data={"photo": url})
    api.post("/v1/search/image", json={"photo": url, "url": url})
    api.post("/v1/recommendations", json={"history": [{"item_id": url, "event": "view"}]})
    api.post("/v1/events", json={"events": [{"user_id": url, "item_id": url, "event": "view"}]})
    api.put("/v1/items/9", json={"title": "x", "image": url, "images": [url], "photos": [url]})
    api.get("/v1/items/9", params={"image": url})
    assert dialed == []

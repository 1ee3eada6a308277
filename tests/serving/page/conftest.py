"""The page in a real browser, on a desk and on a phone, over sixty items on a circle."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image

from recsys.config import Config
from serving.api.app import create_app
from serving.items import Items
from serving.recommender import Recommender
from serving.service import Service
from serving.store import Event, Store
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items
from tests.serving.fuzz.shop import Circles, CircleShelf

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
COUNT = 60


@pytest.fixture(scope="package")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A photo per item whose red says where on the circle it lies."""
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for i in range(COUNT):
        pixels = np.full((64, 64, 3), (256 * i // COUNT, 90, 120), np.uint8)
        pixels[16:48, 16:48, 1] = 240
        paths.append(folder / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture(scope="package")
def halves(photos: list[Path]) -> Path:
    """A photo whose left half looks like item 10 and whose right half looks like item 45."""
    left, right = (np.asarray(Image.open(photos[i]).resize((160, 160))) for i in (10, 45))
    path = photos[0].with_name("halves.png")
    Image.fromarray(np.hstack([left, right])).save(path)
    return path


@pytest.fixture(scope="package")
def model_server() -> CircleClient:
    return Circles([str(i) for i in range(COUNT)])


@pytest.fixture(scope="package")
def address(photos: list[Path], model_server: CircleClient) -> Iterator[str]:
    """Where the app listens."""
    items = circle_items(COUNT)
    items["image"] = [str(path) for path in photos]
    items["has_photo"] = True
    items.loc[40, "title"] = "<img src=x onerror=alert(1)>"
    store = Store("sqlite://")
    store.fill_items(items, "circle")
    now = time.time()
    store.add_events([Event("ann", str(i), "view", now - i) for i in (20, 21, 22, 5)])
    known = Items(store.read_items(), store.popularity())
    first = Recommender(CircleBundle(items), model_server, known, Config().serving)
    shelf = CircleShelf(items, model_server, Config())
    app = create_app(Service(first, store, Config(), shelf=shelf))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("needs a browser: apt-get install -y chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """The page, opened; fails where it asked another host or a script failed."""
    context = browser.new_context(viewport=request.param, base_url=address)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if "Security Policy" in m.text else None)
    page.on("dialog", lambda dialog: (faults.append("a dialog"), dialog.dismiss()))
    hosts: set[str] = set()
    page.on("request", lambda asked: hosts.add(asked.url.split("/")[2]))
    page.goto("/")
    page.wait_for_selector(".card img")
    yield page
    assert faults == []
    assert {host for host in hosts if host} <= {address.removeprefix("http://")}
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], "it scrolls sideways"
    context.close()

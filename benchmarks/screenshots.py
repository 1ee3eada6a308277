"""The page's pictures in docs/images, taken in headless Chromium over a workdir's bundle.

    python benchmarks/screenshots.py --workdir demo/work

Needs Debian's chromium and Playwright; the files are small, with 256 colors each.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any

from PIL import Image

from recsys import columns
from recsys.workdir import Workdir
from serving.bundle import open_bundle

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHOTOS_ARE_THERE = """[...document.images].every((image) =>
  image.complete || image.getBoundingClientRect().top > innerHeight
  || image.getBoundingClientRect().left > innerWidth)"""
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def served(workdir: Path, port: int) -> Iterator[str]:
    """`vitrine serve` for as long as the pictures take; yields its address."""
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "vitrine", "serve", "--workdir", str(workdir),
               "--port", str(port)]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            while process.poll() is None:
                with suppress(OSError):
                    urllib.request.urlopen(f"{address}/readyz", timeout=5).close()
                    break
                sleep(0.3)
            yield address
        finally:
            process.terminate()


def show_shopper(page: Any, shopper: str) -> None:
    """A shopper's history and recommendations."""
    page.goto(f"/#/shoppers/{shopper}")
    page.wait_for_selector(".shopper .card .reason")


def show_item(page: Any, item_id: str) -> None:
    """A product and what is similar to it."""
    page.goto(f"/#/items/{item_id}")
    page.wait_for_selector("section .card .name")


def show_photo(page: Any, photo: Path) -> None:
    """What a photo shows, and what is similar to it."""
    page.goto("/#/search")
    page.set_input_files("#file", photo)
    page.wait_for_selector("section .card .name")


def show_part(page: Any, photo: Path) -> None:
    """A photo with a box drawn on it, and what is like that part of it."""
    show_photo(page, photo)
    box = page.locator(".stage").bounding_box()
    x, y, width, height = (box[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(x + width * 0.2, y + height * 0.15)
    page.mouse.down()
    page.mouse.move(x + width * 0.8, y + height * 0.75, steps=5)
    page.mouse.up()
    page.wait_for_timeout(1500)


def show_operator(page: Any) -> None:
    """Health, bundles and what became of answers."""
    page.goto("/#/operate")
    page.wait_for_selector("tbody tr")


def take(page: Any, path: Path) -> None:
    """Waits for every photo in view and writes the picture."""
    page.wait_for_load_state("networkidle")
    while not page.evaluate(PHOTOS_ARE_THERE):
        sleep(0.1)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


def main() -> None:
    """Takes the pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8497)
    parser.add_argument("--shopper", default="u00001")
    parser.add_argument("--item", default="", help="shown, and its photo searched by")
    parser.add_argument("--out", type=Path, default=IMAGES)
    arguments = parser.parse_args()
    items = open_bundle(Workdir(arguments.workdir)).items.set_index(columns.ITEM_ID)
    chosen = arguments.item or items.index[items[columns.HAS_PHOTO]][0]
    photo = Path(items.loc[chosen, columns.IMAGE].partition(columns.IMAGE_SEPARATOR)[0])
    with served(arguments.workdir, arguments.port) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        desk = browser.new_page(viewport=DESK, base_url=address)
        show_item(desk, str(chosen))
        take(desk, arguments.out / "page-desktop.png")
        show_shopper(desk, arguments.shopper)
        take(desk, arguments.out / "page-shopper.png")
        show_part(desk, photo)
        take(desk, arguments.out / "page-search.png")
        show_operator(desk)
        take(desk, arguments.out / "page-operator.png")
        phone = browser.new_page(viewport=PHONE, base_url=address)
        show_photo(phone, photo)
        take(phone, arguments.out / "page-phone.png")
        browser.close()


if __name__ == "__main__":
    main()

"""Five hundred hostile uploads: each is refused with a reason, and the process stays small."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.serving.fuzz.hostile import encoded, picture, uploads

ROOT = Path(__file__).parents[3]
COUNT, AT_ONCE = 500, 6
MOST_KIB = 1 << 20  # 1 GiB


class Shop:
    """A shop in a process of its own, so that a crash is seen and memory is its own."""

    def __init__(self, photo: Path) -> None:
        command = [sys.executable, "-m", "tests.serving.fuzz.shop", str(photo)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.client = httpx.Client(base_url=address, timeout=120)

    def send(self, data: bytes) -> httpx.Response:
        """Posts a file as the page does."""
        return self.client.post("/v1/search/image?k=1", files={"photo": ("photo.jpg", data)})

    def peak_kib(self) -> int:
        """The most memory that the process has held."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0])

    def stop(self) -> None:
        """Tells it to stop and waits."""
        self.client.close()
        with self.process:  # waits, and closes what was read from
            self.process.terminate()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    photo = tmp_path_factory.mktemp("shop") / "photo.png"
    photo.write_bytes(encoded(picture(), "PNG"))
    shop = Shop(photo)
    yield shop
    shop.stop()


@pytest.mark.slow
def test_five_hundred_hostile_files_are_refused_with_a_reason_and_little_memory(shop: Shop):
    good = encoded(picture(), "JPEG")
    assert shop.send(good).status_code == 200
    idle = shop.peak_kib()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # names and answers only: the files are 160 MB together
        answers = list(pool.map(lambda pair: (pair[0], shop.send(pair[1])), uploads(COUNT)))
    assert len({name for name, _ in answers}) == COUNT
    wrong = {
        name: (answer.status_code, answer.text[:200])
        for name, answer in answers
        if not (400 <= answer.status_code < 500 and _is_explained(answer.json()))
    }
    assert wrong == {}
    assert shop.process.poll() is None
    assert shop.send(good).status_code == 200
    assert shop.peak_kib() - idle < MOST_KIB
    reasons = Counter(answer.json()["reason"] for _, answer in answers)
    print(f"{(shop.peak_kib() - idle) // 1024} MiB over idle; {reasons.most_common()}")
    assert {"truncated", "damaged", "blank", "too_large", "too_small"} <= reasons.keys()


def _is_explained(problem: dict[str, object]) -> bool:
    return all(problem[name] for name in ("reason", "detail", "where", "mend", "request_id"))


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_good_photo_with_a_broken_exif_is_searched_by(shop: Shop, exif: bytes):
    assert shop.send(encoded(picture(), "JPEG", exif=exif)).status_code == 200


def test_the_files_are_the_same_each_time():
    first, again = (list(itertools.islice(uploads(), 50)) for _ in range(2))
    assert first == again

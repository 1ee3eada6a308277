"""Killed at any moment, a refresh leaves the old whole or the new whole, and the next goes on."""

import random
import subprocess
import sys
import threading
import time

import pytest

from recsys.workdir import Workdir
from tests.vitrine.small_refresh import make_shop
from vitrine.refresh_stages import fingerprint, manifest
from vitrine.verify import verify

ROWS = [(f"i{number}", f"item {number}") for number in range(10)]


class Reader(threading.Thread):
    """Opens the workdir over and over, as a server would, and notes every mixture it sees."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.mixtures, self.reads = root, [], 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            workdir = Workdir(self.root)
            tables = fingerprint(workdir, "tables")
            measured_on = manifest(workdir, "index").get("inputs", {}).get("tables")
            if not tables or measured_on != tables:
                self.mixtures.append((tables, measured_on))
            self.reads += 1
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def kill_a_refresh(folder, seconds):
    """Starts one in a process of its own and kills it so long after it began."""
    command = [sys.executable, "-m", "tests.vitrine.small_refresh", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"begins\n"
        time.sleep(seconds)
        process.kill()


@pytest.fixture
def undisturbed(tmp_path, monkeypatch):
    """What a refresh that nobody kills makes of the same shop: fingerprints of its artifacts."""
    (tmp_path / "calm").mkdir()
    with monkeypatch.context() as patch:
        shop = make_shop(tmp_path / "calm", patch)
        shop.write([*ROWS, ("new", "an item")])
        shop.refresh()
    return {name: fingerprint(shop.workdir, name) for name in ("tables", "index")}


def test_what_was_killed_three_times_is_what_was_never_killed(tmp_path, monkeypatch, undisturbed):
    (tmp_path / "shop").mkdir()
    shop = make_shop(tmp_path / "shop", monkeypatch)
    root, moments = shop.workdir.root, random.Random(0)
    shop.write([*ROWS, ("new", "an item")])
    with Reader(root) as reader:
        for _ in range(3):
            kill_a_refresh(shop.folder, moments.uniform(0.0, 0.25))
            assert verify(root).whole
        shop.refresh()
    assert reader.mixtures == [] and reader.reads > 20
    assert verify(root).whole
    assert {name: fingerprint(shop.workdir, name) for name in ("tables", "index")} == undisturbed
    assert len(shop.versions) == 2  # the first one and, however often it was tried, one more

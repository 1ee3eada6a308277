"""Slots of hosts: so many at once, over threads and processes, and none is lost with its holder."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from embeddings import host_slots
from embeddings.host_slots import host_slot

HOLD = """
import sys, time
from embeddings.host_slots import host_slot
with host_slot(sys.argv[1], 1):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(host_slots.tempfile, "tempdir", None)
    host_slots._folder.cache_clear()
    yield tmp_path
    host_slots._folder.cache_clear()


def test_no_more_than_so_many_at_once():
    lock, at_once, most = threading.Lock(), [0], [0]

    def work(_):
        with host_slot("a", 3):
            with lock:
                at_once[0] += 1
                most[0] = max(most[0], at_once[0])
            time.sleep(0.005)
            with lock:
                at_once[0] -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))
    assert most == [3]


def test_another_host_has_slots_of_its_own():
    with host_slot("a", 1), host_slot("b", 1) as waited:
        assert waited < 1


def test_a_killed_process_holds_its_slot_no_longer():
    holder = subprocess.Popen([sys.executable, "-c", HOLD, "a"], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    assert host_slots._free_slot("a", 1) is None
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with host_slot("a", 1) as waited:
        assert waited < 5


def test_the_folder_is_made_again_when_it_is_tidied_away(folder):
    with host_slot("a", 1):
        pass
    made = next(folder.iterdir())
    for path in made.iterdir():
        path.unlink()
    made.rmdir()
    with host_slot("a", 1):
        assert list(made.iterdir())


def test_a_name_that_is_a_link_elsewhere_is_not_used(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / f"vitrine-hosts-{host_slots.os.getuid()}").symlink_to(elsewhere)
    with host_slot("a", 1):
        assert not list(elsewhere.iterdir())

"""Memory that was used for large photos goes back."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import threading
from PIL import Image
from serving.memory import give_large_blocks_back

def held():
    return int(open("/proc/self/statm").read().split()[1]) // 256  # MiB

def decode():
    Image.new("RGB", (4000, 4000)).copy()

assert give_large_blocks_back()
decode()
before = held()
for turn in range(3):
    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(held() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's setting")
def test_what_threads_took_for_large_photos_goes_back():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 30  # one such photo has 61 MiB

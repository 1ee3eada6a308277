"""Runs a command, watches its time and memory, and writes what it gave into docs/results.md."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VITRINE = (sys.executable, "-m", "vitrine")
RESULTS = Path(__file__).parents[1] / "docs" / "results.md"
HEADER = """\
# Results

Each section was written by the command it names; the figures are that run's.
"""
SECONDS_BETWEEN_SAMPLES = 0.5


@dataclass(frozen=True)
class Measured:
    """What one command took: wall-clock seconds, and peak memory of all its processes."""

    seconds: float
    peak_gib: float
    output: str


def measure(command: Sequence[str], environment: dict[str, str] | None = None) -> Measured:
    """Runs a command to its end; its standard error goes through, its output is kept.

    Memory is the sum of the proportional set sizes of the command and all its descendants,
    sampled twice a second: pages shared between processes are counted once.
    """
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, **(environment or {})})  # fmt: skip
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(child, peak), daemon=True)
    watcher.start()
    output = child.communicate()[0]
    watcher.join()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}\n{output}")
    return Measured(time.monotonic() - start, peak[0] / 2**30, output)


def record(title: str, command: str, text: str, *, path: Path = RESULTS) -> None:
    """Writes one section of the results, in place of an older one of the same title."""
    today = datetime.date.today().isoformat()
    section = (
        f"## {title}\n\n`{command}`\n\n{today}, {machine()}.\n\n```text\n{text.strip()}\n```\n"
    )
    old = path.read_text(encoding="utf-8") if path.is_file() else HEADER
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    new = (
        pattern.sub(lambda match: section + "\n", old)
        if pattern.search(old)
        else f"{old.rstrip()}\n\n{section}"
    )
    path.write_text(new.rstrip() + "\n", encoding="utf-8")
    print(f"\nrecorded in {path.name}: {title}")


def machine() -> str:
    """The machine in words: processor, cores and memory."""
    model = "unknown processor"
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {gib:.0f} GiB, Python {platform.python_version()}"


def _watch(child: subprocess.Popen[str], peak: list[int]) -> None:
    while child.poll() is None:
        peak[0] = max(peak[0], sum(_memory(pid) for pid in _family(child.pid)))
        time.sleep(SECONDS_BETWEEN_SAMPLES)


def _family(root: int) -> set[int]:
    """A process and all its descendants."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in parentheses may hold anything; the parent follows the last one.
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0

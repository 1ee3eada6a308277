"""Kills real refreshes at random moments and says what was left of them.

    python benchmarks/refresh_kills.py --folder /tmp/kills [--kills 30] [--items 300] [--record]

Makes a shop, runs the pipeline on it and changes 1% of it. One copy of the workdir is refreshed
undisturbed; in the other `vitrine refresh` is killed by SIGKILL, again and again, at moments drawn
evenly over the time that the undisturbed one took. One that came to its end before is followed by
another change of 1%. After each kill the workdir must verify; a process reads it all the time and
must never see artifacts of two refreshes. At the end the undisturbed copy is refreshed again, and
the two embedding tables must have the same ids, and vectors within 1e-6.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from recording import record
from refresh import SETTINGS, change_shop, good

from recsys.embedding_table import open_table
from recsys.progress import say
from recsys.workdir import Workdir

READER = """
import sys, time
from pathlib import Path
from recsys.workdir import Workdir
from vitrine.refresh_stages import fingerprint, manifest
root, end = Path(sys.argv[1]), Path(sys.argv[2])
reads = mixtures = 0
while not end.exists():
    workdir = Workdir(root)
    made = {name: fingerprint(workdir, name) for name in ("tables", "embeddings", "model")}
    inputs = manifest(workdir, "index").get("inputs", {})
    mixtures += any(inputs.get(name) != found for name, found in made.items() if found)
    reads += 1
    time.sleep(0.01)
print(reads, mixtures)
"""


def main() -> None:
    """Prints one line per kill, and what was found at the end as JSON."""
    arguments = _arguments()
    folder = arguments.folder
    work, calm = folder / "work", folder / "calm"
    if not work.is_dir():
        make(folder, arguments.items)
    shutil.copytree(work, calm)
    change_shop(folder / "shop", good(folder), share=0.01, seed=arguments.seed)
    started = time.monotonic()
    _vitrine("refresh", "-w", str(calm))
    took = time.monotonic() - started
    end = folder / "end"
    end.unlink(missing_ok=True)
    reader = subprocess.Popen([sys.executable, "-c", READER, str(work), str(end)],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    moments, whole, kills, tries = random.Random(arguments.seed), 0, 0, 0
    while kills < arguments.kills:
        tries += 1
        if kill_one(work, moments.uniform(0.0, took)):
            say("  it had ended: another 1% changes")
            change_shop(folder / "shop", good(folder), share=0.01, seed=arguments.seed + tries)
            continue
        kills += 1
        whole += _vitrine("verify", "-w", str(work)) == 0
        say(f"  kill {kills}: {whole} whole so far")
    code = _vitrine("refresh", "-w", str(work))
    end.touch()
    _vitrine("refresh", "-w", str(calm))
    reads, mixtures = (int(word) for word in (reader.communicate()[0]).split())
    found = {
        "kills": kills, "ended_between": tries - kills, "whole_after": whole, "last_code": code,
        "reads": reads, "mixtures": mixtures,
        "same_table": same_table(Workdir(work), Workdir(calm)),
        "seconds_undisturbed": round(took, 1),
    }  # fmt: skip
    print(json.dumps(found, indent=2))
    if arguments.record:
        words = f"--folder F --kills {arguments.kills} --items {arguments.items}"
        record("Refreshes that are killed", f"python benchmarks/refresh_kills.py {words} --record",
               "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items())
               )  # fmt: skip
    fine = whole == kills and not (code or mixtures) and found["same_table"]
    sys.exit(0 if fine else 1)


def make(folder: Path, items: int) -> None:
    """A shop and a workdir that the pipeline has run in, with settings that are quick."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS | {"data": {"root": str(folder / "shop")}}
    (folder / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")
    _vitrine("make-shop", str(folder / "shop"), "--items", str(items), "--users", "300")
    _vitrine("run", "-w", str(folder / "work"), "-c", str(folder / "config.yaml"))


def kill_one(work: Path, seconds: float) -> bool:
    """Starts a refresh and kills it so many seconds later; whether it had ended by itself."""
    process = subprocess.Popen([sys.executable, "-m", "vitrine", "refresh", "-w", str(work)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                               )  # fmt: skip
    try:
        process.wait(timeout=seconds)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def same_table(one: Workdir, other: Workdir) -> bool:
    """Whether two embedding tables have the same ids and, within 1e-6, the same vectors."""
    (ids, vectors), (other_ids, other_vectors) = (
        open_table(workdir.embeddings).read() for workdir in (one, other)
    )
    return ids == other_ids and bool(np.abs(vectors - other_vectors).max(initial=0.0) <= 1e-6)


def _vitrine(*words: str) -> int:
    command = [sys.executable, "-m", "vitrine", *words]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="a new one, or one of before")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()

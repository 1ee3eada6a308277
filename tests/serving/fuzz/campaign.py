"""Schemathesis over an API's own OpenAPI document: whatever routes it names are tried.

    python -m tests.serving.fuzz.campaign --seconds 1200
    python -m tests.serving.fuzz.campaign --url http://127.0.0.1:8080 --seconds 300

No answer may be a 5xx or other than the document says. That a request which fits the document is
accepted is not asked: two prices may be each right and the wrong way round together.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.serving.fuzz.hostile import encoded, picture

ROOT = Path(__file__).parents[3]
NOT_ASKED = "positive_data_acceptance"


@contextmanager
def shop() -> Iterator[str]:
    """A shop on a circle in a process of its own; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        photo.write_bytes(encoded(picture(), "PNG"))
        command = [sys.executable, "-m", "tests.serving.fuzz.shop", str(photo)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield f"http://127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.terminate()


def campaign(
    address: str, *, seconds: int, examples: int = 100, seed: int = 1, phases: str = ""
) -> subprocess.CompletedProcess[str]:
    """Tries every operation for at most so long; the exit status is 0 where nothing was found."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "run", f"{address}/openapi.json", "--max-examples", str(examples),
               "--seed", str(seed), "--max-time", str(seconds), "--continue-on-failure",
               "--exclude-checks", NOT_ASKED, "--warnings", "off",
               *(["--phases", phases] if phases else [])]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # it remembers failures where it runs
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main() -> int:
    """Runs a campaign and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--url", default="", help="of a running API; a shop on a circle otherwise")
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    options = {"seconds": asked.seconds, "examples": asked.examples, "seed": asked.seed}
    if asked.url:
        done = campaign(asked.url.rstrip("/"), **options)
    else:
        with shop() as address:
            done = campaign(address, **options)
    print(done.stdout, done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

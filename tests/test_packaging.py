"""The wheel holds the four packages and nothing else, and its command runs from it."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"recsys", "embeddings", "serving", "vitrine"}
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from what git tracks or would track, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for path in _project_files():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / path).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir",
               str(folder), str(source)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def _project_files() -> list[str]:
    roots = [ROOT / name for name in sorted(PACKAGES)]
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    files += [ROOT / name for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")]
    return [str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts]


def test_the_wheel_holds_four_packages_and_its_metadata(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert not any("test" in Path(name).name for name in names)


def test_the_wheel_holds_what_is_needed_at_run_time(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    data = [path.relative_to(ROOT).as_posix() for package in PACKAGES
            for path in (ROOT / package).rglob("*")
            if path.is_file() and path.suffix not in (".py", ".pyc")]  # fmt: skip
    assert "embeddings/backbones/efficientnet_lite0.yaml" in data
    assert [name for name in data if name not in names] == []
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    revisions = {path.relative_to(ROOT).as_posix()
                 for path in (ROOT / "serving" / "migrations").rglob("*.py")}  # fmt: skip
    assert "serving/migrations/env.py" in revisions
    assert revisions <= names


@pytest.mark.slow
def test_the_installed_wheel_answers_from_an_empty_environment(wheel, tmp_path):
    """The environment holds the wheel alone; a path file lends it the locked dependencies."""
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet",
               "--no-deps", "--no-index", str(wheel)]  # fmt: skip
    subprocess.run(install, check=True)
    (Path(site) / "lent.pth").write_text(sysconfig.get_path("purelib"))
    done = subprocess.run(
        [home / "bin" / "vitrine", "doctor", "--json"], capture_output=True, text=True,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rooms = json.loads(done.stdout)["rooms"]
    assert all(owner.startswith(str(home)) for owner in rooms.values()), rooms


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_the_lock_has_exact_versions_and_hashes_and_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert pins
    assert [pin for pin in pins if "==" not in pin] == []
    assert text.count("--hash=sha256:") >= len(pins)


def test_what_setup_cfg_asks_for_is_in_the_lock():
    import configparser
    import re

    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    asked = settings["options"]["install_requires"].split("\n")
    names = {re.split(r"[<>=\[]", line.strip())[0].lower().replace("_", "-")
             for line in asked if line.strip() and not line.strip().startswith("#")}  # fmt: skip
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    locked = {line.partition("==")[0].partition("[")[0] for line in lock.splitlines()}
    assert names - locked == set()

"""`vitrine keys`: made, listed, revoked; what is printed once is kept nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recsys.errors import ConfigError, NotFoundError
from vitrine.cli import app


def run(workdir: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["keys", *arguments, "-w", str(workdir)])
    if done.exception:
        raise done.exception
    return done.stdout


def test_a_key_is_made_listed_and_revoked(tmp_path: Path):
    assert "vitrine keys add" in run(tmp_path, "list")
    made = json.loads(run(tmp_path, "add", "our shop", "--scope", "write", "--json"))
    assert made["key"].startswith(f"vitrine_{made['key_id']}_")
    line = run(tmp_path, "list")
    assert "our shop" in line
    assert "write" in line
    assert "good" in line
    secret = made["key"].rpartition("_")[2]
    files = list(tmp_path.iterdir())
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)
    run(tmp_path, "revoke", made["key_id"])
    assert "revoked 20" in run(tmp_path, "list")
    with pytest.raises(NotFoundError):
        run(tmp_path, "revoke", made["key_id"])


def test_a_scope_that_is_none_is_told_the_ones_there_are(tmp_path: Path):
    with pytest.raises(ConfigError, match="read, write, admin"):
        run(tmp_path, "add", "x", "--scope", "everything")

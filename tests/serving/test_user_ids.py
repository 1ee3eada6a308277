"""User ids are stored plainly, or as hashes that need the key."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from recsys.errors import ConfigError
from serving.user_ids import UserIds, read_user_ids

KEY = b"0123456789abcdef"


def test_without_a_key_ids_are_stored_as_they_are():
    assert (UserIds().stored("ann"), UserIds().hashed, UserIds().check) == ("ann", False, "")


def test_a_keyed_id_is_an_hmac_of_it():
    digest = hmac.new(KEY, b"user ann", hashlib.sha256).hexdigest()
    assert UserIds(KEY).stored("ann") == f"~{digest[:32]}"
    assert UserIds(KEY).stored("bob") != UserIds(KEY).stored("ann")
    assert UserIds(KEY[::-1]).stored("ann") != UserIds(KEY).stored("ann")


def test_a_stored_form_is_its_own():
    stored = UserIds(KEY).stored("ann")
    assert UserIds(KEY).stored(stored) == stored
    assert UserIds(KEY).stored("~short") != "~short"


def test_the_key_comes_from_a_file_else_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("VITRINE_USER_KEY", raising=False)
    assert not read_user_ids("").hashed
    monkeypatch.setenv("VITRINE_USER_KEY", KEY.decode())
    assert read_user_ids("").stored("ann") == UserIds(KEY).stored("ann")
    (tmp_path / "key").write_bytes(b"another key of some length\n")
    found = read_user_ids(str(tmp_path / "key")).stored("ann")
    assert found == UserIds(b"another key of some length").stored("ann")


def test_a_key_that_can_be_guessed_or_is_not_there_is_refused(tmp_path: Path):
    (tmp_path / "key").write_text("short")
    with pytest.raises(ConfigError, match="has 5 bytes"):
        read_user_ids(str(tmp_path / "key"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_user_ids(str(tmp_path / "none"))

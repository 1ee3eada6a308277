"""API keys on the command line: made, listed, revoked."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from recsys.config import Config
from recsys.errors import ConfigError
from recsys.workdir import Workdir
from serving.api_keys import SCOPES, make_key
from serving.store import open_store


def add_key(config: Config, workdir: Workdir, name: str, scope: str) -> dict[str, Any]:
    """Makes a key; its text is in the answer and nowhere else.

    Raises:
        ConfigError: there is no such scope.
        ServingError: the database cannot be used.
    """
    if scope not in SCOPES:
        raise ConfigError(f"unknown scope `{scope}`.", where="--scope",
                          mend=f"Use one of {', '.join(SCOPES)}.")  # fmt: skip
    key, text = make_key(name, scope, time.time())
    store = open_store(config, workdir)
    try:
        store.add_key(key)
    finally:
        store.close()
    return {"key_id": key.key_id, "name": name, "scope": scope, "key": text}


def list_keys(config: Config, workdir: Workdir) -> list[dict[str, Any]]:
    """What is known of every key, the oldest first."""
    store = open_store(config, workdir)
    try:
        return [
            {"key_id": key.key_id, "name": key.name, "scope": key.scope,
             "created": _day(key.created_at), "revoked": _day(key.revoked_at)}
            for key in store.api_keys()
        ]  # fmt: skip
    finally:
        store.close()


def revoke_key(config: Config, workdir: Workdir, key_id: str) -> dict[str, Any]:
    """Makes a key good for nothing; a running API knows within a second.

    Raises:
        NotFoundError: there is no such key that is good.
    """
    store = open_store(config, workdir)
    try:
        store.revoke_key(key_id, time.time())
    finally:
        store.close()
    return {"key_id": key_id, "revoked": True}


def render_text(keys: list[dict[str, Any]]) -> str:
    """The keys as lines."""
    lines = [
        f"{key['key_id']}  {key['scope']:<5}  {key['created']}  "
        f"{'revoked ' + key['revoked'] if key['revoked'] else 'good':<18}  {key['name']}"
        for key in keys
    ]
    return "\n".join(lines or ["there is no key yet: `vitrine keys add NAME` makes one"])


def _day(moment: float | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")

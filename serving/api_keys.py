"""API keys: made once, shown once, known afterwards only by a salted hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "vitrine"
SCOPES = ("read", "write", "admin")  # each may do what those before it may

_FORM = re.compile(PREFIX + r"_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = b"\0" * 32


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key.

    Attributes:
        key_id: its public part, by which it is listed and revoked.
        name: whose it is, in the operator's words.
        digest: HMAC-SHA256 of its secret part under the salt. The secret is 256 random bits:
            there is nothing to guess that a slow hash would protect.
        revoked_at: seconds since the epoch, or None while it is good.
    """

    key_id: str
    name: str
    scope: str
    salt: bytes
    digest: bytes
    created_at: float
    revoked_at: float | None = None


def make_key(name: str, scope: str, now: float) -> tuple[ApiKey, str]:
    """A new key: what is kept of it, and its text, which is nowhere kept."""
    key_id, secret, salt = secrets.token_hex(6), secrets.token_urlsafe(32), secrets.token_bytes(16)
    key = ApiKey(key_id, name, scope, salt, _digest(salt, secret), now)
    return key, f"{PREFIX}_{key_id}_{secret}"


def matching(text: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """The key that a caller's text is, unless it was revoked; takes as long for a wrong one."""
    found = _FORM.fullmatch(text)
    key_id, secret = found.groups() if found else ("", "")
    known = {key.key_id: key for key in keys if key.revoked_at is None}.get(key_id)
    salt, digest = (known.salt, known.digest) if known else (_NOBODY, _NOBODY)
    return known if hmac.compare_digest(_digest(salt, secret), digest) else None


def _digest(salt: bytes, secret: str) -> bytes:
    return hmac.new(salt, secret.encode(), hashlib.sha256).digest()

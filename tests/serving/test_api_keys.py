"""Keys are known by a salted hash, and only whole."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest

from serving.api_keys import make_key, matching


def test_what_is_kept_does_not_hold_the_secret():
    key, text = make_key("shop", "write", 5.0)
    secret = text.removeprefix(f"vitrine_{key.key_id}_")
    assert len(secret) == 43  # 32 random bytes in base64
    assert secret not in repr(key)
    assert key.digest == hmac.new(key.salt, secret.encode(), hashlib.sha256).digest()


def test_two_keys_share_nothing():
    (one, first), (two, second) = make_key("a", "read", 0.0), make_key("a", "read", 0.0)
    assert first != second
    assert (one.key_id, one.salt, one.digest) != (two.key_id, two.salt, two.digest)


def test_a_key_is_found_among_others():
    made = [make_key(name, "read", 0.0) for name in "abc"]
    keys = [key for key, _ in made]
    assert [matching(text, keys) for _, text in made] == keys


@pytest.mark.parametrize("spoil", [
    lambda text: text[:-1], lambda text: text + "A", lambda text: text.upper(),
    lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), lambda text: "",
    lambda text: "vitrine_" + "0" * 12 + text[20:], lambda text: text + "\n",
    lambda text: "vitrine__", lambda text: "\u00e9" * 63,
])  # fmt: skip
def test_a_key_that_is_not_whole_is_nobodys(spoil):
    key, text = make_key("a", "admin", 0.0)
    assert matching(spoil(text), [key]) is None


def test_a_revoked_key_is_nobodys():
    key, text = make_key("a", "admin", 0.0)
    assert matching(text, [replace(key, revoked_at=1.0)]) is None

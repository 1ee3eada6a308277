"""Keys in the store: added, listed, revoked, never removed."""

from __future__ import annotations

import pytest

from recsys.errors import NotFoundError
from serving.api_keys import make_key, matching
from serving.store import Store


def test_a_key_comes_back_as_it_was_made(store: Store):
    first, text = make_key("shop", "write", 1.0)
    second, _ = make_key("page", "read", 2.0)
    store.add_key(second)
    store.add_key(first)
    assert store.api_keys() == [first, second]
    assert matching(text, store.api_keys()) == first


def test_a_revoked_key_stays_listed(store: Store):
    key, text = make_key("shop", "write", 1.0)
    store.add_key(key)
    store.revoke_key(key.key_id, 9.0)
    assert [each.revoked_at for each in store.api_keys()] == [9.0]
    assert matching(text, store.api_keys()) is None
    with pytest.raises(NotFoundError):
        store.revoke_key(key.key_id, 10.0)

"""Who a caller is, when keys are asked for, and what a fault of the database changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recsys.errors import ServingError
from serving.api.access import LOCAL, Principal
from serving.api.key_ring import KeyRing
from serving.api_keys import ApiKey, make_key

KEY, TEXT = make_key("shop", "write", 0.0)
REVOKED = replace(KEY, revoked_at=1.0)


def ring(keys: list[ApiKey], ask: str = "auto", *, exposed: bool = False) -> KeyRing:
    found = KeyRing(lambda: keys, ask, exposed=exposed)  # type: ignore[arg-type]
    found.refresh()
    return found


@pytest.mark.parametrize(("ask", "exposed", "keys", "nobody"), [
    ("auto", False, [], LOCAL), ("auto", True, [], None), ("auto", False, [KEY], None),
    ("auto", False, [REVOKED], None), ("always", False, [], None), ("never", False, [KEY], LOCAL),
])  # fmt: skip
def test_when_a_key_is_asked_for(
    ask: str, exposed: bool, keys: list[ApiKey], nobody: Principal | None
):
    assert ring(keys, ask, exposed=exposed).principal("") == nobody


def test_a_key_has_its_scope_and_a_wrong_one_none():
    found = ring([KEY])
    assert found.principal(TEXT) == Principal(KEY.key_id, "write")
    assert found.principal(TEXT[:-2] + "xx") is None
    assert ring([REVOKED]).principal(TEXT) is None
    assert ring([], "never").principal("wrong") is None


def test_keys_are_read_again_after_a_second():
    keys, now, reads = [KEY], [0.0], []
    found = KeyRing(lambda: reads.append(1) or list(keys), clock=lambda: now[0])  # type: ignore[func-returns-value]
    found.refresh()
    keys[0] = REVOKED
    found.refresh()
    assert (found.principal(TEXT), len(reads)) == (Principal(KEY.key_id, "write"), 1)
    now[0] = 1.0
    found.refresh()
    assert (found.principal(TEXT), len(reads)) == (None, 2)


def test_the_last_keys_outlive_a_fault_of_the_database():
    now, down = [0.0], [False]

    def read() -> list[ApiKey]:
        if down[0]:
            raise ServingError("down.")
        return [KEY]

    found = KeyRing(read, clock=lambda: now[0])
    found.refresh()
    down[0], now[0] = True, 5.0
    found.refresh()
    assert found.principal(TEXT) == Principal(KEY.key_id, "write")
    assert found.principal("") is None


def test_before_keys_were_ever_read_nobody_is_anybody():
    found = KeyRing(lambda: [KEY])
    assert (found.principal(""), found.principal(TEXT)) == (None, None)

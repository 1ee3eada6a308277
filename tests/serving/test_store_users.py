"""A user who is forgotten leaves a receipt; ids can be keyed hashes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from recsys.errors import ConfigError
from serving.sql_tables import events_table, receipts_table
from serving.store import Event, Store
from serving.user_ids import UserIds

KEY, OTHER = UserIds(b"0123456789abcdef"), UserIds(b"fedcba9876543210")


def imported(*rows: tuple[str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    return table.assign(event="view", value=float("nan"), request_id="")


def test_a_forgotten_user_leaves_a_receipt_and_no_event(store: Store):
    store.fill_events(imported(("ann", "1", 1.0), ("bob", "2", 1.0)), "a")
    store.add_events([Event("ann", "3", "view", 2.0)])
    receipt = store.forget_user("ann", 50.0)
    assert receipt is not None
    assert (receipt.num_events, receipt.deleted_at) == (2, 50.0)
    assert (store.user("ann"), store.counts()) == (None, (0, 1))
    assert "ann" not in repr(receipt)
    assert store.receipt(receipt.receipt_id) == receipt
    assert store.forget_user("ann", 51.0) is None


def test_a_forgotten_user_is_gone_from_the_file_too(tmp_path: Path):
    path = tmp_path / "store.sqlite"
    with contextlib.closing(Store(f"sqlite:///{path}")) as store:
        store.add_events([Event("very-own-name", "3", "view", 2.0)])
        store.forget_user("very-own-name", 50.0)
    assert b"very-own-name" not in path.read_bytes()


def test_a_receipt_that_somebody_changed_is_none(store: Store):
    store.add_events([Event("ann", "3", "view", 2.0)])
    receipt = store.forget_user("ann", 50.0)
    assert receipt is not None
    with store._database.writing() as connection:
        connection.execute(sa.update(receipts_table).values(num_events=9))
    assert store.receipt(receipt.receipt_id) is None
    assert store.receipt("none") is None


def test_an_import_does_not_bring_a_forgotten_user_back(store: Store):
    store.add_events([Event("ann", "3", "view", 2.0)])
    store.forget_user("ann", 50.0)
    store.fill_events(imported(("ann", "1", 1.0), ("ann", "2", 50.0), ("ann", "4", 51.0),
                               ("bob", "5", 1.0)), "b")  # fmt: skip
    # what ann did up to the moment 50 stays forgotten
    assert [event.item_id for event in store.history("ann", 9)] == ["4"]
    assert [event.item_id for event in store.history("bob", 9)] == ["5"]


def ids_in(store: Store) -> set[str]:
    with store._database.reading() as connection:
        return set(connection.scalars(sa.select(events_table.c.user_id)))


def test_with_a_key_no_plain_id_is_in_the_database(database_url: str):
    with contextlib.closing(Store(database_url, KEY)) as store:
        store.fill_events(imported(("ann", "1", 1.0)), "a")
        store.add_events([Event("ann", "2", "view", 2.0), Event("bob", "3", "view", 3.0)])
        assert ids_in(store) == {KEY.stored("ann"), KEY.stored("bob")}
        assert [event.item_id for event in store.history("ann", 9)] == ["1", "2"]
        assert [event.item_id for event in store.history(KEY.stored("ann"), 9)] == ["1", "2"]
        assert [user.user_id for user in store.users(9)] == sorted(ids_in(store))
        assert store.users_near("ann") == []
        assert store.forget_user("bob", 9.0) is not None
        assert ids_in(store) == {KEY.stored("ann")}


def test_a_key_that_comes_later_turns_the_ids_that_are_there(database_url: str):
    with contextlib.closing(Store(database_url)) as store:
        store.add_events([Event("ann", "1", "view", 1.0), Event("zoe", "1", "view", 1.0)])
        store.forget_user("zoe", 5.0)
    with contextlib.closing(Store(database_url, KEY)) as store:
        assert ids_in(store) == {KEY.stored("ann")}
        store.fill_events(imported(("zoe", "1", 1.0)), "a")
        assert store.user("zoe") is None
    with contextlib.closing(Store(database_url, KEY)) as store:
        assert [event.item_id for event in store.history("ann", 9)] == ["1"]


@pytest.mark.parametrize("given", [UserIds(), OTHER])
def test_another_key_or_none_is_refused(tmp_path: Path, given: UserIds):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    Store(url, KEY).close()
    with pytest.raises(ConfigError, match="another key"):
        Store(url, given)

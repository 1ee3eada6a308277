"""A bundle's items and events in SQL: copied once, told as they went in."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pandas as pd

from serving.store import Event, Store, store_url
from tests.serving.api.circle import circle_items


def interactions(*rows: tuple[str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    return table.assign(event="view", value=float("nan"), request_id="")


def test_items_come_back_as_they_went_in(store: Store):
    items = circle_items(5)
    items.loc[2, "price"] = float("nan")
    assert store.fill_items(items, "a")
    back = store.read_items()[list(items.columns)]
    pd.testing.assert_frame_equal(back, items, check_dtype=False)


def test_items_are_copied_once_per_bundle(store: Store):
    assert store.fill_items(circle_items(5), "a")
    assert not store.fill_items(circle_items(5), "a")
    assert store.fill_items(circle_items(3), "b")
    assert store.counts() == (3, 0)


def test_an_empty_catalog_has_its_columns(store: Store):
    assert store.read_items().empty
    assert "has_photo" in store.read_items().columns


def test_imported_events_are_replaced_and_the_apis_own_are_kept(store: Store):
    store.fill_events(interactions(("ann", "1", 1.0), ("ann", "2", 2.0)), "a")
    store.add_events([Event("ann", "3", "view", 3.0)])
    assert not store.fill_events(interactions(), "a")
    assert store.fill_events(interactions(("ann", "9", 1.5)), "b")
    assert [event.item_id for event in store.history("ann", 10)] == ["9", "3"]


def test_the_default_url_is_a_file_in_the_workdir(tmp_path: Path):
    assert store_url("", tmp_path / "s.sqlite") == f"sqlite:///{tmp_path / 's.sqlite'}"
    assert store_url("postgresql://x/y", tmp_path) == "postgresql://x/y"


def test_programs_that_start_at_once_copy_once(database_url: str):
    def fill() -> None:
        store = Store(database_url)
        filled.append(store.fill_events(interactions(("ann", "1", 1.0), ("bob", "2", 2.0)), "a"))
        store.close()

    filled: list[bool] = []
    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(filled) == [False, False, False, True]
    with contextlib.closing(Store(database_url)) as store:
        assert store.counts() == (0, 2)

"""Live items come back as they were put, after a restart too."""

from __future__ import annotations

import contextlib
import threading

import numpy as np

from serving.store import LiveItem, Store

DRESS = LiveItem(
    "d/1", {"title": "Red dress \u2764", "price": 9.5, "available": True, "attr_color": "red"},
    np.array([0.6, -0.8], np.float32), np.array([0.25, 0.5, 1.0], np.float32), "abc",
    (b"main", b"back"), 5.0,
)  # fmt: skip


def test_an_item_comes_back_after_a_restart_as_it_was_put(database_url: str):
    store = Store(database_url)
    store.put_item(DRESS)
    store.close()
    with contextlib.closing(Store(database_url)) as again:
        (back,) = again.live_items()
    np.testing.assert_array_equal(back.embedding, DRESS.embedding)
    np.testing.assert_array_equal(back.candidate, DRESS.candidate)
    assert back.embedding is not None and back.embedding.dtype == np.float32
    names = ("item_id", "fields", "fingerprint", "photos", "timestamp", "withdrawn")
    assert [getattr(back, name) for name in names] == [getattr(DRESS, name) for name in names]


def test_a_second_put_replaces_the_first(store: Store):
    store.put_item(DRESS)
    store.put_item(LiveItem("d/1", {"title": "Blue"}, photos=(b"other",), timestamp=6.0))
    (back,) = store.live_items()
    assert (back.fields, back.embedding, back.photos) == ({"title": "Blue"}, None, (b"other",))


def test_a_withdrawn_item_keeps_what_is_known_of_it(store: Store):
    store.put_item(DRESS)
    store.withdraw_item("d/1", 7.0)
    store.withdraw_item("from the bundle", 8.0)
    first, second = store.live_items()
    assert (first.withdrawn, first.fields, first.timestamp) == (True, DRESS.fields, 7.0)
    assert (second.item_id, second.withdrawn, second.fields) == ("from the bundle", True, {})
    store.put_item(DRESS)
    assert not store.live_items()[0].withdrawn


def test_photos_are_left_out_on_demand(store: Store):
    store.put_item(DRESS)
    assert store.live_items(with_photos=False)[0].photos == ()


def test_every_change_is_counted(store: Store):
    assert store.live_changes() == 0
    store.put_item(DRESS)
    store.withdraw_item("d/1", 7.0)
    assert store.live_changes() == 2
    store.forget_live_items(["d/1"])
    assert (store.live_items(), store.live_changes()) == ([], 3)


def test_puts_at_once_leave_one_of_them_whole(store: Store):
    def put(number: int) -> None:
        store.put_item(LiveItem("x", {"n": number}, photos=(b"%d" % number,) * number))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (back,) = store.live_items()
    number = back.fields["n"]
    assert back.photos == (b"%d" % number,) * number

"""Changes are counted by what an item is, not by where its files lie or when they were written."""

import numpy as np
import pandas as pd
import pytest

from recsys.embedding_table import Part, write_table
from recsys.errors import DataError
from recsys.workdir import Workdir
from vitrine.catalog_changes import (
    Changes,
    compare_catalogs,
    count_changed_photos,
    photo_hashes,
    refuse_shrunk,
)


def catalog(rows, **more):
    frame = pd.DataFrame(rows, columns=["item_id", "title", "price"])
    return frame.assign(image="a.jpg", split="train", **more)


OLD = catalog([("a", "one", 1.0), ("b", "two", np.nan), ("c", "three", 3.0)])


def test_items_come_leave_and_change():
    new = catalog([("b", "two", 2.0), ("c", "three", 3.0), ("d", "four", 4.0), ("e", "5", 5.0)])
    changes = compare_catalogs(OLD, new)
    # a left; b has a price now; c stayed; d and e came
    assert (changes.added, changes.removed, changes.metadata_changed) == (2, 1, 1)
    assert (changes.before, changes.items) == (3, 4)
    assert "4 items: 2 added, 1 removed" in changes.line


def test_another_order_split_or_place_of_a_photo_is_no_change():
    new = OLD.iloc[::-1].assign(split="test", image="moved/a.jpg")
    changes = compare_catalogs(OLD, new)
    assert (changes.added, changes.removed, changes.metadata_changed) == (0, 0, 0)


def test_a_new_column_changes_the_items_that_it_says_something_of():
    new = OLD.assign(attr_color=["red", "", "blue"])
    old = OLD.assign(attr_color=["red", "", "green"])
    assert compare_catalogs(old, new).metadata_changed == 1
    assert compare_catalogs(OLD, new).metadata_changed == 3


def test_a_catalog_that_lost_too_many_items_is_refused_with_its_numbers():
    changes = Changes(items=80, before=100, added=0, removed=20, metadata_changed=0)
    refuse_shrunk(changes, 0.2, "catalog.csv")
    with pytest.raises(DataError, match="20 of 100 items are gone, more than 10%") as caught:
        refuse_shrunk(changes, 0.1, "catalog.csv")
    assert "--allow-shrink" in caught.value.line


def test_items_under_new_ids_do_not_hide_that_the_old_ones_are_gone():
    changes = Changes(items=100, before=100, added=90, removed=90, metadata_changed=0)
    with pytest.raises(DataError):
        refuse_shrunk(changes, 0.1, "catalog.csv")


def write_photos(workdir, hashes):
    vectors = np.tile(np.array([[0.6, 0.8]], np.float32), (len(hashes), 1))
    part = Part(item_ids=list(hashes), photo_sha256=list(hashes.values()), vectors=vectors)
    write_table(workdir.embeddings, [part], tower_fingerprint="t", embedding_dim=2, inputs={})


def test_photos_are_compared_by_their_bytes(tmp_path):
    old, new = Workdir(tmp_path / "old"), Workdir(tmp_path / "new")
    write_photos(old, {"a": "11", "b": "22", "c": "33"})
    write_photos(new, {"a": "11", "b": "2x", "d": "44"})
    assert photo_hashes(old)["b"] == "22"
    # of a, b and c: b has other bytes, and c has no photo any more
    assert count_changed_photos(old, new, {"a", "b", "c"}) == 2
    assert photo_hashes(Workdir(tmp_path / "none")) == {}

"""Where shoppers lie."""

import numpy as np
import pandas as pd
import pytest

from recsys.analysis.taste import ItemVectors, by_category, item_vectors, tastes_of
from recsys.workdir import Workdir
from tests.recsys.small_shop import make_shop

CATALOG = pd.DataFrame({"item_id": ["a", "b", "c"], "category": ["x", "y", ""]})
ITEMS = ItemVectors("photo", np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32))


def events(*rows):
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event"])


def test_a_taste_is_the_weighted_mean_beyond_what_all_items_share():
    log = events(("u", "a", "view"), ("u", "a", "purchase"), ("u", "b", "view"), ("u", "c", "view"))
    found = tastes_of(log, CATALOG, ITEMS, {"view": 1.0, "purchase": 3.0}, least=2)
    # centered: a (.5, -.5), b (-.5, .5); 3 a + b = (1, -1); c has no vector
    assert found.user_ids.tolist() == ["u"]
    assert found.vectors[0] == pytest.approx(np.array([1, -1]) / np.sqrt(2))


def test_who_touched_little_or_only_disliked_has_no_taste():
    log = events(("u", "a", "view"), ("v", "a", "dislike"), ("v", "b", "dislike"))
    found = tastes_of(log, CATALOG, ITEMS, {"dislike": 0.0}, least=2)
    assert found.vectors.shape == (0, 2)


def test_who_likes_everything_alike_has_no_direction():
    log = events(("u", "a", "view"), ("u", "b", "view"))
    assert len(tastes_of(log, CATALOG, ITEMS, {}, least=2).user_ids) == 0


def test_categories_are_axes():
    assert by_category(CATALOG).tolist()[2] == [0, 0, 0]
    assert np.linalg.norm(by_category(CATALOG), axis=1).tolist() == [1, 1, 0]


def test_photos_are_taken_where_there_are_any(tmp_path):
    _, workdir = make_shop(tmp_path, photos=True)
    catalog = pd.DataFrame({"item_id": ["i3", "unknown"], "category": ["x", "y"]})
    found = item_vectors(workdir, catalog)
    assert found.source == "photo"
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx([1, 0])


def test_an_empty_workdir_leaves_categories(tmp_path):
    assert item_vectors(Workdir(tmp_path), CATALOG).source == "category"

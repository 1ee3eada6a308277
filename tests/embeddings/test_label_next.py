"""Photos worth a label: unsure ones, no two alike."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.label_next import label_next, pick
from embeddings.train_tower import train_tower
from recsys.errors import DataError, NotFoundError
from tests.embeddings.small_catalog import SHAPES, prepared, small_config, write_catalog


def rng():
    return np.random.default_rng(0)


def test_the_least_sure_comes_first_and_the_sure_last():
    probabilities = np.array([[0.99, 0.01], [0.55, 0.45], [0.9, 0.1], [1.0, 0.0]], np.float32)
    features = np.eye(4, dtype=np.float32)
    picks = pick(probabilities, features, 4, rng())
    # lengths: 2 * 0.01² .. 2 * 0.45² .. 2 * 0.1² .. 0
    assert picks[0] == 1
    assert picks[-1] == 3
    assert sorted(picks) == [0, 1, 2, 3]


def test_no_two_alike_are_picked_while_others_are_left():
    # ten copies of one photo, and three others, all as unsure
    features = np.vstack([np.tile([1.0, 0, 0, 0], (10, 1)), np.eye(4)[1:]]).astype(np.float32)
    probabilities = np.full((13, 2), 0.5, np.float32)
    picks = pick(probabilities, features, 4, rng())
    assert len({tuple(features[row]) for row in picks}) == 4


@pytest.mark.parametrize(("count", "rows"), [(5, 3), (2, 2), (1, 0)])
def test_no_more_than_there_are(count, rows):
    probabilities, features = np.full((rows, 2), 0.5, np.float32), np.ones((rows, 3), np.float32)
    picks = pick(probabilities, features, count, rng())
    assert len(picks) == len(set(picks.tolist())) == min(count, rows)


@pytest.fixture(scope="module")
def half_labeled(tmp_path_factory):
    root = tmp_path_factory.mktemp("catalog")
    frame = write_catalog(root)
    frame.loc[frame.index % 5 < 2, "category"] = ""
    frame.to_csv(root / "catalog.csv", index=False)
    (root / "5.png").write_bytes(b"no photo")  # item i5 is unlabeled, and cannot be looked at
    config = small_config(root, tower={"epochs": 2})
    workdir = prepared(root, config)
    train_tower(config, workdir)
    return config, workdir, frame


def test_only_unlabeled_items_of_the_training_split_are_picked(half_labeled):
    config, workdir, frame = half_labeled
    picks = label_next(config, workdir, 100)
    wanted = frame[(frame["category"] == "") & (frame["split"] == "train")]["item_id"]
    assert set(picks["item_id"]) == set(wanted) - {"i5"}
    assert list(picks.columns) == ["item_id", "image", "guess", "probability", "category"]
    assert set(picks["guess"]) <= set(SHAPES)
    assert picks["category"].eq("").all()
    assert picks["probability"].between(0.5, 1).all()


def test_what_is_not_there_is_said(half_labeled):
    config, workdir, _ = half_labeled
    with pytest.raises(NotFoundError, match="attr_size"):
        label_next(config, workdir, 3, "attr_size")
    with pytest.raises(DataError, match="attr_color"):
        label_next(config, workdir, 3, "attr_color")  # all of them are labeled

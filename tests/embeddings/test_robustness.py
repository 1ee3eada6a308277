"""R@1 after each hardship, with a gallery whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.adversary import STRENGTHS
from embeddings.hardships import HARDSHIPS
from embeddings.image_tower import load_tower
from embeddings.labels import read_labels
from embeddings.robustness import UNCHANGED, robustness
from embeddings.seen_photos import see_photos
from recsys.catalog import load_catalog


@pytest.fixture(scope="module")
def seen(trained):
    config, workdir = trained
    tower = load_tower(workdir.tower)
    labels = read_labels(load_catalog(workdir), 100).numbers["category"]
    with see_photos(config, workdir, tower, "test") as found:
        return tower, np.array(found.pixels), labels[found.item_rows], found.vectors


def test_every_hardship_is_tried_and_photos_find_themselves(seen):
    tower, pixels, labels, vectors = seen
    found = robustness(tower, pixels, labels, vectors, labels, 8)
    names = [UNCHANGED, *HARDSHIPS, *(f"adversary {strength}" for strength in STRENGTHS)]
    assert list(found) == names
    assert found[UNCHANGED] == 1.0  # each photo is in the gallery
    assert all(0 <= value <= 1 for value in found.values())


def test_r_at_1_is_the_share_of_nearest_that_are_right(seen):
    tower, pixels, labels, vectors = seen
    wrong = np.where(np.arange(len(labels)) < 4, 1 - labels, labels)
    # of photos that find themselves, the four whose gallery label is wrong miss
    assert robustness(tower, pixels, labels, vectors, wrong, 8)[UNCHANGED] == pytest.approx(12 / 16)


def test_without_labels_nothing_is_asked(seen):
    tower, pixels, labels, vectors = seen
    assert robustness(tower, pixels, np.full_like(labels, -1), vectors, labels, 8) == {}

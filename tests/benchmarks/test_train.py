"""The training benchmark: what it draws."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from train import CATEGORIES, draw_events, draw_items


def test_drawn_shoppers_have_histories_in_order_over_the_whole_catalog():
    sequences = draw_events(300, 50, 10)
    assert (sequences.num_users, len(sequences.rows)) == (300, int(sequences.offsets[-1]))
    assert 9 < sequences.lengths.mean() < 11
    assert sequences.lengths.min() >= 3
    assert (np.diff(sequences.times) > 0).all()
    counts = np.bincount(sequences.rows, minlength=50)
    assert (len(counts), counts[:10].sum() > counts[-10:].sum()) == (50, True)


def test_drawn_items_have_one_category_of_the_vocabulary():
    features, vocabulary = draw_items(1000)
    assert features.num_items == 1000
    assert len(vocabulary.tokens["category"]) == CATEGORIES
    assert set(np.unique(features.bags["category"])) == set(range(1, CATEGORIES + 1))

"""The cold benchmark: who is taken out, what chance gives, what a bar compares."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from cold import FIELDS, Result, bars, chosen, random_recall, with_fields

from recsys.config import Config
from recsys.sequences import make_sequences
from recsys.splits import cold


def test_a_fifth_is_chosen_by_the_seed_alone():
    ids = [f"i{number}" for number in range(5000)]
    first = chosen(ids, 0)
    assert first.mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(first, chosen(ids, 0))
    # another seed chooses another fifth: the two share a fifth of a fifth
    assert (first & chosen(ids, 1)).mean() == pytest.approx(0.04, abs=0.01)


def test_chance_leaves_out_what_a_shopper_has_seen_of_the_shelf():
    # 42 new items; u comes to n1 with nothing of them seen, and to n2 with n1 seen
    rows = [("u", "old"), ("u", "n1"), ("u", "n2")]
    events = pd.DataFrame(rows, columns=["user_id", "item_id"])
    events = events.assign(event="view", timestamp=[1.0, 2.0, 3.0])
    ids = ["old", *(f"n{number}" for number in range(42))]
    new = np.arange(43) > 0
    split = cold(make_sequences(events, ids, {"view": 1.0}), new, mask_repeats=True)
    assert random_recall(split.cold, new) == pytest.approx((20 / 42 + 20 / 41) / 2)


def test_a_variant_reads_the_fields_that_it_names():
    model = with_fields(Config(), ("image",)).model
    assert [field for field in FIELDS if getattr(model, f"use_{field}")] == ["image"]


def test_the_bars_compare_means_over_seeds():
    def result(cold_recall: float, warm: float) -> Result:
        return Result((cold_recall, 0, 1), 0.0, 0.1, (warm, warm - 0.02, warm + 0.02))

    found = {"ids alone": [result(0.1, 0.10)], "photo alone": [result(0.2, 0.09)],
             "everything": [result(0.3, 0.09), result(0.5, 0.10)]}  # fmt: skip
    lines = bars(found)
    assert "2.00 (bar 1.8)" in lines[0]
    assert "4.00 (bar 3.5)" in lines[1]
    assert "-0.0050 (bar -0.0200" in lines[2]
    shop = {"without photos": [result(0.2, 0)], "with photos": [result(0.5, 0)]}
    assert bars(shop) == ["with photos over without: 2.50 (bar 2.0)"]

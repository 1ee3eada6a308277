"""The ranker served: the same numbers in memory and loaded, and unknown items left alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.config import RankerConfig
from recsys.rank_features import FEATURES, RankFacts
from recsys.ranker import Ranker
from serving.canaries import text
from serving.loaded_servable import LoadedServable
from serving.rank import Rank
from serving.servables import save_servable

IDS = ["a", "b", "c"]
FACTS = RankFacts(np.array([1.0, 2.0, np.nan], np.float32), np.array([0, 0, 1], np.int32),
                  np.eye(3, 2, dtype=np.float16))  # fmt: skip


@pytest.fixture(scope="module")
def servable() -> Rank:
    """A ranker that adds the share of the candidate's category in the history."""
    width = len(FEATURES)
    ranker = Ranker(RankerConfig(cross_layers=0, hidden=1), np.zeros(width, np.float32),
                    np.ones(width, np.float32))  # fmt: skip
    ranker._deep.kernel.assign(tf.one_hot([FEATURES.index("category_share")], width)[0][:, None])
    ranker._out.kernel.assign([[1.0]])
    return Rank(ranker, FACTS, np.zeros((3, 2), np.float32), IDS, "f0")


ASKED = {
    "history": text(["a", "c"]).reshape(1, 2), "ages": np.array([[np.nan, -5.0]], np.float32),
    "item_ids": text(["b", "c", "no such item", "a"]).reshape(1, 4),
    "scores": np.array([[0.5, 0.25, 0.125, -np.inf]], np.float32),
}  # fmt: skip


@pytest.mark.parametrize("how", ["in memory", "loaded"])
def test_scores_are_corrected_and_what_is_unknown_keeps_its_own(servable, how, tmp_path):
    if how == "in memory":
        asked = {name: tf.constant(value) for name, value in ASKED.items()}
        found = {name: value.numpy() for name, value in
                 servable.signatures()["serving_default"](**asked).items()}  # fmt: skip
    else:
        save_servable(servable, tmp_path / "1")
        found = LoadedServable(tmp_path / "1").predict(ASKED, "serving_default")
    # half of the history is of b's category, half of c's; a score of -inf stays out
    assert found["scores"][0].tolist() == [1.0, 0.75, 0.125, -np.inf]
    assert len(found["fingerprint"]) == 1

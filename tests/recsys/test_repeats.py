"""What becomes of consumed items, kind by kind, in targets, ranking and training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.config import ModelConfig, config_from
from recsys.errors import ConfigError
from recsys.ranking import masked_ranks
from recsys.repeats import boosted_kinds, kinds_called, masked_kinds, word_for
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out

WEIGHTS = {"view": 1.0, "purchase": 3.0, "like": 2.0}
GROCERY = ModelConfig(
    event_weights=WEIGHTS, repeat_consumption={"purchase": "boost", "view": "allow"}
)


def test_one_word_is_for_all_kinds():
    assert masked_kinds(ModelConfig(event_weights=WEIGHTS)).all()
    allowed = ModelConfig(event_weights=WEIGHTS, repeat_consumption="allow")
    assert not masked_kinds(allowed).any() and not boosted_kinds(allowed).any()


def test_kinds_that_are_not_named_mask():
    assert word_for(GROCERY.repeat_consumption, "like") == "mask"
    # numbers: 0 unknown, then like, purchase, view
    assert masked_kinds(GROCERY).tolist() == [True, True, False, False]
    assert boosted_kinds(GROCERY).tolist() == [False, False, True, False]
    assert kinds_called(GROCERY, "boost") == ["purchase"]


def test_another_word_is_refused():
    with pytest.raises(ConfigError, match="repeat_consumption"):
        config_from({"model": {"repeat_consumption": {"view": "hide"}}}, where="test")


def test_a_case_is_ranked_among_what_may_be_shown():
    # u viewed a, liked b, and then bought a: a view leaves a in the list, the like hides b
    frame = pd.DataFrame(
        [("u", "a", "view", 0.0), ("u", "b", "like", 1.0), ("u", "a", "purchase", 2.0)],
        columns=["user_id", "item_id", "event", "timestamp"],
    )
    sequences = make_sequences(frame, ["a", "b", "c"], WEIGHTS)
    masks = masked_kinds(GROCERY)
    cases = leave_last_out(sequences, 3, mask_repeats=masks).test
    assert cases.targets.tolist() == [0]
    scorer = lambda part: np.array([[0.1, 0.9, 0.5]], np.float32)  # noqa: E731
    # b is hidden, c stands above
    assert masked_ranks(scorer, cases, 3, mask_seen=masks).tolist() == [2]
    assert len(leave_last_out(sequences, 3, mask_repeats=True).test) == 1
    assert leave_last_out(sequences, 3, mask_repeats=True).test.targets.tolist() == [1]

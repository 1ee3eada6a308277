"""The input of training: every target once per epoch, in an order that the seed decides."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsys.config import config_from
from recsys.sequences import make_sequences
from recsys.training_input import Epochs

CONFIG = config_from({"model": {"history_length": 4}, "train": {"batch_size": 2}}, where="test")


def _epochs() -> Epochs:
    rows = [(f"u{user}", f"i{step}", "view", 10.0 * step)
            for user, length in enumerate((3, 9, 1)) for step in range(length)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "event", "timestamp"])
    sequences = make_sequences(frame, [f"i{n}" for n in range(9)], {"view": 1.0})
    return Epochs(sequences, sequences.weights, CONFIG)


def _targets(epochs: Epochs, epoch: int) -> list[list[int]]:
    return [batch.targets.numpy()[batch.weights.numpy() > 0].tolist() for batch in epochs(epoch)]


def test_every_event_is_a_target_once_in_each_epoch():
    epochs = _epochs()
    for epoch in (1, 2):
        counts = np.bincount(np.concatenate(_targets(epochs, epoch)), minlength=9)
        # item 0 was touched by all three, items 1 and 2 by two, the others by one
        assert counts.tolist() == [3, 2, 2, 1, 1, 1, 1, 1, 1]
    assert epochs.examples == 2 * 13
    assert epochs.waited > 0


def test_an_epoch_comes_in_the_same_order_again_and_the_next_in_another():
    assert _targets(_epochs(), 3) == _targets(_epochs(), 3)
    orders = {str(_targets(_epochs(), epoch)) for epoch in range(6)}
    assert len(orders) > 1

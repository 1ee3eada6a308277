"""The fingerprint lies beside the graph: another file, another answer, the same graph."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from serving.loaded_servable import LoadedServable
from serving.servables import DEFAULT, Encoder, Functions, Tensors, save_servable
from serving.stamp import FINGERPRINT, Stamp


class Doubled(Encoder):
    """Twice what it is given."""

    def _functions(self) -> Functions:
        return {DEFAULT: (self._double, [tf.TensorSpec([None], tf.float32, name="x")])}

    def _double(self, x: tf.Tensor) -> Tensors:
        return self._stamped(x, y=2.0 * x)


@pytest.fixture
def saved(tmp_path):
    """A saved servable of the bundle `first`."""
    save_servable(Doubled("first"), tmp_path / "1")
    return tmp_path / "1"


def _ask(folder) -> dict[str, np.ndarray]:
    loaded = LoadedServable(folder)
    try:
        return loaded.predict({"x": [1.0, 2.0]})
    finally:
        loaded.close()


def test_every_row_is_stamped():
    assert Stamp("abc")(tf.constant([2])).numpy().tolist() == [b"abc", b"abc"]
    assert Stamp("abc")(tf.constant([0])).shape == (0,)


def test_a_servable_in_memory_and_loaded_again_says_its_bundle(saved):
    in_memory = Doubled("first").signatures()[DEFAULT](tf.constant([1.0]))
    assert in_memory["fingerprint"].numpy().tolist() == [b"first"]
    assert _ask(saved)["fingerprint"].tolist() == ["first", "first"]


def test_another_file_is_another_bundle_of_the_same_graph(saved):
    before = (saved / "saved_model.pb").read_bytes()
    (saved / FINGERPRINT).write_text("second")
    answer = _ask(saved)
    assert answer["fingerprint"].tolist() == ["second", "second"]
    assert answer["y"].tolist() == [2.0, 4.0]
    assert (saved / "saved_model.pb").read_bytes() == before and b"first" not in before

"""Requests that come at once are one batch, answered as if alone; a bad one fails alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tensorflow as tf

from serving.batch_function import Batching, batched
from serving.loaded_servable import LoadedServable


class Doubling(tf.Module):
    """Reads a number from text, outside the batch; doubles it and tells the batch size, inside."""

    def __init__(self, max_batch: int = 4) -> None:
        super().__init__()
        self.factor = tf.Variable([2.0, 20.0])
        spec = tf.TensorSpec([None], tf.float32)
        batching = Batching(max_batch, timeout_micros=50_000)
        self.network = batched(self._double, spec, batching, f"doubling-{max_batch}")
        self.answer = tf.function(
            self._answer, input_signature=[tf.TensorSpec([None], tf.string, name="text")]
        )

    def _double(self, numbers):
        size = tf.fill(tf.shape(numbers), tf.cast(tf.shape(numbers)[0], tf.float32))
        return {"twice": numbers[:, None] * self.factor, "at_once": size}

    def _answer(self, text):
        return self.network(tf.strings.to_number(text))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> LoadedServable:
    module = Doubling()
    folder = tmp_path_factory.mktemp("model") / "1"
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.answer})
    return LoadedServable(folder)


def test_it_answers_as_the_network_alone(loaded):
    answer = loaded.predict({"text": ["1", "3"]})
    assert answer["twice"].tolist() == [[2, 20], [6, 60]]
    module = Doubling(max_batch=5)
    np.testing.assert_allclose(module.answer(["1", "3"])["twice"], answer["twice"])


def test_an_empty_request_and_a_long_one(loaded):
    assert loaded.predict({"text": np.zeros(0, object)})["twice"].shape == (0, 2)
    answer = loaded.predict({"text": [str(n) for n in range(11)]})
    assert answer["twice"][:, 0].tolist() == [2 * n for n in range(11)]
    # 11 rows in batches of at most 4
    assert answer["at_once"].max() <= 4


def test_what_comes_at_once_is_one_batch_and_a_bad_request_fails_alone(loaded):
    answers, failed = {}, []

    def ask(number: int) -> None:
        try:
            answers[number] = loaded.predict({"text": ["bad" if number == 0 else str(number)]})
        except Exception as error:
            failed.append((number, type(error).__name__))

    sizes: list[float] = []
    for _ in range(5):
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {n: a["twice"][0, 0] for n, a in answers.items()} == {1: 2, 2: 4, 3: 6, 4: 8}
        sizes += [float(a["at_once"][0]) for a in answers.values()]
    assert {number for number, _ in failed} == {0}
    assert len(failed) == 5
    assert max(sizes) > 1

"""The servable of words says what the tower says, also once it is loaded again."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from embeddings.text_tower import TextSettings, build_text_tower
from serving.loaded_servable import LoadedServable
from serving.servables import save_servable
from serving.text_encoder import TextEncoder


@pytest.fixture(scope="module")
def tower():
    return build_text_tower(TextSettings(embedding_dim=4, num_buckets=64, width=8))


def test_a_saved_encoder_cuts_words_by_itself(tower, tmp_path):
    save_servable(TextEncoder(tower, "abc"), tmp_path / "1")
    loaded = LoadedServable(tmp_path / "1")
    texts = np.array([b"Red Dress", b"", "Été".encode()], dtype=object)
    answer = loaded.predict({"text": texts})
    np.testing.assert_allclose(answer["embedding"], tower(tf.constant(texts)).numpy(), atol=1e-6)
    assert set(answer["fingerprint"]) == {"abc"}
    loaded.close()


def test_an_empty_batch_is_answered(tower):
    answer = TextEncoder(tower, "abc").signatures()["serving_default"](tf.zeros([0], tf.string))
    assert answer["embedding"].shape == (0, 4)

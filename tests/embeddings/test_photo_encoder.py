"""A tower as a function of a few photos: the same whatever they are encoded beside."""

from __future__ import annotations

import numpy as np

from embeddings.image_tower import load_tower
from embeddings.photo_encoder import make_encode


def test_fewer_photos_than_a_batch_give_their_own_vectors(trained):
    tower = load_tower(trained[1].tower)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    encode = make_encode(tower, 4)
    whole = encode(pixels)
    assert whole.shape == (4, 16)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(encode(pixels[2:3]), whole[2:3], atol=1e-6)
    np.testing.assert_allclose(whole, tower.layer(pixels.astype(np.float32)), atol=1e-6)

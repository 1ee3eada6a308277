"""Words are drawn to the photos that they fit."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from embeddings.captions import Captions
from embeddings.text_tower import TextSettings, build_text_tower, load_text_tower
from embeddings.train_words import alignment_loss, fit_words, own_photo_recall, train_words
from recsys.config import WordsConfig, config_from
from recsys.errors import TrainingError

COLORS, KINDS = ["red", "blue", "green"], ["dress", "shoe"]


def colored_items(copies: int = 8) -> tuple[pd.DataFrame, np.ndarray]:
    """Items whose photo says color and kind: two unit vectors beside each other, and noise."""
    named = [(c, k) for c in range(3) for k in range(2)] * copies
    photos = np.array([np.r_[np.eye(3)[c], np.eye(2)[k]] for c, k in named])
    photos += np.random.default_rng(0).normal(0, 0.05, photos.shape)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    texts = [(COLORS[c], KINDS[k]) for c, k in named]
    table = pd.DataFrame({
        "title": [f"Brand{i} {color} {kind}" for i, (color, kind) in enumerate(texts)],
        "category": [f"All > {kind}" for _, kind in texts],
        "attr_color": [color for color, _ in texts],
    })  # fmt: skip
    return table, photos.astype(np.float32)


def test_the_loss_is_the_cross_entropy_of_both_directions():
    unit = tf.eye(2)
    # logits 1 on the diagonal and 0 beside it: -log(e / (e + 1)) for each row and column
    alone = alignment_loss(unit, unit, tf.constant([0, 1]), tf.constant(1.0))
    assert float(alone) == pytest.approx(-math.log(math.e / (math.e + 1)))
    # with one key both fit both: the mean of -log(e / (e + 1)) and -log(1 / (e + 1))
    both = alignment_loss(unit, unit, tf.constant([5, 5]), tf.constant(1.0))
    assert float(both) == pytest.approx(math.log(math.e + 1) - 0.5)


def test_color_and_kind_are_understood_together():
    table, photos = colored_items()
    config = WordsConfig(num_buckets=512, width=16, epochs=60, batch_size=16, dropout=0.0)
    tower = fit_words(Captions(table), photos, np.arange(len(table)), config)
    for number, (color, kind) in enumerate((c, k) for c in COLORS for k in KINDS):
        nearest = photos @ tower(tf.constant([f"{color} {kind}"])).numpy()[0]
        assert int(np.argmax(nearest)) % 6 == number


def test_a_loss_that_is_no_number_stops_the_training():
    table, photos = colored_items(1)
    config = WordsConfig(num_buckets=8, width=4, epochs=2, batch_size=6, noise=0.0)
    with pytest.raises(TrainingError, match="no number"):
        fit_words(Captions(table), photos * np.nan, np.arange(6), config)


def test_recall_counts_titles_whose_photo_is_near():
    tower = build_text_tower(TextSettings(2, 8, 4))
    titles = ["a", "b", "c"]
    photos = tower(tf.constant(titles)).numpy()
    assert own_photo_recall(tower, titles, photos, k=1)["title_to_photo_recall@1"] == 1.0
    assert own_photo_recall(tower, titles, photos, k=1)["chance"] == pytest.approx(1 / 3, abs=1e-4)
    assert own_photo_recall(tower, [], photos) == {}


def test_the_step_keeps_a_tower_that_belongs_to_the_embeddings(demo_workdir, demo_config):
    loaded = load_text_tower(demo_workdir.words)
    assert loaded.tower.settings.embedding_dim == demo_config.tower.embedding_dim
    assert config_from({}, where="tests").words.epochs >= 1
    assert train_words.__module__ == "embeddings.train_words"

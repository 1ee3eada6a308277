"""The `train-words` step: a text tower beside the photos, which stay where they are.

Contrastive alignment as in CLIP (Radford et al., ICML 2021) with the image side locked (LiT: Zhai
et al., CVPR 2022): each text is drawn to the photos that it fits and away from the others of its
batch, and each photo likewise to its texts. Texts are learned from training items alone.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import tensorflow as tf

from embeddings.captions import Captions
from embeddings.text_tower import (
    KIND,
    TextSettings,
    TextTower,
    build_text_tower,
    save_text_tower,
)
from recsys import columns
from recsys.artifact import write_artifact
from recsys.catalog import load_catalog
from recsys.config import Config, WordsConfig
from recsys.embedding_table import open_table
from recsys.errors import DataError, TrainingError
from recsys.progress import say
from recsys.workdir import Workdir

SAID_EVERY = 20  # epochs


def train_words(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Trains a text tower on the training items that have a title and a photo.

    Returns:
        items, seconds, and of validation items the share whose own photo is among the ten
        nearest to their title, beside chance.

    Raises:
        ArtifactError: there is no embedding table.
        DataError: no training item has both a title and a photo.
        TrainingError: the loss is no number.
    """
    started = time.monotonic()
    table = open_table(workdir.embeddings)
    catalog = load_catalog(workdir)
    vectors, present = table.vectors_for([str(i) for i in catalog[columns.ITEM_ID].tolist()])
    told = present & (catalog[columns.TITLE] != "").to_numpy()
    split = catalog[columns.SPLIT].to_numpy(dtype=object)
    rows = np.flatnonzero(told & (split == "train"))
    if not len(rows):
        raise DataError("no training item has both a title and a photo.", where="the catalog",
                        mend="Words need titles: fill the column `title`.")  # fmt: skip
    tf.keras.utils.set_random_seed(config.words.seed)
    captions = Captions(catalog, config.words.seed)
    tower = fit_words(captions, vectors, rows, config.words)
    judged = np.flatnonzero(told & (split == "validation"))
    titles = [str(catalog[columns.TITLE].iloc[row]) for row in judged]
    summary = {
        "items": len(rows), "seconds": round(time.monotonic() - started, 1),
        **own_photo_recall(tower, titles, vectors[judged]),
    }  # fmt: skip
    say(f"  words: {summary}")
    with write_artifact(workdir.words, KIND) as draft:
        save_text_tower(tower, draft.path)
        draft.inputs |= {"embeddings": table.fingerprint, "tower": table.tower_fingerprint}
        draft.info.update(summary)
    return summary


def fit_words(
    captions: Captions, vectors: np.ndarray, rows: np.ndarray, config: WordsConfig
) -> TextTower:
    """Trains a tower whose texts lie where the photos of their items do.

    Args:
        captions: draws the texts.
        vectors: float32 [num_items, dim] unit vectors of photos.
        rows: the items that are learned from.
    """
    settings = TextSettings(vectors.shape[1], config.num_buckets, config.width)
    tower = build_text_tower(settings, config.dropout)
    # 0.07 is where CLIP starts; the scale is learned as its logarithm
    log_scale = tf.Variable(math.log(1 / 0.07), name="log_scale")
    random = np.random.default_rng(config.seed)
    size = min(config.batch_size, len(rows))
    num_steps = config.epochs * max(1, len(rows) // size)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        0.0, num_steps, warmup_target=config.learning_rate, warmup_steps=max(1, num_steps // 20)
    )
    step = _step_of(tower, log_scale, tf.keras.optimizers.Adam(rate))
    for epoch in range(config.epochs):
        losses = []
        order = random.permutation(rows)
        for start in range(0, len(rows) - size + 1, size):
            batch = order[start : start + size]
            texts, keys = captions.draw(batch.tolist())
            photos = vectors[batch] + random.normal(0, config.noise, (size, vectors.shape[1]))
            numbers = np.unique(keys, return_inverse=True)[1].astype(np.int32)
            losses.append(step(tf.constant(texts), tf.constant(photos, tf.float32),
                               tf.constant(numbers)))  # fmt: skip
        loss = float(np.mean(losses))
        if not math.isfinite(loss):
            raise TrainingError("the loss is no number.", where=f"train-words, epoch {epoch + 1}",
                                mend="Lower words.learning_rate.")  # fmt: skip
        if (epoch + 1) % SAID_EVERY == 0:
            say(f"  words epoch {epoch + 1} of {config.epochs}: loss {loss:.4f}")
    return tower


def alignment_loss(
    texts: tf.Tensor, photos: tf.Tensor, keys: tf.Tensor, scale: tf.Tensor
) -> tf.Tensor:
    """InfoNCE in both directions, where a text may fit several photos of the batch.

    Args:
        texts, photos: float32 [batch, dim] unit vectors of the same items.
        keys: int32 [batch]; items with the same key are called the same.
        scale: inverse temperature.

    Returns:
        The mean cross-entropy against the even distribution over what fits.
    """
    logits = scale * tf.matmul(texts, photos, transpose_b=True)
    fits = tf.cast(tf.equal(keys[:, tf.newaxis], keys[tf.newaxis, :]), tf.float32)
    fits /= tf.reduce_sum(fits, axis=1, keepdims=True)  # symmetric: keys agree both ways
    both = [
        tf.nn.softmax_cross_entropy_with_logits(fits, logits),
        tf.nn.softmax_cross_entropy_with_logits(fits, tf.transpose(logits)),
    ]
    return tf.reduce_mean(tf.stack(both))


def own_photo_recall(
    tower: TextTower, titles: list[str], vectors: np.ndarray, k: int = 10
) -> dict[str, float]:
    """Share of titles whose own photo is among the k nearest, and what chance would give."""
    if not titles:
        return {}
    texts = tower(tf.constant(titles)).numpy()
    scores = texts @ vectors.T
    better = (scores > np.diag(scores)[:, np.newaxis]).sum(axis=1)
    return {
        f"title_to_photo_recall@{k}": round(float(np.mean(better < k)), 4),
        "chance": round(min(1.0, k / len(titles)), 4),
    }


def _step_of(tower: TextTower, log_scale: tf.Variable, optimizer: Any) -> Any:
    @tf.function(reduce_retracing=True)
    def step(texts: tf.Tensor, photos: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        photos = tf.math.l2_normalize(photos, axis=1)
        with tf.GradientTape() as tape:
            said = tower(texts, training=True)
            loss = alignment_loss(said, photos, keys, tf.exp(tf.minimum(log_scale, 4.6)))
        variables = [*tower.trainable_variables, log_scale]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step

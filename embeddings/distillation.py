"""What a small tower is taught by larger ones that have learned the same catalog."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from embeddings.image_tower import Tower
from recsys.errors import ConfigError

NEAR = 0.1  # what cosines are divided by before two towers' views of a batch are compared
SOFT = 2.0  # what logits are divided by, so that a teacher's second thoughts are heard


class Teachers:
    """One trained tower, or several whose views are averaged.

    Args:
        towers: their weights never change.
        values: label name to classes, of the tower that is taught; a label whose classes a
            teacher does not share is taught by the embeddings alone.

    Example:
        >>> teachers = Teachers([load_tower(Path("large/tower"))], {"category": ["hat", "shoe"]})
        >>> shares, chances = teachers.views(images)
    """

    def __init__(self, towers: Sequence[Tower], values: dict[str, list[str]]) -> None:
        if not towers:
            raise ConfigError("no teacher is named.", where="tower.teachers")
        self.towers = list(towers)
        self.labels = [
            name for name, classes in values.items()
            if all(tower.classes.get(name) == classes
                   and name not in tower.settings.several for tower in towers)
        ]  # fmt: skip

    def views(self, images: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """What the teachers make of a batch.

        Args:
            images: float32 [batch, size, size, 3], RGB in 0..255; each teacher gets them in its
                own size.

        Returns:
            How near each photo is to the others, see `nearness`, and for each shared label soft
            probabilities [batch, num_classes]; no gradient goes through them.
        """
        shares: list[tf.Tensor] = []
        chances: dict[str, list[tf.Tensor]] = {name: [] for name in self.labels}
        for tower in self.towers:
            size = [tower.image_size, tower.image_size]
            features = tower.layer.features(tf.image.resize(images, size))
            embeddings = tower.layer.embed(features)
            shares.append(nearness(embeddings))
            if tower.heads is not None:
                logits, _ = tower.heads(features, embeddings)
                for name in self.labels:
                    chances[name].append(tf.nn.softmax(logits[name] / SOFT))
        mean = tf.add_n(shares) / len(shares)
        return tf.stop_gradient(mean), {
            name: tf.stop_gradient(tf.add_n(found) / len(found)) for name, found in chances.items()
        }


def nearness(embeddings: tf.Tensor) -> tf.Tensor:
    """For each photo the softmax of its cosines with the others: float32 [batch, batch].

    It compares towers whatever the length of their embeddings (Fang et al. 2021, SEED).
    """
    return tf.nn.softmax(_cosines(embeddings))


def distillation_loss(
    views: tuple[tf.Tensor, dict[str, tf.Tensor]], embeddings: tf.Tensor,
    logits: dict[str, tf.Tensor],
) -> tf.Tensor:  # fmt: skip
    """How far a tower's view of a batch is from its teachers'.

    Cross-entropy of the teachers' nearness by the tower's, and of their soft probabilities
    (Hinton et al. 2015; by SOFT squared, as gradients of softened logits are that much smaller),
    each less the teachers' own entropy, so that 0 is agreement.

    Args:
        views: what `Teachers.views` gave.
        embeddings: float32 [batch, embedding_dim] of the tower that is taught, rows of norm 1.
        logits: its logits by label.
    """
    shares, chances = views
    loss = _divergence(shares, tf.nn.log_softmax(_cosines(embeddings)))
    for name, soft in chances.items():
        loss += SOFT**2 * _divergence(soft, tf.nn.log_softmax(logits[name] / SOFT))
    return loss


def _cosines(embeddings: tf.Tensor) -> tf.Tensor:
    cosines = tf.matmul(embeddings, embeddings, transpose_b=True) / NEAR
    itself = tf.eye(tf.shape(embeddings)[0], dtype=tf.bool)
    return tf.where(itself, -1e9, cosines)


def _divergence(shares: tf.Tensor, logs: tf.Tensor) -> tf.Tensor:
    gained = tf.math.xlogy(shares, shares) - shares * logs
    return tf.reduce_mean(tf.reduce_sum(gained, axis=1))

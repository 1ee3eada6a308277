"""What a tower is taught by: its labels, the pairs of a batch, its teachers, an adversary."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from embeddings.distillation import Teachers, distillation_loss
from embeddings.image_tower import CATEGORY, Tower
from embeddings.losses import contrastive_loss, masked_cross_entropy, masked_set_loss
from recsys.config import TowerConfig

CONTRASTIVE_TEMPERATURE = 0.1

Logits = dict[str, tf.Tensor]


class TowerLoss:
    """The loss of one training.

    Args:
        tower: that is taught.
        config: what counts how much.
        class_weights: for each label, how much a photo of each class counts; without labels the
            two halves of a batch are two views of the same photos.
        teachers: larger towers, whose view of a batch is taught too.

    Example:
        >>> loss, logits = TowerLoss(tower, config.tower, weights)(images, labels, training=True)
    """

    def __init__(
        self, tower: Tower, config: TowerConfig, class_weights: dict[str, np.ndarray],
        teachers: Teachers | None = None,
    ) -> None:  # fmt: skip
        self.tower = tower
        self.config = config
        self.teachers = teachers
        self._class_weights = {name: tf.constant(w) for name, w in class_weights.items()}

    @property
    def by_itself(self) -> bool:
        """Whether there are no labels, so that photos are told apart by themselves."""
        return not self._class_weights

    def __call__(
        self, images: tf.Tensor, labels: Logits, own: tf.Tensor | None = None, *,
        training: bool, frozen: bool = False,
    ) -> tuple[tf.Tensor, Logits]:  # fmt: skip
        """The loss of a batch, and the cosine heads' logits.

        Args:
            images: float32 [batch, size, size, 3], RGB in 0..255.
            labels: by name as in `Labels.numbers`, of these photos.
            own: float32 [batch], each photo's share of its mixture; None where none is mixed.
            training: whether dropout and batch norm are those of training.
            frozen: whether the backbone stays as it is.
        """
        config, layer = self.config, self.tower.layer
        features = layer.features(images, training=training and not frozen)
        embedding = layer.embed(features, training=training)
        if self.tower.heads is None:
            pairs = tf.range(tf.shape(images)[0]) % (tf.shape(images)[0] // 2)
            return contrastive_loss(embedding, pairs, CONTRASTIVE_TEMPERATURE), {}
        dropped = layer.dropout(features, training=training)
        logits, metric_logits = self.tower.heads(dropped, embedding)
        loss = tf.constant(0.0)
        for name, weights in self._class_weights.items():
            losses = [self._of_label(labels[name], found[name], weights, own, names=place == 0)
                      for place, found in enumerate((logits, metric_logits))]  # fmt: skip
            loss += self.label_weight(name) * (losses[0] + config.metric_weight * losses[1])
        if config.contrastive_weight and CATEGORY in labels:
            loss += config.contrastive_weight * contrastive_loss(
                embedding, labels[CATEGORY], CONTRASTIVE_TEMPERATURE
            )
        if self.teachers is not None and training:
            loss += config.teacher_weight * distillation_loss(
                self.teachers.views(images), embedding, logits
            )
        return loss, metric_logits

    def label_weight(self, name: str) -> float:
        """How much a label counts."""
        return self.config.category_weight if name == CATEGORY else self.config.attribute_weight

    def led_astray(self, images: tf.Tensor, labels: Logits, own: tf.Tensor | None) -> tf.Tensor:
        """Every second photo moved up the slope of the loss (Goodfellow et al. 2015).

        The other half stays as it is, so that the tower does not come to know such photos only.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            loss = self(images, labels, own, training=False)[0]
        steps = tf.sign(tape.gradient(loss, images)) * self.config.adversary
        second = tf.cast(tf.range(tf.shape(images)[0]) % 2, images.dtype)[:, None, None, None]
        return tf.clip_by_value(images + second * steps, 0.0, 255.0)

    def _of_label(
        self, labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor, own: tf.Tensor | None, *,
        names: bool,
    ) -> tf.Tensor:  # fmt: skip
        """One head's loss; `names` is the head that says what a photo shows."""
        loss = masked_cross_entropy
        if labels.shape.rank == 2:
            loss = functools.partial(masked_set_loss, yes_or_no=names)
        smoothing = self.config.label_smoothing
        if own is None:
            return loss(labels, logits, weights, smoothing)
        mine = loss(labels, logits, weights, smoothing, own)
        partners = tf.reverse(labels, [0])
        theirs = loss(partners, logits, weights, smoothing, 1.0 - own)
        share = tf.reduce_mean(own)
        return share * mine + (1.0 - share) * theirs

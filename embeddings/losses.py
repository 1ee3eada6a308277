"""Losses of the image tower. Labels of -1 are missing and count for nothing."""

from __future__ import annotations

import tensorflow as tf


def masked_cross_entropy(
    labels: tf.Tensor, logits: tf.Tensor, class_weights: tf.Tensor, label_smoothing: float,
    row_weights: tf.Tensor | float = 1.0,
) -> tf.Tensor:  # fmt: skip
    """Weighted mean cross-entropy over the rows that have a label.

    Args:
        labels: int32 [batch], -1 where missing.
        logits: float32 [batch, num_classes].
        class_weights: float32 [num_classes], how much a row of each class counts.
        label_smoothing: share of the target spread evenly over all classes.
        row_weights: float32 [batch], how much of each row the label speaks for.

    Returns:
        A scalar; 0 when no row has a label.
    """
    known = labels >= 0
    safe = tf.where(known, labels, 0)
    num_classes = tf.shape(logits)[1]
    smooth = label_smoothing / tf.cast(num_classes, tf.float32)
    targets = tf.one_hot(safe, num_classes, on_value=1.0 - label_smoothing, off_value=0.0) + smooth
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    weights = tf.gather(class_weights, safe) * tf.cast(known, tf.float32) * row_weights
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def masked_set_loss(
    labels: tf.Tensor, logits: tf.Tensor, class_weights: tf.Tensor, label_smoothing: float,
    row_weights: tf.Tensor | float = 1.0, *, yes_or_no: bool,
) -> tf.Tensor:  # fmt: skip
    """Loss of a label of which a photo may have several values at once.

    Args:
        labels: int32 [batch, num_classes], 1 for each value that a photo has; a row of -1 is
            missing.
        logits: float32 [batch, num_classes].
        class_weights: float32 [num_classes], how much a photo that has the value counts.
        label_smoothing: as much of each yes and no is left open, by halves; of shares it is
            spread evenly.
        row_weights: float32 [batch], how much of each row the label speaks for.
        yes_or_no: binary cross-entropy of every value by itself, summed; else cross-entropy of a
            softmax with the photo's values in equal shares (Mahajan et al. 2018, section 2.2),
            which shapes an embedding better than so many independent refusals.

    Returns:
        A scalar; 0 when no row has a label.
    """
    known = tf.cast(labels[:, 0] >= 0, tf.float32) * row_weights
    held = tf.cast(labels == 1, tf.float32)
    if yes_or_no:
        targets = held * (1.0 - label_smoothing) + 0.5 * label_smoothing
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
        losses *= held * class_weights + (1.0 - held)
        return tf.math.divide_no_nan(tf.reduce_sum(losses * known[:, None]), tf.reduce_sum(known))
    shares = tf.math.divide_no_nan(held, tf.reduce_sum(held, axis=1, keepdims=True))
    smooth = label_smoothing / tf.cast(tf.shape(logits)[1], tf.float32)
    targets = shares * (1.0 - label_smoothing) + smooth
    weights = known * tf.linalg.matvec(shares, class_weights)
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def contrastive_loss(embeddings: tf.Tensor, labels: tf.Tensor, temperature: float) -> tf.Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, equation 2).

    Rows of one label attract each other, all others repel. With labels that name a photo and
    two views of each, it is the self-supervised NT-Xent (Chen et al. 2020, SimCLR).

    Args:
        embeddings: float32 [batch, embedding_dim], rows of norm 1.
        labels: int32 [batch], -1 where missing: such rows only repel.
        temperature: what cosines are divided by.

    Returns:
        The mean over rows that have a positive; 0 when none has.
    """
    cosines = tf.matmul(embeddings, embeddings, transpose_b=True) / temperature
    itself = tf.eye(tf.shape(labels)[0], dtype=tf.bool)
    log_shares = cosines - tf.reduce_logsumexp(
        tf.where(itself, -1e9, cosines), axis=1, keepdims=True
    )
    same = (labels[:, None] == labels[None, :]) & (labels[:, None] >= 0) & ~itself
    positives = tf.cast(same, tf.float32)
    counts = tf.reduce_sum(positives, axis=1)
    losses = -tf.math.divide_no_nan(tf.reduce_sum(log_shares * positives, axis=1), counts)
    has_positive = tf.cast(counts > 0, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * has_positive), tf.reduce_sum(has_positive))

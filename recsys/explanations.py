"""Why an item is recommended: which items of the history led to it, and which sides of it count.

A history item's share is the change of the item's score when all events with it are taken out
(leave-one-out; Cook, Technometrics 1977): no attention weight is read as a reason.

What of the item counts is exact: a candidate vector is a sum of parts divided by its length, so
its dot product with the query is the sum of the parts' dot products. The query is asked without
its context for that, and what the context adds is the rest: together they are the score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.candidate_tower import CHUNK, NEW, CandidateTower, Items, mean_of_tokens

PARTS = ("photo", "words", "id", "context")
LONGEST = 32  # the last events that are taken out, one item at a time; older ones hardly count

Query = Callable[..., tf.Tensor]  # rows, kinds, ages, hour, weekday → float32 [batch, dim]
# candidates, rows, kinds, hour, weekday, length of the whole history → float32 [batch, n]
Bonus = Callable[..., tf.Tensor]


class ItemParts(NamedTuple):
    """What of each candidate vector its photo and its words make; id vectors make the rest.

    Attributes:
        photo: float16 [num_items, dim]; zeros where there is no photo.
        words: float16 [num_items, dim] of category, brand, price, title and attributes.
        common: float16 [num_items, dim] what every item has, or every one without a photo.
    """

    photo: NDArray[np.float16]
    words: NDArray[np.float16]
    common: NDArray[np.float16]


def item_parts(tower: CandidateTower, items: Items) -> ItemParts:
    """Takes the candidate vectors of a catalog apart, a chunk of items at a time."""
    count = int(items.ids.shape[0])
    found = [
        [part.numpy().astype(np.float16) for part in _parts(tower, items.take(tf.range(
            start, min(start + CHUNK, count))))]
        for start in range(0, count, CHUNK)
    ]  # fmt: skip
    nothing = np.zeros((0, tower.dim), np.float16)
    return ItemParts(*(np.concatenate([nothing, *chunks]) for chunks in zip(*found, strict=True)))


def _parts(tower: CandidateTower, items: Items) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    shape = [tf.shape(items.ids)[0], tower.dim]
    common, photo, words = tf.broadcast_to(tower.prior, shape), tf.zeros(shape), tf.zeros(shape)
    if tower.project_image is not None:
        scaled = items.image * float(items.image.shape[1]) ** 0.5
        shown = items.has_image[:, None]
        photo = tf.where(shown, tower.project_image(scaled), 0.0)
        common += tf.where(shown, tf.zeros_like(tower.no_image), tower.no_image)
    for name, table in tower.tables.items():
        words += mean_of_tokens(table, items.bags[name])
    whole = common + photo + words
    if tower.ids is not None:
        known = tf.cast(items.ids >= 0, tf.float32)[:, None]
        whole += tf.gather(tower.ids, tf.maximum(items.ids, 0)) * known
    length = tf.maximum(tf.norm(whole, axis=1, keepdims=True), 1e-6)
    found = photo / length, words / length, common / length
    if tower.for_new is None:
        return found
    is_new = (items.ids == NEW)[:, None]
    others = _parts(tower.for_new, items)
    photo, words, common = (
        tf.where(is_new, new, old) for new, old in zip(others, found, strict=True)
    )
    return photo, words, common


class Explainer(tf.Module):
    """Explains the scores of items for histories.

    Call `explain`:
        rows, kinds, ages: int32, string and float32 [batch, length], oldest first; -1 pads.
        hour, weekday: int32 [batch], -1 unknown.
        wanted: int32 [batch, n] the items to explain; -1 explains nothing, in zeros.
        Returns contributions float32 [batch, n, length], how much lower the score is without
        the item of each event; parts float32 [batch, n, 4], what photo, words, id and context
        add to the score; and shares float32 [batch, n, 4], of those that add.

    Args:
        query: encodes histories.
        vectors: int32 [...] rows → float32 [..., dim] candidate vectors.
        parts: of the candidate vectors.
        bonus: what is added to the dot product, such as transitions; it counts as `id`, since
            it knows items by nothing else. None adds nothing.
    """

    def __init__(
        self, query: Query, vectors: Callable[[tf.Tensor], tf.Tensor], parts: ItemParts,
        bonus: Bonus | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._query, self._vectors, self._bonus = query, vectors, bonus
        self._parts = {
            name: tf.Variable(part, trainable=False, dtype=tf.float16, name=name)
            for name, part in parts._asdict().items()
        }

    def explain(
        self, rows: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor, wanted: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:  # fmt: skip
        length = tf.shape(rows)[1]
        first = tf.maximum(length - LONGEST, 0)
        left_out = rows[:, None, :] == rows[:, first:, None]  # [batch, asked, length]
        whole = rows[:, None, :]
        variants = tf.concat([whole, whole, tf.where(left_out, -1, whole)], axis=1)
        # the first variant is the question, the second the same without context
        is_bare = (tf.range(tf.shape(variants)[1]) == 1)[None]
        moments = [tf.where(is_bare, -1, moment[:, None]) for moment in (hour, weekday)]
        known = tf.maximum(wanted, 0)
        queries, bonus = self._asked(variants, kinds, ages, moments, known)
        vectors = self._vectors(known)
        scores = tf.einsum("bvd,bnd->bvn", queries, vectors) + bonus
        contributions = tf.transpose(scores[:, :1] - scores[:, 2:], [0, 2, 1])
        contributions = tf.pad(contributions, [[0, 0], [0, 0], [first, 0]])
        parts = tf.stack([
            *self._of_item(queries[:, 1], known, vectors, bonus[:, 1]), scores[:, 0] - scores[:, 1],
        ], axis=-1)  # fmt: skip
        counted = tf.cast(wanted >= 0, tf.float32)[..., None]
        contributions, parts = contributions * counted, parts * counted
        return contributions, parts, _shares(parts)

    def _asked(
        self, variants: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, moments: list[tf.Tensor],
        known: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:  # fmt: skip
        """The query of each variant, [batch, variants, dim], and the bonus of each item."""
        shape = tf.shape(variants)
        batch, count, length = shape[0], shape[1], shape[2]
        flat = [batch * count, length]
        rows = tf.reshape(variants, flat)
        kinds, ages = (tf.reshape(tf.repeat(values[:, None], count, axis=1), flat)
                       for values in (kinds, ages))  # fmt: skip
        hour, weekday = (tf.reshape(moment, [-1]) for moment in moments)
        queries = self._query(rows, kinds, ages, hour, weekday)
        queries = tf.reshape(queries, [batch, count, tf.shape(queries)[1]])
        if self._bonus is None:
            return queries, tf.zeros([batch, count, tf.shape(known)[1]])
        items = tf.repeat(known, count, axis=0)
        lengths = tf.reduce_sum(tf.cast(variants[:, 0] >= 0, tf.int32), axis=1)
        added = self._bonus(items, rows, kinds, hour, weekday, tf.repeat(lengths, count))
        return queries, tf.reshape(added, [batch, count, tf.shape(known)[1]])

    def _of_item(
        self, query: tf.Tensor, known: tf.Tensor, vectors: tf.Tensor, bonus: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """What photo, words and id add to the score of each item, [batch, n] each."""
        photo, words, common = (
            tf.einsum("bd,bnd->bn", query, tf.cast(tf.gather(self._parts[name], known), tf.float32))
            for name in ("photo", "words", "common")
        )
        rest = tf.einsum("bd,bnd->bn", query, vectors) - photo - words - common
        return photo, words, rest + bonus


def _shares(parts: tf.Tensor) -> tf.Tensor:
    """Of what adds to a score, how much each part does; zeros where nothing does."""
    adding = tf.maximum(parts, 0.0)
    return tf.math.divide_no_nan(adding, tf.reduce_sum(adding, axis=-1, keepdims=True))

"""Recommendations of one slice of the catalog, with what it takes to join them with the others'.

A shard reads histories of the whole catalog, and so holds the query tower and what it reads of
every item; it scores its own slice alone. Its vectors to search, what leads to its items and
what explains them are the part that is shared out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf

from recsys.explanations import Explainer, ItemParts
from recsys.placement import Placement
from recsys.transitions import Transitions
from recsys.two_tower import LoadedTwoTower
from serving.blend import Blend, Sources
from serving.servables import Recommend, Tensors
from serving.slice_index import SliceIndex


class RecommendShard(Recommend):
    """One shard of `Recommend`, with the same signatures.

    Signature `serving_default` answers, where it joins the transitions, also [batch, n]: rows
    int32, of the whole catalog; dots float32, the dot products alone; votes float32, above 0
    where the history leads to the item; groups int32, the category. And of each list: num_items
    int32 [batch], the size of the slice; and falling float32 [batch], by how much an item falls
    with each better one of its category: it has not fallen here, since the better ones may be
    other shards'. A list that falls is longer than k by what the moment leads to.

    `explain` gives zeros for items of other shards, and `by_item` no neighbors of them.

    Args:
        item_ids: of the whole catalog.
        sources: the transitions of the whole catalog; None lets the towers answer alone.
        parts: of the whole catalog's candidate vectors; None leaves `explain` out.
        Others as `Recommend`.
    """

    def __init__(
        self, model: LoadedTwoTower, index: SliceIndex, item_ids: list[str], fingerprint: str, *,
        masks_history: bool, shown_kinds: list[str], placement: Placement | None = None,
        sources: Sources | None = None, parts: ItemParts | None = None,
    ) -> None:  # fmt: skip
        own = index.own
        blend = None
        if sources is not None:
            table = leading_to(sources.table, own)
            blend = Blend(replace(sources, table=table, falling=0.0))
            self._most_led_to = 3 * table.width  # a moment, its hour and its weekday vote
        super().__init__(
            model, index, item_ids, fingerprint, masks_history=masks_history,
            shown_kinds=shown_kinds, placement=placement, blend=blend,
        )  # fmt: skip
        self._slice = index
        self._falling = sources.falling if sources else 0.0
        groups = sources.groups if sources else np.zeros(own.stop, np.int32)
        self._groups = tf.Variable(groups[own.start : own.stop], trainable=False, name="groups")
        if parts is not None:
            mine = ItemParts(*(part[own.start : own.stop] for part in parts))
            bonus = None if blend is None else self._bonus
            self._explainer = Explainer(self._queries, index.index.rows_of, mine, bonus)

    def _bonus(self, items: tf.Tensor, *rest: tf.Tensor) -> tf.Tensor:
        assert self._blend is not None
        return self._blend.added_to(items + self._slice.own.start, *rest)

    def _explained(self, item_ids: tf.Tensor) -> tf.Tensor:
        return self._slice.local(self._items.rows(item_ids))

    def _blended(
        self, queries: tf.Tensor, k: tf.Tensor, excluded: tf.Tensor, rows: tf.Tensor,
        kinds: tf.Tensor, hour: tf.Tensor, weekday: tf.Tensor,
    ) -> Tensors:  # fmt: skip
        assert self._blend is not None
        k = tf.clip_by_value(k, 0, len(self._slice.own))
        near = self._blend.places(self._slice, queries, k, excluded, rows, kinds, hour, weekday)
        scores = tf.where(self._slice.owns(near.items), near.scores, -np.inf)
        is_nobody = tf.reduce_all(rows < 0, axis=1)
        falling = tf.where(is_nobody, self._falling, 0.0)
        longest = tf.where(tf.reduce_any(falling > 0.0), k + self._most_led_to, k)
        best, places = tf.math.top_k(scores, k=tf.minimum(longest, tf.shape(scores)[1]))
        items, dots, votes, added = (
            tf.gather(values, places, batch_dims=1)
            for values in (near.items, near.dots, near.votes, near.added)
        )
        found = tf.where(tf.math.is_inf(best), -1, items)
        groups = tf.gather(self._groups.value(), tf.maximum(self._slice.local(found), 0))
        return {
            **self._answer(queries, best, found), "added": added, "rows": found, "dots": dots,
            "votes": votes, "groups": groups, "falling": falling,
            "num_items": tf.fill(tf.shape(falling), len(self._slice.own)),
        }  # fmt: skip


def leading_to(table: Transitions, own: range) -> Transitions:
    """The transitions that lead to the items of a slice; every row of the table stays."""
    mine = (table.followers >= own.start) & (table.followers < own.stop)
    before = np.concatenate([[0], np.cumsum(mine)])
    return Transitions(before[table.offsets], table.followers[mine], table.rates[mine])

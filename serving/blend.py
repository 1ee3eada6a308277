"""The transitions beside the towers, inside the graph: one answer of both sources.

An item's score is its dot product with the query plus what the transitions add, which is never
below 0 and is 0 where the history does not lead to it. So the best k are among the index's own
best k and the items that the history leads to, whatever engine the index has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.config import TransitionsConfig
from recsys.histories import last_places
from recsys.index import NO_ROW, ExactIndex, ScannIndex
from recsys.mixture import Mixture
from recsys.transitions import HOURS, WEEKDAYS, Transitions
from serving.slice_index import SliceIndex

Index = ExactIndex | ScannIndex | SliceIndex


@dataclass(frozen=True)
class Sources:
    """What a blend is made of.

    Attributes:
        table: what followed what.
        mixture: how much it adds, by history length.
        settings: how many events of a history vote.
        silent_kinds: event kinds that are no sign of liking and do not vote.
        boosted_kinds: event kinds that ask for their item again: they vote for it too.
        groups: int [num_items] the category of each item, for lists of new visitors.
        falling: cosines by which a score falls with each better item of the same category in a
            list for somebody without history; 0 orders it by score alone.
    """

    table: Transitions
    mixture: Mixture
    settings: TransitionsConfig
    silent_kinds: list[str]
    groups: NDArray[np.int32]
    falling: float = 0.0
    boosted_kinds: list[str] = field(default_factory=list)


class Places(NamedTuple):
    """The items that may be among the best k, [batch, n] each, in the order of their rows.

    Attributes:
        items: int32 rows.
        scores: float32; -inf where there is no item.
        dots: float32, the dot products with the query alone.
        votes: float32, of the transitions; above 0 where the history leads to the item.
        added: float32, what the transitions add to the score.
    """

    items: tf.Tensor
    scores: tf.Tensor
    dots: tf.Tensor
    votes: tf.Tensor
    added: tf.Tensor


class Blend(tf.Module):
    """Joins an index with the transitions.

    Call `search`:
        index: over the candidates' vectors, in the table's row order.
        queries: float32 [batch, dim].
        k: int32 scalar.
        excluded: int32 [batch, m] rows that must not be found; -1 excludes nothing.
        rows, kinds: int32 and string [batch, length], oldest first; -1 is padding.
        hour, weekday: int32 [batch], -1 unknown.
        Returns scores float32 and rows int32 [batch, k], as the index does, and of each score
        what the transitions added, float32 [batch, k].
    """

    def __init__(self, sources: Sources) -> None:
        super().__init__()
        table, mixture = sources.table, sources.mixture
        self._num_items, self._width = table.num_items, table.width
        self._history, self._silent = sources.settings.history, sources.silent_kinds
        self._boosted = sources.boosted_kinds if mixture.repeat else []
        self._repeat = mixture.repeat
        self._offsets = _constant(table.offsets, tf.int64, "offsets")
        # one entry more, so that an empty table can be read too
        self._followers = _constant(np.append(table.followers, 0), tf.int32, "followers")
        self._rates = _constant(np.append(table.rates, 0.0), tf.float32, "rates")
        self._edges = _constant(mixture.edges, tf.int32, "edges")
        self._weights = _constant(mixture.weights, tf.float32, "weights")
        self._pivots = _constant(mixture.pivots, tf.float32, "pivots")
        self._groups = _constant(sources.groups, tf.int32, "groups")
        self._falling = sources.falling

    def search(
        self, index: Index, queries: tf.Tensor, k: tf.Tensor,
        excluded: tf.Tensor, rows: tf.Tensor, kinds: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:  # fmt: skip
        k = tf.clip_by_value(k, 0, self._num_items)
        lengths = tf.reduce_sum(tf.cast(rows >= 0, tf.int32), axis=1)
        near = self.places(index, queries, k, excluded, rows, kinds, hour, weekday)
        scores = near.scores
        if self._falling:
            scores = self._diverse(scores, near.items, lengths)
        best, places = tf.math.top_k(scores, k=k)
        items, added = (tf.gather(values, places, batch_dims=1)
                        for values in (near.items, near.added))  # fmt: skip
        empty = tf.math.is_inf(best)
        return best, tf.where(empty, NO_ROW, items), tf.where(empty, 0.0, added)

    def places(
        self, index: Index, queries: tf.Tensor, k: tf.Tensor,
        excluded: tf.Tensor, rows: tf.Tensor, kinds: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor,
    ) -> Places:  # fmt: skip
        """The index's own best k and what the history leads to, with arguments as `search`."""
        lengths = tf.reduce_sum(tf.cast(rows >= 0, tf.int32), axis=1)
        reached, given = self._reached(*self._voters(rows, kinds, hour, weekday, lengths))
        scores, found = index.search(queries, k, excluded)
        dots = tf.einsum("brd,bd->br", index.rows_of(tf.maximum(reached, 0)), _finite(queries))
        items = tf.concat([found, reached], axis=1)
        first, given, hidden = _gathered(items, tf.pad(given, _left(found)), excluded)
        bucket = tf.reduce_sum(tf.cast(lengths[:, None] >= self._edges, tf.int32), axis=1) - 1
        weight, pivot = (tf.gather(values, bucket)[:, None]
                         for values in (self._weights, self._pivots))  # fmt: skip
        added = weight * tf.math.log1p(given / pivot)
        shown = first & ~hidden & (items >= 0)
        dots = tf.concat([scores, dots], axis=1)
        # by row, so that equal scores come in that order, as the index gives them
        order = tf.argsort(items, axis=1)
        near = Places(items, tf.where(shown, dots + added, -np.inf), dots, given, added)
        return Places(*(tf.gather(values, order, batch_dims=1) for values in near))

    def added_to(
        self, items: tf.Tensor, rows: tf.Tensor, kinds: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor, lengths: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        """What the transitions add to the scores of given items, int32 → float32 [batch, n].

        The history and its moment as `search` takes them; `lengths`, int32 [batch], says how
        long a history the mixture is for, so that leaving an event out changes the votes alone.
        Lists for nobody in particular are not made diverse here.
        """
        reached, given = self._reached(*self._voters(rows, kinds, hour, weekday, lengths))
        led = items[:, :, None] == reached[:, None, :]
        votes = tf.reduce_sum(tf.where(led, given[:, None, :], 0.0), axis=2)
        bucket = tf.reduce_sum(tf.cast(lengths[:, None] >= self._edges, tf.int32), axis=1) - 1
        weight, pivot = (tf.gather(values, bucket)[:, None]
                         for values in (self._weights, self._pivots))  # fmt: skip
        return weight * tf.math.log1p(votes / pivot)

    def _voters(
        self, rows: tf.Tensor, kinds: tf.Tensor, hour: tf.Tensor, weekday: tf.Tensor,
        lengths: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:  # fmt: skip
        """Which rows of the table vote, how much, and how much for themselves.

        Returns:
            int32, float32 and float32 [batch, voters].
        """
        rows, silent, boosted = last_places(
            rows, _among(kinds, self._silent), _among(kinds, self._boosted), self._history
        )
        steps = tf.cast(tf.range(tf.shape(rows)[1], 0, -1), tf.float32)
        votes = tf.where((rows >= 0) & ~silent, 1.0 / steps, 0.0)
        again = tf.where((rows >= 0) & boosted, self._repeat / steps, 0.0)
        moments, known = self._moments(hour, weekday)
        nobody = (lengths == 0)[:, None]
        shares = known / tf.reduce_sum(known, axis=1, keepdims=True)
        return (tf.concat([rows, tf.where(nobody, moments, NO_ROW)], axis=1),
                tf.concat([votes, tf.where(nobody, shares, 0.0)], axis=1),
                tf.pad(again, _right(moments)))  # fmt: skip

    def _moments(self, hour: tf.Tensor, weekday: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The table's rows of a moment, and 1 for those that are known: [batch, 3] each."""
        has_hour = (hour >= 0) & (hour < HOURS)
        has_day = (weekday >= 0) & (weekday < WEEKDAYS)
        first = tf.zeros_like(hour) + self._num_items
        rows = [first, first + 1 + hour, first + 1 + HOURS + weekday]
        known = [tf.ones_like(has_hour), has_hour, has_day]
        return (tf.where(tf.stack(known, 1), tf.stack(rows, 1), NO_ROW),
                tf.cast(tf.stack(known, 1), tf.float32))  # fmt: skip

    def _reached(
        self, voters: tf.Tensor, votes: tf.Tensor, again: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The followers of the voters and their votes, [batch, voters * width] each.

        Where some kinds ask for their item again, the voters themselves stand behind them.
        """
        row = tf.maximum(voters, 0)
        begin, end = tf.gather(self._offsets, row), tf.gather(self._offsets, row + 1)
        entries = begin[..., None] + tf.range(self._width, dtype=tf.int64)
        real = (entries < end[..., None]) & (votes > 0.0)[..., None]
        entries = tf.where(real, entries, 0)
        followers = tf.where(real, tf.gather(self._followers, entries), NO_ROW)
        rates = tf.where(real, tf.gather(self._rates, entries) * votes[..., None], 0.0)
        flat = [tf.shape(voters)[0], tf.shape(voters)[1] * self._width]
        followers, rates = tf.reshape(followers, flat), tf.reshape(rates, flat)
        if not self._boosted:
            return followers, rates
        voters = tf.where(again > 0.0, voters, NO_ROW)
        return tf.concat([followers, voters], axis=1), tf.concat([rates, again], axis=1)

    def _diverse(self, scores: tf.Tensor, items: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Scores of lists for nobody in particular, lower with each better one of a category."""
        groups = tf.gather(self._groups, tf.maximum(items, 0))
        order = tf.argsort(-scores, axis=1, stable=True)
        within = tf.argsort(tf.gather(groups, order, batch_dims=1), axis=1, stable=True)
        order = tf.gather(order, within, batch_dims=1)  # by category, the best first
        sorted_groups = tf.gather(groups, order, batch_dims=1)
        place = tf.range(tf.shape(items)[1])[None] - tf.searchsorted(sorted_groups, sorted_groups)
        better = tf.gather(place, tf.argsort(order, axis=1), batch_dims=1)
        penalty = self._falling * tf.cast(better, tf.float32)
        return tf.where((lengths == 0)[:, None], scores - penalty, scores)


def _gathered(
    items: tf.Tensor, votes: tf.Tensor, excluded: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Brings together what several places say of one item of a case.

    Args:
        items: int32 [batch, n] rows, -1 for none.
        votes: float32 [batch, n].
        excluded: int32 [batch, m] rows.

    Returns:
        Whether a place is the first of its item, bool [batch, n]; the votes of all its places;
        and whether it is among the excluded.
    """
    batch, count = tf.shape(items)[0], tf.shape(items)[1]
    places = tf.concat([items, excluded], axis=1)
    # one number per (case, item), so that no dense [batch, num_items] is needed
    case = tf.cast(tf.range(batch), tf.int64)[:, None]
    width = tf.cast(tf.reduce_max(tf.concat([tf.reshape(places, [-1]), [0]], 0)) + 2, tf.int64)
    keys = tf.reshape(case * width + tf.cast(places, tf.int64) + 1, [-1])
    unique, position = tf.unique(keys)
    number = tf.size(unique)
    total = tf.math.unsorted_segment_sum(
        tf.reshape(tf.pad(votes, _right(excluded)), [-1]), position, number
    )
    is_excluded = tf.pad(tf.ones_like(excluded), [[0, 0], [count, 0]])
    hidden = tf.math.unsorted_segment_max(tf.reshape(is_excluded, [-1]), position, number)
    order = tf.range(tf.size(keys))
    first = tf.math.unsorted_segment_min(order, position, number)
    gathered = (tf.gather(first, position) == order, tf.gather(total, position),
                tf.gather(hidden, position) > 0)  # fmt: skip
    shape = tf.shape(places)
    return tuple(tf.reshape(values, shape)[:, :count] for values in gathered)


def _among(kinds: tf.Tensor, names: list[str]) -> tf.Tensor:
    """Whether each kind is one of the names, bool of the same shape."""
    if not names:
        return tf.zeros_like(kinds, tf.bool)
    return tf.reduce_any(kinds[..., None] == tf.constant(names), axis=-1)


def _left(values: tf.Tensor) -> list[list[tf.Tensor | int]]:
    """Padding of as many columns as `values` has, before the others."""
    return [[0, 0], [tf.shape(values)[1], 0]]


def _right(values: tf.Tensor) -> list[list[tf.Tensor | int]]:
    """Padding of as many columns as `values` has, after the others."""
    return [[0, 0], [0, tf.shape(values)[1]]]


def _finite(queries: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.math.is_finite(queries), queries, 0.0)


def _constant(values: object, kind: tf.DType, name: str) -> tf.Variable:
    return tf.Variable(tf.cast(values, kind), trainable=False, name=name)

"""What TensorFlow Serving serves: modules whose signatures take and give item ids as text.

Ids become rows through a hash table in the graph. Every output's first dimension is the batch,
and every answer carries the bundle's fingerprint. Unknown ids are ignored, and `""` pads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from embeddings.graph_images import decode_and_fit
from embeddings.image_tower import Tower
from recsys.config import ModelConfig
from recsys.explanations import Explainer, ItemParts
from recsys.features import Vocabulary
from recsys.index import NO_ROW
from recsys.placement import Placement
from recsys.repeats import kinds_called, masked_kinds
from recsys.two_tower import LoadedTwoTower
from serving.batch_function import Batching, batched
from serving.blend import Blend, Index
from serving.stamp import Stamp

Tensors = dict[str, tf.Tensor]
Signatures = dict[str, Callable[..., Tensors]]
Functions = dict[str, tuple[Callable[..., Tensors], list[tf.TensorSpec]]]

DEFAULT = "serving_default"
TEXT, NUMBER, WHOLE = tf.string, tf.float32, tf.int32


class ItemIds(tf.Module):
    """Item ids by row, both ways, in the graph.

    Args:
        item_ids: [num_items] in row order.
    """

    def __init__(self, item_ids: list[str]) -> None:
        super().__init__()
        ids = tf.constant([item_id.encode() for item_id in item_ids], tf.string)
        rows = tf.range(len(item_ids), dtype=tf.int32)
        # "" pads; no item is called that, since the catalog refuses an empty id.
        self._rows = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(ids, rows), NO_ROW
        )
        self._ids = tf.Variable(tf.concat([ids, [""]], axis=0), trainable=False, name="item_ids")

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """int32 rows of ids of any shape; -1 for the unknown."""
        return self._rows.lookup(ids)

    def ids(self, rows: tf.Tensor) -> tf.Tensor:
        """Ids of rows of any shape; "" for row -1."""
        last = int(self._ids.shape[0]) - 1
        # from the value: see recsys.index, whose vectors are read as a whole too
        return tf.gather(self._ids.value(), tf.where(rows >= 0, rows, last))


class Servable(tf.Module):
    """A module with named signatures and a fingerprint.

    Models are held by the function that asks them, and their variables beside it: a SavedModel
    of the Keras objects themselves would hold every layer's functions again.

    Args:
        fingerprint: of the bundle it belongs to.
    """

    def __init__(self, fingerprint: str) -> None:
        super().__init__()
        self._fingerprint = fingerprint

    def signatures(self) -> Signatures:
        """Each signature as a function of named tensors; the same functions at every call."""
        if not hasattr(self, "_signatures"):
            # held by the module, so that saving finds the functions and what they use
            self._signatures = {
                name: tf.function(function, input_signature=specs, autograph=False)
                for name, (function, specs) in self._functions().items()
            }
        return dict(self._signatures)

    def _functions(self) -> Functions:
        raise NotImplementedError

    def _stamped(self, batch: tf.Tensor, **outputs: tf.Tensor) -> Tensors:
        size = tf.shape(batch)[:1]
        return {**outputs, "fingerprint": tf.fill(size, tf.constant(self._fingerprint))}


class Encoder(Servable):
    """A servable that knows no items: one bundle's files do for the next, but for the fingerprint.

    Args:
        fingerprint: of the bundle; it is kept in a file beside the graph.
    """

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self._stamp = Stamp(fingerprint)

    def _stamped(self, batch: tf.Tensor, **outputs: tf.Tensor) -> Tensors:
        return {**outputs, "fingerprint": self._stamp(tf.shape(batch)[:1])}


class ImageEncoder(Encoder):
    """Photos to embeddings and to what they show.

    Signature `serving_default`:
        photo: string [batch], the bytes of a photo each.
        Returns embedding float32 [batch, dim], category_probabilities and
        attr_*_probabilities float32 [batch, num_classes] where the tower has such heads.

    Args:
        batching: how the network joins requests that come at once; None runs each alone.
    """

    def __init__(self, tower: Tower, fingerprint: str, batching: Batching | None = None) -> None:
        super().__init__(fingerprint)
        model = tower.model
        self._network = lambda pixels: model(pixels, training=False)
        self._weights = list(model.variables)
        self._size, self._fit = tower.image_size, tower.fit
        if batching is not None:
            pixels = tf.TensorSpec([None, self._size, self._size, 3], NUMBER)
            name = f"encoder-{fingerprint}-{id(self)}"
            self._network = batched(self._network, pixels, batching, name)

    def _functions(self) -> Functions:
        return {DEFAULT: (self._encode, [_spec("photo", [None])])}

    def _encode(self, photo: tf.Tensor) -> Tensors:
        square = tf.TensorSpec([self._size, self._size, 3], tf.uint8)
        pixels = tf.map_fn(self._decode, photo, fn_output_signature=square)
        # The network sees the whole batch at once; only the decoding goes photo by photo.
        return self._stamped(photo, **self._network(tf.cast(pixels, tf.float32)))

    def _decode(self, photo: tf.Tensor) -> tf.Tensor:
        return decode_and_fit(photo, self._size, self._fit)


class Search(Servable):
    """Neighbors of items and of vectors in one space.

    Args:
        index: over the items of the space.
        item_ids: [num_items] of the space, in the index's row order.
        fingerprint: of the bundle.
    """

    def __init__(self, index: Index, item_ids: list[str], fingerprint: str) -> None:
        super().__init__(fingerprint)
        self._index, self._items = index, ItemIds(item_ids)

    def _by_item(self, item_id: tf.Tensor, k: tf.Tensor, exclude: tf.Tensor) -> Tensors:
        rows = self._items.rows(item_id)
        queries = self._index.rows_of(tf.maximum(rows, 0))
        excluded = tf.concat([self._items.rows(exclude), rows[:, tf.newaxis]], axis=1)
        scores, found = self._index.search(queries, _longest(k), excluded)
        is_known = rows[:, tf.newaxis] >= 0
        return self._answer(
            tf.where(is_known, queries, 0.0), tf.where(is_known, scores, -float("inf")),
            tf.where(is_known, found, NO_ROW),
        )  # fmt: skip

    def _by_embedding(self, embedding: tf.Tensor, k: tf.Tensor, exclude: tf.Tensor) -> Tensors:
        scores, rows = self._index.search(embedding, _longest(k), self._items.rows(exclude))
        return self._answer(embedding, scores, rows)

    def _answer(self, queries: tf.Tensor, scores: tf.Tensor, rows: tf.Tensor) -> Tensors:
        # what the index takes for 0 is told as 0
        query = tf.where(tf.math.is_finite(queries), queries, 0.0)
        return self._stamped(query, item_ids=self._items.ids(rows), scores=scores, query=query)

    def _item_specs(self) -> list[tf.TensorSpec]:
        return [_spec("item_id", [None]), *_PAGE]

    def _embedding_specs(self) -> list[tf.TensorSpec]:
        return [_spec("embedding", [None, self._index.dim], NUMBER), *_PAGE]


class SimilarItems(Search):
    """Items near an item, or near an embedding of the same space.

    Signature `serving_default`:
        item_id: string [batch]; k: int32 [batch]; exclude: string [batch, m].
        Returns item_ids string [batch, n] and scores float32 [batch, n], best first, where n is
        the largest k, at most the size of the catalog, and query float32 [batch, dim], the
        vector that was searched with: an item that the index lacks scores its dot product with
        it. The item itself is never found; an unknown one has no neighbors: "" and -inf, and a
        query of zeros.

    Signature `by_embedding`:
        embedding: float32 [batch, dim]; k and exclude as above. Returns the same.
    """

    def _functions(self) -> Functions:
        return {
            DEFAULT: (self._by_item, self._item_specs()),
            "by_embedding": (self._by_embedding, self._embedding_specs()),
        }


class Recommend(Search):
    """Items for a shopper's history, which is oldest first.

    Signature `serving_default`:
        history: string [batch, length]; kinds: string [batch, length]; ages: float32
        [batch, length], seconds before now; hour, weekday: int32 [batch], -1 unknown;
        exclude: string [batch, m]; k: int32 [batch].
        Returns item_ids, scores and query as `SimilarItems`, and added float32 [batch, n]: how
        much of each score the transitions gave, beyond the dot product with the query.

    Signatures `query_embedding` (history and context → embedding), `by_embedding` (such an
    embedding → items) and `by_item` (an item → its neighbors by behavior).

    Signature `place`, of new items, where anything is known of items:
        embedding: float32 [batch, photo dim], zeros where there is no photo; and for each field
        of the vocabulary, such as brand, int32 [batch, width] token ids, 0 fills up.
        Returns embedding float32 [batch, dim], which queries are compared with.

    Signature `explain`, of why items score as they do:
        history … weekday as above; item_ids: string [batch, n], "" explains nothing.
        Returns contributions float32 [batch, n, length], how much lower an item scores without
        the item of each event; and of photo, words, id and context parts float32 [batch, n, 4],
        what each adds to the score, and shares float32 [batch, n, 4] of those that add.

    Args:
        masks_history: leave the history's items out of the answer.
        shown_kinds: kinds of events whose items are not left out for all that.
        placement: places new items; None leaves `place` out.
        blend: the transitions; None lets the towers answer alone.
        parts: of the candidate vectors; None leaves `explain` out.
    """

    def __init__(
        self, model: LoadedTwoTower, index: Index, item_ids: list[str], fingerprint: str, *,
        masks_history: bool, shown_kinds: Sequence[str] = (), placement: Placement | None = None,
        blend: Blend | None = None,
        parts: ItemParts | None = None,
    ) -> None:  # fmt: skip
        super().__init__(index, item_ids, fingerprint)
        self._place_specs: list[tf.TensorSpec] = []
        if placement is not None:
            self._place_specs = place_specs(placement.vocabulary)
            self._placed, self._place_weights = placement.vectors, placement.weights
        self._query = model.query
        self._weights = list(model.variables)
        self._masks_history, self._shown_kinds = masks_history, list(shown_kinds)
        self._blend = blend
        self._explainer = parts and Explainer(
            self._queries, index.rows_of, parts, blend.added_to if blend else None
        )

    def _functions(self) -> Functions:
        k, exclude = _PAGE
        names = [spec.name for spec in self._place_specs]
        place = {"place": (_named(self._place, names), self._place_specs)} if names else {}
        explain: Functions = {}
        if self._explainer is not None:
            explain["explain"] = self._explain, [*_HISTORY, _spec("item_ids", [None, None])]
        return {
            **place,
            **explain,
            DEFAULT: (self._recommend, [*_HISTORY, exclude, k]),
            "query_embedding": (self._query_embedding, list(_HISTORY)),
            "by_embedding": (self._by_embedding, self._embedding_specs()),
            "by_item": (self._by_item, self._item_specs()),
        }

    def _recommend(
        self, history: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor, exclude: tf.Tensor, k: tf.Tensor,
    ) -> Tensors:  # fmt: skip
        rows = self._items.rows(history)
        queries = self._queries(rows, kinds, ages, hour, weekday)
        excluded = self._items.rows(exclude)
        if self._masks_history:
            hidden = rows
            if self._shown_kinds:
                shown = tf.reduce_any(kinds[..., None] == tf.constant(self._shown_kinds), axis=-1)
                hidden = tf.where(shown, NO_ROW, rows)
            excluded = tf.concat([excluded, hidden], axis=1)
        if self._blend is None:
            scores, found = self._index.search(queries, _longest(k), excluded)
            return {**self._answer(queries, scores, found), "added": tf.zeros_like(scores)}
        return self._blended(queries, _longest(k), excluded, rows, kinds, hour, weekday)

    def _blended(
        self, queries: tf.Tensor, k: tf.Tensor, excluded: tf.Tensor, rows: tf.Tensor,
        kinds: tf.Tensor, hour: tf.Tensor, weekday: tf.Tensor,
    ) -> Tensors:  # fmt: skip
        assert self._blend is not None
        scores, found, added = self._blend.search(
            self._index, queries, k, excluded, rows, kinds, hour, weekday
        )
        return {**self._answer(queries, scores, found), "added": added}

    def _explain(
        self, history: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor, item_ids: tf.Tensor,
    ) -> Tensors:  # fmt: skip
        assert self._explainer is not None
        contributions, parts, shares = self._explainer.explain(
            self._items.rows(history), kinds, ages, hour, weekday, self._explained(item_ids)
        )
        return self._stamped(history, contributions=contributions, parts=parts, shares=shares)

    def _explained(self, item_ids: tf.Tensor) -> tf.Tensor:
        """The rows by which the explainer knows items."""
        return self._items.rows(item_ids)

    def _place(self, known: dict[str, tf.Tensor]) -> Tensors:
        count = tf.shape(next(iter(known.values())))[0]
        image = known.pop("embedding", tf.zeros([count, 0]))
        placed = self._placed(image, known)
        return self._stamped(placed, embedding=placed)

    def _query_embedding(
        self, history: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, hour: tf.Tensor,
        weekday: tf.Tensor,
    ) -> Tensors:  # fmt: skip
        queries = self._queries(self._items.rows(history), kinds, ages, hour, weekday)
        return self._stamped(history, embedding=queries)

    def _queries(self, rows: tf.Tensor, *rest: tf.Tensor) -> tf.Tensor:
        kinds, ages, hour, weekday = rest
        # An age that is no number, or lies ahead, counts as now.
        ages = tf.where(tf.math.is_finite(ages), tf.maximum(ages, 0.0), 0.0)
        return self._query(rows, kinds, ages, {"hour": hour, "weekday": weekday})


def masking(config: ModelConfig) -> dict[str, Any]:
    """The arguments of `Recommend` that say which of a history's items are left out."""
    return {
        "masks_history": bool(masked_kinds(config).any()),
        "shown_kinds": [*kinds_called(config, "allow"), *kinds_called(config, "boost")],
    }


def place_specs(vocabulary: Vocabulary) -> list[tf.TensorSpec]:
    """The inputs of `place`: the photo where the tower reads photos, and each field's tokens."""
    photo = [_spec("embedding", [None, vocabulary.image_dim], NUMBER)]
    bags = [_spec(field, [None, None], WHOLE) for field in vocabulary.fields]
    return [*(photo if vocabulary.image_dim else []), *bags]


def save_servable(servable: Servable, folder: Any) -> None:
    """Writes a SavedModel with the servable's signatures."""
    tf.saved_model.save(servable, str(folder), signatures=servable.signatures())


def _named(function: Callable[[Tensors], Tensors], names: list[str]) -> Callable[..., Tensors]:
    """A function of so many arguments, which TensorFlow learns the names of."""

    def call(*values: tf.Tensor) -> Tensors:
        return function(dict(zip(names, values, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in names]
    )
    return call


def _longest(k: tf.Tensor) -> tf.Tensor:
    """The largest of the batch's k; 0 for an empty batch."""
    return tf.reduce_max(tf.concat([k, [0]], axis=0))


def _spec(name: str, shape: list[int | None], kind: tf.DType = TEXT) -> tf.TensorSpec:
    return tf.TensorSpec(shape, kind, name=name)


_PAGE = [_spec("k", [None], WHOLE), _spec("exclude", [None, None])]
_HISTORY = [
    _spec("history", [None, None]), _spec("kinds", [None, None]),
    _spec("ages", [None, None], NUMBER), _spec("hour", [None], WHOLE),
    _spec("weekday", [None], WHOLE),
]  # fmt: skip

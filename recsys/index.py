"""Nearest candidates by dot product: one interface, two engines.

`ExactIndex` is a matrix product and a top-k: the truth that recall is measured against.
`ScannIndex` is ScaNN's tree with anisotropic hashing (Guo et al., "Accelerating Large-Scale
Inference with Anisotropic Vector Quantization", ICML 2020) and exact reordering.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from recsys.errors import DataError
from recsys.scann_parts import (
    PARTS,
    ScannSettings,
    content_hash,
    pack_parts,
    train_parts,
    unpack_parts,
)

NO_ROW = -1  # a place that no candidate could fill; its score is -inf


class ExactIndex(tf.Module):
    """Scores every candidate.

    Call `search`:
        queries: float32 [batch, dim]; NaN and infinity count as 0.
        k: int32 scalar; clipped to the number of candidates.
        exclude_rows: int32 [batch, m] rows that must not be found; -1 excludes nothing.
        Returns scores float32 [batch, k], best first, and rows int32 [batch, k]. Equal scores
        come in the order of their rows. A place that cannot be filled has row -1, score -inf.

    Example:
        >>> index = ExactIndex(np.eye(3, dtype=np.float32))
        >>> index.search([[0.1, 0.9, 0.5]], 2, [[1]])[1].numpy()
        array([[2, 0]], dtype=int32)
    """

    engine = "exact"

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        vectors = _checked(vectors)
        self.num_items, self.dim = vectors.shape
        self.vectors = tf.Variable(vectors, trainable=False, name="vectors")
        self.search = tf.function(
            self._search, input_signature=_signature(self.dim), autograph=False
        )

    def rows_of(self, rows: tf.Tensor) -> tf.Tensor:
        """The vectors at `rows`, int32 [n] -> float32 [n, dim]."""
        # from the value: a gather on the variable itself makes every later read copy all of it
        return tf.gather(self.vectors.value(), rows)

    def _search(
        self, queries: tf.Tensor, k: tf.Tensor, exclude_rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        scores = tf.matmul(_finite(queries), self.vectors, transpose_b=True)
        scores = _mask(scores, exclude_rows)
        top_scores, top_rows = tf.math.top_k(scores, k=_clip(k, self.num_items))
        return top_scores, tf.where(tf.math.is_inf(top_scores), NO_ROW, top_rows)


class ScannIndex(tf.Module):
    """Scores the candidates of the nearest leaves by their codes, and the best of them exactly.

    Call `search`: as `ExactIndex`. Exclusions are over-fetched, so they cost no places; when the
    leaves searched cannot fill a page, all leaves are searched.

    Args:
        vectors: float32 [num_items, dim].
        settings: of the tree and the hashing.
        parts: what `parts()` of an index over the same vectors returned; None trains anew.
    """

    engine = "scann"

    def __init__(
        self,
        vectors: np.ndarray,
        settings: ScannSettings,
        parts: dict[str, np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        vectors = _checked(vectors)
        self.num_items, self.dim = vectors.shape
        self.settings = settings
        trained = train_parts(vectors, settings) if parts is None else unpack_parts(parts)
        self.vectors = tf.Variable(vectors, trainable=False, name="vectors")
        self._parts = {
            name: tf.Variable(trained[name], trainable=False, name=name) for name in PARTS
        }
        # A server builds the searcher once under this name and shares it between signatures.
        self._shared_name = f"scann-{content_hash(vectors, trained)}"
        self.search = tf.function(
            self._search, input_signature=_signature(self.dim), autograph=False
        )
        # As `search`, with leaves_to_search and reorder as int32 scalars after its arguments.
        self.search_with = tf.function(
            self._search_with,
            input_signature=[*_signature(self.dim), *[tf.TensorSpec([], tf.int32)] * 2],
            autograph=False,
        )

    def parts(self) -> dict[str, np.ndarray]:
        """What training made, without the vectors: arrays that `numpy.savez` can keep."""
        return pack_parts({name: part.numpy() for name, part in self._parts.items()})

    def rows_of(self, rows: tf.Tensor) -> tf.Tensor:
        """The vectors at `rows`, int32 [n] -> float32 [n, dim]."""
        # from the value: a gather on the variable itself makes every later read copy all of it
        return tf.gather(self.vectors.value(), rows)

    def _search(
        self, queries: tf.Tensor, k: tf.Tensor, exclude_rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        leaves, reorder = self.settings.leaves_to_search, self.settings.reorder
        return self._search_with(
            queries, k, exclude_rows, tf.constant(leaves), tf.constant(reorder)
        )

    def _search_with(
        self, queries: tf.Tensor, k: tf.Tensor, exclude_rows: tf.Tensor,
        leaves_to_search: tf.Tensor, reorder: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:  # fmt: skip
        batch = tf.shape(queries)[0]
        # ScaNN refuses an empty batch: one zero query stands in, and is cut off again.
        queries = tf.pad(_finite(queries), [[0, tf.cast(tf.equal(batch, 0), tf.int32)], [0, 0]])
        exclude_rows = tf.pad(exclude_rows, [[0, tf.shape(queries)[0] - batch], [0, 0]],
                              constant_values=NO_ROW)  # fmt: skip
        k = _clip(k, self.num_items)
        scores, rows = self._fill(queries, k, exclude_rows, leaves_to_search, reorder)
        return scores[:batch], rows[:batch]

    def _fill(
        self, queries: tf.Tensor, k: tf.Tensor, exclude_rows: tf.Tensor,
        leaves_to_search: tf.Tensor, reorder: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:  # fmt: skip
        """Over-fetches by the exclusions; searches all leaves where some place stays empty."""
        excluded = tf.reduce_sum(tf.cast(exclude_rows >= 0, tf.int32), axis=1)
        excluded = tf.reduce_max(tf.concat([excluded, [0]], axis=0))
        fetch = tf.clip_by_value(k + excluded, 1, self.num_items)  # ScaNN refuses to find none
        leaves = self.settings.num_leaves
        # A larger page needs more leaves: four times its share of the catalog, at the least.
        share = tf.math.ceil(4 * leaves * tf.cast(fetch, tf.float32) / self.num_items)
        leaves_to_search = tf.maximum(leaves_to_search, tf.cast(share, tf.int32))
        reorder = tf.minimum(fetch + reorder, self.num_items)

        def found(leaves_to_search: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            scores, rows = self._nearest(queries, fetch, leaves_to_search, reorder)
            return _best_allowed(scores, rows, exclude_rows, k)

        scores, rows = found(tf.minimum(leaves_to_search, leaves))
        if self.settings.is_brute_force:
            return scores, rows
        is_short = tf.logical_and(tf.reduce_any(rows < 0), leaves_to_search < leaves)
        return tf.cond(is_short, lambda: found(tf.constant(leaves)), lambda: (scores, rows))

    def _nearest(
        self, queries: tf.Tensor, fetch: tf.Tensor, leaves: tf.Tensor, reorder: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """ScaNN's own answer as scores and rows [batch, fetch], empty places at the end."""
        from scann.scann_ops.py import scann_ops

        searcher = scann_ops.tensors_to_scann(
            self.vectors, *(self._parts[name] for name in PARTS), shared_name=self._shared_name
        )
        if self.settings.is_brute_force:
            leaves, reorder = -1, -1
        rows, scores = scann_ops.scann_search_batched(
            searcher, queries, fetch, reorder, leaves, parallel=True
        )
        # ScaNN marks an empty place by row 0 and a score that is not a number, and answers
        # fewer places than asked for where its leaves hold fewer vectors.
        is_empty = tf.math.is_nan(scores)
        rows, scores = tf.where(is_empty, NO_ROW, rows), tf.where(is_empty, -np.inf, scores)
        missing = [[0, 0], [0, tf.maximum(fetch - tf.shape(rows)[1], 0)]]
        return (
            tf.pad(scores, missing, constant_values=-np.inf),
            tf.pad(rows, missing, constant_values=NO_ROW),
        )


def _best_allowed(
    scores: tf.Tensor, rows: tf.Tensor, exclude_rows: tf.Tensor, k: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The first k of the found rows that are not excluded, in their order."""
    is_excluded = tf.reduce_any(rows[:, :, tf.newaxis] == exclude_rows[:, tf.newaxis, :], axis=2)
    scores, places = tf.math.top_k(tf.where(is_excluded, -np.inf, scores), k=k)
    rows = tf.gather(rows, places, batch_dims=1)
    return scores, tf.where(tf.math.is_inf(scores), NO_ROW, rows)


def _mask(scores: tf.Tensor, exclude_rows: tf.Tensor) -> tf.Tensor:
    """`scores` [batch, n] with -inf at each query's excluded rows."""
    num_queries, num_excluded = tf.unstack(tf.shape(exclude_rows))
    queries = tf.repeat(tf.range(num_queries), num_excluded)
    rows = tf.reshape(exclude_rows, [-1])
    # Row -1 excludes nothing: the minimum with +inf leaves the score at row 0 as it is.
    ceilings = tf.where(rows >= 0, -np.inf, np.inf)
    places = tf.stack([queries, tf.maximum(rows, 0)], axis=1)
    return tf.tensor_scatter_nd_min(scores, places, tf.cast(ceilings, scores.dtype))


def _checked(vectors: np.ndarray) -> np.ndarray:
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise DataError(f"an index needs vectors, and got an array of shape {vectors.shape}.")
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise DataError("a vector holds a number that is not finite.", where=f"row {row}",
                        mend="Train or embed again; a diverged training gives such numbers."
                        )  # fmt: skip
    return vectors


def _signature(dim: int) -> list[tf.TensorSpec]:
    return [
        tf.TensorSpec([None, dim], tf.float32),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([None, None], tf.int32),
    ]


def _clip(k: tf.Tensor, num_items: int) -> tf.Tensor:
    return tf.clip_by_value(k, 0, num_items)


def _finite(queries: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.math.is_finite(queries), queries, 0.0)

"""An index over some of a catalog's items that speaks of them by their rows in the whole."""

from __future__ import annotations

import tensorflow as tf

from recsys.index import NO_ROW, ExactIndex, ScannIndex


class SliceIndex(tf.Module):
    """Finds the items of one slice.

    Call `search` and `rows_of` as of the index inside, with rows of the whole catalog; rows of
    other slices exclude nothing, and their vectors are zeros.

    Args:
        index: over the vectors of the slice.
        own: the rows of the slice.
    """

    def __init__(self, index: ExactIndex | ScannIndex, own: range) -> None:
        super().__init__()
        self.index, self.own, self.dim = index, own, index.dim

    def local(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows of the whole as rows of the slice; -1 for those of others."""
        return tf.where(self.owns(rows), rows - self.own.start, NO_ROW)

    def owns(self, rows: tf.Tensor) -> tf.Tensor:
        """Which rows are of this slice, bool of the same shape."""
        return (rows >= self.own.start) & (rows < self.own.stop)

    def rows_of(self, rows: tf.Tensor) -> tf.Tensor:
        """The vectors at `rows`, int32 [n] -> float32 [n, dim]."""
        local = self.local(rows)
        vectors = self.index.rows_of(tf.maximum(local, 0))
        return tf.where(local[..., tf.newaxis] >= 0, vectors, 0.0)

    def search(
        self, queries: tf.Tensor, k: tf.Tensor, exclude_rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        scores, rows = self.index.search(queries, k, self.local(exclude_rows))
        return scores, tf.where(rows >= 0, rows + self.own.start, NO_ROW)

"""A bundle's fingerprint in a file beside the graph, read once when a servable is loaded.

A graph that holds the fingerprint itself is another graph in every bundle. With the file beside
it, the servable of a tower that did not change goes into the next bundle as it is: same graph,
same weights, and one small file that is written anew.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

import tensorflow as tf

FINGERPRINT = Path("assets") / "fingerprint.txt"  # within a SavedModel


class Stamp(tf.Module):
    """Says which bundle answers.

    Call:
        size: int32 [1], how many rows an answer has.
        Returns string [size], the fingerprint in each.

    Args:
        fingerprint: of the bundle.
    """

    def __init__(self, fingerprint: str) -> None:
        super().__init__()
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)  # saving copies the file
        path = Path(folder) / FINGERPRINT.name
        path.write_text(fingerprint, encoding="utf-8")
        lines = tf.lookup.TextFileInitializer(
            str(path), tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
            tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        )  # fmt: skip
        self._lines = tf.lookup.StaticHashTable(lines, "")

    def __call__(self, size: tf.Tensor) -> tf.Tensor:
        return tf.fill(size, self._lines.lookup(tf.constant(0, tf.int64)))

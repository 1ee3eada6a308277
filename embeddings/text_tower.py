"""The text tower: words to unit vectors in the space of photos, so that words find photos.

A text is cut into words inside the graph; each word is a hashed bucket of its own and one for
each of its letter triples, so that "sneakers" is near "sneaker" and no vocabulary is needed. Their
vectors are averaged, words and triples apart, and a small network brings them into the space.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from embeddings.weights import load_weights, save_weights
from recsys.artifact import open_artifact
from recsys.errors import ArtifactError

KIND = "text_tower"
SETTINGS_FILE, WEIGHTS_FILE = "settings.json", "text.weights.h5"
MAX_WORDS = 32  # of one text; what follows is left out
MAX_LETTERS = 24  # of one word
TRIPLE = 3


@dataclass(frozen=True)
class TextSettings:
    """What a text tower is made of.

    Attributes:
        embedding_dim: of the photo space.
        num_buckets: that words are hashed to, and triples likewise.
        width: of a word's vector and of the network.
    """

    embedding_dim: int
    num_buckets: int = 16_384
    width: int = 128


class TextTower(tf.keras.Model):
    """Maps texts to unit vectors in the space of photos.

    Call:
        text: string [batch], UTF-8.
        Returns float32 [batch, embedding_dim], each row of norm 1, or zeros without any word.

    Example:
        >>> TextTower(TextSettings(8))(tf.constant(["Red Dress", ""])).shape
        TensorShape([2, 8])
    """

    def __init__(self, settings: TextSettings, dropout: float = 0.0) -> None:
        super().__init__(name="text_tower")
        self.settings = settings
        size = settings.num_buckets, settings.width
        self._words = tf.keras.layers.Embedding(*size, name="words")
        self._triples = tf.keras.layers.Embedding(*size, name="triples")
        self._dropout = tf.keras.layers.Dropout(dropout)
        self._hidden = tf.keras.layers.Dense(settings.width, activation="gelu", name="hidden")
        self._out = tf.keras.layers.Dense(settings.embedding_dim, name="out")

    def call(self, text: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the class."""
        words, triples = tokens(text)
        num = self.settings.num_buckets
        pooled = tf.concat([
            _mean(self._words(_buckets(words, num))), _mean(self._triples(_buckets(triples, num))),
        ], axis=1)  # fmt: skip
        pooled = self._dropout(pooled, training=training)
        out = self._out(tf.concat([pooled, self._hidden(pooled)], axis=1))
        says_something = tf.cast(words.row_lengths() > 0, tf.float32)[:, tf.newaxis]
        return tf.math.l2_normalize(out * says_something, axis=1, epsilon=1e-12)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build it again; dropout is of training alone."""
        return {"settings": asdict(self.settings)}


@dataclass(frozen=True)
class LoadedTextTower:
    """A trained text tower.

    Attributes:
        fingerprint: of its artifact.
        taught_by: fingerprints of the embedding table that it was taught by and, where known,
            of the tower that made it: it fits any table of that tower.
    """

    tower: TextTower
    fingerprint: str
    taught_by: frozenset[str]


def tokens(text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The words of texts, and the letter triples of those: two ragged [batch, (number)].

    Words are runs of letters and digits, in lower case; a word's ends are marked, so that the
    triples of "red" are <re, red and ed>.
    """
    plain = tf.strings.lower(text, encoding="utf-8")
    plain = tf.strings.regex_replace(plain, r"[^\p{L}\p{N}]+", " ")
    words = tf.strings.split(plain)[:, :MAX_WORDS]
    letters = tf.strings.unicode_split(
        tf.strings.join(["<", tf.strings.substr(words.flat_values, 0, MAX_LETTERS, "UTF8_CHAR"),
                         ">"]), "UTF-8", errors="ignore",
    )  # fmt: skip
    triples = tf.strings.ngrams(letters, TRIPLE, separator="")
    nested = words.with_flat_values(triples)
    return words, nested.merge_dims(1, 2)


def load_text_tower(folder: Path) -> LoadedTextTower:
    """Reads what the step `train-words` wrote.

    Raises:
        ArtifactError: it is missing, damaged or of another version.
    """
    mend = "Run `vitrine train-words` again."
    artifact = open_artifact(folder, KIND, mend="Run `vitrine train-words` first.")
    path = folder / SETTINGS_FILE
    try:
        settings = TextSettings(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError("the text tower's settings cannot be read.", where=str(path),
                            mend=mend) from error  # fmt: skip
    tower = build_text_tower(settings)
    load_weights(tower, folder / WEIGHTS_FILE)
    names = ("embeddings", "tower")
    taught_by = frozenset(artifact.inputs[name] for name in names if name in artifact.inputs)
    return LoadedTextTower(tower, artifact.fingerprint, taught_by)


def save_text_tower(tower: TextTower, folder: Path) -> None:
    """Writes a tower's settings and weights into a folder."""
    (folder / SETTINGS_FILE).write_text(json.dumps(asdict(tower.settings)), encoding="utf-8")
    save_weights(tower, folder / WEIGHTS_FILE)


def build_text_tower(settings: TextSettings, dropout: float = 0.0) -> TextTower:
    """A tower with fresh weights."""
    tower = TextTower(settings, dropout)
    tower(tf.constant(["a word"]))
    return tower


def _buckets(found: tf.RaggedTensor, num_buckets: int) -> tf.RaggedTensor:
    return found.with_flat_values(
        tf.strings.to_hash_bucket_fast(found.flat_values, num_buckets)
    )  # fmt: skip


def _mean(vectors: tf.RaggedTensor) -> tf.Tensor:
    """The mean of each text's vectors, zeros where it has none: [batch, width]."""
    total = tf.reduce_sum(vectors, axis=1)
    count = tf.cast(vectors.row_lengths(), tf.float32)[:, tf.newaxis]
    return total / tf.maximum(count, 1.0)

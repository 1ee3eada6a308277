"""The trained two-tower model: one query vector, one candidate vector, a dot product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.artifact import Artifact, open_artifact
from recsys.config import ModelConfig
from recsys.histories import kind_numbers, last_places
from recsys.query_tower import CONTEXT_SIZES, QueryTower, build_query_tower, context_sizes
from recsys.sequences import event_kinds

MEND = "Run `vitrine train` first."


class LoadedTwoTower(tf.Module):
    """A trained model, ready to ask and to export.

    Attributes:
        item_ids: [num_items] in the order of the prepared catalog.
        candidate_vectors: float32 [num_items, dim].
        event_kinds: the kinds it tells apart; any other counts as unknown.
        context_features: the context it reads.
        fingerprint: of the artifact it came from.
        trained: of the training behind it; a refresh keeps it.

    Example:
        >>> model = load_two_tower(workdir.model)
        >>> query = model.query([[4, 7]], [["view", "cart"]], [[60.0, 5.0]], {"hour": [12]})
        >>> scores = query @ model.candidate_vectors.T
    """

    def __init__(
        self, query_tower: QueryTower, item_ids: list[str], candidate_vectors: NDArray[np.float32],
        input_vectors: NDArray[np.float32], config: ModelConfig, artifact: Artifact,
    ) -> None:  # fmt: skip
        super().__init__(name="two_tower")
        self.query_tower, self.config = query_tower, config
        self.item_ids, self.candidate_vectors = item_ids, candidate_vectors
        self.event_kinds = event_kinds(config.event_weights)
        self.context_features = list(CONTEXT_SIZES)
        self.fingerprint, self.info = artifact.fingerprint, artifact.info
        self.trained = artifact.trained
        self._inputs = tf.Variable(input_vectors, trainable=False, name="input_vectors")

    def query(self, history_rows: Any, kinds: Any, ages: Any, context: dict[str, Any]) -> tf.Tensor:
        """What each shopper wants next, as a vector of the candidates' space.

        Args:
            history_rows: int32 [batch, length] item rows, oldest first; -1 anywhere is padding.
            kinds: string [batch, length] event kinds.
            ages: float32 [batch, length] seconds before now.
            context: feature → int32 [batch]; -1 and missing features are unknown.

        Returns:
            float32 [batch, dim], rows of norm 1. Only the last `history_length` events count.
        """
        rows = tf.cast(history_rows, tf.int32)
        kind_ids = kind_numbers(tf.convert_to_tensor(kinds, tf.string), self.event_kinds)
        rows, kind_ids, ages = last_places(
            rows, kind_ids, tf.cast(ages, tf.float32), self.config.history_length
        )
        return self.query_of(rows, kind_ids, ages, context)

    def query_of(
        self, rows: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, context: dict[str, Any]
    ) -> tf.Tensor:
        """As `query`, for histories padded on the left and kinds given by number."""
        valid = rows >= 0
        vectors = tf.gather(self._inputs, tf.maximum(rows, 0))
        shape = tf.stack([tf.shape(rows)[0], tf.shape(rows)[1] + 1])
        places = {
            name: tf.broadcast_to(tf.cast(context[name], tf.int32)[:, None], shape)
            if name in context else tf.fill(shape, -1)
            for name in context_sizes(self.config)
        }  # fmt: skip
        return self.query_tower(vectors, kinds, ages, valid, places)[:, -1]


def load_two_tower(folder: Path) -> LoadedTwoTower:
    """Reads the model that `vitrine train` wrote.

    Raises:
        ArtifactError: there is none, or it is damaged or of another version.
    """
    artifact = open_artifact(folder, "model", mend=MEND)
    config = ModelConfig.model_validate(artifact.info["model"])
    candidates = np.load(folder / "candidate_vectors.npy")
    inputs = folder / "input_vectors.npy"
    tower = QueryTower(config)
    build_query_tower(tower, config)
    with np.load(folder / "query_tower.npz") as weights:
        tower.set_weights([weights[f"{i:03d}"] for i in range(len(weights.files))])
    item_ids = (folder / "item_ids.txt").read_text(encoding="utf-8").split("\n")
    return LoadedTwoTower(
        tower, item_ids, candidates, np.load(inputs) if inputs.is_file() else candidates,
        config, artifact,
    )  # fmt: skip

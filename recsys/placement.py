"""Where a new item lies in the candidates' space, from what is known of it alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.artifact import open_artifact
from recsys.candidate_tower import CandidateTower, Items
from recsys.config import ModelConfig
from recsys.errors import ArtifactError
from recsys.features import Vocabulary
from recsys.item_placing import ItemPlacing

VOCABULARY = "vocabulary.json"
PLACING = "placing.npz"  # after the name of a tower: where new items lie, if learned apart
CANDIDATE, INPUT = "candidate", "input"  # the towers that place items
MEND = "Run `vitrine train` first."


class Placement:
    """The candidate tower of a trained model, without the id vectors.

    Args:
        tower: with its trained weights.
        vocabulary: what its tokens mean.

    Example:
        >>> placement = load_placement(workdir.model)
        >>> placement.vectors(photos, {"brand": [[3], [0]]})  # float32 [2, dim], rows of norm 1
    """

    def __init__(self, tower: CandidateTower, vocabulary: Vocabulary) -> None:
        self._tower = tower
        self.vocabulary = vocabulary

    @property
    def weights(self) -> list[tf.Variable]:
        """The tower's variables."""
        return list(self._tower.weights)

    @property
    def dim(self) -> int:
        """The length of a candidate vector."""
        return int(self._tower.dim)

    def vectors(self, image: tf.Tensor, bags: dict[str, tf.Tensor]) -> tf.Tensor:
        """The vectors of items that training never saw.

        Args:
            image: float32 [batch, image_dim] photo embeddings; zeros where an item has none.
            bags: field → int32 [batch, width] token ids; 0 fills up. One for each field of the
                vocabulary.

        Returns:
            float32 [batch, dim], rows of norm 1.
        """
        count = tf.shape(image)[0]
        has_image = tf.reduce_any(image != 0.0, axis=1)
        return self._tower(Items(tf.fill([count], -1), image, has_image, dict(bags)))


def load_candidate_tower(
    folder: Path, name: str = CANDIDATE
) -> tuple[CandidateTower, Vocabulary, NDArray[np.int32]]:
    """Reads a tower of items that `vitrine train` wrote, its vocabulary and the items' ids.

    Args:
        name: `candidate`, or `input` where the history is read in vectors of its own.

    Raises:
        ArtifactError: there is none, or it is damaged or of another version.
    """
    artifact = open_artifact(folder, "model", mend=MEND)
    config = ModelConfig.model_validate(artifact.info["model"])
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    path = folder / f"{name}_tower.npz"
    if not path.is_file():
        raise ArtifactError(f"the model lacks its {name} tower.", where=str(path),
                            mend="Run `vitrine train` again.")  # fmt: skip
    with np.load(path) as weights:
        values = [weights[name] for name in sorted(weights.files)]
    tower = CandidateTower(vocabulary, _num_ids(values, vocabulary), config.embedding_dim)
    try:
        tower.set_weights(values)
    except ValueError as error:
        raise ArtifactError(f"the candidate tower does not fit its settings: {error}.",
                            where=str(folder), mend="Run `vitrine train` again."
                            ) from error  # fmt: skip
    if (placing := folder / f"{name}_{PLACING}").is_file():
        tower.place_new_by(ItemPlacing.load(placing), vocabulary)
    return tower, vocabulary, np.load(folder / "ids.npy")


def _num_ids(values: list[NDArray[np.float32]], vocabulary: Vocabulary) -> int:
    """How many id vectors are among a tower's weights; items that left keep theirs."""
    without = CandidateTower(vocabulary, 0, len(values[0])).weights
    return len(values[1]) if len(values) > len(without) else 0  # they come after the prior


def load_placement(folder: Path) -> Placement:
    """Reads of the candidate tower what places new items.

    Raises:
        ArtifactError: there is none, or it is damaged or of another version.
    """
    tower, vocabulary, _ = load_candidate_tower(folder)
    if tower.for_new is not None:
        return Placement(tower.for_new, vocabulary)
    # the id vectors, most of the tower's size, say nothing of a new item
    bare = CandidateTower(vocabulary, 0, tower.dim)
    bare.set_weights([
        value for variable, value in zip(tower.weights, tower.get_weights(), strict=True)
        if variable is not tower.ids
    ])  # fmt: skip
    return Placement(bare, vocabulary)

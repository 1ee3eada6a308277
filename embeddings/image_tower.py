"""The image tower: backbone, pooling, projection, unit norm. Only this file knows KerasCV."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from pydantic import Field

from embeddings.backbone import (
    MAX_ANSWER_DISTANCE,
    Backbone,
    check_answer,
    distance_of,
    draw_picture,
)
from embeddings.color_histogram import color_histogram
from embeddings.heads import Heads
from embeddings.weights import load_weights, save_weights
from recsys.artifact import open_artifact
from recsys.config import Section
from recsys.errors import ArtifactError, ConfigError

KIND = "tower"
SETTINGS_FILE = "tower.json"
WEIGHTS_FILE = "tower.weights.h5"
CATEGORY = "category"

# Classes that take explicit arguments. KerasCV's named ones (EfficientNetV2B0Backbone) are left
# out: they ask a model hub for their arguments even when no weights are wanted.
_KERAS_CV = (
    "EfficientNetLiteBackbone", "EfficientNetV1Backbone", "EfficientNetV2Backbone",
    "MobileNetV3Backbone", "ResNetBackbone", "ResNetV2Backbone", "DenseNetBackbone",
)  # fmt: skip
# A shop's training has hundreds of steps, and averages over the last thousand would lag behind.
_BATCH_NORM_MOMENTUM = 0.9
_APPLICATIONS = "tf.keras.applications."


class TowerSettings(Section):
    """Everything that a tower is built from, as written beside its weights."""

    backbone: Backbone
    image_size: int
    embedding_dim: int
    pooling: str = "average"
    color_levels: int = 0
    dropout: float = 0.0
    batch_norm: str = "train"
    metric_scale: float = 16.0
    fit: str = "pad"
    categories: list[str] = Field(default_factory=list)
    attributes: dict[str, list[str]] = Field(default_factory=dict)  # column to its values
    several: list[str] = Field(default_factory=list)  # columns with several values at once
    # by label name: what logits are divided by, so that probabilities can be believed; 1 if absent
    temperatures: dict[str, float] = Field(default_factory=dict)

    def num_classes(self) -> dict[str, int]:
        """How many classes each head has, by label name."""
        counts = {CATEGORY: len(self.categories)} if self.categories else {}
        return counts | {name: len(values) for name, values in self.attributes.items()}


class ImageTower(tf.keras.layers.Layer):
    """Maps product photos to unit-length embeddings.

    Call:
        images: float32 [batch, size, size, 3], RGB in 0..255.
        Returns float32 [batch, embedding_dim], each row of norm 1.

    Example:
        >>> tower = ImageTower(load_backbone("tiny").model_dump(), embedding_dim=64)
        >>> tower(tf.zeros([2, 80, 80, 3])).shape
        TensorShape([2, 64])
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        embedding_dim: int,
        *,
        pooling: str = "average",
        color_levels: int = 0,
        dropout: float = 0.0,
        batch_norm: str = "train",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone = Backbone.model_validate(dict(backbone))
        self.embedding_dim = embedding_dim
        self.pooling = pooling
        self.color_levels = color_levels
        self.dropout_rate = dropout
        self.batch_norm = batch_norm
        self.network = build_network(self.backbone)
        for layer in self.network.submodules:
            if isinstance(layer, tf.keras.layers.BatchNormalization):
                layer.trainable = batch_norm != "frozen"  # False also means inference mode
                layer.momentum = min(layer.momentum, _BATCH_NORM_MOMENTUM)
        self.dropout = tf.keras.layers.Dropout(dropout)
        self.projection = tf.keras.layers.Dense(embedding_dim, name="projection")

    def features(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Features before the projection: float32 [batch, channels]."""
        return self.pool(self.maps(images, training), images)

    def maps(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """What the backbone sees where: float32 [batch, rows, cols, channels]."""
        scale = self.backbone.scale
        return self.network((images - scale.offset) / scale.divisor, training=training)

    def pool(self, maps: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
        """One feature of each channel, and the photo's colors: float32 [batch, channels].

        Args:
            maps: what the backbone sees where.
            images: what it sees it in, as in a call.
        """
        if self.pooling == "gem":  # Radenovic et al. 2018: between average (1) and maximum
            pooled = tf.reduce_mean(tf.maximum(maps, 1e-6) ** 3.0, axis=[1, 2]) ** (1.0 / 3.0)
        else:
            pooled = tf.reduce_mean(maps, axis=[1, 2])
        if not self.color_levels:
            return pooled
        return tf.concat([pooled, color_histogram(images, self.color_levels)], axis=1)

    def embed(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Unit embeddings float32 [batch, embedding_dim] of pooled features."""
        projected = self.projection(self.dropout(features, training=training))
        # a photo that the network has no response to still gets a direction, the same for all
        is_zero = tf.reduce_all(tf.equal(projected, 0.0), axis=1, keepdims=True)
        projected += tf.cast(is_zero, projected.dtype)
        return tf.math.l2_normalize(projected, axis=1, epsilon=1e-30)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the class."""
        return self.embed(self.features(images, training), training)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build it again."""
        return {
            **super().get_config(), "backbone": self.backbone.model_dump(),
            "embedding_dim": self.embedding_dim, "pooling": self.pooling,
            "color_levels": self.color_levels,
            "dropout": self.dropout_rate, "batch_norm": self.batch_norm,
        }  # fmt: skip


class TowerModel(tf.keras.Model):
    """A tower with its heads: what is exported as the image encoder.

    Call:
        images: float32 [batch, size, size, 3], RGB in 0..255.
        Returns a dict of float32: `embedding` [batch, embedding_dim], and for each label
        `<label>_probabilities` [batch, num_classes]: they sum to 1, and of a label in `several`
        each value has its own.
    """

    def __init__(
        self, layer: ImageTower, heads: Heads | None, temperatures: dict[str, float] | None = None,
        several: list[str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name="tower")
        self.several = list(several or [])
        self.layer = layer
        self.heads = heads
        self.temperatures = dict(temperatures or {})

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """See the class."""
        features = self.layer.features(images, training)
        outputs = {"embedding": self.layer.embed(features, training)}
        if self.heads is not None:
            logits, _ = self.heads(features, outputs["embedding"])
            for name, found in logits.items():
                squash = tf.sigmoid if name in self.several else tf.nn.softmax
                outputs[f"{name}_probabilities"] = squash(found / self.temperatures.get(name, 1.0))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build it again."""
        heads = self.heads.get_config() if self.heads is not None else None
        layer = self.layer.get_config()
        return {"layer": layer, "heads": heads, "temperatures": self.temperatures,
                "several": self.several}  # fmt: skip


@dataclass(frozen=True)
class Tower:
    """A built tower: the layer that embeds, the heads that teach it and name what it sees."""

    settings: TowerSettings
    layer: ImageTower
    heads: Heads | None
    model: tf.keras.Model  # photos to {embedding, category_probabilities, attr_*_probabilities}

    @property
    def categories(self) -> list[str]:
        """Category names in the order of `category_probabilities`."""
        return self.settings.categories

    @property
    def attributes(self) -> dict[str, list[str]]:
        """For each attribute column, its values in the order of its probabilities."""
        return self.settings.attributes

    @property
    def classes(self) -> dict[str, list[str]]:
        """For each label that has a head, `category` first, its values."""
        categories = {CATEGORY: self.categories} if self.categories else {}
        return categories | self.attributes

    @property
    def image_size(self) -> int:
        """The side of the square that photos are fitted to."""
        return self.settings.image_size

    @property
    def embedding_dim(self) -> int:
        """The length of an embedding."""
        return self.settings.embedding_dim

    @property
    def fit(self) -> str:
        """How photos are fitted: pad or crop."""
        return self.settings.fit

    def calibrated(self, temperatures: dict[str, float]) -> Tower:
        """The same tower, its probabilities sharpened or softened by label name."""
        settings = self.settings.model_copy(update={"temperatures": temperatures})
        return _assembled(settings, self.layer, self.heads)

    def answer(self) -> list[float]:
        """The embedding of the drawn picture: what a reloaded tower must give again."""
        pixels = draw_picture(self.image_size)[None].astype(np.float32)
        return [round(float(value), 6) for value in self.layer(pixels)[0].numpy()]


@dataclass(frozen=True)
class LoadedTower(Tower):
    """A tower read from disk."""

    fingerprint: str


def build_tower(settings: TowerSettings) -> Tower:
    """Builds a tower with fresh weights."""
    layer = ImageTower(
        settings.backbone.model_dump(), settings.embedding_dim, pooling=settings.pooling,
        color_levels=settings.color_levels, dropout=settings.dropout,
        batch_norm=settings.batch_norm, name="image_tower",
    )  # fmt: skip
    num_classes = settings.num_classes()
    heads = Heads(num_classes, metric_scale=settings.metric_scale) if num_classes else None
    return _assembled(settings, layer, heads)


def _assembled(settings: TowerSettings, layer: ImageTower, heads: Heads | None) -> Tower:
    model = TowerModel(layer, heads, settings.temperatures, settings.several)
    size = settings.image_size
    model(tf.zeros([1, size, size, 3]))  # makes every weight
    return Tower(settings, layer, heads, model)


def load_tower(folder: Path) -> LoadedTower:
    """Reads a trained tower and checks that it still gives the answer it was saved with.

    Raises:
        ArtifactError: it is missing, damaged, of another version, or answers differently.
    """
    mend = "Run `vitrine train-tower` first."
    artifact = open_artifact(folder, KIND, mend=mend)
    tower = read_tower(folder)
    distance = distance_of(artifact.info["answer"], tower.answer())
    if not distance <= MAX_ANSWER_DISTANCE:
        raise ArtifactError(
            f"the tower no longer gives the answer it was saved with: it is off by {distance:.2f}.",
            where=str(folder), mend="Run `vitrine train-tower` again.",
        )  # fmt: skip
    return LoadedTower(tower.settings, tower.layer, tower.heads, tower.model, artifact.fingerprint)


def read_tower(folder: Path) -> Tower:
    """Reads what `save_tower` wrote.

    Raises:
        ArtifactError: the settings or the weights cannot be read.
    """
    tower = build_tower(read_settings(folder))
    load_weights(tower.model, folder / WEIGHTS_FILE)
    return tower


def read_settings(folder: Path) -> TowerSettings:
    """What a tower was built from; unlike the tower itself it is read at once.

    Raises:
        ArtifactError: the settings cannot be read.
    """
    path = folder / SETTINGS_FILE
    try:
        return TowerSettings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"the tower's settings cannot be read: {' '.join(str(error).split())}.",
            where=str(path), mend="Run `vitrine train-tower` again.",
        ) from error  # fmt: skip


def save_tower(tower: Tower, folder: Path) -> None:
    """Writes a tower's settings and weights into a folder."""
    text = tower.settings.model_dump_json(indent=2)
    (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    save_weights(tower.model, folder / WEIGHTS_FILE)


def build_network(backbone: Backbone) -> tf.keras.Model:
    """The bare network of a backbone file, with fresh weights; never asks the network.

    Raises:
        ConfigError: the network is unknown or does not take these arguments.
    """
    make, required = _maker(backbone)
    try:
        return make(**required, **backbone.arguments)
    except (TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"the network does not take these arguments: {' '.join(str(error).split())}.",
            where=f"network: {backbone.network}", mend="Compare them with the class's signature.",
        ) from error  # fmt: skip


def _maker(backbone: Backbone) -> tuple[Callable[..., tf.keras.Model], dict[str, Any]]:
    """What makes a backbone's network, and the arguments that are not up to its file."""
    name = backbone.network.rpartition(".")[2]
    if backbone.network == f"{_APPLICATIONS}{name}" and hasattr(tf.keras.applications, name):
        fixed = {"input_shape": (None, None, 3), "include_top": False, "weights": None}
        return getattr(tf.keras.applications, name), fixed
    if backbone.network == f"keras_cv.models.{name}" and name in _KERAS_CV:
        with contextlib.redirect_stdout(io.StringIO()):  # it says which backend it found
            import keras_cv

        return getattr(keras_cv.models, name), {}
    raise ConfigError(
        "unknown network.", where=f"network: {backbone.network}",
        mend=f"Use keras_cv.models.<one of {', '.join(_KERAS_CV)}> or {_APPLICATIONS}<name>.",
    )  # fmt: skip


def load_backbone_weights(layer: ImageTower, path: Path) -> bool:
    """Loads ImageNet or other weights into a tower's backbone and checks their answer.

    Returns:
        Whether the backbone file has a recorded answer for these weights.
    """
    load_weights(layer.network, path)
    return check_answer(layer.backbone, path, picture_features(layer))


def picture_features(layer: ImageTower) -> np.ndarray:
    """Average-pooled features of the drawn picture: float32 [channels]."""
    scale = layer.backbone.scale
    pixels = draw_picture(layer.backbone.image_size)[None].astype(np.float32)
    maps = layer.network((pixels - scale.offset) / scale.divisor, training=False)
    return np.asarray(tf.reduce_mean(maps, axis=[1, 2])[0])

"""What is known of an item, as arrays: vocabularies learned once, then applied to any catalog."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns
from recsys.config import ModelConfig

FIELDS = ("category", "brand", "price", "title", "attributes")
NUM_PRICE_BINS = 16
MAX_TITLE_WORDS = 12
MIN_WORD_COUNT = 2  # a word of one title alone says nothing that the id does not
MAX_WORDS = 50_000
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Vocabulary:
    """What the candidate tower knows: tokens of each field, price bins, and the photo's size."""

    tokens: dict[str, list[str]]  # field → tokens; token i has id i + 1, and 0 is "nothing"
    price_edges: list[float]
    image_dim: int  # 0: photos are not used
    widths: dict[str, int] = field(default_factory=dict)  # field → most tokens of one item

    @property
    def fields(self) -> list[str]:
        """The fields that say anything in this catalog, in a fixed order."""
        return [name for name in FIELDS if self.tokens.get(name)]

    def save(self, path: Path) -> None:
        """Writes the vocabulary as JSON."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Reads what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class ItemFeatures:
    """The catalog as the candidate tower reads it; row i is item i.

    Attributes:
        bags: field → int32 [num_items, width] token ids; 0 fills up.
        image: float32 [num_items, image_dim] photo embeddings, zeros where there is none.
        has_image: bool [num_items].
    """

    bags: dict[str, NDArray[np.int32]]
    image: NDArray[np.float32]
    has_image: NDArray[np.bool_]

    @property
    def num_items(self) -> int:
        """How many items there are."""
        return len(self.has_image)


def learn_vocabulary(catalog: pd.DataFrame, config: ModelConfig, image_dim: int) -> Vocabulary:
    """Collects the tokens of every field that the config asks for.

    Args:
        catalog: the prepared catalog.
        config: which fields are used.
        image_dim: length of a photo embedding; 0 without photos.
    """
    wanted = {
        "category": config.use_category, "brand": config.use_brand, "price": config.use_price,
        "title": config.use_title, "attributes": config.use_attributes,
    }  # fmt: skip
    edges = _price_edges(catalog) if config.use_price else []
    tokens: dict[str, list[str]] = {}
    widths: dict[str, int] = {}
    for name in FIELDS:
        if not wanted[name]:
            continue
        bags = _texts(catalog, name, edges)
        counts = Counter(token for bag in bags for token in bag)
        least = MIN_WORD_COUNT if name == "title" else 1
        kept = [token for token, count in counts.most_common(MAX_WORDS) if count >= least]
        tokens[name] = sorted(kept)
        widths[name] = max((len(bag) for bag in bags), default=0)
    return Vocabulary(tokens, edges, image_dim if config.use_image else 0, widths)


def item_features(
    catalog: pd.DataFrame,
    vocabulary: Vocabulary,
    image: NDArray[np.float32] | None = None,
    has_image: NDArray[np.bool_] | None = None,
) -> ItemFeatures:
    """Turns a catalog into arrays; tokens that the vocabulary lacks are left out.

    Args:
        catalog: any catalog of the prepared form, new items included.
        vocabulary: as learned in training.
        image: [num_items, image_dim] photo embeddings.
        has_image: [num_items] whether there is one.
    """
    num_items = len(catalog)
    bags = {}
    for name in vocabulary.fields:
        ids = {token: i + 1 for i, token in enumerate(vocabulary.tokens[name])}
        bags[name] = np.zeros((num_items, max(1, vocabulary.widths[name])), np.int32)
        for row, texts in enumerate(_texts(catalog, name, vocabulary.price_edges)):
            known = [ids[text] for text in texts if text in ids][: bags[name].shape[1]]
            bags[name][row, : len(known)] = known
    if image is None or has_image is None or not vocabulary.image_dim:
        image = np.zeros((num_items, vocabulary.image_dim), np.float32)
        has_image = np.zeros(num_items, bool)
    # a vector with a number missing would make every loss not a number
    has_image = has_image & np.isfinite(image).all(axis=1)
    return ItemFeatures(bags, np.where(has_image[:, None], image, np.float32(0)), has_image)


def place_inputs(features: ItemFeatures) -> dict[str, NDArray[Any]]:
    """What the signature `place` takes of these items; empty where nothing is known of items."""
    photo = {"embedding": features.image} if features.image.shape[1] else {}
    return {**photo, **features.bags}


def category_levels(category: str) -> list[str]:
    """Every level of a category path: "A > B" gives "A" and "A > B"; "A|B" is in both."""
    levels: dict[str, None] = {}
    for path in several(category):
        parts = path.split(columns.CATEGORY_SEPARATOR)
        joined = (columns.CATEGORY_SEPARATOR.join(parts[: i + 1]) for i in range(len(parts)))
        levels |= dict.fromkeys(joined)
    return list(levels)


def several(text: str) -> list[str]:
    """The values of a cell that may hold more than one: "Action|Comedy" is both."""
    parts = (part.strip() for part in text.split(columns.IMAGE_SEPARATOR))
    return list(dict.fromkeys(part for part in parts if part))


def title_words(title: str) -> list[str]:
    """The first distinct lower-case words of a title."""
    return list(dict.fromkeys(WORD.findall(title.lower())))[:MAX_TITLE_WORDS]


def _price_edges(catalog: pd.DataFrame) -> list[float]:
    prices = catalog[columns.PRICE].to_numpy(np.float64)
    prices = prices[np.isfinite(prices)]
    if len(prices) == 0:
        return []
    shares = np.linspace(0, 1, NUM_PRICE_BINS + 1)[1:-1]
    return [float(edge) for edge in np.unique(np.quantile(prices, shares))]


def _texts(catalog: pd.DataFrame, name: str, edges: list[float]) -> list[list[str]]:
    """Each item's tokens of one field."""
    if name == "price":
        prices = catalog[columns.PRICE].to_numpy(np.float64)
        bins = np.searchsorted(edges, prices, side="right")
        return [
            [f"{bin_:02d}"] if np.isfinite(p) else [] for bin_, p in zip(bins, prices, strict=True)
        ]
    if name == "attributes":
        names = columns.attribute_columns(list(catalog.columns))
        values = [catalog[column].tolist() for column in names]
        prefixes = [column.removeprefix(columns.ATTRIBUTE_PREFIX) for column in names]
        return [
            [f"{prefix}={value}" for prefix, text in zip(prefixes, item, strict=True)
             for value in several(text)]
            for item in zip(*values, strict=True)
        ] if names else [[] for _ in range(len(catalog))]  # fmt: skip
    split = {"category": category_levels, "title": title_words}.get(name, several)
    return [split(text) for text in catalog[name].tolist()]

"""Where shoppers lie in a space of items: the mean of what they touched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from recsys import columns
from recsys.artifact import open_artifact
from recsys.embedding_table import open_table
from recsys.workdir import Workdir

PHOTO, BEHAVIOR, CATEGORY = "photo", "behavior", "category"


@dataclass(frozen=True)
class ItemVectors:
    """Unit vectors of items, and what they are made of.

    Attributes:
        source: photo, behavior or category.
        vectors: float32 [num_items, dim] in the order of the catalog; zeros where unknown.
    """

    source: str
    vectors: np.ndarray


@dataclass(frozen=True)
class Tastes:
    """Shoppers as unit vectors.

    Attributes:
        user_ids: [num_shoppers], those with enough liked items that have a vector.
        vectors: float32 [num_shoppers, dim].
    """

    user_ids: np.ndarray
    vectors: np.ndarray


def item_vectors(workdir: Workdir, catalog: pd.DataFrame) -> ItemVectors:
    """What is known of items: photo embeddings, else the model's vectors, else categories.

    Raises:
        ArtifactError: what there is, is damaged or of another version.
    """
    item_ids = [str(item_id) for item_id in catalog[columns.ITEM_ID]]
    if workdir.embeddings.is_dir():
        vectors, present = open_table(workdir.embeddings).vectors_for(item_ids)
        if present.any():
            return ItemVectors(PHOTO, vectors)
    if workdir.model.is_dir():
        model = open_artifact(workdir.model, "model", mend="Run `vitrine train` first.")
        known = (model.path / "item_ids.txt").read_text(encoding="utf-8").split("\n")
        if known == item_ids:
            return ItemVectors(BEHAVIOR, np.load(model.path / "candidate_vectors.npy"))
    return ItemVectors(CATEGORY, by_category(catalog))


def by_category(catalog: pd.DataFrame) -> np.ndarray:
    """One axis per category: float32 [num_items, num_categories], zeros where unknown."""
    codes, names = pd.factorize(catalog[columns.CATEGORY], sort=True)
    vectors = np.eye(len(names), dtype=np.float32)[codes]
    vectors[(catalog[columns.CATEGORY] == "").to_numpy()] = 0
    return vectors


def tastes_of(
    events: pd.DataFrame, catalog: pd.DataFrame, items: ItemVectors, weights: dict[str, float],
    least: int = 3,
) -> Tastes:  # fmt: skip
    """The weighted mean direction of each shopper's items, from the catalog's own mean.

    The mean over all items is taken off first: every photo shows a product on a background,
    and what all items share says nothing of taste.

    Args:
        weights: of event kinds; a pair counts once, by its heaviest kind, and kinds of weight 0
            not at all.
        least: distinct items that a shopper must have touched.
    """
    weight = events[columns.EVENT].map(weights).fillna(1.0)
    heaviest = weight.groupby([events[columns.USER_ID], events[columns.ITEM_ID]]).max()
    pairs = heaviest[heaviest > 0].rename("weight").reset_index()
    known = np.linalg.norm(items.vectors, axis=1) > 0
    row_of = pd.Series(np.arange(len(catalog)), index=catalog[columns.ITEM_ID])
    pairs["row"] = pairs[columns.ITEM_ID].map(row_of).astype(int)
    pairs = pairs[known[pairs["row"].to_numpy()]]
    enough = pairs.groupby(columns.USER_ID)[columns.ITEM_ID].transform("size") >= least
    pairs = pairs[enough]
    places, user_ids = pd.factorize(pairs[columns.USER_ID], sort=True)
    centered = np.where(known[:, None], items.vectors - items.vectors[known].mean(axis=0), 0) \
        if known.any() else items.vectors  # fmt: skip
    table = sparse.csr_matrix(
        (pairs["weight"].to_numpy(np.float32), (places, pairs["row"].to_numpy())),
        shape=(len(user_ids), len(catalog)),
    )
    vectors = np.asarray(table @ centered, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = lengths[:, 0] > 1e-6  # who likes everything alike has no direction
    return Tastes(np.asarray(user_ids)[kept], vectors[kept] / lengths[kept])

"""What a bundle whose catalog is shared out is made of: a searching servable for each slice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recsys.index import ExactIndex, ScannIndex
from recsys.scann_parts import ScannSettings
from recsys.spaces import Space
from serving.bundle import RECOMMEND, SCANN, SIMILAR_ITEMS
from serving.recommend_shard import RecommendShard
from serving.servables import Servable, SimilarItems, masking
from serving.shards import shard_name, slices
from serving.slice_index import SliceIndex

if TYPE_CHECKING:
    from serving.parts import Parts


def make_shards(
    parts: Parts, shards: int, fingerprint: str, *, explains: bool
) -> dict[str, Servable]:
    """Builds the searching servables of every slice in memory, by their published names.

    Args:
        parts: the artifacts of the whole catalog.
        shards: how many slices.
        fingerprint: of the bundle.
        explains: whether recommendations are explained.
    """
    servables: dict[str, Servable] = {}
    similar, behavior, model = parts.spaces.similar, parts.spaces.behavior, parts.spaces.model
    for engine, shard, index in _indexes(parts, similar, shards):
        ids = similar.item_ids[index.own.start : index.own.stop]
        servables[shard_name(SIMILAR_ITEMS + engine, shard)] = SimilarItems(
            index.index, ids, fingerprint
        )
    if behavior is None or model is None:
        return servables
    explained = parts.explained() if explains else None
    for engine, shard, index in _indexes(parts, behavior, shards):
        servables[shard_name(RECOMMEND + engine, shard)] = RecommendShard(
            model, index, behavior.item_ids, fingerprint, **masking(model.config),
            placement=None if engine else parts.placement, sources=parts.sources,
            parts=None if engine else explained,
        )  # fmt: skip
    return servables


def shared_out(settings: ScannSettings, share: float) -> ScannSettings:
    """Settings for a slice: leaves of the size that was measured, and as many of them searched."""
    if settings.is_brute_force:
        return settings
    return replace(
        settings, num_leaves=max(1, round(settings.num_leaves * share)),
        leaves_to_search=math.ceil(settings.leaves_to_search * share),
    )  # fmt: skip


def _indexes(parts: Parts, space: Space, shards: int) -> Iterator[tuple[str, int, SliceIndex]]:
    measured, total = parts.measured(space), len(space.vectors)
    for shard, own in enumerate(slices(total, shards)):
        vectors = np.ascontiguousarray(space.vectors[own.start : own.stop])
        yield "", shard, SliceIndex(ExactIndex(vectors), own)
        if parts.serves_scann(space):
            settings = shared_out(ScannSettings(**measured["settings"]), len(own) / total)
            yield SCANN, shard, SliceIndex(ScannIndex(vectors, settings), own)

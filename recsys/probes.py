"""Queries that an index is measured with: the kind that it will be asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from recsys.config import Config
from recsys.histories import QUERY_BATCH, case_batch
from recsys.index import NO_ROW
from recsys.interactions import load_interactions
from recsys.repeats import masked_kinds
from recsys.sequences import make_sequences
from recsys.spaces import BEHAVIOR, Space, Spaces
from recsys.splits import leave_last_out, sample_cases
from recsys.two_tower import LoadedTwoTower
from recsys.workdir import Workdir


@dataclass(frozen=True)
class Probes:
    """Queries and what their answers must leave out.

    Attributes:
        queries: float32 [num_probes, dim].
        exclude_rows: int32 [num_probes, m]; -1 excludes nothing.
    """

    queries: np.ndarray
    exclude_rows: np.ndarray


def make_probes(space: Space, spaces: Spaces, config: Config, workdir: Workdir) -> Probes:
    """Photo space: items asking for their neighbors. Behavior space: shoppers' histories."""
    if space.name == BEHAVIOR and spaces.model is not None:
        return shopper_probes(spaces.model, space, config, workdir)
    return item_probes(space, config.index.num_probes, config.index.seed)


def item_probes(space: Space, num_probes: int, seed: int) -> Probes:
    """Items drawn evenly, each left out of its own answer."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(space.item_ids))[:num_probes]
    return Probes(space.vectors[rows], rows[:, np.newaxis].astype(np.int32))


def shopper_probes(model: LoadedTwoTower, space: Space, config: Config, workdir: Workdir) -> Probes:
    """Histories up to the last target of shoppers, which training has not seen."""
    sequences = make_sequences(
        load_interactions(workdir), space.item_ids, model.config.event_weights
    )
    mask = masked_kinds(model.config)
    cases = leave_last_out(sequences, len(space.item_ids), mask_repeats=mask).test
    cases = sample_cases(cases, config.index.num_probes, config.index.seed)
    queries = []
    for part in cases.chunks(QUERY_BATCH):
        batch = case_batch(part, model.config.history_length)
        context = {name: values[:, -1] for name, values in batch.context.items()}
        queries.append(model.query_of(batch.rows, batch.kinds, batch.ages, context).numpy())
    if not queries:  # nobody has a second event: a new visitor asks
        queries = [model.query(tf.fill([1, 1], NO_ROW), [["view"]], [[0.0]], {}).numpy()]
    found = np.concatenate(queries)
    return Probes(found, np.full((len(found), 1), NO_ROW, np.int32))

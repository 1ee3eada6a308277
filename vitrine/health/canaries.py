"""The same questions to the old and the new: nearest items, and lists for real histories.

Who is asked follows from ids alone, so that the same items and shoppers are asked from one
refresh to the next, as long as they are there.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns
from recsys.ranking import Scorer
from recsys.splits import Cases
from recsys.workdir import Workdir
from vitrine.health.agreement import Agreement, K, agreement, asked_in_parts

if TYPE_CHECKING:
    from recsys.two_tower import LoadedTwoTower

EXAMPLES = 5  # of the most changed answers that a report names

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def lasting_sample(ids: Iterable[str], count: int) -> list[str]:
    """At most `count` ids, drawn by their hashes: others that come or go hardly change it."""
    return heapq.nsmallest(
        count, set(ids), key=lambda name: hashlib.blake2b(name.encode(), digest_size=8).digest()
    )


def rows_among(ids: list[str], known: list[str]) -> Rows:
    """The row of each id in `known`, int64; -1 where it is not among them."""
    rows = {name: row for row, name in enumerate(known)}
    return np.array([rows.get(name, -1) for name in ids], np.int64)


def nearest(
    old: Vectors, new: Vectors, old_probes: Rows, new_probes: Rows, old_rows: Rows, k: int = K
) -> Agreement:
    """The nearest items of probe items, in the old vectors and in the new ones.

    Args:
        old, new: float32 [num_old, dim] and [num_new, dim_of_new].
        old_probes, new_probes: int64 [n] rows of the same probe items; each is left out of its
            own answer.
        old_rows: int64 [num_new] the old row of each new one, -1 for a new item.
    """

    def ask(part: slice) -> Agreement:
        return agreement(_near(old, old_probes[part]), _near(new, new_probes[part]), old_rows, k)

    return asked_in_parts(len(old_probes), max(len(old), len(new)), ask)


def recommended(
    old: tuple[Workdir, LoadedTwoTower], new: tuple[Workdir, LoadedTwoTower],
    interactions: pd.DataFrame, count: int,
) -> tuple[list[str], Agreement]:  # fmt: skip
    """What shoppers are recommended at their last event, by both sources of old and new.

    Args:
        old, new: each workdir with its model.
        interactions: the events; those of items that only one of them knows are left out.
        count: how many shoppers are asked.

    Returns:
        The shoppers in the order of the questions, and how their lists agree.

    Raises:
        ArtifactError: a model does not belong to its transitions.
    """
    (_, old_model), (_, new_model) = old, new
    both = set(old_model.item_ids) & set(new_model.item_ids)
    events = interactions[interactions[columns.ITEM_ID].isin(both)]
    users = lasting_sample(events[columns.USER_ID].unique().tolist(), count)
    events = events[events[columns.USER_ID].isin(users)]
    asked = [_asked(workdir, model, events) for workdir, model in (old, new)]
    old_rows = rows_among(new_model.item_ids, old_model.item_ids)

    def ask(part: slice) -> Agreement:
        before, after = (_scores(*each, part) for each in asked)
        return agreement(before, after, old_rows)

    width = max(len(old_model.item_ids), len(new_model.item_ids))
    found = asked_in_parts(len(asked[0][1]), width, ask)
    return asked[0][1].sequences.user_ids, found


def summary(found: Agreement, names: list[str]) -> dict[str, Any]:
    """An agreement in figures.

    Returns:
        asked; overlap (None where nothing was asked); emptied, how many answers are empty now;
        shares, how many questions kept 0, 1, … 10 tenths of their answer; and the most changed.
    """
    lowest = [place for place in np.argsort(found.kept, kind="stable")[:EXAMPLES]
              if found.kept[place] < 1]  # fmt: skip
    shares = np.bincount(np.round(10 * found.kept).astype(int), minlength=11)
    return {
        "asked": len(found.rows),
        "overlap": None if found.overlap is None else round(found.overlap, 4),
        "emptied": int(found.emptied.sum()),
        "shares": shares.tolist(),
        "examples": [
            {"id": names[int(found.rows[place])], "kept": round(float(found.kept[place]), 2)}
            for place in lowest
        ],
    }


def _near(vectors: Vectors, probes: Rows) -> Vectors:
    scores = np.asarray(vectors[probes] @ vectors.T, np.float32)
    scores[np.arange(len(probes)), probes] = -np.inf
    return scores


def _asked(
    workdir: Workdir, model: LoadedTwoTower, events: pd.DataFrame
) -> tuple[Scorer, Cases, Any]:
    """What scores as a bundle would, every shopper's last moment, and which events hide items."""
    from recsys.histories import loaded_scorer
    from recsys.learn_transitions import open_source
    from recsys.repeats import masked_kinds
    from recsys.sequences import make_sequences

    sequences = make_sequences(events, list(model.item_ids), model.config.event_weights)
    last = sequences.offsets[1:] - 1
    cases = Cases(sequences, last, np.ones(len(last)))
    scorer, source = loaded_scorer(model), open_source(workdir, model)
    if source is not None:
        scorer = source.scorers(scorer, model.config.history_length)["blend"]
    return scorer, cases, masked_kinds(model.config)


def _scores(scorer: Scorer, cases: Cases, masks: Any, part: slice) -> Vectors:
    asked = cases.take(part)
    scores = np.array(scorer(asked), np.float32)
    scores[asked.masked(masks)] = -np.inf
    return scores

"""What followed what, counted: a sparse table of each item's followers and how they vote.

A Markov chain of many lags (first order: Rendle et al., WWW 2010, without the factors). On small
data it beats neural sequence models, and it can be counted anew whenever events arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.config import TransitionsConfig
from recsys.sequences import Ints, Masks, Places, Sequences, target_weights
from recsys.splits import Cases

DAY = 86_400
HOURS, WEEKDAYS = 24, 7
NUM_CONTEXTS = 1 + HOURS + WEEKDAYS  # any moment, then each hour, then each weekday (UTC)
MAX_PAIRS = 4_000_000  # counted at once: about 200 MB
CONTEXT_PRIOR = 1_000.0  # events of any moment that an hour's own events are mixed with

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Transitions:
    """Who follows whom, row after row, each row's strongest followers first.

    Rows 0 to num_items - 1 are items. The NUM_CONTEXTS rows after them stand for a shopper of
    whom nothing is known: what is wanted at any moment, at each hour, on each weekday.

    Attributes:
        offsets: int64 [num_rows + 1]; row r owns entries offsets[r] to offsets[r + 1].
        followers: int32 [num_entries] item rows.
        rates: float32 [num_entries] above 0.
    """

    offsets: Places
    followers: Ints
    rates: Floats

    @property
    def num_items(self) -> int:
        """How many items the catalog has."""
        return len(self.offsets) - 1 - NUM_CONTEXTS

    @property
    def width(self) -> int:
        """The most followers that a row has."""
        return int(np.diff(self.offsets).max(initial=0))

    def matrix(self) -> sp.csr_matrix:
        """The table as [num_rows, num_items] sparse."""
        shape = (len(self.offsets) - 1, self.num_items)
        return sp.csr_matrix((self.rates, self.followers, self.offsets), shape=shape)

    def save(self, path: Path) -> None:
        """Writes the table as one .npz file."""
        np.savez(path, offsets=self.offsets, followers=self.followers, rates=self.rates)


def load_transitions(path: Path) -> Transitions:
    """Reads what `Transitions.save` wrote."""
    with np.load(path) as arrays:
        return Transitions(arrays["offsets"], arrays["followers"], arrays["rates"])


def count_transitions(
    sequences: Sequences, num_items: int, settings: TransitionsConfig, *,
    mask_repeats: Masks,
) -> Transitions:  # fmt: skip
    """Counts what followed what up to `lags` events later, each 1 / distance, the recent more.

    A rate is such a count divided by a power of the item's own total (`damping`) and of the
    follower's popularity (`popularity_damping`).

    Args:
        sequences: the events that may be learned from.
        num_items: size of the catalog.
        settings: lags, decay, damping, width.
        mask_repeats: as `target_weights`; what is masked when serving is no follower.
    """
    weights = target_weights(sequences, mask_repeats=mask_repeats) * _recency(
        sequences.times, settings.half_life_days
    )
    popular = np.bincount(sequences.rows, weights, num_items)
    scale = np.maximum(popular, 1.0) ** -settings.popularity_damping
    parts = [
        _strongest(_damped(counts, settings.damping, scale), settings.width)
        for counts in _counted(sequences, num_items, weights, settings.lags)
    ]
    parts.append(_strongest(_moments(sequences, num_items, weights), settings.width))
    return _joined(parts, settings.max_entries)


def history_votes(cases: Cases, num_items: int, settings: TransitionsConfig) -> sp.csr_matrix:
    """How much each row of the table votes for each case, [num_cases, num_rows] sparse.

    The last event votes 1, the one before 1/2, then 1/3 …; kinds that are no sign of liking do
    not. A case without history asks the rows of its moment, which share one vote.
    """
    case, _, step = cases.history()
    place = cases.positions[case] - 1 - step
    rows, sequences = cases.sequences.rows[place], cases.sequences
    votes = (step < settings.history) & ~((sequences.kinds[place] > 0)
                                          & (sequences.weights[place] == 0))  # fmt: skip
    case, rows, step = case[votes], rows[votes], step[votes]
    empty = np.flatnonzero(cases.positions == cases.starts)
    now = moment_rows(cases.now[empty], num_items)
    data = np.concatenate([1.0 / (1.0 + step), np.full(now.size, 1.0 / now.shape[1])])
    where = (np.concatenate([case, np.repeat(empty, now.shape[1])]),
             np.concatenate([rows, now.ravel()]))  # fmt: skip
    shape = (len(cases), num_items + NUM_CONTEXTS)
    return sp.csr_matrix((data.astype(np.float32), where), shape=shape)


def own_votes(
    cases: Cases, num_items: int, settings: TransitionsConfig, boosted: NDArray[np.bool_]
) -> sp.csr_matrix:
    """How much the last events vote for their own items, [num_cases, num_items] sparse.

    Args:
        boosted: bool [num_kinds + 1] the kinds that ask for their item again, by number.
    """
    case, rows, step = cases.history()
    votes = (step < settings.history) & boosted[
        cases.sequences.kinds[cases.positions[case] - 1 - step]
    ]
    where, data = (case[votes], rows[votes]), 1.0 / (1.0 + step[votes])
    return sp.csr_matrix((data.astype(np.float32), where), shape=(len(cases), num_items))


def moment_rows(times: NDArray[np.float64], num_items: int) -> Places:
    """The rows that stand for moments: any, the hour's and the weekday's, int64 [n, 3]."""
    hour = (times % DAY // 3600).astype(np.int64)
    weekday = ((times // DAY).astype(np.int64) + 3) % WEEKDAYS  # 1970-01-01 was a Thursday
    return num_items + np.stack([np.zeros_like(hour), 1 + hour, 1 + HOURS + weekday], axis=1)


def _recency(times: NDArray[np.float64], half_life_days: float) -> NDArray[np.float64]:
    """How much an event counts for its age at the end of the log; all alike for 0 days."""
    if not half_life_days or not len(times):
        return np.ones(len(times))
    return np.asarray(0.5 ** ((times.max() - times) / (half_life_days * DAY)))


def _counted(
    sequences: Sequences, num_items: int, weights: NDArray[np.floating], lags: int
) -> Iterator[sp.csr_matrix]:
    """Counts of followers, [items of a block, num_items] for block after block of items."""
    rows, stops = sequences.rows, sequences.offsets[1:][sequences.users]
    order = np.argsort(rows, kind="stable")
    begins = np.searchsorted(rows[order], np.arange(num_items + 1))
    first = 0
    while first < num_items:
        room = begins[first] + MAX_PAIRS // lags
        last = max(first + 1, int(np.searchsorted(begins, room, side="right")) - 1)
        events = order[begins[first] : begins[last]]
        later = events[:, None] + np.arange(1, lags + 1)
        event, lag = np.nonzero(later < stops[events][:, None])
        then = later[event, lag]
        data = weights[then] / (lag + 1.0)
        wanted = data > 0
        pairs = (rows[events[event]][wanted] - first, rows[then][wanted])
        yield sp.csr_matrix((data[wanted], pairs), shape=(last - first, num_items))
        first = last


def _damped(
    counts: sp.csr_matrix, damping: float, scale: NDArray[np.floating]
) -> sp.csr_matrix:  # fmt: skip
    totals = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1e-9)
    return (sp.diags(totals**-damping) @ counts @ sp.diags(scale)).tocsr()


def _moments(
    sequences: Sequences, num_items: int, weights: NDArray[np.floating]
) -> sp.csr_matrix:  # fmt: skip
    """Shares of items at any moment, at each hour and on each weekday, [NUM_CONTEXTS, num_items].

    An hour with few events says little: CONTEXT_PRIOR events of any moment are added to each.
    """
    places = moment_rows(sequences.times, 0)
    everything = np.bincount(sequences.rows, weights, num_items)
    shares = everything / max(everything.sum(), 1e-9)
    rows = []
    for context in range(NUM_CONTEXTS):
        here = (places == context).any(axis=1)
        counts = np.bincount(sequences.rows[here], weights[here], num_items)
        mixed = (counts + CONTEXT_PRIOR * shares) / (counts.sum() + CONTEXT_PRIOR)
        rows.append(sp.csr_matrix(mixed))
    return sp.vstack(rows, format="csr")


def _strongest(matrix: sp.csr_matrix, width: int) -> tuple[Places, Ints, Floats]:
    """Each row's `width` largest entries, largest first: (lengths, columns, values)."""
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort([matrix.indices, -matrix.data, row])
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = order[place < width]
    return (np.minimum(lengths, width).astype(np.int64), matrix.indices[kept].astype(np.int32),
            matrix.data[kept].astype(np.float32))  # fmt: skip


def _joined(parts: list[tuple[Places, Ints, Floats]], max_entries: int) -> Transitions:
    """One table of all parts; rows are cut to one width if it would hold too many entries."""
    lengths = np.concatenate([part[0] for part in parts])
    followers = np.concatenate([part[1] for part in parts])
    rates = np.concatenate([part[2] for part in parts])
    width = int(lengths.max(initial=0))
    while width > 1 and np.minimum(lengths, width).sum() > max_entries:
        width = max(1, width * 3 // 4)
    place = np.arange(len(rates)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, width))]).astype(np.int64)
    return Transitions(offsets, followers[place < width], rates[place < width])

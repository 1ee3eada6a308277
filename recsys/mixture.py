"""How much the transitions add to the towers' score, fitted on validation by history length.

An item's score is its dot product with the query plus weight · log(1 + votes / pivot), which is
0 where no event of the history leads to it: scores of both kinds stand on one scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import metrics
from recsys.config import TransitionsConfig
from recsys.ranking import MAX_SCORES, Scorer, masked_ranks
from recsys.sequences import Masks, Sequences
from recsys.splits import Cases, sample_cases
from recsys.transitions import Transitions, history_votes, own_votes

EDGES = (0, 1, 2, 4, 8, 16, 32)  # the shortest history of each bucket
WEIGHTS = (
    0.0,
    0.01,
    0.02,
    0.03,
    0.045,
    0.06,
    0.08,
    0.1,
    0.13,
    0.17,
    0.22,
    0.3,
    0.45,
    0.7,
    1.0,
)  # cosines
PIVOTS = (0.3, 1.0, 3.0, 10.0)  # in the mean vote that a right item got
REPEATS = (0.3, 1.0, 3.0, 10.0, 30.0)  # in pivots
MAX_HISTORY = EDGES[-1]  # longer histories are all alike
ENOUGH = 200  # cases of a length, below which longer histories are shortened to stand in

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mixture:
    """One weight and one pivot for each bucket of history lengths.

    Attributes:
        edges: [num_buckets] the shortest history of each bucket, ascending from 0.
        weights: [num_buckets] of the log of the votes; 0 leaves the towers alone.
        pivots: [num_buckets] how many votes count as one.
        repeat: votes for its own item of the last event of a kind that asks for it again.
    """

    edges: tuple[int, ...] = EDGES
    weights: tuple[float, ...] = (0.0,) * len(EDGES)
    pivots: tuple[float, ...] = (1.0,) * len(EDGES)
    repeat: float = 0.0

    def bonus(self, votes: sp.csr_matrix, lengths: NDArray[np.integer]) -> sp.csr_matrix:
        """What is added to the towers' scores.

        Args:
            votes: [num_cases, num_items] sparse.
            lengths: int [num_cases] of the histories.
        """
        bucket = np.searchsorted(self.edges, lengths, side="right") - 1
        row = np.repeat(np.arange(votes.shape[0]), np.diff(votes.indptr))
        weight, pivot = np.array(self.weights)[bucket][row], np.array(self.pivots)[bucket][row]
        data = (weight * np.log1p(votes.data / pivot)).astype(np.float32)
        return sp.csr_matrix((data, votes.indices, votes.indptr), shape=votes.shape)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Mixture:
        """What `as_dict` gave."""
        lists = {name: tuple(values[name]) for name in ("edges", "weights", "pivots")}
        return cls(**lists, repeat=float(values["repeat"]))


def transitions_scorer(table: Transitions, settings: TransitionsConfig) -> Scorer:
    """Scores by the transitions alone."""
    matrix = table.matrix()
    return lambda cases: (
        history_votes(cases, table.num_items, settings) @ matrix
    ).toarray()  # fmt: skip


def blend_scorer(
    towers: Scorer, table: Transitions, mixture: Mixture, settings: TransitionsConfig,
    history_length: int, boosted: NDArray[np.bool_] | None = None,
) -> Scorer:  # fmt: skip
    """Scores as served: by the towers, and above that by the transitions.

    Args:
        history_length: the most events that a servable is told of.
        boosted: bool [num_kinds + 1] kinds that ask for their item again; none when None.
    """
    matrix = table.matrix()

    def score(cases: Cases) -> NDArray[np.float32]:
        votes = (history_votes(cases, table.num_items, settings) @ matrix).tocsr()
        if boosted is not None and mixture.repeat:
            votes = votes + mixture.repeat * own_votes(cases, table.num_items, settings, boosted)
        lengths = np.minimum(cases.positions - cases.starts, history_length)
        scores = np.array(towers(cases), np.float32)
        bonus = mixture.bonus(votes, lengths).tocoo()
        scores[bonus.row, bonus.col] += bonus.data
        return scores

    return score


def fit_mixture(
    towers: Scorer, table: Transitions, cases: Cases, settings: TransitionsConfig, *,
    mask_seen: Masks, known: NDArray[np.bool_] | None = None,
) -> Mixture:  # fmt: skip
    """The weight and pivot of each bucket that rank validation best by NDCG@10.

    A bucket with fewer than ENOUGH cases borrows those of longer histories, of which only the
    last events are told; and what everybody's cases say counts as ENOUGH cases in each. Without
    any case the towers answer alone.

    Args:
        towers: what scores by the dot product.
        table: counted from the events that may be learned from.
        cases: validation cases.
        mask_seen: leave out what the shopper had before, as when serving.
        known: bool [num_items] the items that are ranked; all when None.
    """
    everybody = sample_cases(cases, affordable(table.num_items, settings), 0)
    ask = _Asked(towers, table, settings, mask_seen, known)
    overall = ask.grid(everybody, everybody)
    chosen = [_fitted_bucket(bucket, cases, ask, overall) for bucket in range(len(EDGES))]
    weights, pivots = [weight for weight, _ in chosen], [pivot for _, pivot in chosen]
    return Mixture(EDGES, tuple(weights), tuple(pivots))


def affordable(num_items: int, settings: TransitionsConfig) -> int:
    """How many cases are ranked: fewer in a large catalog, which takes longer for each."""
    return max(100, min(settings.max_cases, 400_000_000 // max(1, num_items)))


def fit_repeat(
    mixture: Mixture, towers: Scorer, table: Transitions, cases: Cases,
    settings: TransitionsConfig, boosted: NDArray[np.bool_], *, mask_seen: Masks,
    known: NDArray[np.bool_] | None = None,
) -> Mixture:  # fmt: skip
    """The mixture with the votes for items consumed before that rank validation best."""
    cases = sample_cases(cases, affordable(table.num_items, settings), 0)
    best, best_ndcg = mixture, -1.0
    for repeat in (0.0, *(share * mixture.pivots[-1] for share in REPEATS)):
        tried = replace(mixture, repeat=repeat)
        scorer = blend_scorer(towers, table, tried, settings, MAX_HISTORY, boosted)
        ranks = masked_ranks(scorer, cases, table.num_items, mask_seen=mask_seen, known=known)
        ndcg = float(np.average(metrics.ndcg_at_k(ranks, 10), weights=cases.weights))
        if ndcg > best_ndcg:
            best, best_ndcg = tried, ndcg
    return best


def last_events(cases: Cases, count: int) -> Cases:
    """The same cases told of the last `count` events of their histories only."""
    kept = np.minimum(count, cases.positions - cases.starts)
    offsets = np.concatenate([[0], np.cumsum(kept + 1)]).astype(np.int64)
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1] + kept, kept + 1)
    events = place + np.repeat(cases.positions, kept + 1)
    old = cases.sequences
    sequences = Sequences(
        [str(number) for number in range(len(cases))], offsets,
        old.rows[events], old.kinds[events], old.times[events], old.weights[events],
    )  # fmt: skip
    return Cases(sequences, offsets[1:] - 1, cases.weights)


def _fitted_bucket(
    bucket: int, cases: Cases, ask: _Asked, overall: _Grid | None
) -> tuple[float, float]:
    """The weight and pivot of a bucket, held back by those of everybody where cases are few."""
    longest = EDGES[bucket + 1] - 1 if bucket + 1 < len(EDGES) else None
    chosen = _cases_of(cases, EDGES[bucket], longest)
    chosen = sample_cases(chosen, affordable(ask.table.num_items, ask.settings), 0)
    told = chosen if longest is None else last_events(chosen, longest)
    # who has no history asks the moment's rows, whose votes are of another size
    shared = overall if bucket else None
    own = ask.grid(chosen, told, shared.unit if shared else 0.0)
    if own is None or shared is None:
        return (own or shared or NOTHING).best()
    share = own.num_cases / (own.num_cases + ENOUGH)
    return replace(own, ndcg=share * own.ndcg + (1 - share) * shared.ndcg).best()


def _cases_of(cases: Cases, shortest: int, longest: int | None) -> Cases:
    """The cases with a history of a bucket's length, or of at least that where they are few."""
    lengths = cases.positions - cases.starts
    fitting = lengths >= shortest
    if longest is not None and (exact := fitting & (lengths <= longest)).sum() >= ENOUGH:
        fitting = exact
    return cases.take(fitting)


@dataclass(frozen=True)
class _Grid:
    """NDCG@10 [num_weights, num_pivots], the vote that a pivot of 1 stands for, and cases."""

    ndcg: Floats
    unit: float
    num_cases: float

    def best(self) -> tuple[float, float]:
        """The weight and pivot that rank best."""
        weight, pivot = np.unravel_index(np.argmax(self.ndcg), self.ndcg.shape)
        return WEIGHTS[weight], float(PIVOTS[pivot] * self.unit)


NOTHING = _Grid(np.zeros((len(WEIGHTS), len(PIVOTS))), 1.0, 0.0)  # leaves the towers alone


@dataclass(frozen=True)
class _Asked:
    """What every bucket is fitted with."""

    towers: Scorer
    table: Transitions
    settings: TransitionsConfig
    mask_seen: Masks
    known: NDArray[np.bool_] | None

    def grid(self, cases: Cases, told: Cases, unit: float = 0.0) -> _Grid | None:
        """NDCG@10 for each weight and pivot; None where no right item is led to.

        Args:
            cases: what is judged.
            told: the same cases with the histories that are told.
            unit: what pivots are multiples of; 0: the mean vote for a right item.
        """
        ranked = list(_ranked(self, cases, told))
        wanted = np.array([case.votes[case.target] for case in ranked if case.target >= 0])
        if not len(wanted):
            return None
        unit = unit or float(wanted.mean())
        gains = np.zeros((len(ranked), len(WEIGHTS), len(PIVOTS)))
        for i, case in enumerate(ranked):
            for p, pivot in enumerate(PIVOTS):
                ranks = case.ranks(np.array(WEIGHTS), np.log1p(case.votes / (pivot * unit)))
                gains[i, :, p] = metrics.ndcg_at_k(ranks, 10)
        weights = cases.weights
        return _Grid(np.average(gains, axis=0, weights=weights), unit,
                     float(weights.sum() ** 2 / (weights**2).sum()))  # fmt: skip


@dataclass(frozen=True)
class _Ranked:
    """What one case's rank depends on.

    Attributes:
        others: float32 [n] the towers' scores that could stand above the target, ascending.
        dots, votes: float32 [m] of the items that the history leads to.
        target: which of those is the right item; -1 for none.
        dot: the towers' score of the right item.
    """

    others: NDArray[np.float32]
    dots: NDArray[np.float32]
    votes: NDArray[np.float32]
    target: int
    dot: float

    def ranks(self, weights: Floats, bonus: Floats) -> Floats:
        """The right item's rank under each weight of a bonus, float64 [num_weights]."""
        own = self.dot + (weights * bonus[self.target] if self.target >= 0 else 0.0 * weights)
        # a tie is half above: else sources that know nothing would seem to rank it first
        above = len(self.others) - 0.5 * (
            np.searchsorted(self.others, own, side="right")
            + np.searchsorted(self.others, own, side="left")
        )
        blended = self.dots[None, :] + weights[:, None] * bonus[None, :]
        if self.target >= 0:
            blended[:, self.target] = -np.inf
        beside = (blended > own[:, None]).sum(axis=1) + (blended >= own[:, None]).sum(axis=1)
        return np.asarray(1.0 + above + 0.5 * beside, np.float64)


def _ranked(ask: _Asked, cases: Cases, told: Cases) -> Iterator[_Ranked]:
    """Every case, `told` being what its history is said to be."""
    num_items, known = ask.table.num_items, ask.known
    matrix, size = ask.table.matrix(), max(1, MAX_SCORES // max(1, num_items))
    for start in range(0, len(cases), size):
        part, asked = cases.take(slice(start, start + size)), told.take(slice(start, start + size))
        scores = np.array(ask.towers(asked), np.float32)
        votes = (history_votes(asked, num_items, ask.settings) @ matrix).tocsr()
        hidden = np.zeros(scores.shape, bool)
        if known is not None:
            hidden[:, ~known] = True
        hidden[part.masked(ask.mask_seen)] = True
        for i, target in enumerate(part.targets):
            entries = slice(votes.indptr[i], votes.indptr[i + 1])
            reached, given = votes.indices[entries], votes.data[entries]
            shown = ~hidden[i, reached] | (reached == target)
            reached, given = reached[shown], given[shown]
            others = ~hidden[i]
            others[reached] = False
            others[target] = False
            mine = np.flatnonzero(reached == target)
            yield _Ranked(
                np.sort(scores[i, others]), scores[i, reached], given,
                int(mine[0]) if len(mine) else -1, float(scores[i, target]),
            )  # fmt: skip

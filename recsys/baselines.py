"""What a recommender must beat: popularity, item-kNN, a Markov chain and EASE.

Each is a frozen set of settings: `learn` counts the training events, `scorer` reads histories
with what was counted. `GRIDS` lists the settings tried for each; the one that ranks the
validation cases best is the peer that the model is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import metrics
from recsys.ranking import Scorer, rank_cases
from recsys.sequences import Ints, Masks, Sequences
from recsys.splits import Cases

MAX_LAGS = 10  # events further apart say next to nothing of what follows what


class Baseline(Protocol):
    """Settings of a model that is only counted, never trained by gradients."""

    @property
    def decay(self) -> float:
        """How much each event of a history counts of the one after it; no part of learning."""

    def learn(self, sequences: Sequences, num_items: int) -> Any:
        """Counts the events of training."""

    def scorer(self, learned: Any) -> Scorer:
        """What scores cases by what was counted."""


@dataclass(frozen=True)
class Popularity:
    """Everybody gets what most shoppers had; of late events more where `half_life` is set."""

    half_life: float = np.inf  # days after which an event counts half
    decay: float = 1.0

    def learn(self, sequences: Sequences, num_items: int) -> NDArray[np.float32]:
        """The decayed number of shoppers of each item, float32 [num_items]."""
        first = sequences.is_first
        rows, times = sequences.rows[first], sequences.times[first]
        days = (times.max(initial=0.0) - times) / 86_400
        return np.bincount(rows, 0.5 ** (days / self.half_life), num_items).astype(np.float32)

    def scorer(self, learned: NDArray[np.float32]) -> Scorer:
        """The same scores for every case."""
        return lambda cases: np.tile(learned, (len(cases), 1))


@dataclass(frozen=True)
class ItemKNN:
    """Items with the same shoppers are neighbors (Sarwar et al., WWW 2001).

    Cosine with shrinkage; the history's items vote, the latest most where `decay` is below 1.
    """

    neighbors: int = 100
    shrinkage: float = 10.0
    decay: float = 1.0

    def learn(self, sequences: Sequences, num_items: int) -> sp.csr_matrix:
        """The similarity of each item to its nearest neighbors, [num_items, num_items]."""
        together = _together(sequences, num_items).tocsr()
        norms = np.sqrt(together.diagonal())
        similar = together.tocoo()
        scale = norms[similar.row] * norms[similar.col] + self.shrinkage
        similar.data = (similar.data / scale).astype(np.float32)
        similar.setdiag(0)
        return _keep_largest(similar.tocsr(), self.neighbors)

    def scorer(self, learned: sp.csr_matrix) -> Scorer:
        """Sums the similarities to the history's items."""
        return _votes(learned, self.decay)


@dataclass(frozen=True)
class MarkovChain:
    """What followed what (first order: Rendle et al., WWW 2010, without the factors).

    An item's followers are counted up to `lags` events later, the nearer the more (one over
    the distance); the last items of a history vote, each `decay` times as much as the next.
    Items without a known follower fall back on popularity.
    """

    lags: int = 1
    decay: float = 0.0  # 0: the last item alone
    damping: float = 0.5  # power of an item's own count by which its followers are divided
    backoff: float = 1e-3

    def learn(
        self, sequences: Sequences, num_items: int
    ) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
        """The rates of what follows, [num_items, num_items], and the popularity behind them."""
        follows = transitions(sequences, num_items, self.lags)
        popular = Popularity().learn(sequences, num_items)
        totals = np.maximum(np.asarray(follows.sum(axis=1)).ravel(), 1.0)
        rates = sp.diags(totals**-self.damping).dot(follows).tocsr().astype(np.float32)
        return rates, (self.backoff * popular / max(1.0, popular.sum())).astype(np.float32)

    def scorer(self, learned: tuple[sp.csr_matrix, NDArray[np.float32]]) -> Scorer:
        """Sums the rates of the history's items."""
        votes = _votes(learned[0], self.decay)
        return lambda cases: votes(cases) + learned[1]


@dataclass(frozen=True)
class Ease:
    """Linear autoencoder in closed form (Steck, WWW 2019), read with recency.

    Only items with events take part: the inverse costs the cube of their number.
    """

    regularization: float = 300.0
    decay: float = 1.0

    def learn(self, sequences: Sequences, num_items: int) -> tuple[Ints, NDArray[np.float32], int]:
        """The known items' rows, the weights between them [num_known, num_known], num_items."""
        known = np.unique(sequences.rows)
        gram = _together(sequences, num_items)[known][:, known].toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += self.regularization
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        return known, weights, num_items

    def scorer(self, learned: tuple[Ints, NDArray[np.float32], int]) -> Scorer:
        """Reads a history, the latest events most, through the weights."""
        known, weights, num_items = learned

        def score(cases: Cases) -> NDArray[np.float32]:
            history = history_matrix(cases, num_items, self.decay)
            scores = np.zeros(history.shape, np.float32)
            scores[:, known] = history[:, known] @ weights
            return scores

        return score


GRIDS: dict[str, list[Baseline]] = {
    "popularity": [Popularity(), Popularity(365.0), Popularity(30.0)],
    "item_knn": [ItemKNN(n, s, d) for n, s in ((50, 0.0), (300, 0.0), (300, 20.0))
                 for d in (1.0, 0.9, 0.7)],
    "markov": [MarkovChain(lags, decay, damping) for lags in (1, 3, 10)
               for damping in (0.3, 0.7) for decay in (0.0, 0.5, 0.8)],
    "ease": [Ease(r, d) for r in (300.0, 1000.0) for d in (1.0, 0.8, 0.6)],
}  # fmt: skip


def tune(
    name: str, sequences: Sequences, validation: Cases, num_items: int, *, mask_seen: Masks
) -> Baseline:
    """The settings of a baseline that rank the validation cases best by NDCG@10."""
    best, best_ndcg = GRIDS[name][0], -1.0
    counted, learned = None, None
    for baseline in GRIDS[name] if len(validation) else []:
        settings = {**vars(baseline), "decay": None}
        if settings != counted:
            counted, learned = settings, baseline.learn(sequences, num_items)
        ranks, _ = rank_cases(
            baseline.scorer(learned), validation, num_items, mask_seen=mask_seen, k=0
        )
        ndcg = float(np.average(metrics.ndcg_at_k(ranks, 10), weights=validation.weights))
        if ndcg > best_ndcg:
            best, best_ndcg = baseline, ndcg
    return best


def transitions(sequences: Sequences, num_items: int, lags: int) -> sp.csr_matrix:
    """How often an item came up to `lags` events after another, each 1 / distance.

    Returns:
        [num_items, num_items] sparse: from the earlier item (row) to the later one (column).
    """
    users, rows = sequences.users, sequences.rows
    total = sp.csr_matrix((num_items, num_items), dtype=np.float32)
    for lag in range(1, min(lags, MAX_LAGS) + 1):
        same = (users[lag:] == users[:-lag]) & (rows[lag:] != rows[:-lag])
        weights = np.full(same.sum(), 1.0 / lag, np.float32)
        pairs = (rows[:-lag][same], rows[lag:][same])
        total += sp.csr_matrix((weights, pairs), shape=total.shape)
    return total


def history_matrix(cases: Cases, num_items: int, decay: float) -> sp.csr_matrix:
    """Each case's history as weights of items: the last event 1, each before `decay` times it.

    An item with several events counts by its last one.
    """
    case, row, step = cases.history()
    if decay == 0.0:
        case, row, step = case[step == 0], row[step == 0], step[step == 0]
    # ascending in step: the first of equal (case, row) is the latest event
    order = np.argsort(step, kind="stable")
    _, first = np.unique(case[order] * num_items + row[order], return_index=True)
    kept = order[first]
    weights = (decay ** step[kept].astype(np.float32)).astype(np.float32)
    return sp.csr_matrix((weights, (case[kept], row[kept])), shape=(len(cases), num_items))


def _together(sequences: Sequences, num_items: int) -> sp.csr_matrix:
    """How many shoppers each two items share, [num_items, num_items]."""
    first = sequences.is_first
    ones = np.ones(first.sum(), np.float32)
    pairs = (sequences.users[first], sequences.rows[first])
    had = sp.csr_matrix((ones, pairs), shape=(sequences.num_users, num_items))
    return (had.T @ had).tocsr()


def _votes(matrix: sp.csr_matrix, decay: float) -> Scorer:
    """Scores the catalog by the sum of the rows of `matrix` that a history names."""
    num_items = matrix.shape[1]
    return lambda cases: (history_matrix(cases, num_items, decay) @ matrix).toarray()


def _keep_largest(matrix: sp.csr_matrix, count: int) -> sp.csr_matrix:
    """Only the `count` largest entries of each row."""
    matrix = matrix.tocsr()
    kept = np.zeros(matrix.nnz, bool)
    for begin, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        values = matrix.data[begin:end]
        if len(values) > count:
            kept[begin + np.argpartition(-values, count)[:count]] = True
        else:
            kept[begin:end] = True
    coo = matrix.tocoo()
    return sp.csr_matrix((coo.data[kept], (coo.row[kept], coo.col[kept])), shape=matrix.shape)

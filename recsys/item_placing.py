"""Where new items belong, learned in closed form from where training put the known ones.

A ridge regression from what is known of an item (its photo, its words) onto its trained vector.
The candidate tower places items without their id too, but it learned its features to explain
what the id vectors leave over, on the very items that it is then judged by; a regression can
leave items out, and so finds out how far its features may be trusted (Hoerl & Kennard,
Technometrics 1970; as the map from attributes to factors of Gantner et al., ICDM 2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.features import ItemFeatures

Floats = NDArray[np.float64]

MIN_ITEMS = 50  # fewer known items teach nothing that could be checked
MAX_ITEMS = 20_000  # more say the same; drawn evenly
MAX_TOKENS = 1_000  # the most frequent: the regression costs their number to the third power
FOLDS = 3  # each is left out once to choose the penalties
HALF_EVENTS = 10.0  # an item of so many events counts half of one of very many
# photo numbers are about 1 each; an item has one token of a field or shares among several
PENALTIES = {
    "photo": (1e4, 3e4, 1e5), "title": (1.0, 3.0, 10.0, 30.0), "tokens": (0.3, 1.0, 3.0, 10.0),
}  # fmt: skip
# Trained vectors hold what their own photos taught, which flatters small penalties of photos (with
# posters, by a fifth of what is missing to a cosine of 1): one must take away a third of that.
BOLD, TAKEN_AWAY = (100.0, 1000.0), 1 / 3
FIRST = {"photo": 1e4, "title": 3.0, "tokens": 1.0}  # where the search begins
NO_PHOTO = 3.0  # one token, in effect


@dataclass(frozen=True)
class ItemPlacing:
    """A new item's vector: the sum of these, brought to norm 1; as the candidate tower sums.

    Attributes:
        prior: float32 [dim] of every item.
        image: float32 [image_dim, dim] of a photo embedding whose numbers are about 1 each.
        no_image: float32 [dim] of an item without a photo.
        tables: field → float32 [num_tokens + 1, dim], of which an item's mean is taken.
        penalties: what was chosen.
        cosine: of known items with where this would place them had they been new; 0 is chance.
    """

    prior: NDArray[np.float32]
    image: NDArray[np.float32]
    no_image: NDArray[np.float32]
    tables: dict[str, NDArray[np.float32]]
    penalties: dict[str, float]
    cosine: float

    def vectors(self, features: ItemFeatures) -> NDArray[np.float32]:
        """float32 [num_items, dim] of norm 1."""
        design = _Design.of(features, np.arange(features.num_items), self.tables)
        kernel = np.concatenate([self.image, self.no_image[None], *self.tables.values()])
        return _unit(design.times(kernel) + self.prior).astype(np.float32)

    def save(self, path: Path) -> None:
        """Writes everything into one npz."""
        tables = {f"table_{name}": table for name, table in self.tables.items()}
        chosen = {f"penalty_{name}": np.array(value) for name, value in self.penalties.items()}
        arrays: dict[str, Any] = {
            "prior": self.prior, "image": self.image, "no_image": self.no_image,
            "cosine": np.array(self.cosine), **tables, **chosen,
        }  # fmt: skip
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> ItemPlacing:
        """Reads what `save` wrote."""
        with np.load(path) as file:
            named = {name: file[name] for name in file.files}
        tables = {name[6:]: named[name] for name in named if name.startswith("table_")}
        chosen = {name[8:]: float(named[name]) for name in named if name.startswith("penalty_")}
        return cls(named["prior"], named["image"], named["no_image"], tables, chosen,
                   float(named["cosine"]))  # fmt: skip


def fit_placing(
    features: ItemFeatures, widths: dict[str, int], vectors: NDArray[np.float32],
    counts: NDArray[np.int64], penalties: dict[str, float] | None = None,
) -> ItemPlacing | None:  # fmt: skip
    """Learns from the known items where new ones belong.

    Args:
        features: the catalog.
        widths: field → number of tokens of its vocabulary, for the fields that are read.
        vectors: float32 [num_items, dim] of norm 1, as training placed the items.
        counts: int [num_items] events in training; items without any teach nothing.
        penalties: as chosen before; those that place left-out items best when None.

    Returns:
        None where nothing is known of items, or of too few of them.
    """
    known = np.flatnonzero(counts > 0)
    if len(known) < MIN_ITEMS or not (widths or features.image.shape[1]):
        return None
    rng = np.random.default_rng(0)
    if len(known) > MAX_ITEMS:
        known = np.sort(rng.choice(known, MAX_ITEMS, replace=False))
    tables = {name: np.zeros((count + 1, 0), np.float32) for name, count in widths.items()}
    design = _Design.of(features, known, tables).most_frequent(MAX_TOKENS)
    weights = counts[known] / (counts[known] + HALF_EVENTS)
    fold = rng.permutation(len(known)) % FOLDS
    regression = _Regression(design, vectors[known].astype(np.float64),
                             weights / weights.mean(), fold)  # fmt: skip
    chosen = penalties or _search(regression)
    constant, kernel = regression.solve(chosen)
    return _as_placing(design, constant, kernel, chosen, regression.cosine(chosen))


def _search(regression: _Regression) -> dict[str, float]:
    """The penalties that place items best that were left out, one kind after another."""
    chosen = dict(FIRST)
    for name, offered in PENALTIES.items():
        if name not in regression.design.kinds:
            continue
        found = {value: regression.cosine({**chosen, name: value}) for value in offered}
        chosen[name] = max(offered, key=lambda value: found[value])
    if "photo" in regression.design.kinds:
        found = {value: regression.cosine({**chosen, "photo": value}) for value in BOLD}
        best = max(BOLD, key=lambda value: found[value])
        if 1.0 - found[best] < (1.0 - TAKEN_AWAY) * (1.0 - regression.cosine(chosen)):
            chosen["photo"] = best
    return chosen


def _as_placing(
    design: _Design, constant: Floats, kernel: Floats, chosen: dict[str, float], cosine: float
) -> ItemPlacing:
    """Gives every column its place: photo numbers, no photo, and the tokens of each field."""
    whole = np.zeros((len(design.all_kinds), kernel.shape[1]), np.float32)
    whole[design.columns] = kernel
    photo = design.photo.shape[1] - 1
    tables, start = {}, photo + 1
    for name, count in design.counts.items():
        tables[name] = whole[start : start + count]
        start += count
    return ItemPlacing(
        constant.astype(np.float32), whole[:photo], whole[photo], tables, chosen, cosine
    )


@dataclass(frozen=True)
class _Design:
    """What is known of some items, as the columns of a regression.

    Attributes:
        photo: [n, image_dim + 1] photo numbers of about 1 each, and whether there is no photo.
        tokens: [n, num_tokens] an item's share in each token of each field.
        counts: field → how many columns it has.
        columns: which of all columns are here; those left out have no weight.
        all_kinds: of all columns, which penalty is theirs.
    """

    photo: Floats
    tokens: sp.csr_matrix
    counts: dict[str, int]
    columns: NDArray[np.int64]
    all_kinds: NDArray[np.str_]

    @classmethod
    def of(
        cls, features: ItemFeatures, rows: NDArray[np.integer],
        tables: dict[str, NDArray[np.float32]],
    ) -> _Design:  # fmt: skip
        """All columns of some items."""
        has_image = features.has_image[rows]
        dim = features.image.shape[1]
        missing = ~has_image[:, None] if dim else np.zeros((len(rows), 1))
        photo = np.concatenate([features.image[rows] * dim**0.5, missing], axis=1)
        counts = {name: len(table) for name, table in tables.items()}
        parts = [_shares(features.bags[name][rows], count) for name, count in counts.items()]
        kinds = ["photo"] * dim + ["no photo"]
        for name, count in counts.items():
            kinds += ["title" if name == "title" else "tokens"] * count
        tokens = sp.hstack([sp.csr_matrix((len(rows), 0)), *parts]).tocsr()
        return cls(photo.astype(np.float64), tokens, counts, np.arange(len(kinds)),
                   np.array(kinds))  # fmt: skip

    @property
    def kinds(self) -> NDArray[np.str_]:
        """Which penalty each column has."""
        return self.all_kinds[self.columns]

    def most_frequent(self, most: int) -> _Design:
        """Only the tokens that some of the items have, and at most so many."""
        frequency = np.asarray((self.tokens > 0).sum(axis=0)).ravel()
        kept = np.sort(np.argsort(-frequency, kind="stable")[:most])
        kept = kept[frequency[kept] > 0]
        dense = np.arange(self.photo.shape[1])
        return _Design(self.photo, self.tokens[:, kept], self.counts,
                       np.concatenate([dense, len(dense) + kept]), self.all_kinds)  # fmt: skip

    def take(self, rows: NDArray[np.integer]) -> _Design:
        """Only these items."""
        return _Design(self.photo[rows], self.tokens[rows], self.counts, self.columns,
                       self.all_kinds)  # fmt: skip

    def times(self, kernel: NDArray[np.floating]) -> Floats:
        """The items' rows by a matrix with a row for each column."""
        split = self.photo.shape[1]
        product: Floats = self.photo @ kernel[:split] + self.tokens @ kernel[split:]
        return product

    def against(self, other: NDArray[np.floating]) -> Floats:
        """The transposed items by a matrix with a row for each item."""
        return np.concatenate([self.photo.T @ other, self.tokens.T @ other])

    def gram(self, weights: Floats) -> Floats:
        """Weighted products of every two columns."""
        photo = self.photo * weights[:, None]
        cross = self.tokens.T @ photo
        words = (self.tokens.T @ self.tokens.multiply(weights[:, None]).tocsr()).toarray()
        return np.block([[self.photo.T @ photo, cross.T], [cross, words]])


class _Regression:
    """A weighted ridge regression with a free constant, and how it does on what it leaves out."""

    def __init__(
        self, design: _Design, targets: Floats, weights: Floats, fold: NDArray[np.integer]
    ) -> None:
        self.design, self.targets, self.weights, self.fold = design, targets, weights, fold
        # sums over items: those of all folds but one are a difference
        self._sums = [list(self._summed(fold == i)) for i in range(FOLDS)]
        self._all = [np.sum(parts, axis=0) for parts in zip(*self._sums, strict=True)]

    def _summed(self, chosen: NDArray[np.bool_]) -> Iterator[Floats]:
        rows = np.flatnonzero(chosen)
        design, weights = self.design.take(rows), self.weights[rows]
        weighted = self.targets[rows] * weights[:, None]
        yield design.gram(weights)
        yield design.against(weighted)
        yield design.against(weights[:, None])[:, 0]
        yield weighted.sum(axis=0)
        yield np.asarray(weights.sum())

    def solve(
        self, penalties: dict[str, float], without: int | None = None
    ) -> tuple[Floats, Floats]:
        """The constant [dim] and a weight for each column [columns, dim]."""
        sums = self._all
        if without is not None:
            sums = [whole - part for whole, part in zip(sums, self._sums[without], strict=True)]
        gram, cross, columns, total, weight = sums
        mean = columns / weight
        offered = {**penalties, "no photo": NO_PHOTO}
        gram = gram - np.outer(columns, mean)
        gram[np.diag_indices_from(gram)] += [offered[kind] for kind in self.design.kinds]
        factor = scipy.linalg.cho_factor(gram, overwrite_a=True, check_finite=False)
        kernel = scipy.linalg.cho_solve(factor, cross - np.outer(mean, total))
        return (total - columns @ kernel) / weight, kernel

    def cosine(self, penalties: dict[str, float]) -> float:
        """Mean cosine of each item's vector with where the others would place it."""
        found = np.zeros(len(self.fold))
        for i in range(FOLDS):
            rows = np.flatnonzero(self.fold == i)
            constant, kernel = self.solve(penalties, without=i)
            placed = _unit(self.design.take(rows).times(kernel) + constant)
            found[rows] = (placed * self.targets[rows]).sum(axis=1)
        return float(np.average(found, weights=self.weights))


def _shares(bag: NDArray[np.int32], count: int) -> sp.csr_matrix:
    """Each item's tokens, which share one: [n, width] ids, 0 for none → [n, count]."""
    rows, places = np.nonzero(bag)
    shares = 1.0 / np.maximum((bag > 0).sum(axis=1), 1)
    return sp.csr_matrix((shares[rows], (rows, bag[rows, places])), (len(bag), count))


def _unit(vectors: Floats) -> Floats:
    length: Floats = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors / length

"""Full pages under filters: ScaNN over 100,000 vectors against exact filtered search.

python benchmarks/filters.py [--items 100000 --dim 64] [--record]

Filters allow 50%, 10%, 2% and 0.1% of the items: drawn at random, or those of whole clusters, as
a category is, which may lie far from the query. Queries are drawn as the items are. Counted are
pages that are not full though they could be, and recall@10 of the first page.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from index import NUM_KINDS, draw
from recording import record

from recsys.config import ServingConfig
from recsys.index import ScannIndex
from recsys.scann_parts import ScannSettings
from serving.filters import parse_filter
from serving.items import Items
from serving.recommender import Recommender
from serving.rules import Filter, Page

SHARES = (0.5, 0.1, 0.02, 0.001)
K, OFFSETS = 10, (0, 90)
# what `vitrine index` chooses for such vectors and a target recall of 0.95
SETTINGS = ScannSettings(num_leaves=316, leaves_to_search=19, dims_per_block=2, reorder=100)


@dataclass
class VectorBundle:
    """A bundle of nothing but vectors."""

    photo_vectors: np.ndarray
    version: int = 1
    fingerprint: str = "vectors"
    info: dict[str, Any] = field(default_factory=lambda: {
        "servables": ["similar_items"], "engines": {}, "spaces": {"similar_items": "photo"},
    })  # fmt: skip


class IndexClient:
    """Asks an index in this process as the servable would; counts the calls."""

    def __init__(self, index: ScannIndex) -> None:
        self._index = index
        self.num_calls = 0

    def predict(
        self, model: str, inputs: Mapping[str, Any], *, signature: str = "",
        version: int | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """The nearest rows, whose ids are their numbers."""
        self.num_calls += 1
        excluded = np.array([[int(each or -1) for each in row] for row in inputs["exclude"]])
        scores, rows = self._index.search(
            inputs["embedding"], int(inputs["k"][0]), excluded.astype(np.int32)
        )
        ids = np.where(rows.numpy() < 0, "", rows.numpy().astype(str)).astype(object)
        return {"item_ids": ids, "scores": scores.numpy(), "query": inputs["embedding"],
                "fingerprint": np.array(["vectors"], object)}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """What one kind of filter gave."""

    kind: str
    share: float
    recall: float
    num_short: int
    num_pages: int
    ms: float


def shop(items: int, dim: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Items with a column for each filter, their vectors and some queries."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(NUM_KINDS, dim))
    kinds = rng.integers(NUM_KINDS, size=items)
    vectors = draw(items, centers, 0.7, np.random.default_rng(1))
    # the nearest center is an item's kind, whatever it was drawn from
    kinds = np.argmax(vectors @ (centers / np.linalg.norm(centers, axis=1, keepdims=True)).T, 1)
    table = pd.DataFrame({
        "item_id": np.arange(items).astype(str), "image": "", "title": "", "description": "",
        "category": [f"Kind {kind}" for kind in kinds], "brand": "", "price": np.nan,
        "available": True, "created_at": np.nan, "has_photo": True,
    })  # fmt: skip
    order = rng.permutation(items)
    for share in SHARES:
        chosen = np.zeros(items, bool)
        chosen[order[: int(share * items)]] = True
        table[f"attr_random_{share:g}"] = np.where(chosen, "yes", "no")
        by_kind = np.isin(kinds, rng.permutation(NUM_KINDS)[: max(1, int(share * NUM_KINDS))])
        table[f"attr_clusters_{share:g}"] = np.where(by_kind, "yes", "no")
    return table, vectors, draw(200, centers, 0.7, np.random.default_rng(2))


def judge(items: int, dim: int, num_queries: int = 200) -> list[Line]:
    """Asks every query under every filter, and compares with exact filtered search."""
    table, vectors, queries = shop(items, dim)
    client = IndexClient(ScannIndex(vectors, SETTINGS))
    recommender = Recommender(VectorBundle(vectors), client, Items(table, {}), ServingConfig())
    return [
        _judged(recommender, vectors, queries[:num_queries], kind, share)
        for kind in ("random", "clusters") for share in SHARES
    ]  # fmt: skip


def _judged(
    recommender: Recommender, vectors: np.ndarray, queries: np.ndarray, kind: str, share: float
) -> Line:
    condition = parse_filter({f"attr_{kind}_{share:g}": "yes"}, recommender.items)
    wanted, rows = Filter(condition=condition), np.flatnonzero(
        condition.mask(recommender.items).allowed
    )  # fmt: skip
    hits = short = 0
    start = time.perf_counter()
    pages = [[[each.row for each in recommender.similar_to_embedding(query, Page(K, at), wanted)]
              for at in OFFSETS] for query in queries]  # fmt: skip
    ms = (time.perf_counter() - start) * 1000 / len(queries) / len(OFFSETS)
    for query, found in zip(queries, pages, strict=True):
        best = rows[np.argsort(-(vectors[rows] @ query), kind="stable")[:K]]
        hits += len(set(found[0]) & set(best.tolist()))
        short += sum(len(page) < min(K, max(0, len(rows) - at))
                     for page, at in zip(found, OFFSETS, strict=True))  # fmt: skip
    return Line(kind, share, hits / (min(K, len(rows)) * len(queries)), short,
                len(OFFSETS) * len(queries), ms)  # fmt: skip


def main() -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    lines = [f"{arguments.items} items, {arguments.dim} dimensions, ScaNN {SETTINGS}",
             "filter    allows  recall@10  pages not full  ms a page"]  # fmt: skip
    lines += [
        f"{line.kind:<9} {line.share:>6.1%}  {line.recall:>9.4f}  "
        f"{f'{line.num_short} of {line.num_pages}':>14}  {line.ms:>9.2f}"
        for line in judge(arguments.items, arguments.dim)
    ]
    print("\n".join(lines))
    if arguments.record:
        record("Filters", "python benchmarks/filters.py --record", "\n".join(lines))


if __name__ == "__main__":
    main()

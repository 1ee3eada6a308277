"""What each way of going wrong does to the figures that judge a refresh, on vectors of a workdir.

python benchmarks/drift.py --workdir W [--photos "fashion products" --record]

The embedding table is compared with damaged copies of itself: photos that took others' places,
noise on every vector, every vector pulled to one side. Printed are the figures of
`vitrine refresh`'s gates beside their limits.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recording import record

from recsys.config import RefreshConfig
from recsys.embedding_table import open_table
from recsys.workdir import Workdir
from vitrine.health.canaries import lasting_sample, nearest, rows_among
from vitrine.health.drift import centroid_shift, population_stability, similarity_to
from vitrine.study_page import align

Vectors = NDArray[np.float32]


def damaged(vectors: Vectors, seed: int = 0) -> Iterator[tuple[str, Vectors]]:
    """Copies of unit vectors, each gone wrong in one way, with its name."""
    rng = np.random.default_rng(seed)
    for share in (0.01, 0.05, 0.2, 1.0):
        moved, rows = vectors.copy(), rng.permutation(len(vectors))[: int(share * len(vectors))]
        moved[rows] = vectors[rng.permutation(rows)]
        yield f"{share:.0%} of the photos have changed places", moved
    for norm in (0.1, 0.3):
        noise = _unit(rng.normal(size=vectors.shape))
        yield f"noise of norm {norm} on each", _unit(vectors + norm * noise)
    side = _unit(rng.normal(size=(1, vectors.shape[1])))
    for pull in (0.05, 0.2):
        yield f"each pulled by {pull} to one side", _unit(vectors + pull * side)
    same = vectors[:1] + 0.01 * _unit(rng.normal(size=vectors.shape))
    yield "the tower sees one thing everywhere", _unit(same)


def figures(old: Vectors, new: Vectors, probes: NDArray[np.int64]) -> dict[str, float]:
    """The figures of the four gates that vectors alone can fail."""
    near = nearest(old, new, probes, probes, np.arange(len(old)))
    center = old.mean(axis=0)
    told = similarity_to(center, old), similarity_to(center, new)
    return {
        "centroid shift": centroid_shift(old, new),
        "center PSI": population_stability(*told),
        "neighbors PSI": population_stability(near.old_best.ravel(), near.new_best.ravel()),
        "overlap": near.overlap or 0.0,
    }


def table(workdir: Workdir) -> list[list[str]]:
    """Rows of text, the heading first; a figure past its limit is marked."""
    item_ids, vectors = open_table(workdir.embeddings).read()
    limits = RefreshConfig()
    probes = rows_among(lasting_sample(item_ids, limits.num_probes), item_ids)
    rows = [[f"{len(item_ids)} items", *figures(vectors, vectors, probes)]]
    for name, new in damaged(vectors):
        shift, center, near, overlap = figures(vectors, new, probes).values()
        rows.append([
            name, _cell(shift, shift <= limits.max_centroid_shift),
            _cell(center, center <= limits.max_instability),
            _cell(near, near <= limits.max_instability),
            _cell(overlap, overlap >= limits.min_neighbor_overlap),
        ])  # fmt: skip
    return rows


def _cell(value: float, passes: bool) -> str:
    return f"{value:.3f} " + (" " if passes else "!")


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def main() -> None:
    """Prints the table, and with --record writes it into docs/results.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--photos", default="a shop", help="whose they are, for the title")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    lines = [line.rstrip() for line in align(table(Workdir(arguments.workdir)))]
    lines.append("! is past its limit")
    print("\n".join(lines))
    if arguments.record:
        command = f'python benchmarks/drift.py --workdir W --photos "{arguments.photos}" --record'
        record(f"What drift looks like, {arguments.photos}", command, "\n".join(lines))


if __name__ == "__main__":
    main()

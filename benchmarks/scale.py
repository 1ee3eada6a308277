"""What a large catalog costs: storage, memory of each shard, photos and refreshes.

    python benchmarks/scale.py --workdir /tmp/large [--photos-per-second 117] [--record]

The workdir is one of `python benchmarks/large_workdir.py`, whose bundle says how many bytes an item
takes. Rates are measured here, on one core and in memory; the rate of photos is that of
`benchmarks/embed.py` on two cores. The rest is arithmetic, and what it assumes is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from recording import record

from recsys.config import TransitionsConfig
from recsys.workdir import Workdir
from serving.bundle import ITEMS, Bundle, open_bundle
from serving.items import Items
from serving.merge import merged

SIZES = (1_000_000, 10_000_000, 100_000_000)
CHANGED = 0.01  # of a catalog, each night
SCANNED = 0.06  # of a shard's vectors that ScaNN looks at: 19 of 316 leaves
PAGE, SEARCH_K = 10, 60
GIB, HOUR = 2**30, 3600.0


@dataclass(frozen=True)
class Item:
    """Bytes that one item takes.

    Attributes:
        disk: of each part of the workdir and the bundle.
        own: in the memory of its own shard's server.
        everywhere: in the memory of every shard's server.
        api: in the memory of the API.
    """

    disk: dict[str, float]
    own: float
    everywhere: float
    api: float


@dataclass(frozen=True)
class Rates:
    """What one core does in a second."""

    scanned: float  # bytes of vectors, by the exact engine
    hashed: float  # bytes, SHA-256
    looked_at: float  # files whose size and time are read
    written: float  # bytes of vectors
    merges: float  # answers of ten shards


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--photos-per-second", type=float, default=117.0)
    parser.add_argument("--shard-gib", type=float, default=128.0, help="memory of one model server")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    bundle = open_bundle(Workdir(given.workdir))
    item, rates = measure_item(bundle), measure_rates(given.workdir)
    lines = [*described(item, rates), "", *table(item, rates, given)]
    print("\n".join(lines))
    if given.record:
        record("Scale", "python benchmarks/scale.py --workdir W --record", "\n".join(lines))


def measure_item(bundle: Bundle) -> Item:
    """Bytes by item: on disk as they lie, in memory as this process grows."""
    count, root = len(bundle.items), bundle.workdir.root
    places = {name: root / name for name in ("tables", "embeddings", "model", "transitions")}
    places |= {name: bundle.model_folder(name) for name in ("similar_items", "recommend")}
    places["bundle"] = bundle.artifact.path
    disk = {name: size_of(path) / count for name, path in places.items() if path.is_dir()}
    dims = bundle.info["embedding_dims"]
    inputs = 4.0 * dims["behavior"]  # of every item that a history may name
    # what `recommend` holds is the vectors, what explains them, and those inputs
    own = disk["similar_items"] + disk["recommend"] - inputs
    # not in such a workdir: what leads to an item, at the most; and ScaNN, which keeps the
    # vectors once more beside a code of 4 bits for each 2 dimensions
    led_to, scann = 8.0 * TransitionsConfig().width, sum(4.25 * dim for dim in dims.values())
    own += led_to + scann
    disk |= {"transitions (at most)": 2 * led_to, "ScaNN": scann}  # as an artifact and served
    return Item(disk, own, inputs + grown(known_ids, 500_000) / 500_000,
                grown(lambda rows: read_items(bundle, rows), count) / count)  # fmt: skip


def read_items(bundle: Bundle, count: int) -> object:
    """What the API keeps of the first items."""
    table = pd.read_parquet(bundle.artifact.path / ITEMS).head(count)
    return table, Items(table, {})


def known_ids(count: int) -> object:
    """Item ids as a servable holds them, both ways."""
    from serving.servables import ItemIds

    return ItemIds([f"item-{number:09d}" for number in range(count)])


def measure_rates(folder: Path) -> Rates:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500_000, 64)).astype(np.float32)
    query, data, scratch = vectors[0], vectors.tobytes(), folder / "scale.tmp"
    files = [path for path in folder.rglob("*") if path.is_file()]
    try:
        return Rates(
            scanned=len(data) / seconds(lambda: vectors @ query),
            hashed=len(data) / seconds(lambda: hashlib.sha256(data).digest()),
            looked_at=len(files) / seconds(lambda: [path.stat() for path in files]),
            written=len(data) / seconds(lambda: scratch.write_bytes(data)),
            merges=1 / seconds(lambda: merged(answers(10), SEARCH_K)),
        )
    finally:
        scratch.unlink(missing_ok=True)


def answers(shards: int) -> list[dict[str, np.ndarray]]:
    """As shards answer a recommendation."""
    scores = np.sort(np.random.default_rng(0).random((shards, 1, SEARCH_K)))[..., ::-1]
    ids = np.array([[f"item-{place:09d}" for place in range(SEARCH_K)]], object)
    same = {"query": np.zeros((1, 64)), "fingerprint": np.array(["f"], object), "item_ids": ids}
    return [{**same, "scores": each, "added": each} for each in scores]


def table(item: Item, rates: Rates, given: argparse.Namespace) -> list[str]:
    """The costs of each size of catalog."""
    lines = [f"{'items':>12} {'disk':>9} {'shards':>7} {'a shard':>9} {'the API':>9} "
             f"{'all photos':>12} {'1% photos':>10} {'look':>7} {'write':>7} {'exact':>8} "
             f"{'ScaNN':>7}"]  # fmt: skip
    for count in SIZES:
        disk = sum(item.disk.values()) * count
        # some of a server's memory is its own, and the next bundle is loaded beside the old one
        room = given.shard_gib * GIB * 0.9 / 2 - item.everywhere * count
        shards = int(np.ceil(item.own * count / room)) if room > 0 else 0
        first = count / given.photos_per_second / HOUR * 2
        scan = item.disk["similar_items"] * count / max(shards, 1) / rates.scanned
        held = item.everywhere * count + item.own * count / max(shards, 1)
        lines.append(
            f"{count:>12,} {disk / GIB:>6,.0f}GiB {shards or '-':>7} {held / GIB:>6,.1f}GiB "
            f"{item.api * count / GIB:>6,.1f}GiB "
            f"{first:>6,.0f}core-h {first * CHANGED:>4,.1f}core-h "
            f"{count / rates.looked_at / 60:>4,.1f}min {disk / rates.written / 60:>4,.1f}min "
            f"{scan * 1000:>6,.0f}ms {scan * SCANNED * 1000:>5,.0f}ms"
        )
    return lines


def described(item: Item, rates: Rates) -> list[str]:
    """What was measured."""
    disk = ", ".join(f"{name} {size:,.0f}" for name, size in item.disk.items())
    return [
        f"bytes an item on disk: {disk}",
        f"bytes an item in memory: its shard {item.own:,.0f}, every shard {item.everywhere:,.0f}, "
        f"the API {item.api:,.0f}",
        f"one core: {rates.scanned / 1e9:.1f} GB/s scanned, {rates.hashed / 1e9:.2f} GB/s hashed, "
        f"{rates.looked_at:,.0f} files looked at a second, {rates.written / 1e9:.2f} GB/s written, "
        f"{1e3 / rates.merges:.2f} ms to merge 10 shards",
    ]


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The fastest of some runs: what other programs take is left out."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def grown(make: Callable[[int], object], count: int) -> int:
    """By how many bytes this process grows while something of this size is made and kept."""
    make(10)  # what is loaded once, such as libraries, does not count
    before = resident()
    kept = make(count)
    found = resident() - before
    del kept
    return max(found, 0)


def resident() -> int:
    text = Path("/proc/self/statm").read_text(encoding="utf-8")
    return int(text.split()[1]) * 4096


if __name__ == "__main__":
    main()

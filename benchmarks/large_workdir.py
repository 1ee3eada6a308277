"""A workdir with a large generated catalog, to serve from: no photo is ever drawn or read.

    python benchmarks/large_workdir.py --workdir /tmp/large [--items 100000] [--dim 64]

Items have random unit vectors for photo embeddings, shoppers random events; the two towers are
trained for one epoch, since nothing is asked of their taste. A workdir that has a bundle is left
as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys.artifact import open_artifact, write_artifact, write_json
from recsys.config import Config, config_from
from recsys.embedding_table import Part, write_table
from recsys.prepare import prepare
from recsys.progress import say
from recsys.spaces import open_spaces
from recsys.workdir import Workdir
from serving.bundle import list_versions

PART = 8192
NUM_CATEGORIES, NUM_BRANDS = 40, 400
DAY, END = 86_400.0, 1_760_000_000.0


def build(
    folder: Path, *, items: int = 100_000, dim: int = 64, users: int = 2000, engine: str = "exact"
) -> Workdir:
    """Makes the workdir, unless it has a bundle already.

    Args:
        items, dim: of the catalog and its vectors.
        users: shoppers, of 20 events each.
        engine: `exact`, or `auto` to search ScaNN's settings as `vitrine index` does.
    """
    workdir = Workdir(folder)
    if list_versions(workdir):
        return workdir
    folder.mkdir(parents=True, exist_ok=True)
    config = settings(folder, dim, engine)
    write_tables(folder, items, users)
    prepare(config, workdir)
    write_embeddings(workdir, items, dim, write_untrained_tower(workdir, dim))

    from recsys.train import train
    from recsys.tune_index import tune_index
    from serving.export import export

    train(config, workdir)
    if engine == "exact":
        write_exact_index(workdir)
    else:
        tune_index(config, workdir)
    export(config, workdir)
    return workdir


def settings(folder: Path, dim: int, engine: str) -> Config:
    """What the workdir is made and served with."""
    return config_from({
        "data": {"root": str(folder)},
        "model": {"embedding_dim": dim, "history_length": 20, "num_blocks": 1},
        "train": {"epochs": 1, "num_sampled": 256, "idle_sample": 0},
        "index": {"engine": engine, "num_probes": 200},
        "export": {"num_canaries": 4},
    }, where="benchmarks/large_workdir.py")  # fmt: skip


def write_tables(folder: Path, items: int, users: int) -> None:
    """A catalog and events as a shop would bring them."""
    rng = np.random.default_rng(0)
    categories = [f"Area {n % 8} > Shelf {n}" for n in range(NUM_CATEGORIES)]
    pd.DataFrame({
        "item_id": item_ids(items),
        "title": [f"Thing {n} of shelf {n % NUM_CATEGORIES}" for n in range(items)],
        "category": [categories[n % NUM_CATEGORIES] for n in range(items)],
        "brand": [f"Brand {n}" for n in rng.integers(NUM_BRANDS, size=items)],
        "price": np.round(np.exp(rng.normal(3, 0.7, items)), 2),
        "created_at": END - DAY * rng.uniform(1, 700, items),
    }).to_parquet(folder / "catalog.parquet")  # fmt: skip
    count = 20 * users
    # popular items are far more popular
    rows = np.minimum((items * rng.random(count) ** 3).astype(int), items - 1)
    pd.DataFrame({
        "user_id": [f"u{n:05d}" for n in np.repeat(np.arange(users), 20)],
        "item_id": np.array(item_ids(items), dtype=object)[rows],
        "event": rng.choice(["view", "cart", "purchase"], count, p=[0.8, 0.13, 0.07]),
        "timestamp": END - DAY * rng.uniform(0, 60, count),
    }).to_parquet(folder / "events.parquet")  # fmt: skip


def item_ids(items: int) -> list[str]:
    """The ids in the order of the catalog."""
    return [f"item-{n:06d}" for n in range(items)]


def write_embeddings(workdir: Workdir, items: int, dim: int, tower: str) -> None:
    """Random unit vectors as the embedding table of a tower's fingerprint."""
    rng = np.random.default_rng(1)
    ids = item_ids(items)

    def parts() -> Iterator[Part]:
        for start in range(0, items, PART):
            own = ids[start : start + PART]
            vectors = rng.normal(size=(len(own), dim)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            yield Part(item_ids=own, photo_sha256=["0" * 64] * len(own), vectors=vectors)

    write_table(workdir.embeddings, parts(), tower_fingerprint=tower, embedding_dim=dim,
                inputs={"tower": tower})  # fmt: skip


def write_untrained_tower(workdir: Workdir, dim: int) -> str:
    """A small image tower with its first weights, for the bundle; gives its fingerprint."""
    from embeddings.backbone import load_backbone
    from embeddings.image_tower import KIND, TowerSettings, build_tower, save_tower

    backbone = load_backbone("tiny")
    tower = build_tower(
        TowerSettings(
            backbone=backbone, image_size=backbone.image_size, embedding_dim=dim,
            pooling="average", dropout=0.0, batch_norm="train", metric_scale=16.0, fit="pad",
            categories=[], attributes={},
        )
    )  # fmt: skip
    with write_artifact(workdir.tower, KIND) as draft:
        save_tower(tower, draft.path)
        draft.info["answer"] = tower.answer()
    return open_artifact(workdir.tower, KIND, mend="").fingerprint


def write_exact_index(workdir: Workdir) -> None:
    """An index artifact that says: search exactly. Nothing is measured."""
    spaces = open_spaces(workdir)
    found: dict[str, Any] = {
        space.name: {"num_items": len(space.item_ids), "engine": "exact", "scann": False,
                     "embedding_dim": int(space.vectors.shape[1]), "recall": 1.0,
                     "exact_ms": 0.0, "scann_ms": 0.0}
        for space in spaces.present
    }  # fmt: skip
    summary = {"spaces": found, "k": 10, "target_recall": 1.0}
    with write_artifact(workdir.index, "index") as draft:
        write_json(draft.path / "index.json", summary)
        draft.inputs, draft.info = spaces.fingerprints, summary


def main() -> None:
    """Makes it and says where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--engine", choices=("exact", "auto"), default="exact")
    arguments = parser.parse_args()
    workdir = build(arguments.workdir, items=arguments.items, dim=arguments.dim,
                    users=arguments.users, engine=arguments.engine)  # fmt: skip
    say(f"{workdir.root}: bundle {max(list_versions(workdir))}")


if __name__ == "__main__":
    main()

"""A shop small enough to train on in a second, prepared as `vitrine prepare` would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recsys.config import Config, config_from
from recsys.embedding_table import Part, write_table
from recsys.prepare import prepare
from recsys.workdir import Workdir

SETTINGS = {
    "model": {"embedding_dim": 16, "history_length": 8, "num_blocks": 1},
    "train": {"epochs": 20, "batch_size": 8, "warmup_steps": 5, "learning_rate": 0.01},
    "evaluation": {"num_bootstrap": 50},
}


def small_config(root: Path, **sections: dict) -> Config:
    """The settings of a small shop, some sections changed."""
    merged = {name: {**SETTINGS.get(name, {}), **sections.get(name, {})}
              for name in {*SETTINGS, *sections}}  # fmt: skip
    merged["data"] = {"root": str(root), "catalog": "catalog.csv", "events": "events.csv",
                      **sections.get("data", {})}  # fmt: skip
    return config_from(merged, where="test")


def chain_events(num_users: int, num_items: int, length: int, seed: int = 0) -> pd.DataFrame:
    """Shoppers who walk through the items in order from a place of their own: i, i + 1, …"""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(num_users):
        first, begin = rng.integers(num_items), rng.integers(1_000_000)
        for step in range(length):
            rows.append({
                "user_id": f"u{user}", "item_id": f"i{(first + step) % num_items}",
                "event": "view" if step % 3 else "purchase", "timestamp": begin + 3600.0 * step,
            })  # fmt: skip
    return pd.DataFrame(rows)


def small_catalog(num_items: int) -> pd.DataFrame:
    """Items i0, i1, … in two categories, with a few words, prices and a color."""
    numbers = range(num_items)
    return pd.DataFrame({
        "item_id": [f"i{n}" for n in numbers],
        "image": "", "title": [f"thing number {n % 5}" for n in numbers],
        "category": ["Home > Lamps" if n % 2 else "Home > Chairs" for n in numbers],
        "brand": ["Acme" if n % 3 else "" for n in numbers],
        "price": [float(n) if n % 4 else np.nan for n in numbers],
        "attr_color": ["red" if n % 2 else "blue" for n in numbers],
    })  # fmt: skip


def make_shop(
    folder: Path, *, num_users: int = 40, num_items: int = 12, length: int = 6,
    events: pd.DataFrame | None = None, photos: bool = False, **sections: dict,
) -> tuple[Config, Workdir]:  # fmt: skip
    """Writes the tables, prepares them, and with `photos` an embedding table too."""
    folder.mkdir(parents=True, exist_ok=True)
    catalog = small_catalog(num_items)
    events = chain_events(num_users, num_items, length) if events is None else events
    catalog.to_csv(folder / "catalog.csv", index=False)
    if len(events):
        events.to_csv(folder / "events.csv", index=False)
    if not len(events):
        sections = {**sections, "data": {"events": ""}}
    config, workdir = small_config(folder, **sections), Workdir(folder / "work")
    prepare(config, workdir)
    if photos:
        write_embeddings(workdir, [f"i{n}" for n in range(num_items - 1)])
    return config, workdir


def write_embeddings(workdir: Workdir, item_ids: list[str], dim: int = 4) -> None:
    """An embedding table in which items of one category point one way."""
    vectors = np.zeros((len(item_ids), dim), np.float32)
    for row, item_id in enumerate(item_ids):
        vectors[row, int(item_id[1:]) % 2] = 0.8
        vectors[row, 2 + row % 2] = 0.6
    part = Part(item_ids=item_ids, photo_sha256=["0" * 64] * len(item_ids), vectors=vectors)
    write_table(workdir.embeddings, [part], tower_fingerprint="tower", embedding_dim=dim,
                inputs={"tower": "tower"})  # fmt: skip

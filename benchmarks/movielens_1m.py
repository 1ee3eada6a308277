"""How far configs/movielens-1m.yaml gets in its time, on a drawn log of MovieLens-1M's size.

    python benchmarks/movielens_1m.py [--epochs 1] [--users 600] [--record]

MovieLens-1M is not part of this project. The log drawn here has its numbers (6,040 shoppers,
3,400 items, a million events, each item once per shopper, the popular ones more), so that speed
and waiting for input are those to expect; nothing can be learned from it. With fewer shoppers an
epoch is shorter, and what it costs for each event is the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from recording import record
from train import draw_items

from recsys.config import load_config
from recsys.sequences import Sequences
from recsys.splits import Cases

USERS, ITEMS, EVENTS = 6_040, 3_400, 1_000_000
CONFIG = Path(__file__).parents[1] / "configs" / "movielens-1m.yaml"


def draw_log(users: int = USERS, items: int = ITEMS, events: int = EVENTS) -> Sequences:
    """Histories of distinct items, 20 at the least, as long-tailed as MovieLens-1M's."""
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(4.57, 0.98, users)  # half of MovieLens-1M's shoppers have over 96
    lengths = np.clip(lengths * events / lengths.sum(), 20, items // 2).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    popular = np.log(1.0 / (20.0 + np.arange(items)))
    # the largest of popularity plus Gumbel noise are a draw without replacement
    rows = [np.argsort(-(popular + rng.gumbel(size=items)))[:length] for length in lengths]
    times = np.arange(offsets[-1], dtype=np.float64) * 60.0
    ones = np.ones(offsets[-1])
    return Sequences([f"u{user}" for user in range(users)], offsets,
                     np.concatenate(rows).astype(np.int32), ones.astype(np.int32), times,
                     ones.astype(np.float32))  # fmt: skip


def main() -> None:
    """Trains some epochs and says how many the config's time would hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--users", type=int, default=USERS, help="train on so many shoppers")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    from recsys.training_loop import fit

    config, drawn = load_config(CONFIG), draw_log()
    sequences = drawn.keep(drawn.users < arguments.users)
    features, vocabulary = draw_items(ITEMS)
    none = Cases(sequences, np.zeros(0, np.int64), np.zeros(0))
    fitted = fit(sequences, none, features, vocabulary, config, epochs=arguments.epochs)
    whole = len(drawn.rows)
    seconds = whole / fitted.examples_per_second  # an epoch of them all
    text = (
        f"{arguments.users:,} shoppers, {ITEMS:,} items, {len(sequences.rows):,} events, "
        f"{arguments.epochs} epochs\n{fitted.examples_per_second:,.0f} examples per second, "
        f"waiting for input {fitted.input_share:.1%}\n{seconds:.0f} s an epoch of all "
        f"{whole:,} events: {config.train.max_minutes * 60 / seconds:.0f} epochs in the "
        f"{config.train.max_minutes:g} minutes of train.max_minutes"
    )
    print(text)
    if arguments.record:
        command = f"python benchmarks/movielens_1m.py --epochs {arguments.epochs} "
        command += f"--users {arguments.users} --record"
        record("MovieLens-1M's size", command, text)


if __name__ == "__main__":
    main()

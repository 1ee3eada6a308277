"""Speed and memory of training.

    python -m benchmarks.train ratio [--items 3500 --users 2000] [--record]
    python -m benchmarks.train million [--items 1000000 --users 200000] [--record]

`ratio`: examples per second of `recsys.training_loop.fit`, over those of a plain Keras loop of
the same network (GradientTape, optimizer, one tf.function) on batches that already lie in
memory; both in one run, one after the other and over again. The bars: at least 0.9, and at most
10% of the time spent waiting for input.

`million`: random items and shoppers through sampled softmax, one epoch, in a process of its own,
whose peak memory is watched. The bar: 8 GiB.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from recording import measure, record

from recsys.config import Config, config_from
from recsys.features import ItemFeatures, Vocabulary
from recsys.sequences import Sequences
from recsys.splits import Cases, leave_last_out

ROUNDS = 3
CATEGORIES = 100


def draw_events(
    num_users: int, num_items: int, mean_length: int, skew: float = 2.0, seed: int = 0
) -> Sequences:
    """Shoppers with histories of random length; a skew of 1 makes all items as popular."""
    rng = np.random.default_rng(seed)
    lengths = np.maximum(3, rng.poisson(mean_length, num_users))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.minimum(num_items * rng.random(offsets[-1]) ** skew, num_items - 1).astype(np.int32)
    times = np.arange(offsets[-1], dtype=np.float64) * 60.0
    ones = np.ones(offsets[-1])
    return Sequences([f"u{user}" for user in range(num_users)], offsets, rows,
                     ones.astype(np.int32), times, ones.astype(np.float32))  # fmt: skip


def draw_items(num_items: int, seed: int = 0) -> tuple[ItemFeatures, Vocabulary]:
    """Items with a random category each."""
    category = np.random.default_rng(seed).integers(1, CATEGORIES + 1, [num_items, 1])
    names = [f"c{number:03d}" for number in range(CATEGORIES)]
    bags = {"category": category.astype(np.int32)}
    none = np.zeros((num_items, 0), np.float32)
    features = ItemFeatures(bags, none, np.zeros(num_items, bool))
    return features, Vocabulary({"category": names}, [], 0, {"category": 1})


def ratio(arguments: argparse.Namespace) -> list[str]:
    """Lines with both speeds of each round, and the median ratio."""
    config = config_from({"train": {"epochs": arguments.epochs, "batch_size": 64}}, where="ratio")
    sequences = draw_events(arguments.users, arguments.items, 40)
    rounds = [_round(config, sequences, arguments.items) for _ in range(ROUNDS)]
    lines = [f"{arguments.items} items, {arguments.users} shoppers, {len(sequences.rows)} events"]
    lines += [
        f"plain Keras loop {plain:,.0f} examples/s, fit {ours:,.0f}, ratio {ours / plain:.2f}, "
        f"waiting for input {waited:.1%}" for plain, ours, waited in rounds
    ]  # fmt: skip
    middle = statistics.median(ours / plain for plain, ours, _ in rounds)
    return [*lines, f"fit over a plain Keras loop: {middle:.2f} (median of {ROUNDS}), waiting for "
            f"input at most {max(waited for *_, waited in rounds):.1%}"]  # fmt: skip


def _round(config: Config, sequences: Sequences, num_items: int) -> tuple[float, float, float]:
    """Examples per second of the plain loop and of `fit`, and its share of waiting."""
    from recsys.training_loop import fit

    plain = _plain_loop(config, sequences, num_items)
    features, vocabulary = draw_items(num_items)
    none = Cases(sequences, np.zeros(0, np.int64), np.zeros(0))
    fitted = fit(sequences, none, features, vocabulary, config, epochs=config.train.epochs)
    return plain, fitted.examples_per_second, fitted.input_share


def _plain_loop(config: Config, sequences: Sequences, num_items: int) -> float:
    """Examples per second of the same network where batches cost nothing."""
    import tensorflow as tf

    from recsys.optimizer import make_optimizer
    from recsys.query_tower import build_query_tower
    from recsys.retrieval_model import TwoTower
    from recsys.sequences import target_weights
    from recsys.training_input import Epochs

    features, vocabulary = draw_items(num_items)
    counts = np.bincount(sequences.rows, minlength=num_items)
    share = (counts / counts.sum()).astype(np.float32)
    idle = np.zeros(num_items, bool)
    model = TwoTower(config.model, config.train, features, vocabulary, counts, idle, share)
    build_query_tower(model.query_tower, config.model)
    optimizer = make_optimizer(config.train)
    optimizer.build(model.trainable_variables)
    epochs = Epochs(sequences, target_weights(sequences, mask_repeats=True), config)
    batches = [list(epochs(epoch)) for epoch in range(1, config.train.epochs + 1)]

    @tf.function(reduce_retracing=True, autograph=False)
    def step(batch):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(batch, training=True)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    started = time.monotonic()  # the graph is made within the time, as it is in `fit`
    for epoch in batches:
        losses = [step(batch) for batch in epoch]
        float(np.mean([float(loss) for loss in losses]))
    return epochs.examples / (time.monotonic() - started)


def million(arguments: argparse.Namespace) -> list[str]:
    """Lines about one epoch of a large catalog: speed and peak memory."""
    command = [sys.executable, "-m", "benchmarks.train", "inside", "--items", str(arguments.items),
               "--users", str(arguments.users), "--epochs", "1"]  # fmt: skip
    measured = measure(command)
    return [
        *measured.output.strip().splitlines(),
        f"whole process: {measured.seconds / 60:.1f} min, peak memory {measured.peak_gib:.2f} GiB",
    ]


def inside(arguments: argparse.Namespace) -> list[str]:
    """Trains on a large catalog with validation, as `vitrine train` would."""
    from recsys.training_loop import fit

    config = config_from({"train": {"epochs": arguments.epochs}}, where="million")
    sequences = draw_events(arguments.users, arguments.items, arguments.length, skew=1.0)
    features, vocabulary = draw_items(arguments.items)
    split = leave_last_out(sequences, arguments.items, mask_repeats=True)
    fitted = fit(split.train, split.validation, features, vocabulary, config)
    return [
        f"{arguments.items:,} items, {arguments.users:,} shoppers, {len(sequences.rows):,} events; "
        f"{int((fitted.model.items.ids.numpy() >= 0).sum()):,} items have an id vector",
        f"{fitted.examples_per_second:,.0f} examples per second, waiting for input "
        f"{fitted.input_share:.1%}, {fitted.seconds / len(fitted.epochs):.0f} s an epoch, "
        f"loss {fitted.epochs[-1]['loss']:.2f}",
        "peak resident memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB",
    ]


SIZES = {"ratio": (3_500, 2_000), "million": (1_000_000, 200_000), "inside": (1_000_000, 200_000)}
TITLES = {"ratio": "Training throughput", "million": "Training on a million items"}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("name", choices=sorted(SIZES))
    parser.add_argument("--items", type=int)
    parser.add_argument("--users", type=int)
    parser.add_argument("--length", type=int, default=5, help="events of a shopper")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    items, users = SIZES[arguments.name]
    arguments.items, arguments.users = arguments.items or items, arguments.users or users
    lines = {"ratio": ratio, "million": million, "inside": inside}[arguments.name](arguments)
    print("\n".join(lines))
    if arguments.record:
        record(TITLES[arguments.name], f"python -m benchmarks.train {arguments.name} --record",
               "\n".join(lines))  # fmt: skip


if __name__ == "__main__":
    main()

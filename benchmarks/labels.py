"""Labels picked by `vitrine label-next` against labels picked at random, at the same number.

    python benchmarks/labels.py --data ../shared/data --weights ../shared/weights [--record]

A tower with frozen ImageNet features starts with 5% of the labels, drawn at random. Picks are
added until 10%, 20% and 40% are labeled, in rounds of 5% of the photos, each by the classifier
trained on the labels so far. Judged is the classifier's accuracy on the test photos.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from recording import record
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from embeddings.backbone import load_backbone
from embeddings.image_tower import TowerSettings, build_tower, load_backbone_weights
from embeddings.label_next import pick
from embeddings.pixel_cache import Photo, cache_pixels
from recsys.config import PhotosConfig

SHARES = (0.1, 0.2, 0.4)
ROUND = 0.05
SEEDS = (0, 1, 2)
PENALTY = 1e-3  # of the classifier's weights; chosen on the validation photos
WEIGHTS = "efficientnet_lite0_notop.kerascv_std.weights.h5"

Features = NDArray[np.float64]


def main() -> None:
    """Embeds the photos once, then compares the two ways of picking."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    folder = arguments.data / "clothing-small-224"
    features, labels = _embedded(folder / "train", arguments.weights)
    judged, right = _embedded(folder / arguments.split, arguments.weights)
    found = []
    for seed in SEEDS:
        for way in ("random", "picked"):
            accuracies = simulate(way, features, labels, judged, right, seed)
            found += [(way, share, seed, value) for share, value in accuracies.items()]
    table = pd.DataFrame(found, columns=["way", "share", "seed", "accuracy"])
    text = _text(table, len(labels), len(right), arguments.split)
    print(text)
    if arguments.record:
        command = "python benchmarks/labels.py --data DATA --weights WEIGHTS --record"
        record("Labels picked against labels at random", command, text)


def simulate(
    way: str, features: Features, labels: NDArray[np.int64], judged: Features,
    right: NDArray[np.int64], seed: int,
) -> dict[float, float]:  # fmt: skip
    """Accuracy on the judged photos at each share of labels."""
    rng = np.random.default_rng(seed)
    step = round(ROUND * len(labels))
    labeled = list(rng.permutation(len(labels))[:step])
    accuracies = {}
    for share in SHARES:
        while len(labeled) < round(share * len(labels)):
            left = np.setdiff1d(np.arange(len(labels)), labeled)
            count = min(step, round(share * len(labels)) - len(labeled))
            if way == "random":
                chosen = rng.choice(left, count, replace=False)
            else:
                weights = learn(features[labeled], labels[labeled], int(labels.max()) + 1)
                unit = features[left] / np.linalg.norm(features[left], axis=1, keepdims=True)
                probabilities = softmax(logits(weights, features[left]), axis=1)
                chosen = left[pick(probabilities.astype(np.float32), unit, count, rng)]
            labeled += chosen.tolist()
        weights = learn(features[labeled], labels[labeled], int(labels.max()) + 1)
        accuracies[share] = float(np.mean(logits(weights, judged).argmax(axis=1) == right))
    return accuracies


def learn(features: Features, labels: NDArray[np.int64], num_classes: int) -> Features:
    """Multinomial logistic regression: [dim + 1, num_classes], the last row the intercepts."""
    inputs = np.hstack([features, np.ones((len(features), 1))])
    targets = np.eye(num_classes)[labels]

    def loss(flat: Features) -> tuple[float, Features]:
        weights = flat.reshape(inputs.shape[1], num_classes)
        logs = log_softmax(inputs @ weights, axis=1)
        gradient = inputs.T @ (np.exp(logs) - targets) / len(inputs) + PENALTY * weights
        value = -np.sum(logs * targets) / len(inputs) + PENALTY / 2 * np.sum(weights**2)
        return float(value), gradient.reshape(-1)

    start = np.zeros(inputs.shape[1] * num_classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x.reshape(inputs.shape[1], num_classes))


def logits(weights: Features, features: Features) -> Features:
    """[n, num_classes] of `learn`'s weights."""
    return np.asarray(features @ weights[:-1] + weights[-1])


def _embedded(folder: Path, weights: Path) -> tuple[Features, NDArray[np.int64]]:
    """Frozen features of the photos of a folder per class, of unit variance; and their classes."""
    import tensorflow as tf  # recsys, imported above, has decided which Keras it takes

    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(number, path) for number, name in enumerate(classes)
             for path in sorted((folder / name).iterdir())]  # fmt: skip
    tower = build_tower(TowerSettings(backbone=load_backbone("efficientnet_lite0"), image_size=224,
                                      embedding_dim=8, batch_norm="frozen"))  # fmt: skip
    load_backbone_weights(tower.layer, weights / WEIGHTS)
    see = tf.function(tower.layer.features, reduce_retracing=True, autograph=False)
    with tempfile.TemporaryDirectory() as scratch:
        photos = [Photo(row, str(path)) for row, (_, path) in enumerate(files)]
        cache = cache_pixels(photos, PhotosConfig(), 224, Path(scratch) / "pixels", 2)
        parts = [see(tf.constant(np.asarray(cache.pixels[start : start + 64]), tf.float32)).numpy()
                 for start in range(0, len(cache.pixels), 64)]  # fmt: skip
    numbers = np.array([number for number, _ in files])[cache.item_rows]
    return np.concatenate(parts).astype(np.float64), numbers


def _text(table: pd.DataFrame, photos: int, judged: int, split: str) -> str:
    lines = [f"{photos} training photos, accuracy on {judged} {split} photos, seeds {SEEDS}",
             "labeled  photos  random (spread)  picked (spread)  gain"]  # fmt: skip
    for share in SHARES:
        rows = table[table["share"] == share].pivot(index="seed", columns="way", values="accuracy")
        random, picked = rows["random"], rows["picked"]
        lines.append(
            f"{share:>6.0%}  {round(share * photos):>6}  {random.mean():.3f} ({np.ptp(random):.3f})"
            f"    {picked.mean():.3f} ({np.ptp(picked):.3f})    {(picked - random).mean():+.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

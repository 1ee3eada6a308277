"""What new items get: some are taken out of training, then ranked among themselves.

    python -m benchmarks.cold movielens --data ../shared/data --weights ../shared/weights [--record]
    python -m benchmarks.cold shop [--record]

A fifth of the items that have a photo, chosen by a hash of the seed and the id, are taken out of
training altogether: the two-tower never sees an event of theirs, the vocabulary is learned
without them, and so is whatever turns photos into embeddings. Every event on one of them is then
a case, with the shopper's history of that moment; it is ranked among the items taken out.
Shoppers weigh the same. `random` is what a shuffled shelf would give, less what each shopper has
seen of it.

- `movielens`: posters through an ImageNet backbone, onto the main directions of the posters that
  training may see. The bars: Recall@20 at least 1.8 times random by the photo alone, 3.5 times by
  everything, and NDCG@10 of the items in training not below that by ids alone by more than its
  interval.
- `shop`: a generated shop, whose shoppers choose by color and pattern. The items taken out have no
  attributes yet, as new items of the generator have none. The bar: Recall@20 with photos at least
  twice that without them.

Embeddings are kept in --cache, which makes a second run quicker.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
from recording import record

from recsys import columns, metrics
from recsys.catalog import read_catalog
from recsys.config import Config, load_config
from recsys.features import item_features, learn_vocabulary
from recsys.interactions import read_interactions
from recsys.progress import say
from recsys.ranking import rank_cases
from recsys.sequences import make_sequences
from recsys.splits import Cases, cold

if TYPE_CHECKING:
    from recsys.candidate_tower import Items

K = 20
SHARE = 0.2  # of the items with a photo that are taken out
MIN_EVENTS = 5  # items in training have as many; those taken out may have fewer
WEIGHTS = "efficientnet_lite0_notop.kerascv_std.weights.h5"
DIRECTIONS = 64  # of posters; more than a thousand posters can tell apart
FIELDS = ("image", "category", "brand", "price", "title", "attributes")
MOVIELENS = {  # variant: the fields it reads
    "ids alone": (), "photo alone": ("image",), "everything": FIELDS,
}  # fmt: skip
SHOP = {"without photos": FIELDS[1:], "with photos": FIELDS}
# fewer and larger steps than configs/movielens.yaml; a second loss, and features dropped at random
# against learning a few hundred posters by heart
RECIPE = (
    "model.num_blocks=1", "model.placing_weight=0.5", "model.feature_dropout=0.3",
    "model.id_dropout=0.1", "train.batch_size=32", "train.learning_rate=0.003",
    "train.epochs=12", "train.patience=4",
)  # fmt: skip
SHOP_ITEMS, SHOP_USERS = 1500, 3000


@dataclass(frozen=True)
class Shelf:
    """A catalog of which some items are taken out.

    Attributes:
        catalog, events: as prepared.
        new: bool [num_items] the items taken out.
        image, has_image: [num_items, dim] photo embeddings, and whether there is one.
    """

    catalog: pd.DataFrame
    events: pd.DataFrame
    new: NDArray[np.bool_]
    image: NDArray[np.float32]
    has_image: NDArray[np.bool_]


@dataclass(frozen=True)
class Result:
    """What one training gave: (mean, low, high) of each measure."""

    cold: tuple[float, float, float]
    own: float  # as cold, where the tower's features place new items instead of the regression
    random: float
    warm: tuple[float, float, float]


def main() -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("name", choices=["movielens", "shop"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"))
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "vitrine-cold")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    started = time.monotonic()
    open_shelf, variants, config_file = {
        "movielens": (open_movielens, MOVIELENS, "movielens"), "shop": (open_shop, SHOP, "demo"),
    }[arguments.name]  # fmt: skip
    found: dict[str, list[Result]] = {name: [] for name in variants}
    for seed in range(arguments.seeds):
        config = load_config(Path("configs") / f"{config_file}.yaml",
                             [*RECIPE, f"train.seed={seed}", *arguments.overrides])  # fmt: skip
        shelf = open_shelf(arguments, seed)
        for name, fields in variants.items():
            say(f"seed {seed}, {name}")
            found[name].append(judge(shelf, with_fields(config, fields)))
            say(describe({name: found[name]})[seed])
    text = "\n".join([*describe(found), "", *bars(found),
                      f"{(time.monotonic() - started) / 60:.0f} min"])  # fmt: skip
    print(text)
    if arguments.record:
        shown = "".join(f" --set {override}" for override in arguments.overrides)
        title = {"movielens": "Cold items, MovieLens", "shop": "Cold items, generated shop"}
        record(title[arguments.name], f"python -m benchmarks.cold {arguments.name}{shown} --record",
               text)  # fmt: skip


def describe(found: dict[str, list[Result]]) -> list[str]:
    """A line for each training, and one with the means of each variant."""
    lines = []
    for name, results in found.items():
        for seed, result in enumerate(results):
            mean, low, high = result.cold
            lines.append(
                f"{name:<15} seed {seed}  cold Recall@{K} {mean:.4f} [{low:.3f}, {high:.3f}], "
                f"random {result.random:.4f}, ratio {mean / result.random:.2f} "
                f"(by the tower alone {result.own / result.random:.2f})  "
                f"warm NDCG@10 {result.warm[0]:.4f} [{result.warm[1]:.3f}, {result.warm[2]:.3f}]"
            )
        lines.append(f"{name:<15} mean    cold Recall@{K} {_mean(results):.4f}, ratio to random "
                     f"{_ratio(results):.2f}, warm NDCG@10 {_warm(results):.4f}")  # fmt: skip
    return lines


def bars(found: dict[str, list[Result]]) -> list[str]:
    """What was to be shown, and whether it was."""
    if "with photos" in found:
        times = _mean(found["with photos"]) / _mean(found["without photos"])
        return [f"with photos over without: {times:.2f} (bar 2.0)"]
    ids, all_of_it = found["ids alone"], found["everything"]
    interval = np.mean([result.warm[2] - result.warm[1] for result in ids]) / 2
    return [
        f"photo alone over random: {_ratio(found['photo alone']):.2f} (bar 1.8)",
        f"everything over random: {_ratio(all_of_it):.2f} (bar 3.5)",
        f"warm NDCG@10 of everything less that of ids alone: {_warm(all_of_it) - _warm(ids):+.4f} "
        f"(bar -{interval:.4f}, half an interval)",
    ]


def _mean(results: list[Result]) -> float:
    return float(np.mean([result.cold[0] for result in results]))


def _ratio(results: list[Result]) -> float:
    return float(np.mean([result.cold[0] / result.random for result in results]))


def _warm(results: list[Result]) -> float:
    return float(np.mean([result.warm[0] for result in results]))


def with_fields(config: Config, fields: tuple[str, ...]) -> Config:
    """The config with only these fields of an item read."""
    use: dict[str, bool | float] = {f"use_{field}": field in fields for field in FIELDS}
    if not fields:  # nothing to place items by
        use["placing_weight"] = 0.0
    return config.model_copy(update={"model": config.model.model_copy(update=use)})


def chosen(item_ids: list[str], seed: int) -> NDArray[np.bool_]:
    """A fifth of the items, by a hash of the seed and the id: bool [num_items]."""
    shares = [int(hashlib.sha256(f"{seed}:{item_id}".encode()).hexdigest()[:8], 16) / 2**32
              for item_id in item_ids]  # fmt: skip
    return np.array(shares) < SHARE


def judge(shelf: Shelf, config: Config) -> Result:
    """Trains without the new items, then ranks them among themselves, and the others too."""
    from recsys.histories import two_tower_scorer
    from recsys.training_loop import fit

    catalog, num_items = shelf.catalog, len(shelf.catalog)
    sequences = make_sequences(shelf.events, catalog[columns.ITEM_ID].tolist(),
                               config.model.event_weights)  # fmt: skip
    counts = np.bincount(sequences.rows, minlength=num_items)
    sequences = sequences.keep(shelf.new[sequences.rows] | (counts[sequences.rows] >= MIN_EVENTS))
    split = cold(sequences, shelf.new, mask_repeats=True)
    touched = np.bincount(split.train.rows, minlength=num_items) > 0
    vocabulary = learn_vocabulary(catalog[touched], config.model, shelf.image.shape[1])
    features = item_features(catalog, vocabulary, shelf.image, shelf.has_image)
    fitted = fit(split.train, split.validation, features, vocabulary, config, known=touched)
    model = fitted.model
    on_shelf = shelf.new & (counts > 0)
    own, scorer = (
        two_tower_scorer(model.candidate_tower.place(items), model.query_last,
                         config.model.history_length)
        for items in (_placed_by_tower(model.items), model.items)
    )  # fmt: skip
    ranks, _ = rank_cases(scorer, split.cold, num_items, mask_seen=True, known=on_shelf, k=0)
    others, _ = rank_cases(own, split.cold, num_items, mask_seen=True, known=on_shelf, k=0)
    warm, _ = rank_cases(scorer, split.test, num_items, mask_seen=True, known=touched, k=0)
    return Result(
        _interval(metrics.recall_at_k(ranks, K), split.cold),
        float(np.average(others <= K, weights=split.cold.weights)),
        random_recall(split.cold, on_shelf), _interval(metrics.ndcg_at_k(warm, 10), split.test),
    )  # fmt: skip


def _placed_by_tower(items: Items) -> Items:
    """The same items, of which the new ones are placed by the tower's own features."""
    import tensorflow as tf

    from recsys.candidate_tower import IDLE

    return items._replace(ids=tf.where(items.ids < 0, IDLE, items.ids))


def random_recall(cases: Cases, on_shelf: NDArray[np.bool_]) -> float:
    """Recall@K of a shuffled shelf, from which each case's own past is taken."""
    case, rows, _ = cases.history()
    seen = np.unique(np.stack([case, rows])[:, on_shelf[rows]], axis=1)[0]
    left = on_shelf.sum() - np.bincount(seen, minlength=len(cases))
    return float(np.average(np.minimum(1.0, K / left), weights=cases.weights))


def _interval(values: NDArray[np.floating], cases: Cases) -> tuple[float, float, float]:
    return metrics.bootstrap_interval(values, cases.weights, cases.users, num_resamples=500, seed=0)


def open_movielens(arguments: argparse.Namespace, seed: int) -> Shelf:
    """MovieLens, with posters on the main directions of those that training may see."""
    from vitrine.importers.movielens import import_movielens

    root = arguments.cache / "movielens"
    import_movielens(arguments.data / "ml-latest-small", root)
    catalog, events = _tables(root)
    ids = catalog[columns.ITEM_ID].tolist()
    path = root / "posters.npz"
    if not path.is_file():
        rows = np.flatnonzero((catalog[columns.IMAGE] != "").to_numpy())
        posters = [Path(catalog[columns.IMAGE][row]) for row in rows]
        np.savez(path, ids=np.array(ids)[rows],
                 features=backbone_features(posters, arguments.weights / WEIGHTS))  # fmt: skip
    stored = np.load(path)
    places = {item_id: place for place, item_id in enumerate(stored["ids"])}
    place = np.array([places.get(item_id, -1) for item_id in ids])
    has_image = place >= 0
    new = has_image & chosen(ids, seed)
    image = on_main_directions(stored["features"][place], has_image & ~new)
    return Shelf(catalog, events, new, np.where(has_image[:, None], image, 0), has_image)


def on_main_directions(
    features: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Unit vectors of features on the main directions of the known ones, [n, DIRECTIONS]."""
    from embeddings.projection import main_directions

    kernel, bias = main_directions(features[known], DIRECTIONS)
    vectors = features @ kernel + bias
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def backbone_features(photos: list[Path], weights: Path, size: int = 32) -> NDArray[np.float32]:
    """Pooled features of an ImageNet backbone, float32 [n, channels]."""
    import tensorflow as tf

    from embeddings.backbone import load_backbone
    from embeddings.image_tower import TowerSettings, build_tower, load_backbone_weights
    from embeddings.images import decode_photo, fit_photo
    from recsys.config import PhotosConfig

    backbone = load_backbone("efficientnet_lite0")
    tower = build_tower(TowerSettings(
        backbone=backbone, image_size=backbone.image_size, embedding_dim=DIRECTIONS,
    ))  # fmt: skip
    load_backbone_weights(tower.layer, weights)
    encode: Callable[[tf.Tensor], tf.Tensor] = tf.function(tower.layer.features, autograph=False,
                                                           reduce_retracing=True)  # fmt: skip
    say(f"  embed {len(photos)} photos")
    found = []
    for start in range(0, len(photos), size):
        pixels = [fit_photo(decode_photo(path.read_bytes(), PhotosConfig()), tower.image_size,
                            tower.fit) for path in photos[start : start + size]]  # fmt: skip
        found.append(encode(tf.cast(np.stack(pixels), tf.float32)).numpy())
    return np.concatenate(found)


def open_shop(arguments: argparse.Namespace, seed: int) -> Shelf:
    """A generated shop whose tower was taught by the items that training may see."""
    from embeddings.embed import embed
    from embeddings.train_tower import train_tower
    from recsys.catalog import load_catalog
    from recsys.embedding_table import open_table
    from recsys.prepare import prepare
    from recsys.workdir import Workdir
    from vitrine.shop import make_shop

    root = arguments.cache / f"shop-{seed}"
    if not (root / "shop" / "catalog.parquet").is_file():
        make_shop(root / "shop", items=SHOP_ITEMS, users=SHOP_USERS, seed=seed)
        _hide_new(root / "shop" / "catalog.parquet", seed)
    config = load_config(Path("configs/demo.yaml"), [
        f"data.root={root / 'shop'}", "tower.epochs=5", f"tower.seed={seed}",
    ])  # fmt: skip
    workdir = Workdir(root / "work")
    if not workdir.embeddings.is_dir():
        for step in (prepare, train_tower, embed):
            step(config, workdir)
    catalog, events = (
        load_catalog(workdir),
        pd.read_parquet(workdir.tables / "interactions.parquet"),
    )
    ids = catalog[columns.ITEM_ID].tolist()
    image, has_image = open_table(workdir.embeddings).vectors_for(ids)
    return Shelf(catalog, events, has_image & chosen(ids, seed), image, has_image)


def _hide_new(path: Path, seed: int) -> None:
    """Makes the items that will be taken out what new ones are: no attributes, no part in training.

    Photos of the split `test` teach the tower nothing.
    """
    catalog = pd.read_parquet(path)
    new = chosen(catalog[columns.ITEM_ID].tolist(), seed)
    for name in columns.attribute_columns(list(catalog.columns)):
        catalog[name] = catalog[name].where(~new, "")
    validation = chosen(catalog[columns.ITEM_ID].tolist(), seed + 1_000) & ~new
    catalog[columns.SPLIT] = np.select([new, validation], ["test", "validation"], "train")
    catalog.to_parquet(path, index=False)


def _tables(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_config(None, [f"data.root={root}", "data.min_user_events=5"]).data
    catalog, _, _ = read_catalog(data)
    return catalog, read_interactions(data, catalog[columns.ITEM_ID]).frame


if __name__ == "__main__":
    main()

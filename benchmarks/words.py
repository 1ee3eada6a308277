"""Words that find photos, on fashion products split 70/15/15 by a hash of the id.

    python benchmarks/words.py --data ../shared/data --weights ../shared/weights [--record]

The towers, of photos and of words, learn from the 70%; the gallery is the last 15%, which neither
has seen. "<colour> <articleType>" is asked for every pair that the gallery has. Beside it stands
TF-IDF over what the photo tower predicts of each gallery photo: category and attributes, in words.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from quality import WEIGHTS
from recording import VITRINE, measure, record

from recsys.workdir import Workdir

K = 10
SPLITS = ((70, "train"), (85, "validation"), (100, "test"))


def split_of(item_id: str) -> str:
    """The split of an item: 70, 15 and 15 of 100 by a hash of its id."""
    digest = hashlib.blake2b(item_id.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") % 100
    return next(name for end, name in SPLITS if place < end)


def tf_idf_scores(queries: list[str], documents: list[str], corpus: list[str]) -> np.ndarray:
    """Cosines of TF-IDF vectors: float64 [num_queries, num_documents].

    Args:
        corpus: the texts that document frequencies are counted in.
    """
    words = [text.lower().split() for text in corpus]
    counts = Counter(word for text in words for word in set(text))
    known = {word: place for place, word in enumerate(counts)}
    idf = np.array([np.log((1 + len(corpus)) / (1 + counts[word])) + 1 for word in known])

    def vectors(texts: list[str]) -> np.ndarray:
        found = np.zeros((len(texts), len(known)))
        for row, text in enumerate(texts):
            for word in text.lower().split():
                if word in known:
                    found[row, known[word]] += idf[known[word]]
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)

    return np.asarray(vectors(queries) @ vectors(documents).T)


def own_recall(scores: np.ndarray, k: int = K) -> float:
    """Share of rows whose own column is among the k best; of equal scores chance decides."""
    own = np.diag(scores)[:, np.newaxis]
    better = (scores > own + 1e-9).sum(axis=1)
    same = (np.abs(scores - own) <= 1e-9).sum(axis=1)
    return float(np.clip((k - better) / same, 0, 1).mean())


def found_share(scores: np.ndarray, right: np.ndarray, k: int = K) -> float:
    """Share of queries with a right item among the k best.

    Args:
        scores: [num_queries, num_items].
        right: bool, the same shape.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.take_along_axis(right, best, axis=1).any(axis=1).mean())


def judge(workdir: Workdir) -> str:
    """The figures of a workdir that has embeddings and words."""
    import tensorflow as tf

    from embeddings.text_tower import load_text_tower
    from recsys.catalog import load_catalog
    from recsys.embedding_table import open_table

    catalog = load_catalog(workdir)
    training = catalog[catalog["split"] == "train"]
    vectors, present = open_table(workdir.embeddings).vectors_for(catalog["item_id"].tolist())
    rows = np.flatnonzero(present & (catalog["split"] == "test").to_numpy())
    gallery, photos = catalog.iloc[rows], vectors[rows]
    tower = load_text_tower(workdir.words).tower
    said = predicted_words(workdir, gallery)
    corpus = training["title"].tolist()
    titles = gallery["title"].tolist()
    pairs = gallery["attr_baseColour"] + "|" + gallery["attr_articleType"]
    asked = sorted({pair for pair in pairs if all(pair.split("|"))})
    right = np.array([(pairs == pair).to_numpy() for pair in asked])
    queries = [pair.replace("|", " ") for pair in asked]
    by_words = tower(tf.constant(queries)).numpy() @ photos.T
    by_tf_idf = tf_idf_scores(queries, said, [*corpus, *said])
    chance = np.mean([1 - np.prod([1 - each.sum() / (len(rows) - i) for i in range(K)])
                      for each in right])  # fmt: skip
    own = own_recall(tower(tf.constant(titles)).numpy() @ photos.T)
    own_tf_idf = own_recall(tf_idf_scores(titles, said, [*corpus, *said]))
    return "\n".join([
        f"{len(training)} training items, {len(rows)} in the held-out gallery",
        f'"<colour> <articleType>", {len(asked)} queries with a right product in the gallery',
        f"  a right one among the first {K}: words {found_share(by_words, right):.3f}, "
        f"TF-IDF on predicted attributes {found_share(by_tf_idf, right):.3f}, "
        f"chance {chance:.3f} (to reach: 0.75)",
        f"title to own photo, R@{K}: words {own:.3f}, TF-IDF on predicted attributes "
        f"{own_tf_idf:.3f}, chance {K / len(rows):.3f}",
    ])  # fmt: skip


def predicted_words(workdir: Workdir, gallery: pd.DataFrame) -> list[str]:
    """What the photo tower says of each item's photo: its category and attributes in words."""
    import tensorflow as tf

    from embeddings.image_tower import load_tower
    from embeddings.images import decode_photo, fit_photo
    from embeddings.photo_source import read_bytes
    from recsys.config import load_config

    photos, tower = load_config(workdir.root / "config.yaml").photos, load_tower(workdir.tower)
    said = []
    for location in gallery["image"]:
        image = decode_photo(read_bytes(location, photos.max_bytes), photos, location)
        pixels = np.asarray(fit_photo(image, tower.image_size, photos.fit), np.float32)
        answer = tower.model(tf.constant(pixels[np.newaxis]), training=False)
        names = {"category": tower.categories, **tower.attributes}
        said.append(" ".join(
            values[int(np.argmax(answer[f"{name}_probabilities"][0]))].rpartition(" > ")[2]
            for name, values in names.items()
        ))  # fmt: skip
    return said


def main() -> None:
    """Imports, splits, runs the pipeline and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of the weights")
    parser.add_argument("--workdir", type=Path, help="kept; a temporary one otherwise")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        workdir = arguments.workdir or Path(scratch) / "work"
        tables = Path(scratch) / "tables"
        folder = arguments.data / "fashion-products-60x80"
        measure([*VITRINE, "import", "fashion-products", str(folder), str(tables)])
        catalog = pd.read_parquet(tables / "catalog.parquet")
        catalog["split"] = [split_of(item_id) for item_id in catalog["item_id"].astype(str)]
        catalog.to_parquet(tables / "catalog.parquet", index=False)
        measured = measure([
            *VITRINE, "run", "--config", "configs/fashion.yaml", "--workdir", str(workdir),
            "--set", f"data.root={tables}", "--set", f"tower.weights={arguments.weights / WEIGHTS}",
        ])  # fmt: skip
        text = f"{judge(Workdir(workdir))}\nvitrine run: {measured.seconds / 60:.1f} min"
    print(text)
    if arguments.record:
        record("Words", "python benchmarks/words.py --data DATA --weights WEIGHTS --record", text)


if __name__ == "__main__":
    main()

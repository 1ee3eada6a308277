"""Shards joined answer as the whole does: all signatures, random histories, ties included."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.config import TransitionsConfig
from recsys.explanations import ItemParts
from recsys.index import ExactIndex
from recsys.mixture import Mixture
from recsys.transitions import NUM_CONTEXTS, Transitions
from serving.blend import Blend, Sources
from serving.canaries import text
from serving.loaded_servable import as_text
from serving.recommend_shard import RecommendShard, leading_to
from serving.servables import Recommend
from serving.sharded_servable import ShardedServable
from serving.shards import slices
from serving.slice_index import SliceIndex

NUM, DIM, SHARDS = 60, 8, 4
IDS = [f"i{row}" for row in range(NUM)]
SHOWN = ["purchase"]


def make_vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(NUM, DIM))
    vectors[40:50] = vectors[10:20]  # twins in another shard: their scores are equal
    return np.float32(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


VECTORS = make_vectors()


def make_table() -> Transitions:
    rng = np.random.default_rng(1)
    rows = [sorted(rng.choice(NUM, size=rng.integers(0, 6), replace=False))
            for _ in range(NUM + NUM_CONTEXTS)]  # fmt: skip
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    followers = np.array([each for row in rows for each in row], np.int32)
    return Transitions(offsets, followers, np.float32(rng.choice([0.5, 1.0, 2.0], len(followers))))


class Towers(tf.Module):
    """The mean of the history's vectors, moved by the hour; nobody's lies anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = tf.Variable(VECTORS)

    def query(self, rows, kinds, ages, context):
        real = tf.cast(rows >= 0, tf.float32)[..., None]
        total = tf.reduce_sum(tf.gather(self.vectors, tf.maximum(rows, 0)) * real, axis=1)
        hour = tf.cast(context["hour"] + 0 * context["weekday"], tf.float32)[:, None]
        return total + 0.1 * tf.math.sin(hour + tf.range(DIM, dtype=tf.float32))


class InMemory:
    """A module asked as a loaded servable is."""

    def __init__(self, servable) -> None:
        self._signatures = servable.signatures()

    def predict(self, inputs, signature="serving_default"):
        fed = {name: tf.constant(values) for name, values in inputs.items()}
        found = self._signatures[signature](**fed)
        return {name: as_text(value.numpy()) for name, value in found.items()}


def make_sources() -> Sources:
    mixture = Mixture((0, 1, 4), (0.3, 0.2, 0.0), (1.0, 2.0, 1.0), repeat=1.5)
    return Sources(
        make_table(), mixture, TransitionsConfig(history=3), silent_kinds=["dislike"],
        groups=np.arange(NUM, dtype=np.int32) % 5, falling=0.2, boosted_kinds=["purchase"],
    )  # fmt: skip


PARTS = ItemParts(*(np.float16(VECTORS * share) for share in (0.5, 0.25, 0.1)))


@pytest.fixture(scope="module", params=["towers", "both"])
def both(request):
    """The whole, and its shards asked as one."""
    sources = make_sources() if request.param == "both" else None
    whole = InMemory(Recommend(
        Towers(), ExactIndex(VECTORS), IDS, "f0", masks_history=True, shown_kinds=SHOWN,
        blend=Blend(sources) if sources else None, parts=PARTS,
    ))  # fmt: skip
    shards = [
        InMemory(RecommendShard(
            Towers(), SliceIndex(ExactIndex(VECTORS[own.start : own.stop]), own), IDS, "f0",
            masks_history=True, shown_kinds=SHOWN, sources=sources, parts=PARTS,
        ))
        for own in slices(NUM, SHARDS)
    ]  # fmt: skip

    def ask(name, inputs, signature):
        return shards[int(name)].predict(inputs, signature or "serving_default")

    return whole, ShardedServable([str(shard) for shard in range(SHARDS)], ask)


def histories(lengths: list[int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (len(lengths), max([1, *lengths]))
    items, kinds = np.full(shape, b"", object), np.full(shape, b"", object)
    for at, length in enumerate(lengths):
        items[at, :length] = text([IDS[row] for row in rng.integers(0, NUM, length)])
        kinds[at, :length] = text(list(rng.choice(["view", "purchase", "dislike"], length)))
    hours = rng.integers(-1, 24, len(lengths)).astype(np.int32)
    return {
        "history": items, "kinds": kinds, "ages": np.zeros(shape, np.float32), "hour": hours,
        "weekday": rng.integers(-1, 7, len(lengths)).astype(np.int32),
    }  # fmt: skip


def page(batch: int, k: int, seed: int, excluded: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out = text([IDS[row] for row in rng.integers(0, NUM, batch * excluded)])
    return {"k": np.full(batch, k, np.int32), "exclude": out.reshape(batch, excluded)}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert found["item_ids"].tolist() == expected["item_ids"].tolist()
    for name in found.keys() - {"item_ids", "fingerprint"}:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


@pytest.mark.parametrize("k", [1, 7, 16, NUM, NUM + 10])
@pytest.mark.parametrize("lengths", [[5], [0], [3, 0, 1, 12]])
def test_histories(both, k, lengths):
    whole, sharded = both
    for seed in range(4):
        inputs = {**histories(lengths, seed), **page(len(lengths), k, seed)}
        assert_same(sharded.predict(inputs), whole.predict(inputs))


def test_items_and_embeddings(both):
    whole, sharded = both
    by_item = {"item_id": text([*IDS[::7], "no such item"]), **page(10, 9, 0)}
    assert_same(sharded.predict(by_item, "by_item"), whole.predict(by_item, "by_item"))
    near = {"embedding": VECTORS[::6], **page(10, 9, 1)}
    assert_same(sharded.predict(near, "by_embedding"), whole.predict(near, "by_embedding"))


def test_explanations_add_up(both):
    whole, sharded = both
    wanted = np.tile(text([*IDS[::9], "no such item"]), (2, 1))
    asked = {**histories([4, 0], 0), "item_ids": wanted}
    found, expected = (each.predict(asked, "explain") for each in (sharded, whole))
    assert found.keys() == expected.keys()
    for name in ("contributions", "parts", "shares"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def test_where_a_history_lies_is_known_to_each_shard(both):
    whole, sharded = both
    asked = histories([4, 0], 0)
    found, expected = (each.predict(asked, "query_embedding") for each in (sharded, whole))
    np.testing.assert_array_equal(found["embedding"], expected["embedding"])


def test_what_leads_to_a_slice_is_shared_out_once():
    table = make_table()
    parts = [leading_to(table, own).matrix() for own in slices(NUM, SHARDS)]
    assert (sum(parts) != table.matrix()).nnz == 0
    assert sum(part.nnz for part in parts) == len(table.followers)

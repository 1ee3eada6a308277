"""Both sources joined in the graph: by hand, and as the evaluation joins them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from recsys import columns
from recsys.config import TransitionsConfig
from recsys.index import ExactIndex, ScannIndex
from recsys.interactions import load_interactions
from recsys.mixture import Mixture, blend_scorer
from recsys.ranking import top_rows
from recsys.scann_parts import BRUTE_FORCE
from recsys.sequences import make_sequences
from recsys.splits import Cases
from recsys.transitions import NUM_CONTEXTS, Transitions, count_transitions
from serving.blend import Blend, Sources
from serving.local import LocalBundle

# a follows nobody; after item 0 comes 3 (rate 1) and 1 (rate 2), after item 1 comes 3 (rate 4)
ROWS = [[(1, 2.0), (3, 1.0)], [(3, 4.0)], [], []] + [[(2, 1.0)]] * NUM_CONTEXTS
VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], np.float32)


def table(rows=ROWS):
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    entries = [entry for row in rows for entry in row]
    return Transitions(offsets, np.array([e[0] for e in entries], np.int32),
                       np.array([e[1] for e in entries], np.float32))  # fmt: skip


def blend(mixture=Mixture((0,), (0.5,), (1.0,)), silent=(), groups=(0, 1, 2, 3), falling=0.0):
    settings = TransitionsConfig(history=2)
    return Blend(Sources(table(), mixture, settings, list(silent), np.array(groups), falling))


def search(joined, history, k=4, query=(1.0, 0.0), excluded=(), hour=-1, kinds=None, index=None):
    rows = tf.constant([list(history)], tf.int32, shape=[1, len(history)])
    kinds = tf.constant([kinds or ["view"] * len(history)], tf.string, shape=[1, len(history)])
    out = [[-1, *excluded]]
    found = joined.search(
        index or ExactIndex(VECTORS),
        tf.constant([query]),
        tf.constant(k),
        tf.constant(out),
        rows,
        kinds,
        tf.constant([hour]),
        tf.constant([-1]),
    )
    return [values.numpy()[0] for values in found]  # fmt: skip


def test_followers_of_the_last_items_gain_by_their_votes():
    scores, rows, added = search(blend(), [0, 1])
    # item 1 votes 1, item 0 1/2: item 3 gets 4 + 1/2, item 1 gets 2/2 = 1
    gained = {3: 0.5 * np.log(5.5), 1: 0.5 * np.log(2.0), 0: 0.0, 2: 0.0}
    dots = {0: 1.0, 1: 0.8, 2: 0.0, 3: 0.6}
    expected = sorted(dots, key=lambda row: -dots[row] - gained[row])
    assert rows.tolist() == expected
    np.testing.assert_allclose(added, [gained[row] for row in expected], rtol=1e-6)
    np.testing.assert_allclose(scores, [dots[r] + gained[r] for r in expected], rtol=1e-6)


def test_each_item_is_found_once_and_excluded_ones_not_at_all():
    rows = search(blend(), [0, 1], excluded=[3, 0])[1]
    assert rows.tolist() == [1, 2, -1, -1]


def test_an_item_below_the_first_k_of_the_index_is_reached():
    # item 3 is third by its dot product, and first by both
    assert search(blend(), [0, 1], k=1)[1].tolist() == [3]


def test_padding_and_unknown_items_leave_the_votes_as_they_are():
    assert search(blend(), [-1, 0, -1, 1, -1])[2].tolist() == search(blend(), [0, 1])[2].tolist()


def test_older_events_than_asked_for_do_not_vote():
    # of 0, 2, 2 the last two vote, and 2 has no followers
    assert not search(blend(), [0, 2, 2])[2].any()


def test_what_was_disliked_does_not_vote():
    joined = blend(silent=["dislike"])
    assert not search(joined, [1], kinds=["dislike"])[2].any()
    # yet it takes its place: item 1 before it votes 1/2, so that item 3 gets 4/2
    added = search(joined, [1, 0], kinds=["view", "dislike"], k=1)[2]
    np.testing.assert_allclose(added, [0.5 * np.log(3.0)], rtol=1e-6)


def test_the_weight_goes_by_the_length_of_the_history():
    joined = blend(Mixture((0, 1, 2), (0.0, 0.5, 0.0), (1.0, 1.0, 1.0)))
    assert search(joined, [1])[2].any()
    assert not search(joined, [0, 1])[2].any()


def test_a_new_visitor_is_asked_for_by_the_moment():
    # the moment's rows lead to item 2: one vote, shared by as many as are known
    for hour in (-1, 5, 99):
        scores, rows, _ = search(blend(), [], hour=hour, k=1, query=(0.0, 0.0))
        assert rows.tolist() == [2]
        np.testing.assert_allclose(scores, [0.5 * np.log(2.0)], rtol=1e-6)


def test_a_new_visitor_sees_several_categories():
    # alone by score: 0 (1.0), 1 (0.8), 3 (0.6), 2; the second of category 0 loses 0.3
    nothing = Mixture((0,), (0.0,), (1.0,))
    joined = blend(nothing, groups=(0, 0, 1, 1), falling=0.3)
    scores, rows, _ = search(joined, [])
    assert rows.tolist() == [0, 3, 1, 2]
    np.testing.assert_allclose(scores, [1.0, 0.6, 0.5, -0.3], atol=1e-6)
    assert search(joined, [2])[1].tolist() == [0, 1, 3, 2]


def test_an_empty_batch_has_an_empty_answer():
    nobody = tf.zeros([0, 3], tf.int32)
    scores, rows, added = blend().search(
        ExactIndex(VECTORS), tf.zeros([0, 2]), tf.constant(2), tf.zeros([0, 1], tf.int32), nobody,
        tf.as_string(nobody), tf.zeros([0], tf.int32), tf.zeros([0], tf.int32),
    )  # fmt: skip
    assert scores.shape == rows.shape == added.shape == (0, 2)


@pytest.mark.parametrize("engine", ["exact", "scann"])
def test_the_graph_ranks_as_the_evaluation_does(engine):
    rng = np.random.default_rng(0)
    num_items, dim = 40, 8
    frame = pd.DataFrame(
        [(f"u{user:02d}", f"i{item:02d}", "view", user * 7000.0 + step)
         for user in range(30) for step, item in enumerate(rng.permutation(num_items)[: user % 12])
         ] + [("v", "i01", "dislike", 0.0)],
        columns=["user_id", "item_id", "event", "timestamp"],
    )  # fmt: skip
    names = [f"i{item:02d}" for item in range(num_items)]
    sequences = make_sequences(frame, names, {"view": 1.0, "dislike": 0.0})
    settings = TransitionsConfig(history=5, width=6)
    counted = count_transitions(sequences, num_items, settings, mask_repeats=True)
    mixture = Mixture((0, 1, 4), (0.4, 0.3, 0.2), (0.01, 0.5, 0.1))
    vectors = rng.normal(size=(num_items, dim)).astype(np.float32)
    queries = rng.normal(size=(len(sequences.rows), dim)).astype(np.float32)
    cases = Cases(sequences, np.arange(len(sequences.rows)), np.ones(len(sequences.rows)))
    scorer = blend_scorer(lambda c: queries[c.positions] @ vectors.T, counted, mixture, settings,
                          history_length=50)  # fmt: skip
    expected = top_rows(scorer(cases), 7)

    longest = int((cases.positions - cases.starts).max())
    rows = np.full((len(cases), longest), -1, np.int32)
    kinds = np.full(rows.shape, b"", object)
    for case, (start, stop) in enumerate(zip(cases.starts, cases.positions, strict=True)):
        rows[case, : stop - start] = sequences.rows[start:stop]
        kinds[case, : stop - start] = [
            [b"", b"dislike", b"view"][kind] for kind in sequences.kinds[start:stop]
        ]
    joined = Blend(Sources(counted, mixture, settings, ["dislike"], np.zeros(num_items, np.int32)))
    index = ExactIndex(vectors) if engine == "exact" else ScannIndex(vectors, BRUTE_FORCE)
    days, seconds = np.divmod(cases.now.astype(np.int64), 86_400)
    found = joined.search(
        index, tf.constant(queries), tf.constant(7), tf.fill([len(cases), 1], -1),
        tf.constant(rows), tf.constant(kinds), tf.constant(seconds // 3600, tf.int32),
        tf.constant((days + 3) % 7, tf.int32),
    )  # fmt: skip
    np.testing.assert_array_equal(found[1].numpy(), expected)


def test_what_is_added_to_given_items_is_what_search_adds():
    joined = blend()
    _, rows, added = search(joined, [0, 1])
    found = joined.added_to(
        tf.constant([rows]), tf.constant([[0, 1]]), tf.constant([["view", "view"]]),
        tf.constant([-1]), tf.constant([-1]), tf.constant([2]),
    )  # fmt: skip
    assert found.numpy()[0] == pytest.approx(added)
    assert added.max() == pytest.approx(0.5 * np.log(5.5))


def test_without_an_event_the_mixture_stays_that_of_the_whole_history():
    joined = blend(Mixture((0, 2), (9.0, 0.5), (1.0, 1.0)))
    found = joined.added_to(
        tf.constant([[3]]), tf.constant([[-1, 1]]), tf.constant([["view", "view"]]),
        tf.constant([-1]), tf.constant([-1]), tf.constant([2]),
    )  # fmt: skip
    assert found.numpy()[0] == pytest.approx([0.5 * np.log(5.0)])  # item 1 votes 4


def test_a_kind_that_asks_again_votes_for_its_own_item():
    mixture = Mixture((0,), (0.5,), (1.0,), repeat=3.0)
    settings = TransitionsConfig(history=2)
    joined = Blend(Sources(table(), mixture, settings, [], np.arange(4, dtype=np.int32),
                           boosted_kinds=["purchase"]))  # fmt: skip
    _, rows, added = search(joined, [2, 0], kinds=["purchase", "view"])
    # the purchase of 2 came one before the last: 3/2 votes; 0 leads to 1 (2) and 3 (1)
    gained = dict(zip(rows.tolist(), added.tolist(), strict=True))
    assert gained[2] == pytest.approx(0.5 * np.log(2.5))
    assert gained[1] == pytest.approx(0.5 * np.log(3.0)) and gained[0] == 0.0


def test_a_new_visitor_sees_what_is_popular_in_several_categories(demo_workdir):
    bundle = LocalBundle(demo_workdir)
    nobody = bundle.recommend_for_history([], k=10)
    categories = {answer["category"] for answer in nobody}
    assert len(nobody) == 10 and len(categories) >= 3
    events = load_interactions(demo_workdir)
    popular = events[columns.ITEM_ID].value_counts()
    shown = popular.reindex([answer["item_id"] for answer in nobody], fill_value=0)
    assert shown.mean() > popular.mean()


def test_one_event_is_enough_to_be_personal(demo_workdir):
    bundle = LocalBundle(demo_workdir)
    nobody = {answer["item_id"] for answer in bundle.recommend_for_history([], k=10)}
    first = list(bundle.bundle.items[columns.ITEM_ID][:20])
    pages = [
        frozenset(a["item_id"] for a in bundle.recommend_for_history([item_id], k=10))
        for item_id in first
    ]
    # what was looked at decides the page, far from the one for nobody
    assert len(set(pages)) >= 18
    assert np.mean([len(page & nobody) for page in pages]) < 5

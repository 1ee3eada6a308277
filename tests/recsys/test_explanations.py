"""Why an item is recommended: exact sums, and what changes when an item is taken out."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.candidate_tower import CandidateTower, Items
from recsys.explanations import LONGEST, Explainer, ItemParts, item_parts
from recsys.features import Vocabulary

VECTORS = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], np.float32)
PHOTO = np.array([[0.5, 0.0], [0.0, 0.0], [0.0, 0.2]], np.float32)
WORDS = np.array([[0.25, 0.0], [0.0, 1.0], [0.6, 0.0]], np.float32)
COMMON = np.zeros((3, 2), np.float32)
PARTS = ItemParts(*(part.astype(np.float16) for part in (PHOTO, WORDS, COMMON)))


def _sum_of_items(rows, kinds, ages, hour, weekday):
    """A query that is the sum of the history's vectors, and at a known hour 1 more each."""
    known = tf.cast(rows >= 0, tf.float32)[..., None]
    query = tf.reduce_sum(tf.gather(VECTORS, tf.maximum(rows, 0)) * known, axis=1)
    return query + tf.cast(hour >= 0, tf.float32)[:, None]


def _explain(rows, wanted, hour=-1, bonus=None):
    rows = np.array(rows, np.int32)
    explainer = Explainer(_sum_of_items, lambda r: tf.gather(VECTORS, r), PARTS, bonus)
    found = explainer.explain(
        tf.constant(rows), tf.fill(rows.shape, "view"), tf.zeros(rows.shape),
        tf.fill([len(rows)], hour), tf.fill([len(rows)], -1), tf.constant(wanted, tf.int32),
    )  # fmt: skip
    return [value.numpy() for value in found]


def test_an_item_contributes_what_the_score_loses_without_it():
    contributions, _, _ = _explain([[0, 1, -1]], [[2, 0]])
    # the score of item 2 is (1, 0) . (0.6, 0.8) + (0, 1) . (0.6, 0.8); padding gives nothing
    assert contributions[0, 0] == pytest.approx([0.6, 0.8, 0.0])
    assert contributions[0, 1] == pytest.approx([1.0, 0.0, 0.0])


def test_all_events_with_an_item_go_together():
    contributions, _, _ = _explain([[0, 1, 0]], [[2]])
    assert contributions[0, 0] == pytest.approx([1.2, 0.8, 1.2])


def test_the_parts_sum_up_to_the_score():
    _, parts, shares = _explain([[0, 1]], [[2]], hour=9)
    # without the hour the query is (1, 1): photo 0.2, words 0.6, the rest of 1.4 is the id's;
    # the hour adds (1, 1) . (0.6, 0.8) = 1.4
    assert parts[0, 0] == pytest.approx([0.2, 0.6, 0.6, 1.4], abs=1e-3)
    assert shares[0, 0] == pytest.approx(np.array([0.2, 0.6, 0.6, 1.4]) / 2.8, abs=1e-3)


def test_a_bonus_counts_as_the_id_and_follows_the_history():
    def bonus(items, rows, kinds, hour, weekday, lengths):
        assert lengths.numpy().tolist() == [2] * len(rows)  # of the whole history, always
        # 0.5 for item 2 where item 0 is in the history
        led = tf.reduce_any(rows == 0, axis=1, keepdims=True) & (items == 2)
        return tf.where(led, 0.5, 0.0)

    contributions, parts, _ = _explain([[0, 1]], [[2]], bonus=bonus)
    assert contributions[0, 0] == pytest.approx([0.6 + 0.5, 0.8])
    assert parts[0, 0] == pytest.approx([0.2, 0.6, 0.6 + 0.5, 0.0], abs=1e-3)


def test_what_takes_away_has_no_share_and_unknown_items_have_none():
    _, parts, shares = _explain([[0]], [[2, -1]])
    # the query is (1, 0): photo 0, words 0.6, and nothing is left for the id
    assert shares[0, 0] == pytest.approx([0.0, 1.0, 0.0, 0.0], abs=1e-3)
    assert parts[0, 1].tolist() == shares[0, 1].tolist() == [0.0] * 4


def test_only_the_last_events_are_taken_out():
    rows = [[1, *[0] * LONGEST]]
    contributions, _, _ = _explain(rows, [[1]])
    assert contributions.shape == (1, 1, LONGEST + 1)
    assert contributions[0, 0, 0] == 0.0


def test_an_empty_history_has_no_contributions():
    contributions, _, shares = _explain(np.zeros((1, 0)), [[0]], hour=3)
    assert contributions.shape == (1, 1, 0)
    assert shares[0, 0] == pytest.approx([0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("num_ids", [0, 3])
def test_a_candidate_vector_is_the_sum_of_its_parts(num_ids):
    vocabulary = Vocabulary({"brand": ["a", "b"], "price": ["00"]}, [], 4, {"brand": 1, "price": 1})
    tower = CandidateTower(vocabulary, num_ids, 8)
    rng = np.random.default_rng(0)
    tower.set_weights([rng.normal(size=weight.shape) for weight in tower.get_weights()])
    image = rng.normal(size=(4, 4)).astype(np.float32)
    image[1] = 0.0
    bags = {"brand": tf.constant([[1], [2], [0], [1]]), "price": tf.constant([[1], [0], [1], [1]])}
    items = Items(tf.constant([0, 1, 2, -1]), tf.constant(image),
                  tf.constant([True, False, True, True]), bags)  # fmt: skip
    parts = item_parts(tower, items)
    rest = tower(items).numpy() - sum(part.astype(np.float32) for part in parts)
    assert not parts.photo[1].any()
    # without an id vector nothing is left, but for the rounding of half precision
    has_id = np.array([True, True, True, False]) & (num_ids > 0)
    assert np.abs(rest[~has_id]).max(initial=0.0) < 2e-3
    for row in np.flatnonzero(has_id):
        direction = tower.ids.numpy()[row] / np.linalg.norm(tower.ids.numpy()[row])
        assert rest[row] @ direction == pytest.approx(np.linalg.norm(rest[row]), rel=1e-2)

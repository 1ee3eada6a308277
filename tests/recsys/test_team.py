"""A team: parts of a batch, means by weight, and one worker's word for all."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from recsys.team import ALONE, MirroredTeam, Team

ROOT = Path(__file__).parents[2]


class Third(Team):
    rank, count = 2, 3


@pytest.fixture(scope="module")
def team():
    """A team of one whose collectives are those of any."""
    return MirroredTeam(tf.distribute.MultiWorkerMirroredStrategy())


def test_alone_one_learns_from_everything():
    gradients, loss = ALONE.mean([tf.constant(2.0), None], tf.constant(3.0), 5.0)
    assert (float(gradients[0]), gradients[1], float(loss)) == (2.0, None, 3.0)
    assert ALONE.part([1, 2, 3]) == [1, 2, 3]
    assert ALONE.first(lambda: 0.25) == 0.25


def test_parts_are_every_third_row_of_each_array():
    part = Third().part({"rows": np.arange(8), "weights": np.arange(8) * 2.0})
    assert part["rows"].tolist() == [2, 5]
    assert part["weights"].tolist() == [4, 10]


def test_a_batch_smaller_than_the_team_is_learned_from_by_all():
    assert Third().part(np.arange(2)).tolist() == [0, 1]


def test_rows_of_tables_stay_rows_and_missing_gradients_missing(team):
    rows = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([3]), tf.constant([5, 2]))
    (dense, none, sparse), loss = team.mean([tf.constant([4.0]), None, rows], tf.constant(2.0), 0.5)
    assert (dense.numpy().tolist(), none, float(loss)) == ([4.0], None, 2.0)
    assert (sparse.indices.numpy().tolist(), sparse.values.numpy().tolist()) == ([3], [[1, 1]])


def test_parts_that_count_nothing_move_nothing(team):
    (gradient,), loss = team.mean([tf.constant([4.0])], tf.constant(2.0), 0.0)
    assert (gradient.numpy().tolist(), float(loss)) == ([0.0], 0.0)


def test_variables_of_any_type_are_copied(team):
    variables = [tf.Variable(1.5), tf.Variable(7, dtype=tf.int64)]
    team.copy_first(variables)
    team.average(variables[:1])
    with team.turns():
        assert [variable.numpy() for variable in variables] == [1.5, 7]


WORKER = """
import sys
import recsys
import tensorflow as tf
from pathlib import Path
from recsys.features import item_features, learn_vocabulary
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out
from recsys.team import ALONE, MirroredTeam
from recsys.training_loop import fit
from tests.recsys.small_shop import chain_events, small_catalog, small_config

team = MirroredTeam(tf.distribute.MultiWorkerMirroredStrategy()) if len(sys.argv) == 1 else ALONE
gradient = [tf.constant([1.0 + team.rank])]
(mean,), loss = team.mean(gradient, tf.constant(1.0 + team.rank), 1.0 + 2 * team.rank)
first = team.first(lambda: 7.0 + team.rank)
model = {"dropout": 0.0, "id_dropout": 0.0}  # nothing is left to chance
config = small_config(Path("."), model=model, train={"epochs": 3})
catalog = small_catalog(12).fillna({"brand": "", "category": "", "title": ""})
ids = catalog["item_id"].tolist()
sequences = make_sequences(chain_events(30, 12, 6), ids, config.model.event_weights)
vocabulary = learn_vocabulary(catalog, config.model, 0)
features = item_features(catalog, vocabulary)
split = leave_last_out(sequences, 12, mask_repeats=True)
fitted = fit(split.train, split.validation, features, vocabulary, config, team=team)
vectors = fitted.model.candidate_tower.place(fitted.model.items)
print(repr((float(mean[0]), float(loss), first, [e["loss"] for e in fitted.epochs],
            [e["validation_ndcg"] for e in fitted.epochs], vectors.tolist())))
"""


def _start(*arguments, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen([sys.executable, "-c", WORKER, *arguments], env=environment,
                            stdout=subprocess.PIPE, text=True)  # fmt: skip


@pytest.mark.slow
def test_two_workers_learn_what_one_learns():
    addresses = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{free.getsockname()[1]}")
    processes = [
        _start(TF_CONFIG=json.dumps({"cluster": {"worker": addresses},
                                     "task": {"type": "worker", "index": rank}}))
        for rank in range(2)
    ]  # fmt: skip
    processes.append(_start("alone"))
    zero, one, alone = (eval(process.communicate()[0]) for process in processes)
    # (1 · 1 + 2 · 3) / (1 + 3) = 1.75
    assert zero[:3] == one[:3] == (1.75, 1.75, 7.0)
    assert zero == one
    np.testing.assert_allclose(zero[3], alone[3], rtol=0.01)
    np.testing.assert_allclose(zero[4], alone[4], atol=0.02)
    assert (np.sum(np.multiply(zero[5], alone[5]), axis=1) > 0.99).all()

"""Questions to the old and the new; the last of them to a model that was trained for it."""

from __future__ import annotations

import numpy as np

from recsys.interactions import load_interactions
from recsys.workdir import Workdir
from tests.vitrine.health.two_workdirs import circle
from vitrine.health.agreement import Agreement
from vitrine.health.canaries import lasting_sample, nearest, recommended, rows_among, summary


def test_a_sample_hardly_changes_when_others_come_and_go():
    ids = [f"item {number}" for number in range(1000)]
    before = lasting_sample(ids, 100)
    assert len(before) == 100
    assert lasting_sample(reversed(ids), 100) == before
    after = set(lasting_sample([*ids[50:], *[f"new {n}" for n in range(50)]], 100))
    # 5% left and 5% came: some 5 of 100 on either side
    assert len(after & set(before)) > 85
    assert lasting_sample(["a", "b"], 5) != []


def test_rows_among_known_ids():
    assert rows_among(["c", "x", "a"], ["a", "b", "c"]).tolist() == [2, -1, 0]


def test_neighbors_leave_out_the_item_itself():
    vectors = np.stack(list(circle(8).values()))
    # item 0 goes over to the other side, next to item 4: its own neighbors were 1 and 7
    moved = vectors.copy()
    moved[0] = (vectors[4] + 0.1 * vectors[5]) / np.linalg.norm(vectors[4] + 0.1 * vectors[5])
    probes = np.array([0, 2])
    found = nearest(vectors, moved, probes, probes, np.arange(8), k=2)
    assert found.kept.tolist() == [0.0, 1.0]  # item 2 keeps 1 and 3


def test_a_summary_counts_tenths_and_names_the_most_changed():
    kept = np.array([1.0, 0.2, 0.9])
    found = Agreement(np.array([0, 2, 3]), kept, np.array([False, True, False]),
                      np.zeros((3, 1), np.float32), np.zeros((3, 1), np.float32))  # fmt: skip
    assert summary(found, ["a", "b", "c", "d"]) == {
        "asked": 3, "overlap": 0.7, "emptied": 1,
        "shares": [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1],
        "examples": [{"id": "c", "kept": 0.2}, {"id": "d", "kept": 0.9}],
    }  # fmt: skip


def test_shoppers_are_recommended_the_same_by_the_same_model(demo_workdir: Workdir):
    from recsys.two_tower import load_two_tower

    model = load_two_tower(demo_workdir.model)
    events = load_interactions(demo_workdir)
    users, found = recommended((demo_workdir, model), (demo_workdir, model), events, 40)
    assert len(users) == len(found.rows) == 40
    assert found.overlap == 1.0

    # candidates that are mixed up answer otherwise, and items that left are asked about no more
    other = load_two_tower(demo_workdir.model)
    order = np.random.default_rng(0).permutation(len(other.item_ids))
    other.candidate_vectors = other.candidate_vectors[order]
    _, found = recommended((demo_workdir, model), (demo_workdir, other), events, 40)
    assert found.overlap < 0.95  # what followed what still says the same

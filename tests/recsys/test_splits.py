"""Splits: what is judged, what training sees, and that nothing of it comes from later."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsys.sequences import Sequences, make_sequences
from recsys.splits import Cases, cold, hold_out_last, leave_last_out, sample_cases, temporal

ITEMS = ["a", "b", "c", "d", "e"]
WEIGHTS = {"view": 1.0, "purchase": 3.0, "dislike": 0.0}


def _walk(user: str, items: str, begin: float = 0.0, kinds: str = "") -> list[tuple]:
    names = {"v": "view", "p": "purchase", "d": "dislike"}
    kinds = kinds or "v" * len(items)
    return [(user, item, names[kind], begin + i)
            for i, (item, kind) in enumerate(zip(items, kinds, strict=True))]  # fmt: skip


def _sequences(*walks: list[tuple]) -> Sequences:
    rows = [row for walk in walks for row in walk]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "event", "timestamp"])
    return make_sequences(frame, ITEMS, WEIGHTS)


def _targets(cases: Cases) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for user, row in zip(cases.users, cases.targets, strict=True):
        found.setdefault(cases.sequences.user_ids[user], []).append(ITEMS[row])
    return found


def _history(cases: Cases, case: int) -> list[str]:
    return [ITEMS[row] for row in cases.sequences.rows[cases.starts[case] : cases.positions[case]]]


def test_the_last_target_is_the_test_and_the_one_before_the_validation():
    split = leave_last_out(_sequences(_walk("u", "abcd")), 5, mask_repeats=True)
    assert _targets(split.test) == {"u": ["d"]}
    assert _targets(split.validation) == {"u": ["c"]}
    assert [ITEMS[row] for row in split.train.rows] == ["a", "b"]
    assert _history(split.test, 0) == ["a", "b", "c"]
    assert _history(split.validation, 0) == ["a", "b"]


def test_a_repeated_item_is_no_target_where_repeats_are_masked():
    sequences = _sequences(_walk("u", "abcab"))
    masked = leave_last_out(sequences, 5, mask_repeats=True)
    # first events are a, b, c: c is the test, b the validation, a alone is learned
    assert (_targets(masked.test), _targets(masked.validation)) == ({"u": ["c"]}, {"u": ["b"]})
    assert len(masked.train.rows) == 1
    allowed = leave_last_out(sequences, 5, mask_repeats=False)
    assert _targets(allowed.test) == {"u": ["b"]}
    assert len(allowed.train.rows) == 3


def test_an_event_without_weight_is_read_but_not_judged():
    split = leave_last_out(_sequences(_walk("u", "abcd", kinds="vvvd")), 5, mask_repeats=True)
    assert _targets(split.test) == {"u": ["c"]}


def test_short_histories_give_what_they_can():
    split = leave_last_out(
        _sequences(_walk("one", "a"), _walk("two", "ab"), _walk("three", "abc")), 5,
        mask_repeats=True,
    )  # fmt: skip
    # one event: nobody could be asked anything before it, so it is learned from
    assert _targets(split.test) == {"three": ["c"], "two": ["b"]}
    assert _targets(split.validation) == {"three": ["b"]}
    counts = dict(zip(split.train.user_ids, split.train.lengths.tolist(), strict=True))
    assert counts == {"one": 1, "two": 1, "three": 1}


def test_the_temporal_split_learns_before_the_moment_and_judges_after():
    # times 0..4 and 0..3 and 3..4; the 0.5 quantile of (0,1,2,3,4,0,1,2,3,3,4) is 2
    sequences = _sequences(_walk("u", "abcde"), _walk("v", "baed"), _walk("w", "ca", 3))
    split = temporal(sequences, 5, 0.5, mask_repeats=True)
    assert split.train.times.max() < 2
    # only a and b have events before time 2, so only they may be right: w's a, nothing of u, v
    assert split.known.tolist() == [True, True, False, False, False]
    assert _targets(split.test) == {"w": ["a"]}
    assert _history(split.test, 0) == ["c"]
    # what came later with c, d or e is ranked among these three
    assert _targets(split.cold) == {"u": ["c", "d", "e"], "v": ["e", "d"]}
    assert split.shelf("catalog").tolist() == [False, False, True, True, True]


def test_items_without_any_event_need_not_be_ranked():
    split = leave_last_out(_sequences(_walk("u", "abc")), 5, mask_repeats=True)
    assert split.ranked("catalog").all()
    assert split.ranked("touched").tolist() == [True, True, True, False, False]


def test_shoppers_weigh_the_same_however_many_cases_they_have():
    sequences = _sequences(_walk("u", "ab"), _walk("v", "abcde"), _walk("u2", "dcbae", 10),
                           _walk("v2", "ea", 10))  # fmt: skip
    split = temporal(sequences, 5, 0.5, mask_repeats=True)
    per_user: dict[int, float] = {}
    for user, weight in zip(split.test.users, split.test.weights, strict=True):
        per_user[int(user)] = per_user.get(int(user), 0) + weight
    assert len(per_user) == 2
    np.testing.assert_allclose(list(per_user.values()), 1.0)


def test_nothing_before_a_case_is_from_after_it():
    rng = np.random.default_rng(0)
    walks = [
        _walk(f"u{i}", "".join(rng.choice(list("abcde"), 8)), float(rng.integers(20)))
        for i in range(30)
    ]
    sequences = _sequences(*walks)
    for split in (leave_last_out(sequences, 5, mask_repeats=False),
                  temporal(sequences, 5, 0.7, mask_repeats=False)):  # fmt: skip
        for case in range(len(split.test)):
            past = slice(split.test.starts[case], split.test.positions[case])
            assert (sequences.times[past] <= split.test.now[case]).all()
            assert (sequences.users[past] == split.test.users[case]).all()


def test_history_lists_every_event_with_its_steps_from_the_end():
    cases = leave_last_out(_sequences(_walk("u", "abcd"), _walk("v", "cb")), 5,
                           mask_repeats=True).test  # fmt: skip
    case, row, step = cases.history()
    # u: a is two steps before c; v: c alone
    assert case.tolist() == [0, 0, 0, 1]
    assert [ITEMS[r] for r in row] == ["a", "b", "c", "c"]
    assert step.tolist() == [2, 1, 0, 0]


def test_a_sample_keeps_the_order_and_takes_no_more_than_there_are():
    cases = leave_last_out(_sequences(*[_walk(f"u{i}", "abc") for i in range(9)]), 5,
                           mask_repeats=True).test  # fmt: skip
    assert sample_cases(cases, 100, 0) is cases
    few = sample_cases(cases, 4, 0)
    assert len(few) == 4 and (np.diff(few.positions) > 0).all()


def test_the_last_target_alone_can_be_held_out():
    # u's dislike is no target, so that b is held out and what follows it too; v has one event
    sequences = _sequences(_walk("u", "abd", kinds="vvd"), _walk("v", "c"))
    train, held = hold_out_last(sequences, mask_repeats=True)
    assert _targets(held) == {"u": ["b"]} and _history(held, 0) == ["a"]
    assert [ITEMS[row] for row in train.rows] == ["a", "c"]


def test_items_taken_out_are_in_no_training_and_all_their_targets_are_judged():
    # c and e are new: without them u did a, b, d, of which d is the test and b the validation
    sequences = _sequences(_walk("u", "acbde"), _walk("v", "ca"))
    split = cold(sequences, np.array([False, False, True, False, True]), mask_repeats=True)
    assert [ITEMS[row] for row in split.train.rows] == ["a", "a"]  # of u and of v
    assert (_targets(split.test)["u"], _targets(split.validation)) == (["d"], {"u": ["b"]})
    # v did nothing before c and is not asked; u weighs one in all
    assert _targets(split.cold) == {"u": ["c", "e"]}
    assert split.cold.weights.tolist() == [0.5, 0.5]
    assert _history(split.cold, 1) == ["a", "c", "b", "d"]
    assert split.known.tolist() == [True, True, False, True, False]
    assert split.shelf("catalog").tolist()[2:] == [True, True, True]

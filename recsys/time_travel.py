"""Does anything that a case is judged by come from after it? The log is cut, and asked again.

A model that sees the future is brilliant in every report and useless in the shop. So some cases
are answered twice: from the whole log, and from the log as it was just before the case, with the
judged event blanked. Inputs and scores must be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import TrainingError
from recsys.ranking import Scorer
from recsys.sequences import Sequences
from recsys.splits import Cases, Split, sample_cases

Inputs = Callable[[Cases], dict[str, NDArray[Any]]]  # what a model reads, by name

NUM_CASES = 16  # each costs two answers and a copy of the log
TOLERANCE = 1e-4  # of scores: sums in another order differ in the last digits


def check_split(split: Split, *, one_moment: bool) -> None:
    """Checks that training saw no event from a judged one on, of the same shopper or of anybody.

    Args:
        one_moment: every training event must lie before every judged one; else only those of
            the same shopper.

    Raises:
        TrainingError: it did.
    """
    cases = split.test
    if not len(cases):
        return
    events_before = cases.positions - cases.starts
    ahead = split.train.lengths[cases.users] > events_before
    if ahead.any():
        user = split.train.user_ids[int(cases.users[ahead][0])]
        raise _leak(f"training holds events of shopper `{user}` from the judged one on")
    if one_moment and split.train.times.max(initial=-np.inf) >= cases.now.min():
        raise _leak("training holds events from after the first judged one")


def check_cases(
    cases: Cases, scorers: dict[str, Scorer], inputs: Inputs | None = None, *,
    num_cases: int = NUM_CASES, seed: int = 0,
) -> int:  # fmt: skip
    """Answers some cases from the cut log too, and compares.

    Args:
        cases: to draw from.
        scorers: model → its scorer.
        inputs: what is read of a case; compared exactly, so that a leak is named.
        num_cases: how many are drawn.

    Returns:
        How many cases were compared.

    Raises:
        TrainingError: an input or a score differs, that is, reads what came later.
    """
    drawn = sample_cases(cases, num_cases, seed)
    for place in range(len(drawn)):
        whole = drawn.take(slice(place, place + 1))
        cut = cut_before(whole)
        if inputs is not None:
            _compare_inputs(inputs(whole), inputs(cut), whole)
        for name, scorer in scorers.items():
            same = np.allclose(scorer(whole), scorer(cut), TOLERANCE, TOLERANCE, equal_nan=True)
            if not same:
                raise _leak(f"the scores of `{name}` change for {_named(whole)}")
    return len(drawn)


def cut_before(case: Cases) -> Cases:
    """The same case in the log as it was then.

    Kept is what others did before the moment, what the shopper did before the judged event, and
    the judged event itself as a moment alone: its item is another one and its kind unknown.

    Args:
        case: one case.
    """
    sequences, (position,) = case.sequences, case.positions
    event = np.arange(len(sequences.rows))
    (own,) = case.users
    mine = (event >= sequences.offsets[own]) & (event < sequences.offsets[own + 1])
    kept = np.where(mine, event <= position, sequences.times < sequences.times[position])
    cut = sequences.keep(kept)
    place = int(kept[:position].sum())
    return Cases(_blank(cut, place), np.array([place]), case.weights)


def model_inputs(history_length: int) -> Inputs:
    """What the query tower reads of a case: rows, kinds, ages, padding and context."""

    def read(cases: Cases) -> dict[str, NDArray[Any]]:
        from recsys.histories import case_batch

        batch = case_batch(cases, history_length)
        read = {name: getattr(batch, name) for name in ("rows", "kinds", "ages", "valid")}
        return {name: np.asarray(value) for name, value in {**read, **batch.context}.items()}

    return read


def _blank(sequences: Sequences, position: int) -> Sequences:
    rows, kinds, weights = sequences.rows.copy(), sequences.kinds.copy(), sequences.weights.copy()
    rows[position] = (rows[position] + 1) % (rows.max() + 1)
    kinds[position], weights[position] = 0, 0.0
    return replace(sequences, rows=rows, kinds=kinds, weights=weights)


def _compare_inputs(
    whole: dict[str, NDArray[Any]], cut: dict[str, NDArray[Any]], case: Cases
) -> None:
    for name, value in whole.items():
        if value.shape != cut[name].shape or not np.array_equal(value, cut[name]):
            raise _leak(f"the input `{name}` changes for {_named(case)}")


def _named(case: Cases) -> str:
    user = case.sequences.user_ids[int(case.users[0])]
    return f"shopper `{user}` at {case.now[0]:.0f} when later events are taken away"


def _leak(what: str) -> TrainingError:
    return TrainingError(
        f"{what}: something is read from the future.", where="time-travel check",
        mend="No figure of this run can be trusted; make the feature read the past alone.",
    )  # fmt: skip

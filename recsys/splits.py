"""Which events are judged and which may be learned from: by shopper and by time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.sequences import Masks, Places, Sequences, is_masked


@dataclass(frozen=True)
class Cases:
    """Moments to recommend at: what came before is the history, what came then is right.

    Attributes:
        sequences: all events, the judged ones included.
        positions: int64 [num_cases] the judged event of each case; the history is what the
            same shopper did before it.
        weights: float64 [num_cases] how much each case counts in a mean.
    """

    sequences: Sequences
    positions: Places
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def users(self) -> NDArray[np.int32]:
        """int32 [num_cases] the shopper of each case."""
        return self.sequences.users[self.positions]

    @property
    def starts(self) -> Places:
        """int64 [num_cases] where each history begins; it ends before `positions`."""
        return self.sequences.offsets[self.users]

    @property
    def targets(self) -> NDArray[np.int32]:
        """int32 [num_cases] the right item rows."""
        return self.sequences.rows[self.positions]

    @property
    def now(self) -> NDArray[np.float64]:
        """float64 [num_cases] the moment of each case."""
        return self.sequences.times[self.positions]

    def take(self, chosen: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Cases:
        """Only the chosen cases."""
        return replace(self, positions=self.positions[chosen], weights=self.weights[chosen])

    def chunks(self, size: int) -> Iterator[Cases]:
        """The cases in order, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))

    def history(self) -> tuple[Places, NDArray[np.int32], Places]:
        """Every event of every history, flat: (case, item row, steps before the last event)."""
        lengths = self.positions - self.starts
        case = np.repeat(np.arange(len(self)), lengths)
        place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = self.sequences.rows[place + np.repeat(self.starts, lengths)]
        return case, rows, np.repeat(lengths, lengths) - 1 - place

    def masked(self, masks: Masks) -> tuple[Places, NDArray[np.int32]]:
        """What may not be shown, as (case, item row) pairs: events whose kind masks."""
        case, row, step = self.history()
        if isinstance(masks, np.ndarray):
            hidden = masks[self.sequences.kinds[self.positions[case] - 1 - step]]
            return case[hidden], row[hidden]
        return (case, row) if masks else (case[:0], row[:0])


@dataclass(frozen=True)
class Split:
    """What may be learned from, and what is judged.

    Attributes:
        train: the events that training may see.
        validation: cases for early stopping and for choosing settings.
        test: cases that are judged once.
        cold: cases whose right item has no event in training.
        known: bool [num_items] which items may be recommended to a test case.
    """

    train: Sequences
    validation: Cases
    test: Cases
    cold: Cases
    known: NDArray[np.bool_]

    def ranked(self, rank: str) -> NDArray[np.bool_]:
        """The items a case is ranked among: the known ones, or of those the touched ones.

        Args:
            rank: `catalog` or `touched`, as `evaluation.rank`.
        """
        return self.known & self._touched(self.test.sequences) if rank == "touched" else self.known

    def shelf(self, rank: str) -> NDArray[np.bool_]:
        """The items that training saw no event of, among which cold cases are ranked."""
        new = ~self._touched(self.train)
        return new & self._touched(self.test.sequences) if rank == "touched" else new

    def _touched(self, sequences: Sequences) -> NDArray[np.bool_]:
        return np.bincount(sequences.rows, minlength=len(self.known)) > 0


def leave_last_out(sequences: Sequences, num_items: int, *, mask_repeats: Masks) -> Split:
    """Each shopper's last target is the test, the one before it the validation.

    A target is an event whose kind has a weight; with `mask_repeats` it is also the shopper's
    first with that item. Training sees what came before the validation target (before the
    test target where a shopper has one target only, all where there is none).
    """
    is_target = _is_target(sequences, mask_repeats)
    users = sequences.users
    event = np.arange(len(users))
    # 1 for a shopper's last target, 2 for the one before; 0 for events after the last
    after = np.cumsum(is_target[::-1])[::-1]
    ends = np.append(after, 0)[sequences.offsets[1:]]
    from_last = after - ends[users]
    test = event[is_target & (from_last == 1)]
    validation = event[is_target & (from_last == 2)]
    # a history is needed to be asked: a shopper's very first event is learned from instead
    test = test[test > sequences.offsets[users[test]]]
    validation = validation[validation > sequences.offsets[users[validation]]]
    stop = sequences.offsets[1:].copy()
    stop[users[test]] = test
    stop[users[validation]] = validation
    train = sequences.keep(event < stop[users])
    cases = _cases(sequences, test)
    untouched = np.bincount(train.rows, minlength=num_items) == 0
    cold = cases.take(untouched[cases.targets])
    return Split(train, _cases(sequences, validation), cases, cold, np.ones(num_items, bool))


def temporal(
    sequences: Sequences, num_items: int, quantile: float, *, mask_repeats: Masks
) -> Split:
    """Training sees what happened before one moment; everything later is judged.

    Every later target of a shopper with some history is a case with the history of that
    moment. Shoppers weigh the same, however many cases they have. Only items with an event
    before the moment may be recommended; cases of newer items are cold, and ranked apart.
    """
    moment = np.quantile(sequences.times, quantile) if len(sequences.times) else 0.0
    before = sequences.times < moment
    known = np.zeros(num_items, bool)
    known[sequences.rows[before]] = True
    event = np.arange(len(before))
    judged = ~before & _is_target(sequences, mask_repeats)
    judged &= event > sequences.offsets[sequences.users]
    cases = _cases(sequences, event[judged & known[sequences.rows]])
    cold = _cases(sequences, event[judged & ~known[sequences.rows]])
    return Split(sequences.keep(before), cases.take(slice(0)), cases, cold, known)


def cold(sequences: Sequences, new: NDArray[np.bool_], *, mask_repeats: Masks) -> Split:
    """Some items are taken out of training altogether, as if they were new.

    What is left is split as by `leave_last_out`. The cold cases are all targets on the chosen
    items with something before them; shoppers weigh the same, however many cases they have. The
    history holds what the shopper did before, with new items too, as it would be when served.

    Args:
        new: bool [num_items] the items that are taken out.
    """
    split = leave_last_out(
        sequences.keep(~new[sequences.rows]), len(new), mask_repeats=mask_repeats
    )
    event = np.arange(len(sequences.rows))
    judged = _is_target(sequences, mask_repeats) & new[sequences.rows]
    judged &= event > sequences.offsets[sequences.users]
    return replace(split, cold=_cases(sequences, event[judged]), known=~new)


def hold_out_last(sequences: Sequences, *, mask_repeats: Masks) -> tuple[Sequences, Cases]:
    """The events before each shopper's last target, and those targets as cases.

    A shopper's very first event is never held out: nothing could be asked with.
    """
    is_target, users = _is_target(sequences, mask_repeats), sequences.users
    event = np.arange(len(users))
    last = np.full(sequences.num_users, -1)
    np.maximum.at(last, users[is_target], event[is_target])
    last = last[last > sequences.offsets[:-1]]
    stop = sequences.offsets[1:].copy()
    stop[users[last]] = last
    return sequences.keep(event < stop[users]), _cases(sequences, last)


def sample_cases(cases: Cases, most: int, seed: int) -> Cases:
    """At most `most` of the cases, drawn evenly, in their order."""
    if len(cases) <= most:
        return cases
    chosen = np.random.default_rng(seed).choice(len(cases), most, replace=False)
    return cases.take(np.sort(chosen))


def _is_target(sequences: Sequences, mask_repeats: Masks) -> NDArray[np.bool_]:
    return (sequences.weights > 0) & ~is_masked(sequences, mask_repeats)


def _cases(sequences: Sequences, positions: Places) -> Cases:
    users = sequences.users[positions]
    counts = np.bincount(users, minlength=sequences.num_users)
    return Cases(sequences, positions, 1.0 / counts[users] if len(users) else np.zeros(0))

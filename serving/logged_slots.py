"""Logged recommendations as slots, and how likely another policy would have filled them so."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from recsys.off_policy import estimate
from serving.attribution import KINDS, steps
from serving.store_answers import StoredAnswers

Choice = Literal["logged", "uniform"]


@dataclass(frozen=True)
class Slots:
    """Places of recommendation lists: arrays of one length.

    Attributes:
        rewards: 1 where the item was clicked, carted or bought, as was asked for.
        explored: whether a new item was tried.
        chance: that of the item among those that could be tried; 0 where none was.
        choices: how many could be tried; 0: the place shows the ranking's under every policy.
        share: of places given to exploration at the time.
        answers: which answer each is of.
    """

    rewards: np.ndarray
    explored: np.ndarray
    chance: np.ndarray
    choices: np.ndarray
    share: np.ndarray
    answers: np.ndarray

    @property
    def logged(self) -> np.ndarray:
        """The probability with which each place showed its item."""
        return np.where(self.choices == 0, 1.0,
                        np.where(self.explored, self.share * self.chance, 1 - self.share)
                        )  # fmt: skip

    def of(self, chosen: np.ndarray) -> Slots:
        """Some of the slots: bool [num_slots]."""
        return Slots(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def under(self, share: float, choice: Choice = "logged") -> np.ndarray:
        """The probability with which another policy would have.

        Args:
            share: of places that it gives to exploration.
            choice: how it chooses among new items: as the log did, or all alike.
        """
        alike = 1 / np.maximum(self.choices, 1)
        chance = self.chance if choice == "logged" else alike
        return np.where(self.choices == 0, 1.0,
                        np.where(self.explored, share * chance, 1 - share))  # fmt: skip


def read_slots(store: StoredAnswers, since: float = 0.0, reward: str = "click") -> Slots:
    """The slots of logged recommendations.

    Args:
        since: epoch seconds of the first answer.
        reward: click, cart or purchase, as in the attribution report.
    """
    if reward not in KINDS:
        raise ValueError(f"unknown reward `{reward}`: one of {KINDS}")
    events = store.answered_events(since)
    rows: list[tuple[float, bool, float, int, float, int]] = []
    for number, answer in enumerate(store.answers(since, verb="recommend")):
        kinds: dict[str, set[str]] = {}
        for item_id, kind in events.get(answer.request_id, ()):
            kinds.setdefault(item_id, set()).add(kind)
        rows += [
            (float(reward in steps(kinds.get(each.item_id, set()))), each.explored, each.chance,
             each.choices, answer.share, number)
            for each in answer.shown
        ]  # fmt: skip
    found = [np.array(column) for column in zip(*rows, strict=True)] or [np.empty(0)] * 6
    types = (float, bool, float, int, float, int)
    return Slots(*(column.astype(kind) for column, kind in zip(found, types, strict=True)))


def compare_policies(slots: Slots, shares: list[float]) -> list[dict[str, Any]]:
    """Estimates of the logged policy and of others: `policy` in words and its figures.

    A share of 0 shows the ranking alone. Other shares are judged by the answers that were given
    while the log explored, and by nothing where it never did.
    """
    trying = slots.of(slots.share > 0)
    found = [_estimated("as logged", slots, slots.logged)]
    for share in shares:
        if share == 0:
            found.append(_estimated("no exploration", slots, slots.under(0.0)))
        elif (trying.choices > 0).any():
            name = f"{share:.0%} explored"
            found.append(_estimated(f"{name}, chosen as logged", trying, trying.under(share)))
            found.append(_estimated(f"{name}, all alike", trying, trying.under(share, "uniform")))
    return found


def _estimated(name: str, slots: Slots, target: np.ndarray) -> dict[str, Any]:
    found = estimate(slots.rewards, slots.logged, target, slots.answers)
    return {"policy": name, **found.as_json()}

"""Seen items: which items of a history are kept out of its recommendations.

Films are watched once and milk is bought again, so it is a policy per kind of event: `hide`,
`show`, a number of days to hide for, or `auto`, which does as the recommender was trained. What
a shopper disliked is hidden under `auto` whatever was trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from recsys.repeats import Setting, word_for
from serving.reasons import NEGATIVE

SECONDS_PER_DAY = 86_400.0
Policy = Literal["auto", "hide", "show"] | float
"""What is done with the items of one kind of event; a number is days."""


class Happened(Protocol):
    """What is needed of an event."""

    @property
    def item_id(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def age(self) -> float: ...


def hidden_items(
    history: Iterable[Happened], policies: Mapping[str, Policy], *, masks: bool | Setting
) -> set[str]:
    """The items that are not recommended, since one of their events hides them.

    Args:
        history: events with their age in seconds.
        policies: by kind of event; a missing kind is `auto`.
        masks: whether the recommender was trained to leave seen items out, or the words of
            `model.repeat_consumption` for it.
    """
    return {
        event.item_id
        for event in history
        if _hides(policies.get(event.event, "auto"), event.event, event.age, masks)
    }


def _hides(policy: Policy, kind: str, age: float, masks: bool | Setting) -> bool:
    if policy == "auto":
        masked = masks if isinstance(masks, bool) else word_for(masks, kind) == "mask"
        return masked or kind in NEGATIVE
    if isinstance(policy, str):
        return policy == "hide"
    return age < policy * SECONDS_PER_DAY

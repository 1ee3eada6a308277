"""What became of answers: events that name a request, counted by bundle and verb."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recsys.rates import rate
from serving.store_answers import AnswerCount, GivenAnswer, StoredAnswers

CLICKS = ("view", "like", "cart", "purchase")  # any of these on a shown item is a click
KINDS = ("click", "cart", "purchase")
Group = tuple[str, int, str]
DEFINITION = (
    "An impression is one item of one answer. An event is attributed to the latest answer that "
    "has its request id and showed its item. A click is an impression with a view, like, cart or "
    "purchase event, a cart one with a cart or purchase event, a purchase one with a purchase "
    "event; each impression counts once for each. Rates are per impression, intervals Wilson's, "
    "95%."
)


@dataclass
class Tally:
    """Impressions of one group that were clicked, carted and bought; explored ones apart."""

    all: Counter[str] = field(default_factory=Counter)
    explored: Counter[str] = field(default_factory=Counter)


def attribution(store: StoredAnswers, since: float = 0.0) -> dict[str, Any]:
    """The report: one row per bundle and verb.

    Args:
        store: answers and events.
        since: epoch seconds of the first answer that counts.

    Returns:
        `definition`, `since`, and `rows` with bundle, version, verb, answers, impressions, and
        for click, cart and purchase the count with its rate and interval.
    """
    events = store.answered_events(since)
    tallies = tally(store.answers(since, followed=True), events)
    rows = [_row(each, tallies.get((each.bundle, each.version, each.verb), Tally()))
            for each in store.count_answers(since)]  # fmt: skip
    return {"definition": DEFINITION, "since": since, "rows": rows}


def tally(
    answers: Iterable[GivenAnswer], events: Mapping[str, set[tuple[str, str]]]
) -> dict[Group, Tally]:
    """What events say of answers, by bundle and verb."""
    # a sender may name several requests alike: the latest that showed the item counts
    place: dict[tuple[str, str], tuple[Group, bool]] = {}
    for answer in answers:
        if answer.request_id in events:
            group = (answer.bundle, answer.version, answer.verb)
            for each in answer.shown:
                place[answer.request_id, each.item_id] = (group, each.explored)
    found: dict[Group, Tally] = {}
    for request_id, named in events.items():
        kinds: dict[str, set[str]] = {}
        for item_id, kind in named:
            kinds.setdefault(item_id, set()).add(kind)
        for item_id, own in kinds.items():
            if (request_id, item_id) in place:
                group, explored = place[request_id, item_id]
                reached = steps(own)
                found.setdefault(group, Tally()).all.update(reached)
                if explored:
                    found[group].explored.update(reached)
    return found


def steps(kinds: set[str]) -> list[str]:
    """Which of click, cart and purchase the events of one impression reach."""
    bought, carted = "purchase" in kinds, "cart" in kinds
    clicked = any(kind in kinds for kind in CLICKS)
    return [name for name, reached in zip(KINDS, (clicked, carted or bought, bought), strict=True)
            if reached]  # fmt: skip


def trials(store: StoredAnswers, since: float = 0.0) -> tuple[dict[str, tuple[int, int]], float]:
    """How often each item was recommended and clicked, and the click rate of all.

    Returns:
        item id -> (shown, clicked); clicks per item shown.
    """
    events = store.answered_events(since)
    shown: Counter[str] = Counter()
    clicked: Counter[str] = Counter()
    for answer in store.answers(since, verb="recommend"):
        named = events.get(answer.request_id, set())
        hit = {item_id for item_id, kind in named if kind in CLICKS}
        for each in answer.shown:
            shown[each.item_id] += 1
            clicked[each.item_id] += each.item_id in hit
    total = shown.total()
    rates = {item_id: (count, clicked[item_id]) for item_id, count in shown.items()}
    return rates, clicked.total() / total if total else 0.0


def _row(count: AnswerCount, found: Tally) -> dict[str, Any]:
    measured = {kind: rate(min(found.all[kind], count.items), count.items) for kind in KINDS}
    return {
        "bundle": count.bundle, "version": count.version, "verb": count.verb,
        "answers": count.answers, "impressions": count.items, **measured,
        "explored": {kind: found.explored[kind] for kind in KINDS},
    }  # fmt: skip

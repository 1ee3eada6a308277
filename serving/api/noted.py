"""What is written down of answers, and of the events that follow them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from fastapi import FastAPI, Request

from recsys.errors import VitrineError
from serving.answer_log import AnswerLog
from serving.api.measures import Measures
from serving.attribution import trials
from serving.degraded import why_degraded
from serving.recommender import Answered, Recommender
from serving.service import Service
from serving.store_answers import GivenAnswer, ShownItem
from serving.store_events import Event

LEARN_SECONDS = 60.0  # between two looks at what became of new items, at least
LEARN_SHARE = 0.05  # of the time that looking may take: a long log is looked at less often
DAY = 86_400.0


def note_answer(
    request: Request, recommender: Recommender, verb: str, found: Sequence[Answered]
) -> None:
    """Counts an answer's items, and keeps the answer so that events can be attributed to it."""
    measures: Measures = request.app.state.measures
    for kind, count in Counter(each.reason.kind for each in found).items():
        measures.items.labels(verb, kind).inc(count)
    if why := why_degraded(found):
        request.scope["state"]["degraded"] = why
        measures.degraded.labels(verb).inc()
    log: AnswerLog = request.app.state.answer_log
    if not found or not log.is_on:
        return
    bundle, item_ids = recommender.bundle, recommender.items.item_ids
    measures.shown.labels(verb, bundle.fingerprint).inc(len(found))
    log.add(GivenAnswer(
        request.scope["state"]["request_id"], recommender.clock(), verb, bundle.fingerprint,
        bundle.version, tuple(_shown(item_ids[each.row], each) for each in found),
        recommender.exploration.share,
    ))  # fmt: skip


def note_events(request: Request, events: Sequence[Event]) -> None:
    """Counts events by kind, and those that name a request by its verb and bundle as well."""
    measures: Measures = request.app.state.measures
    for kind, count in Counter(event.event for event in events).items():
        measures.events.labels(kind).inc(count)
    log: AnswerLog = request.app.state.answer_log
    named = Counter((event.request_id, event.event) for event in events if event.request_id)
    try:
        known = log.of({request_id for request_id, _ in named}) if named else {}
    except VitrineError:
        return  # the events are stored; only this count misses them
    for (request_id, kind), count in named.items():
        if request_id in known:
            measures.attributed.labels(*known[request_id], kind).inc(count)


def open_answer_log(app: FastAPI, service: Service) -> AnswerLog:
    """The app's log of answers; while it writes, it also tells exploration what became of them."""
    config, clock = service.config.serving, service.clock
    next_look = [0.0]
    measures: Measures = app.state.measures

    def tell() -> None:
        measures.unlogged.set(log.dropped)
        start = time.monotonic()
        if config.explore_share > 0 and start >= next_look[0]:
            learn(service)
            end = time.monotonic()
            next_look[0] = end + max(LEARN_SECONDS, (end - start) / LEARN_SHARE)

    log = AnswerLog(service.store, config.answer_days, clock=clock, tell=tell)
    return log


def learn(service: Service) -> None:
    """Tells every loaded bundle what became of the items that were recommended."""
    since = service.clock() - service.config.serving.answer_days * DAY
    try:
        tried, shop_rate = trials(service.store, since)
    except VitrineError:
        return  # what was known goes on to hold
    for release in service.releases.loaded:
        release.recommender.exploration.learn(tried, shop_rate)


def _shown(item_id: str, answered: Answered) -> ShownItem:
    slot = answered.slot
    if slot is None:
        return ShownItem(item_id)
    return ShownItem(item_id, slot.explored, slot.chance, slot.choices)

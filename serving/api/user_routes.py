"""Shoppers: who they are, what they did, what is recommended to them; events coming in."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from recsys.errors import DataError
from serving.api.access import needs
from serving.api.answers import (
    answered,
    arrangement_of,
    card,
    filter_of,
    page_of,
    recommended,
    service_of,
)
from serving.api.noted import note_answer, note_events
from serving.api.schemas import (
    EventsAnswer,
    EventsRequest,
    HistoryAnswer,
    HistoryOut,
    HistoryQuery,
    RecommendationAnswer,
    RecommendationQuery,
    RecommendationRequest,
    UserAnswer,
    UserOut,
    UsersAnswer,
    UsersQuery,
)
from serving.explanations import Explanation
from serving.items import Items
from serving.recommender import Answered, Context
from serving.service import Service
from serving.store import Event, Shopper

router = APIRouter(tags=["shoppers"])

UserId = Annotated[str, Path(description="The event log's own id.", examples=["ann"])]


@router.get("/v1/users", response_model=UsersAnswer)
def list_users(request: Request, query: Annotated[UsersQuery, Query()]) -> Response:
    """Some users, by id."""
    service = service_of(request)
    users = service.store.users(query.limit, query.offset, query.min_events)
    return answered(request, service, UsersAnswer, users=[_user(user) for user in users])


# an id may hold slashes, so the longer paths come first
@router.get("/v1/users/{user_id:path}/history", response_model=HistoryAnswer)
def get_history(
    request: Request, user_id: UserId, query: Annotated[HistoryQuery, Query()]
) -> Response:
    """A user's last events, latest first."""
    service = service_of(request)
    latest = service.history(user_id)[::-1][: query.limit]
    events = [_history_event(service.items, event) for event in latest]
    return answered(request, service, HistoryAnswer, user_id=user_id, events=events)


@router.get("/v1/users/{user_id:path}/recommendations", response_model=RecommendationAnswer)
def recommend_to_user(
    request: Request, user_id: UserId, query: Annotated[RecommendationQuery, Query()]
) -> Response:
    """Recommendations for a known user, from the events that are stored."""
    service = service_of(request)
    page = page_of(query, service.config.serving.max_k)
    wanted = filter_of(query, service.items)
    arrangement = arrangement_of(query, service.items, service.config.serving)
    found = service.recommend(user_id, page, wanted, arrangement)
    explained = service.explain(service.history(user_id), found) if query.explain else {}
    return _recommended(request, service, found, [], explained)


@router.get("/v1/users/{user_id:path}", response_model=UserAnswer)
def get_user(request: Request, user_id: UserId) -> Response:
    """One user."""
    service = service_of(request)
    return answered(request, service, UserAnswer, user=_user(service.shopper(user_id)))


@router.post("/v1/recommendations", response_model=RecommendationAnswer)
def recommend(request: Request, body: RecommendationRequest) -> Response:
    """Recommendations from the history in the request; a new visitor's is empty."""
    service = service_of(request)
    now = service.clock()
    for index, each in enumerate(body.history):
        service.check_kind(each.event, f"history[{index}]")
    events = [
        Event("", each.item_id, each.event, _moment(each.timestamp, now)) for each in body.history
    ]
    here = Context.at(now)
    context = Context(
        here.hour if body.hour is None else body.hour,
        here.weekday if body.weekday is None else body.weekday,
    )
    page = page_of(body, service.config.serving.max_k)
    wanted = filter_of(body, service.items)
    arrangement = arrangement_of(body, service.items, service.config.serving)
    found = service.recommend_for(events, page, wanted, context, arrangement=arrangement)
    ignored = [event.item_id for event in events if event.item_id not in service.items.rows]
    explained = service.explain(events, found, context) if body.explain else {}
    return _recommended(request, service, found, ignored, explained)


@router.post("/v1/events", response_model=EventsAnswer, dependencies=[needs("write")])
def add_events(request: Request, body: EventsRequest) -> Response:
    """Keeps events, all or none; the next recommendation sees them."""
    service = service_of(request)
    most = service.config.serving.max_events
    if len(body.events) > most:
        raise DataError(f"{len(body.events)} events, and at most {most} are taken at once.",
                        where="body.events", mend="Send several batches.")  # fmt: skip
    events = [
        Event(each.user_id, each.item_id, each.event, _moment(each.timestamp, math.nan),
              math.nan if each.value is None else each.value, each.request_id, each.event_id)
        for each in body.events
    ]  # fmt: skip
    stored = service.add_events(events)
    note_events(request, events)
    return answered(request, service, EventsAnswer, stored=stored, repeated=len(events) - stored)


def _recommended(
    request: Request, service: Service, found: list[Answered], ignored: list[str],
    explained: dict[int, Explanation],
) -> Response:  # fmt: skip
    note_answer(request, service.recommender, "recommend", found)
    return answered(request, service, RecommendationAnswer, ignored=ignored,
                    items=recommended(service.items, found, explained))  # fmt: skip


def _moment(moment: object, missing: float) -> float:
    return float(moment) if isinstance(moment, (int, float)) else missing


def _user(shopper: Shopper) -> UserOut:
    return UserOut(user_id=shopper.user_id, num_events=shopper.num_events,
                   last_timestamp=shopper.last_timestamp)  # fmt: skip


def _history_event(items: Items, event: Event) -> HistoryOut:
    row = items.rows.get(event.item_id)
    return HistoryOut(
        item_id=event.item_id, event=event.event, timestamp=event.timestamp,
        value=None if math.isnan(event.value) else event.value,
        item=None if row is None else card(items, row),
    )  # fmt: skip

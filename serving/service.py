"""What the API answers from: the store and the recommender of the bundle that is served."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace

from recsys.config import Config
from recsys.errors import DataError, NotFoundError
from serving.arrangement import Arrangement
from serving.degraded import DATABASE, MODEL_SERVER, Degraded, or_else, why_degraded
from serving.explanations import Explanation, explain
from serving.items import Items, nearest
from serving.live_changes import LiveChanges
from serving.recommender import Answered, Context, Recommender, Visit
from serving.release import Lease, Release
from serving.releases import Releases, Shelf
from serving.rules import Filter, Page
from serving.served_bundle import Published
from serving.store import Event, Shopper, Store

SECONDS_AHEAD = 86_400.0  # how far a sender's clock may run before ours


class Service:
    """The two public verbs by item id and by user id, and what is kept of shoppers.

    Args:
        recommender: of the bundle that is served.
        store: catalog and events.
        config: all settings.
        clock: seconds since the epoch.
        shelf: where other bundles come from; None serves this one for good.
    """

    def __init__(
        self, recommender: Recommender, store: Store, config: Config,
        clock: Callable[[], float] = time.time, shelf: Shelf | None = None,
    ) -> None:  # fmt: skip
        self.releases = Releases(
            Release(recommender), shelf, lambda photos: store.live_items(with_photos=photos),
            store.live_changes,
        )  # fmt: skip
        self.releases.refresh()
        self.live = LiveChanges(self.releases, store, clock)
        self.store = store
        self.config = config
        self.clock = clock
        self._pinned: Recommender | None = None
        self._lease: Lease | None = None

    @property
    def recommender(self) -> Recommender:
        """Of the bundle that is served; of one and the same where this service is pinned."""
        return self._pinned or self.releases.current.recommender

    def pinned(self, user_id: str | None = None) -> Service:
        """This service for one request: whatever moves meanwhile, it stays with one bundle."""
        release, lease = self.releases.pin(user_id)
        other = copy.copy(self)
        other._pinned, other._lease = release.recommender, lease
        return other

    def pin(self, user_id: str | None = None) -> Recommender:
        """The recommender for one request of a user; None is nobody in particular."""
        return self.pinned(user_id).recommender

    @property
    def items(self) -> Items:
        """The items of the bundle that is served."""
        return self.recommender.items

    @property
    def bundle(self) -> Published:
        """The bundle that is served."""
        return self.recommender.bundle

    def shopper(self, user_id: str) -> Shopper:
        """What is known of a user.

        Raises:
            NotFoundError: nothing is; the nearest known id is suggested.
        """
        shopper = self.store.user(user_id)
        if shopper is None:
            near = nearest(user_id, self.store.users_near(user_id))
            raise NotFoundError(
                f"there is no user `{user_id}`.", where="user_id",
                mend=f"Did you mean `{near}`?" if near
                else "Send a new visitor's history to POST /v1/recommendations.",
            )  # fmt: skip
        return shopper

    def history(self, user_id: str) -> list[Event]:
        """A known user's last events, oldest first."""
        events = self.store.history(user_id, self.config.serving.history_events)
        if not events:
            self.shopper(user_id)  # raises where the user is unknown
        return events

    def recommend(
        self, user_id: str, page: Page, wanted: Filter = Filter(),
        arrangement: Arrangement = Arrangement(),
    ) -> list[Answered]:  # fmt: skip
        """Items for a known user, from the events that are stored.

        Where the database does not answer, they are a new visitor's.
        """
        events = or_else(lambda: self.history(user_id), list, DATABASE)
        found = self.recommend_for(events, page, wanted, arrangement=arrangement)
        why = why_degraded(found) or why_degraded(events)
        return Degraded(found, why) if why else found

    def recommend_for(
        self, events: list[Event], page: Page, wanted: Filter = Filter(),
        context: Context | None = None, exclude: list[str] | None = None,
        arrangement: Arrangement = Arrangement(),
    ) -> list[Answered]:  # fmt: skip
        """Items for anyone, from a history that the request brings; it may be empty.

        Where the model server does not answer, they are what is popular in its categories.
        """
        visits, recommender = self.visits(events), self.recommender
        return or_else(
            lambda: recommender.recommend(visits, page, wanted, context, exclude, arrangement),
            lambda: recommender.popular(visits, page, wanted, exclude),
            MODEL_SERVER,
        )

    def similar_items(
        self, item_id: str, page: Page, wanted: Filter = Filter(),
        arrangement: Arrangement = Arrangement(),
    ) -> list[Answered]:  # fmt: skip
        """Items similar to one; what is popular in its category without the model server.

        Raises:
            NotFoundError: the item or the filter's category is unknown.
        """
        recommender = self.recommender
        return or_else(
            lambda: recommender.similar_items(item_id, page, wanted, arrangement),
            lambda: recommender.popular([Visit(item_id)], page, wanted, [item_id], "similar"),
            MODEL_SERVER,
        )

    def explain(
        self, events: list[Event], found: list[Answered], context: Context | None = None
    ) -> dict[int, Explanation]:
        """Why items were recommended for a history, by row, in one call of the model server."""
        context = context or Context.at(self.clock())
        rows = [each.row for each in found]
        return explain(self.recommender, self.visits(events), rows, context)

    def visits(self, events: list[Event]) -> list[Visit]:
        """Events as the model reads them: ages instead of times, never negative."""
        now = self.clock()
        return [
            Visit(event.item_id, event.event, max(0.0, now - event.timestamp)) for event in events
        ]

    def add_events(self, events: list[Event]) -> int:
        """Keeps events, all or none; returns how many were new.

        Raises:
            NotFoundError: an item is unknown.
            DataError: a kind of event is unknown, or a time lies ahead.
        """
        now = self.clock()
        return self.store.add_events(
            [self._checked(event, index, now) for index, event in enumerate(events)]
        )

    @property
    def event_kinds(self) -> list[str]:
        """The kinds of event that the bundle knows."""
        return list(self.bundle.info.get("event_kinds") or self.config.model.event_weights)

    def check_kind(self, kind: str, where: str) -> None:
        """Refuses a kind of event that the bundle does not know."""
        if kind not in self.event_kinds:
            near = nearest(kind, self.event_kinds)
            mend = f"Did you mean `{near}`?" if near else f"Use one of {self.event_kinds}."
            raise DataError(f"unknown kind of event `{kind}`.", where=f"{where}.event", mend=mend)

    def _checked(self, event: Event, index: int, now: float) -> Event:
        where = f"events[{index}]"
        try:
            # a page that is still open may tell of an item that was withdrawn since
            if event.item_id not in self.items.withdrawn:
                self.items.row(event.item_id)
        except NotFoundError as error:
            raise NotFoundError(error.what, where=f"{where}.item_id", mend=error.mend) from None
        self.check_kind(event.event, where)
        if math.isnan(event.timestamp):
            return replace(event, timestamp=now)
        if event.timestamp > now + SECONDS_AHEAD:
            raise DataError("the time lies more than a day ahead.", where=f"{where}.timestamp",
                            mend="Give epoch seconds, not milliseconds, or leave it out for now."
                            )  # fmt: skip
        return event

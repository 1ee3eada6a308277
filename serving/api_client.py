"""A client of the HTTP API with typed answers; problems become our errors.

Example:
    >>> shop = Vitrine("http://127.0.0.1:8080")  # doctest: +SKIP
    >>> shop.recommend("ann", k=3).items[0].reason  # doctest: +SKIP
    'similar to item 17 you viewed'
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from pydantic import BaseModel, ValidationError

from recsys.errors import (
    ArtifactError,
    DataError,
    NotFoundError,
    PhotoError,
    ServingError,
    VitrineError,
)
from serving.api.live_routes import WithdrawnAnswer
from serving.api.operation_routes import BundlesAnswer
from serving.api.privacy_routes import ReceiptAnswer
from serving.api.schemas import (
    AttributionAnswer,
    CategoriesAnswer,
    EventBody,
    EventsAnswer,
    HistoryAnswer,
    HistoryEvent,
    ItemAnswer,
    ItemsAnswer,
    PhotoAnswer,
    PhotoPart,
    RankedAnswer,
    Readiness,
    RecommendationAnswer,
    UserAnswer,
    UsersAnswer,
)

A = TypeVar("A", bound=BaseModel)
Photo = bytes | Path
TRIED_AGAIN = ("GET", "PUT", "DELETE")  # saying these twice changes nothing more
BUSY = (429, 503)

_ERRORS: dict[int, type[VitrineError]] = {
    400: DataError, 404: NotFoundError, 409: ArtifactError, 413: DataError, 415: DataError,
    422: DataError,
}  # fmt: skip


class Vitrine:
    """Asks an API.

    Whatever a list is narrowed by or arranged with goes by the names of the API: `filter`,
    `diversity`, `max_per_brand`, `max_per_category`, `collapse`, `boost`, `exclude`, `offset`.

    Args:
        address: such as http://127.0.0.1:8080.
        key: an API key, where the server asks for one.
        seconds: how long one request may take.
        retries: how often a busy server is asked again, after as long as it says.

    Raises:
        ServingError: (every method) the API cannot be reached, is busy, or refuses the key.
        NotFoundError: (every method) an item, a user or a category is unknown.
        DataError: (every method) the request is not acceptable; PhotoError for photos.
        ArtifactError: (every method) the bundle cannot answer this.
    """

    def __init__(
        self, address: str, key: str = "", *, seconds: float = 10.0, retries: int = 2
    ) -> None:
        self._address = address.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        again = urllib3.Retry(
            total=retries, status_forcelist=BUSY, allowed_methods=TRIED_AGAIN,
            raise_on_status=False, respect_retry_after_header=True, backoff_factor=0.2,
        )  # fmt: skip
        self._pool = urllib3.PoolManager(
            headers=headers, timeout=urllib3.Timeout(seconds), retries=again, maxsize=8
        )

    def __enter__(self) -> Vitrine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    # the catalog

    def items(self, **wanted: Any) -> ItemsAnswer:
        """Part of the catalog: `limit`, `offset`, `sort`, `available`, `filter`."""
        return self._get(ItemsAnswer, "/v1/items", wanted)

    def categories(self) -> CategoriesAnswer:
        """Every category, with the number of items in and below it."""
        return self._get(CategoriesAnswer, "/v1/categories", {})

    def item(self, item_id: str) -> ItemAnswer:
        """One item."""
        return self._get(ItemAnswer, _item(item_id), {})

    def photo(self, item_id: str, size: int = 256, index: int = 0) -> bytes:
        """An item's photo: JPEG bytes."""
        query = urlencode({"size": size, "index": index})
        return self._ask("GET", f"{_item(item_id)}/photo?{query}")

    def put_item(self, item_id: str, photos: Sequence[Photo] = (), **fields: Any) -> ItemAnswer:
        """Adds or changes an item: `title`, `category`, `price`, `attributes` and so on."""
        if photos:
            return self._form(ItemAnswer, "PUT", _item(item_id), "photos", photos, "item", fields)
        return self._json(ItemAnswer, "PUT", _item(item_id), fields)

    def withdraw_item(self, item_id: str) -> WithdrawnAnswer:
        """Takes an item out of every answer."""
        return _read(WithdrawnAnswer, self._ask("DELETE", _item(item_id)))

    # the two verbs, and search

    def similar_items(self, item_id: str, k: int = 10, **wanted: Any) -> RankedAnswer:
        """The items most similar to one."""
        return self._get(RankedAnswer, f"{_item(item_id)}/similar", {"k": k, **wanted})

    def search(
        self, text: str | Sequence[Mapping[str, Any]] = "", photos: Sequence[Photo] = (),
        parts: Sequence[PhotoPart] = (), items: Sequence[Mapping[str, Any]] = (), k: int = 10,
        **wanted: Any,
    ) -> PhotoAnswer:  # fmt: skip
        """Items like words, photos and items, each with a weight.

        Args:
            text: words, or several as {"text": …, "weight": …}.
            photos: bytes or paths.
            parts: of each photo its weight and box, in their order; none: whole, weight 1.
            items: {"item_id": …, "weight": …}.
        """
        query: dict[str, Any] = {"k": k, **wanted}
        if text:
            query["text"] = [{"text": text}] if isinstance(text, str) else list(text)
        if items:
            query["items"] = list(items)
        if not photos:
            return self._json(PhotoAnswer, "POST", "/v1/search", query)
        if parts:
            query["photos"] = [part.model_dump() for part in parts]
        return self._form(PhotoAnswer, "POST", "/v1/search", "photo", photos, "query", query)

    def recommend(self, user_id: str, k: int = 10, **wanted: Any) -> RecommendationAnswer:
        """Recommendations for a known user; `explain=True` says why in numbers."""
        path = f"{_user(user_id)}/recommendations"
        return self._get(RecommendationAnswer, path, {"k": k, **wanted})

    def recommend_for(
        self, history: Sequence[HistoryEvent] = (), k: int = 10, **wanted: Any
    ) -> RecommendationAnswer:
        """Recommendations for anyone, by a history, oldest first; an empty one is a visitor's."""
        events = [each.model_dump(mode="json", exclude_none=True) for each in history]
        body = {"history": events, "k": k, **wanted}
        return self._json(RecommendationAnswer, "POST", "/v1/recommendations", body)

    # users and what they do

    def users(self, **wanted: Any) -> UsersAnswer:
        """Some users: `limit`, `offset`, `min_events`."""
        return self._get(UsersAnswer, "/v1/users", wanted)

    def user(self, user_id: str) -> UserAnswer:
        """One user."""
        return self._get(UserAnswer, _user(user_id), {})

    def history(self, user_id: str, limit: int = 50) -> HistoryAnswer:
        """A user's last events, latest first."""
        return self._get(HistoryAnswer, f"{_user(user_id)}/history", {"limit": limit})

    def add_events(self, events: Sequence[EventBody]) -> EventsAnswer:
        """Keeps events, all or none; one with an `event_id` may be sent again."""
        body = {"events": [each.model_dump(mode="json", exclude_none=True) for each in events]}
        return self._json(EventsAnswer, "POST", "/v1/events", body)

    def forget_user(self, user_id: str) -> ReceiptAnswer:
        """Removes all that is kept of a user; the receipt says what."""
        return _read(ReceiptAnswer, self._ask("DELETE", _user(user_id)))

    def receipt(self, receipt_id: str) -> ReceiptAnswer:
        """A receipt again."""
        return self._get(ReceiptAnswer, f"/v1/receipts/{quote(receipt_id, safe='')}", {})

    # operation

    def bundles(self) -> BundlesAnswer:
        """Every published bundle with its figures and its share of the users."""
        return self._get(BundlesAnswer, "/v1/operations/bundles", {})

    def serve_bundle(self, version: int | str, share: float | None = None) -> BundlesAnswer:
        """Moves all users, or a share of them, to a bundle; "newest" follows new ones."""
        path = f"/v1/operations/bundles/{version}:serve"
        return self._json(BundlesAnswer, "POST", path, {} if share is None else {"share": share})

    def attribution(self, days: float = 7.0) -> AttributionAnswer:
        """What became of answers, by bundle and verb."""
        return self._get(AttributionAnswer, "/v1/operations/attribution", {"days": days})

    def ready(self) -> Readiness:
        """Whether requests can be answered, and what stands in the way."""
        answer = self._request("GET", "/readyz", retries=False)
        return _read(Readiness, answer.data)

    # how it is asked

    def _get(self, kind: type[A], path: str, query: Mapping[str, Any]) -> A:
        given = {name: _text(name, value) for name, value in query.items() if value is not None}
        return _read(kind, self._ask("GET", f"{path}?{urlencode(given, doseq=True)}"))

    def _json(self, kind: type[A], method: str, path: str, body: Any) -> A:
        headers = {"Content-Type": "application/json", **self._pool.headers}
        data = json.dumps(body).encode()
        return _read(kind, self._ask(method, path, body=data, headers=headers))

    def _form(
        self, kind: type[A], method: str, path: str, name: str, photos: Sequence[Photo],
        field: str, value: Any,
    ) -> A:  # fmt: skip
        parts: list[tuple[str, Any]] = [
            (name, ("photo", photo if isinstance(photo, bytes) else photo.read_bytes()))
            for photo in photos
        ]
        parts.append((field, (None, json.dumps(value), "application/json")))
        return _read(kind, self._ask(method, path, fields=parts))

    def _ask(self, method: str, path: str, **options: Any) -> bytes:
        answer = self._request(method, path, **options)
        if answer.status >= 400:
            raise _error(answer.status, answer.data, f"{method} {path.partition('?')[0]}")
        return answer.data

    def _request(self, method: str, path: str, **options: Any) -> Any:
        try:
            return self._pool.request(method, self._address + path, **options)
        except urllib3.exceptions.HTTPError as error:
            raise ServingError(
                f"the API cannot be reached: {error}.", where=self._address,
                mend="Is `vitrine serve` running?",
            ) from error  # fmt: skip


def _item(item_id: str) -> str:
    return f"/v1/items/{quote(item_id, safe='')}"


def _user(user_id: str) -> str:
    return f"/v1/users/{quote(user_id, safe='')}"


def _text(name: str, value: Any) -> Any:
    """A value as an address says it: filters and boosts are JSON there."""
    if name in ("filter", "boost") and not isinstance(value, str):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else value


def _read(kind: type[A], data: bytes) -> A:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise ServingError(
            f"the answer is no {kind.__name__}: {error.error_count()} faults.",
            mend="Is the server of this version, and no other program on that port?",
        ) from error  # fmt: skip


def _error(status: int, data: bytes, asked: str) -> VitrineError:
    """A problem as one of our errors."""
    try:
        problem = dict(json.loads(data))
    except (ValueError, TypeError):
        problem = {}
    what = str(problem.get("detail") or f"the answer is {status}.")
    where, mend = str(problem.get("where") or asked), str(problem.get("mend") or "")
    if reason := problem.get("reason"):
        return PhotoError(what, reason=str(reason), where=where, mend=mend)
    return _ERRORS.get(status, ServingError)(what, where=where, mend=mend)

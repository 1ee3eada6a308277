"""From what the service says to what an answer holds."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from recsys import columns
from recsys.config import ServingConfig
from recsys.errors import DataError
from serving.api.measures import Measures
from serving.api.schemas import (
    Because,
    BoostBody,
    BundleOut,
    ExplanationOut,
    FilterQuery,
    ItemCard,
    ItemOut,
    PageQuery,
    PartsOut,
    Problem,
    RankedItem,
    RecommendedItem,
)
from serving.arrangement import Arrangement
from serving.boosts import Boost
from serving.explanations import Explanation
from serving.filters import parse_filter
from serving.items import Item, Items
from serving.recommender import Answered
from serving.rules import Filter, Page
from serving.service import Service

_BOOSTS = TypeAdapter(Annotated[list[BoostBody], Field(max_length=16)])

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": Problem, "description": "A problem: what happened, where, how to mend it.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}  # fmt: skip


def service_of(request: Request) -> Service:
    """What the app answers from: one and the same bundle for all of a request.

    A user's path is answered by the bundle that is the user's while two share traffic.
    """
    state = request.scope["state"]
    if "service" not in state:
        whole: Service = request.app.state.service
        state["service"] = whole.pinned(request.path_params.get("user_id"))
    service: Service = state["service"]
    return service


def measures_of(request: Request) -> Measures:
    """Where the app counts."""
    measures: Measures = request.app.state.measures
    return measures


def answered(request: Request, service: Service, kind: type[BaseModel], **values: Any) -> Response:
    """A JSON response with what every answer says: request id, bundle and time taken."""
    state = request.scope["state"]
    bundle = BundleOut(version=service.bundle.version, fingerprint=service.bundle.fingerprint)
    seconds = time.perf_counter() - state["started"]
    measures_of(request).bundle_seconds.labels(str(bundle.version)).observe(seconds)
    took_ms = round(seconds * 1000, 2)
    why = state.get("degraded")
    body = kind(request_id=state["request_id"], bundle=bundle, took_ms=took_ms,
                degraded=bool(why), degraded_because=why, **values)  # fmt: skip
    headers = {"Vitrine-Degraded": why} if why else None
    return Response(body.model_dump_json(), headers=headers, media_type="application/json")


def filter_of(query: FilterQuery, items: Items, *, with_unavailable: bool = False) -> Filter:
    """The rules' filter of a request.

    Raises:
        DataError: the price range is empty, or the filter is none.
        NotFoundError: the filter names an unknown category.
    """
    low, high = query.min_price, query.max_price
    if low is not None and high is not None and low > high:
        raise DataError(f"min_price {low:g} is above max_price {high:g}.", where="query.min_price",
                        mend="Swap the two.")  # fmt: skip
    return Filter(
        query.category, query.words, low, high, with_unavailable,
        condition=parse_filter(getattr(query, "filter", None), items),
        exclude=tuple(getattr(query, "exclude", ())),
    )  # fmt: skip


def page_of(query: PageQuery, max_k: int) -> Page:
    """The rules' page of a request.

    Raises:
        DataError: k is above the configured limit, or `limit` says something else.
    """
    k = query.k
    if query.limit is not None:
        if "k" in query.model_fields_set and query.limit != k:
            raise DataError(f"k is {k} and limit is {query.limit}.", where="query.limit",
                            mend="Give one of them: they mean the same.")  # fmt: skip
        k = query.limit
    if k > max_k:
        raise DataError(f"k is {k}, and at most {max_k} are given at once.", where="query.k",
                        mend="Ask for less and go on with `offset`, or raise serving.max_k."
                        )  # fmt: skip
    return Page(k, query.offset)


def arrangement_of(query: PageQuery, items: Items, config: ServingConfig) -> Arrangement:
    """How a request wants its page arranged; what it leaves open is as configured.

    Raises:
        DataError: a boost cannot be read.
        NotFoundError: a boost's filter names an unknown category.
    """
    boosts = [
        Boost(parse_filter(each.filter, items, f"boost[{index}].filter"), each.by)
        for index, each in enumerate(_boosts(getattr(query, "boost", None) or []))
    ]
    brand, category, collapse = query.max_per_brand, query.max_per_category, query.collapse
    return Arrangement(
        diversity=config.diversity if query.diversity is None else query.diversity,
        max_per_brand=config.max_per_brand if brand is None else brand,
        max_per_category=config.max_per_category if category is None else category,
        collapse=config.collapse if collapse is None else collapse,
        min_cosine=config.duplicate_cosine, boosts=tuple(boosts),
    )  # fmt: skip


def _boosts(given: str | list[BoostBody]) -> list[BoostBody]:
    if not isinstance(given, str):
        return given
    try:
        return _BOOSTS.validate_json(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "".join(f"[{each}]" if isinstance(each, int) else f".{each}"
                        for each in first["loc"])  # fmt: skip
        raise DataError(f"this is no list of boosts: {first['msg']}.", where=f"boost{where}",
                        mend='Write [{"filter": {"brand": "Acme"}, "by": 0.1}].'
                        ) from None  # fmt: skip


def card(items: Items, row: int) -> ItemCard:
    """An item in a list."""
    return ItemCard.model_construct(**_card(items.item(row)))


def whole_item(items: Items, row: int) -> ItemOut:
    """An item with everything that is shown of it."""
    item = items.item(row)
    return ItemOut(
        **_card(item), description=item.description, created_at=_number(item.created_at),
        attributes=item.attributes, num_events=int(items.popularity[row]),
    )  # fmt: skip


def ranked(items: Items, found: list[Answered]) -> list[RankedItem]:
    """An answer's items, best first."""
    return [
        RankedItem.model_construct(
            **_card(items.item(each.row)), score=each.score, reason=each.reason.text,
            reason_kind=each.reason.kind, because_of=each.reason.item_id or None,
        )
        for each in found
    ]  # fmt: skip


def recommended(
    items: Items, found: list[Answered], explained: dict[int, Explanation]
) -> list[RecommendedItem]:
    """Recommended items, best first, each with its explanation where there is one."""
    plain = ranked(items, found)
    return [
        RecommendedItem.model_construct(
            **dict(item), explanation=_explanation(explained.get(each.row))
        )
        for item, each in zip(plain, found, strict=True)
    ]


def _explanation(found: Explanation | None) -> ExplanationOut | None:
    if found is None:
        return None
    named = [Because(item_id=item_id, share=share) for item_id, share in found.because.items()]
    return ExplanationOut(because=named, parts=PartsOut(**found.parts))


def is_local(image: str) -> bool:
    """Whether a photo's location is a file of this machine: nothing else is ever read."""
    return bool(image) and "://" not in image.partition(columns.IMAGE_SEPARATOR)[0]


def _card(item: Item) -> dict[str, Any]:
    photo = f"/v1/items/{quote(item.item_id, safe='')}/photo" if is_local(item.image) else None
    return {
        "item_id": item.item_id, "title": item.title, "category": item.category,
        "brand": item.brand, "price": _number(item.price), "available": item.available,
        "photo": photo,
    }  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value

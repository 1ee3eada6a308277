"""Browsing: items, their photos, what is similar to them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from serving.api.answers import (
    answered,
    arrangement_of,
    card,
    filter_of,
    page_of,
    ranked,
    service_of,
    whole_item,
)
from serving.api.live_routes import live_photo
from serving.api.noted import note_answer
from serving.api.schemas import (
    CategoriesAnswer,
    ItemAnswer,
    ItemsAnswer,
    ListQuery,
    PhotoQuery,
    RankedAnswer,
    RankedQuery,
)
from serving.api.thumbnails import Thumbnails
from serving.items import Items
from serving.live_changes import LIVE_PHOTO
from serving.rules import allowed_items

router = APIRouter(tags=["items"])

ItemId = Annotated[str, Path(description="The catalog's own id.", examples=["17"])]


@router.get("/v1/items", response_model=ItemsAnswer)
def list_items(request: Request, query: Annotated[ListQuery, Query()]) -> Response:
    """Part of the catalog, filtered."""
    service = service_of(request)
    items = service.items
    wanted = filter_of(query, items, with_unavailable=not query.available)
    rows = _sorted_rows(items, np.flatnonzero(allowed_items(items, wanted)), query.sort)
    page = rows[query.offset : query.offset + query.limit]
    return answered(request, service, ItemsAnswer, total=len(rows),
                    items=[card(items, row) for row in page.tolist()])  # fmt: skip


@router.get("/v1/categories", response_model=CategoriesAnswer)
def list_categories(request: Request) -> Response:
    """Every category, with the number of items in and below it."""
    service = service_of(request)
    return answered(request, service, CategoriesAnswer, categories=service.items.categories())


# an id may hold slashes, so the longer paths come first
@router.get("/v1/items/{item_id:path}/similar", response_model=RankedAnswer)
def similar_items(
    request: Request, item_id: ItemId, query: Annotated[RankedQuery, Query()]
) -> Response:
    """The items most similar to one, best first."""
    service = service_of(request)
    page = page_of(query, service.config.serving.max_k)
    recommender = service.recommender
    wanted = filter_of(query, recommender.items)
    arrangement = arrangement_of(query, recommender.items, service.config.serving)
    found = service.similar_items(item_id, page, wanted, arrangement)
    note_answer(request, recommender, "similar_items", found)
    return answered(request, service, RankedAnswer, items=ranked(recommender.items, found))


@router.get(
    "/v1/items/{item_id:path}/photo", response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 304: {"description": "Not changed."}},
)  # fmt: skip
def item_photo(
    request: Request, item_id: ItemId, query: Annotated[PhotoQuery, Query()]
) -> Response:
    """An item's own photo as a JPEG thumbnail; only files that the catalog names are read."""
    service = service_of(request)
    item = service.items.item(service.items.row(item_id))
    thumbnails: Thumbnails = request.app.state.thumbnails
    if item.image.startswith(LIVE_PHOTO):
        jpeg, tag = live_photo(service, item, query.index, query.size)
    else:
        jpeg, tag = thumbnails.of(item, query.index, query.size)
    headers = {"Cache-Control": "public, max-age=3600", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(jpeg, headers=headers, media_type="image/jpeg")


@router.get("/v1/items/{item_id:path}", response_model=ItemAnswer)
def get_item(request: Request, item_id: ItemId) -> Response:
    """One item."""
    service = service_of(request)
    row = service.items.row(item_id)
    return answered(request, service, ItemAnswer, item=whole_item(service.items, row))


def _sorted_rows(items: Items, rows: np.ndarray, sort: str) -> np.ndarray:
    if sort == "popular":
        return rows[np.argsort(-items.popularity[rows], kind="stable")]
    if sort == "new":  # nan sorts last
        return rows[np.argsort(-items.created_at[rows], kind="stable")]
    if sort == "price":
        return rows[np.argsort(items.price[rows], kind="stable")]
    return rows

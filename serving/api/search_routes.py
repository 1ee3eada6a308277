"""Search by photos, regions of photos, words and items together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from recsys.errors import DataError, PhotoError
from serving.api.answers import (
    answered,
    arrangement_of,
    filter_of,
    measures_of,
    page_of,
    ranked,
    service_of,
)
from serving.api.decoders import Decoders
from serving.api.noted import note_answer
from serving.api.problems import BodyError
from serving.api.schemas import PhotoAnswer, PhotoPart, SearchRequest, Weighted
from serving.api.upload_routes import NO_QUERY, likely, read_form
from serving.degraded import partly
from serving.query_mix import mix
from serving.reasons import Reason
from serving.recommender import Recommender, Shown
from serving.region import Region
from serving.rules import Filter
from serving.service import Service

router = APIRouter(tags=["items"])

_QUERY = {"$ref": "#/components/schemas/SearchRequest"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": _QUERY},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "photo": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    "query": _QUERY,
                },
            },
            "encoding": {"query": {"contentType": "application/json"}},
        },
    },
}  # fmt: skip


@router.post("/v1/search", response_model=PhotoAnswer, openapi_extra={"requestBody": _BODY})
async def search(request: Request) -> Response:
    """Items that look like photos, regions of them, words and items, each with a weight.

    Send JSON, or a form with any number of files as `photo` and the JSON as the field `query`.
    """
    service = service_of(request)
    decoders: Decoders = request.app.state.decoders
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        body = await request.body()
        if len(body) > service.config.serving.max_body_bytes:  # the path is open to photos
            raise BodyError(413, "the query is longer than other requests may be",
                            "Send less, or raise serving.max_body_bytes.")  # fmt: skip
        query = _parsed(body)
        return await run_in_threadpool(_search, request, service, query, [])
    if kind != "multipart/form-data":
        raise PhotoError(f"the request is {kind or 'of no type'}.", reason="not_a_photo",
                         where="content-type", mend=NO_QUERY)  # fmt: skip
    with decoders.place():
        photos, text = await read_form(request, service.config.serving.max_query_photos)
        query = _parsed(text) if text else SearchRequest.model_validate({})
        return await run_in_threadpool(_search, request, service, query, photos)


def _search(
    request: Request, service: Service, query: SearchRequest, photos: list[bytes]
) -> Response:
    recommender = service.recommender
    page = page_of(query, service.config.serving.max_k)
    wanted = filter_of(query, recommender.items)
    arrangement = arrangement_of(query, recommender.items, service.config.serving)
    parts = query.photos or [PhotoPart() for _ in photos]
    if len(parts) != len(photos):
        raise DataError(f"{len(photos)} photos are sent and {len(parts)} are described.",
                        where="query.photos", mend="Describe each photo sent, or none."
                        )  # fmt: skip
    shown = _shown(request, recommender, photos, parts)
    vectors = [each.embedding for each in shown]
    vectors += recommender.understood([each.text for each in query.text])
    vectors += [recommender.photo_vector(each.item_id) for each in query.items]
    weighted: list[Weighted] = [*parts, *query.text, *query.items]
    weights = [each.weight for each in weighted]
    named = tuple(each.item_id for each in query.items)
    found = partly(lambda: recommender.similar_to_embedding(
        mix(vectors, weights), page, _also_without(wanted, named), arrangement, reason_of(query)
    ))  # fmt: skip
    note_answer(request, recommender, "search", found)
    first = shown[0] if shown else None
    return answered(
        request, service, PhotoAnswer, items=ranked(recommender.items, found),
        categories=likely(first.categories) if first else [],
        attributes={n: likely(v) for n, v in first.attributes.items()} if first else {},
    )  # fmt: skip


def reason_of(query: SearchRequest) -> Reason:
    """What each item of the answer has to do with the query."""
    words = ", ".join(each.text for each in query.text if each.weight > 0)
    if query.text and not query.items and not query.photos and words:
        return Reason("matches_words", f"matches “{words}”")
    if query.items and not query.text:
        item_id = query.items[0].item_id
        return Reason("similar_item", f"similar to item {item_id}", item_id)
    return Reason("similar_photo", "looks like what you search for")


def _shown(
    request: Request, recommender: Recommender, photos: list[bytes], parts: list[PhotoPart]
) -> list[Shown]:
    uploads = measures_of(request).uploads
    decoders: Decoders = request.app.state.decoders
    if not photos:
        return []
    size, fit = recommender.photo_square()
    pngs = []
    for index, (data, part) in enumerate(zip(photos, parts, strict=True)):
        region = Region(*part.box) if part.box else None
        try:
            pngs.append(decoders.png(data, size, fit, f"photo[{index}]", region))
        except PhotoError as error:
            uploads.labels(error.reason).inc()
            raise
        uploads.labels("accepted").inc()
    return recommender.describe_photos(pngs)


def _also_without(wanted: Filter, item_ids: tuple[str, ...]) -> Filter:
    return replace(wanted, exclude=(*wanted.exclude, *item_ids))


def _parsed(text: bytes | str) -> SearchRequest:
    try:
        return SearchRequest.model_validate_json(text)
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        where = ".".join(["query", *map(str, first["loc"])])
        raise DataError(f"{first['msg']}.", where=where,
                        mend="POST /v1/search in /openapi.json shows the form."
                        ) from None  # fmt: skip

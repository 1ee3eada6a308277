"""Search by photo: an upload is judged, decoded in memory, shown to the tower and forgotten."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from recsys.errors import PhotoError
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
from serving.api.schemas import Likely, PhotoAnswer, RankedQuery
from serving.degraded import partly
from serving.service import Service

NO_QUERY = "Send JSON, or a form with files as `photo` and JSON as the field `query`."
NUM_LIKELY = 5  # names shown of each kind

router = APIRouter(tags=["items"])

_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object", "required": ["photo"],
                "properties": {"photo": {"type": "string", "format": "binary"}},
            }
        },
        "image/*": {"schema": {"type": "string", "format": "binary"}},
    },
}  # fmt: skip


class _InMemory(MultiPartParser):
    """Keeps uploads off the disk: the edge has bounded their length already."""

    spool_max_size = 1 << 40


@router.post("/v1/search/image", response_model=PhotoAnswer, openapi_extra={"requestBody": _BODY})
async def search_by_photo(request: Request, query: Annotated[RankedQuery, Query()]) -> Response:
    """What an uploaded photo shows, and the items that look most like it.

    Send the photo as the form field `photo`, or as the body itself with its `image/…` type.
    """
    service = service_of(request)
    decoders: Decoders = request.app.state.decoders
    with decoders.place():
        data = await _uploaded(request)
        return await run_in_threadpool(_search, request, service, data, query)


def _search(request: Request, service: Service, data: bytes, query: RankedQuery) -> Response:
    uploads = measures_of(request).uploads
    decoders: Decoders = request.app.state.decoders
    recommender = service.recommender
    page = page_of(query, service.config.serving.max_k)
    wanted = filter_of(query, recommender.items)
    arrangement = arrangement_of(query, recommender.items, service.config.serving)
    size, fit = recommender.photo_square()
    try:
        png = decoders.png(data, size, fit)
    except PhotoError as error:
        uploads.labels(error.reason).inc()
        raise
    uploads.labels("accepted").inc()
    shown = recommender.describe_photo(png)
    found = partly(
        lambda: recommender.similar_to_embedding(shown.embedding, page, wanted, arrangement)
    )
    note_answer(request, recommender, "similar_to_photo", found)
    return answered(
        request, service, PhotoAnswer, items=ranked(recommender.items, found),
        categories=likely(shown.categories),
        attributes={name: likely(values) for name, values in shown.attributes.items()},
    )  # fmt: skip


async def _uploaded(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("image/") or kind == "application/octet-stream":
        return await request.body()
    if kind != "multipart/form-data":
        raise _no_photo("the request holds no photo", f"content-type {kind or 'none'}")
    photos, _ = await read_form(request, 1)
    if not photos:
        raise _no_photo("the form has no file in the field `photo`", "body.photo")
    return photos[0]


async def read_form(
    request: Request, max_photos: int, photo_field: str = "photo", text_field: str = "query"
) -> tuple[list[bytes], str]:
    """The files of one field of a form and the text of another, kept in memory.

    Raises:
        PhotoError: the form cannot be read, or has too many parts.
    """
    parser = _InMemory(request.headers, request.stream(), max_files=max_photos, max_fields=8)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _no_photo(f"the form cannot be read: {error.message.rstrip('.')}", "body") from None
    try:
        given: list[Any] = form.getlist(photo_field)
        photos = [await each.read() for each in given if isinstance(each, UploadFile)]
        query = form.get(text_field)
        # a part of a form may come as a file, whatever its type
        text = await query.read() if isinstance(query, UploadFile) else (query or "").encode()
        return photos, text.decode("utf-8", "replace")
    finally:
        await form.close()


def _no_photo(what: str, where: str) -> PhotoError:
    return PhotoError(
        f"{what}.", reason="not_a_photo", where=where,
        mend="Send a file as the form field `photo`, or the photo's bytes with its image type.",
    )  # fmt: skip


def likely(names: dict[str, float]) -> list[Likely]:
    """The likeliest names."""
    best = list(names.items())[:NUM_LIKELY]
    return [Likely(name=name, probability=probability) for name, probability in best]

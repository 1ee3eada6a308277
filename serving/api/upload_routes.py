"""Search by photo: an upload is judged, decoded in memory, shown to the tower and forgotten."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from recsys.errors import PhotoError
from serving.api.answers import answered, filter_of, measures_of, page_of, ranked, service_of
from serving.api.decoders import Decoders
from serving.api.schemas import Likely, PageQuery, PhotoAnswer
from serving.rules import Filter, Page
from serving.service import Service

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
async def search_by_photo(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """What an uploaded photo shows, and the items that look most like it.

    Send the photo as the form field `photo`, or as the body itself with its `image/…` type.
    """
    service = service_of(request)
    page, wanted = page_of(query, service.config.serving.max_k), filter_of(query)
    decoders: Decoders = request.app.state.decoders
    with decoders.place():
        data = await _uploaded(request)
        return await run_in_threadpool(_search, request, service, data, page, wanted)


def _search(
    request: Request, service: Service, data: bytes, page: Page, wanted: Filter
) -> Response:
    uploads = measures_of(request).uploads
    decoders: Decoders = request.app.state.decoders
    recommender = service.recommender
    size, fit = recommender.photo_square()
    try:
        png = decoders.png(data, size, fit)
    except PhotoError as error:
        uploads.labels(error.reason).inc()
        raise
    uploads.labels("accepted").inc()
    shown = recommender.describe_photo(png)
    found = recommender.similar_to_embedding(shown.embedding, page, wanted)
    for each in found:
        measures_of(request).items.labels("similar_to_photo", each.reason.kind).inc()
    return answered(
        request, service, PhotoAnswer, items=ranked(service.items, found),
        categories=_likely(shown.categories),
        attributes={name: _likely(values) for name, values in shown.attributes.items()},
    )  # fmt: skip


async def _uploaded(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("image/") or kind == "application/octet-stream":
        return await request.body()
    if kind != "multipart/form-data":
        raise _no_photo("the request holds no photo", f"content-type {kind or 'none'}")
    parser = _InMemory(request.headers, request.stream(), max_files=1, max_fields=8)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _no_photo(f"the form cannot be read: {error.message.rstrip('.')}", "body") from None
    try:
        photo: Any = form.get("photo")
        if not isinstance(photo, UploadFile):
            raise _no_photo("the form has no file in the field `photo`", "body.photo")
        return await photo.read()
    finally:
        await form.close()


def _no_photo(what: str, where: str) -> PhotoError:
    return PhotoError(
        f"{what}.", reason="not_a_photo", where=where,
        mend="Send a file as the form field `photo`, or the photo's bytes with its image type.",
    )  # fmt: skip


def _likely(names: dict[str, float]) -> list[Likely]:
    best = list(names.items())[:NUM_LIKELY]
    return [Likely(name=name, probability=probability) for name, probability in best]

"""Changing the catalog while it is served: items are put, with photos or without, and withdrawn."""

from __future__ import annotations

import hashlib
import io
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from PIL import Image
from pydantic import AfterValidator, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from recsys import columns
from recsys.errors import DataError, NotFoundError, PhotoError
from serving.api.access import needs
from serving.api.addresses import whole_id
from serving.api.answers import answered, measures_of, service_of, whole_item
from serving.api.decoders import Decoders
from serving.api.schemas import Answer, ItemAnswer, Moment, Price, Schema, Words, _plain
from serving.api.upload_routes import read_form
from serving.items import Item
from serving.service import Service

router = APIRouter(tags=["items"], dependencies=[needs("write"), Depends(whole_id)])

QUALITY = 82  # of the JPEG that is shown of a photo
SEND = "Send JSON, or a form with files as `photos` and the JSON as the field `item`."

ItemId = Annotated[
    str,
    Path(description="The catalog's own id.", examples=["17"], min_length=1, max_length=256),
    AfterValidator(_plain),
]


class ItemBody(Schema):
    """What is known of an item; what is left out stays as it was."""

    title: Words | None = None
    description: Annotated[str, Field(max_length=5000)] | None = None
    category: Words | None = Field(None, description="Levels joined by ` > `.")
    brand: Words | None = None
    price: Price | None = Field(None, strict=True)
    available: bool | None = Field(None, strict=True, description="Whether it can be bought.")
    created_at: Moment | None = Field(None, description="Epoch seconds or ISO 8601.")
    attributes: dict[Words, Words] = Field(
        {}, max_length=64, description="By the catalog's names, without `attr_`."
    )


class WithdrawnAnswer(Answer):
    """An item that is in no answer from now on."""

    item_id: str


_ITEM = ItemBody.model_json_schema()
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": _ITEM, "example": {"title": "Red midi dress", "price": 39.0},
        },
        "multipart/form-data": {
            "schema": {
                "type": "object", "required": ["photos"],
                "properties": {
                    "photos": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    "item": _ITEM,
                },
            },
            "encoding": {"item": {"contentType": "application/json"}},
        },
    },
}  # fmt: skip


@router.put("/v1/items/{item_id:path}", response_model=ItemAnswer,
            openapi_extra={"requestBody": _BODY},
            responses={201: {"model": ItemAnswer, "description": "It is new."}})  # fmt: skip
async def put_item(request: Request, item_id: ItemId) -> Response:
    """Adds or changes an item; the next request finds it, filters and rules applied.

    With photos (a form) it is found by how it looks; a price or an availability needs none.
    """
    service = service_of(request)
    decoders: Decoders = request.app.state.decoders
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        body = _parsed(await request.body())
        return await run_in_threadpool(_put, request, service, item_id, body, [])
    if kind != "multipart/form-data":
        raise DataError(f"the request is {kind or 'of no type'}.", where="content-type", mend=SEND)
    with decoders.place():
        most = service.config.serving.max_query_photos
        photos, text = await read_form(request, most, "photos", "item")
        if not photos:
            raise PhotoError("the form has no file in the field `photos`.", reason="not_a_photo",
                             where="body.photos", mend=SEND)  # fmt: skip
        body = _parsed(text.encode() if text else b"{}")
        return await run_in_threadpool(_put, request, service, item_id, body, photos)


@router.delete("/v1/items/{item_id:path}", response_model=WithdrawnAnswer)
def withdraw_item(request: Request, item_id: ItemId) -> Response:
    """Takes an item out of every answer until it is put again; restarts and new bundles too."""
    service = service_of(request)
    service.live.withdraw(item_id)
    return answered(request, service, WithdrawnAnswer, item_id=item_id)


def live_photo(service: Service, item: Item, index: int, size: int) -> tuple[bytes, str]:
    """A photo that was put with an item, as JPEG bytes, and the tag that names these bytes.

    Raises:
        NotFoundError: the item has no such photo.
    """
    png = service.live.photo(item.item_id, index)
    if png is None:
        raise NotFoundError(f"item `{item.item_id}` has no photo {index}.", where="index",
                            mend="Count from 0.")  # fmt: skip
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    jpeg = buffer.getvalue()
    return jpeg, f'"{hashlib.sha256(jpeg).hexdigest()[:16]}"'


def _put(
    request: Request, service: Service, item_id: str, body: ItemBody, photos: list[bytes]
) -> Response:
    decoders: Decoders = request.app.state.decoders
    uploads = measures_of(request).uploads

    def squares(side: int, fit: str) -> list[bytes]:
        pngs = []
        for place, photo in enumerate(photos):
            try:
                pngs.append(decoders.png(photo, side, fit, f"photos[{place}]"))
            except PhotoError as error:
                uploads.labels(error.reason).inc()
                raise
            uploads.labels("accepted").inc()
        return pngs

    is_new = service.live.put(item_id, _fields(body), squares if photos else None)
    del request.scope["state"]["service"]  # the answer tells of the item as it is now
    now = service_of(request)
    item = whole_item(now.items, now.items.row(item_id))
    answer = answered(request, now, ItemAnswer, item=item)
    answer.status_code = 201 if is_new else 200
    return answer


def _fields(body: ItemBody) -> dict[str, Any]:
    """The catalog's columns that a request gives."""
    given = {name: getattr(body, name) for name in body.model_fields_set - {"attributes"}}
    if "available" in given and given["available"] is None:
        given.pop("available")
    texts = (columns.TITLE, columns.DESCRIPTION, columns.CATEGORY, columns.BRAND)
    given |= {name: given[name] or "" for name in texts if name in given}
    attributes = {columns.ATTRIBUTE_PREFIX + name: text for name, text in body.attributes.items()}
    return given | attributes


def _parsed(data: bytes) -> ItemBody:
    try:
        return ItemBody.model_validate_json(data)
    except ValidationError as error:
        faults = [
            ".".join(map(str, ("item", *each["loc"]))) + f": {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise DataError("; ".join(faults) + ".", where="item", mend=SEND) from None

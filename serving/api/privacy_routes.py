"""A shopper's right to be forgotten, and the proof that it was done."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from recsys.errors import NotFoundError
from serving.api.access import needs
from serving.api.addresses import whole_id
from serving.api.answers import answered, service_of
from serving.api.schemas import Answer
from serving.store import Receipt

router = APIRouter(tags=["shoppers"], dependencies=[needs("admin"), Depends(whole_id)])


class ReceiptOut(BaseModel):
    """That a user's events were removed; `user_digest` says nothing without the user id."""

    receipt_id: str
    user_digest: str
    num_events: int
    deleted_at: float
    signature: str


class ReceiptAnswer(Answer):
    """A receipt."""

    receipt: ReceiptOut


@router.delete("/v1/users/{user_id:path}", response_model=ReceiptAnswer)
def forget_user(
    request: Request,
    user_id: Annotated[str, Path(description="The event log's own id.", examples=["ann"])],
) -> Response:
    """Removes a user's events, imported ones too; a later import does not bring them back."""
    service = service_of(request)
    receipt = service.store.forget_user(user_id, service.clock())
    if receipt is None:
        raise NotFoundError(
            "nothing is stored of this user.", where="user_id",
            mend="Check the id; who was forgotten before has a receipt.",
        )  # fmt: skip
    return _answered(request, receipt)


@router.get("/v1/receipts/{receipt_id}", response_model=ReceiptAnswer)
def get_receipt(
    request: Request,
    receipt_id: Annotated[str, Path(pattern="^[0-9a-f]{16}$", examples=["0123456789abcdef"])],
) -> Response:
    """A receipt, if nobody changed it."""
    receipt = service_of(request).store.receipt(receipt_id)
    if receipt is None:
        raise NotFoundError("there is no such receipt.", where="receipt_id",
                            mend="DELETE /v1/users/{user_id} answers with one.")  # fmt: skip
    return _answered(request, receipt)


def _answered(request: Request, receipt: Receipt) -> Response:
    return answered(request, service_of(request), ReceiptAnswer,
                    receipt=ReceiptOut(**asdict(receipt)))  # fmt: skip

"""Errors as application/problem+json (RFC 9457): what happened, where, and how to mend it."""

from __future__ import annotations

import json
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from recsys.errors import (
    ArtifactError,
    DataError,
    NotFoundError,
    PhotoError,
    ServingError,
    VitrineError,
)
from serving.api.addresses import methods_of

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2

TITLES = {
    400: "Bad request", 401: "Who are you", 403: "Not allowed", 404: "Not found",
    405: "Method not allowed", 408: "Too slow", 409: "Not in this bundle",
    413: "Too large", 415: "Not a photo", 422: "Not acceptable",
    429: "Too often", 500: "Our mistake", 503: "Not available now",
}  # fmt: skip

_PHOTO_STATUS = {"too_large": 413, "not_a_photo": 415}
_STATUS: list[tuple[type[VitrineError], int]] = [
    (NotFoundError, 404), (ArtifactError, 409), (DataError, 422), (ServingError, 503),
]  # fmt: skip

_log = logging.getLogger("vitrine.api")


class BodyError(HTTPException):
    """A request's body is too large or too slow."""

    def __init__(self, status: int, what: str, mend: str) -> None:
        super().__init__(status, what)
        self.mend = mend


def problem(
    status: int, what: str, *, request_id: str, where: str = "", mend: str = "", **more: Any
) -> Response:
    """One error as a response."""
    title = TITLES.get(status, "Cannot be answered")
    body = {
        "type": "urn:vitrine:" + title.lower().replace(" ", "-"), "title": title,
        "status": status, "detail": what, "where": where, "mend": mend,
        "request_id": request_id, **more,
    }  # fmt: skip
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every error of an app a problem."""
    app.add_exception_handler(VitrineError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


def status_of(error: VitrineError) -> int:
    """The HTTP status of one of our errors."""
    if isinstance(error, PhotoError):
        return _PHOTO_STATUS.get(error.reason, 422)
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def request_id_of(request: Request) -> str:
    """The id that the edge gave to a request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, VitrineError)
    status = status_of(error)
    if status >= 500:
        _log.warning("%s %s", request_id_of(request), error.line)
    more = {"reason": error.reason} if isinstance(error, PhotoError) else {}
    return problem(status, error.what, request_id=request_id_of(request), where=error.where,
                   mend=error.mend, **more)  # fmt: skip


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": ".".join(str(part) for part in each["loc"]), "what": str(each["msg"])}
        for each in error.errors()
    ]
    first = found[0] if found else {"where": "", "what": "the request is not valid"}
    return problem(422, f"{first['what']}.", request_id=request_id_of(request),
                   where=first["where"], mend="/openapi.json says what is accepted.",
                   errors=found)  # fmt: skip


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    mends = {404: "/openapi.json lists the paths.", 405: "/openapi.json lists the methods."}
    mend = getattr(error, "mend", mends.get(error.status_code, ""))
    response = problem(error.status_code, f"{str(error.detail).rstrip('.')}.", mend=mend,
                       where=request.url.path, request_id=request_id_of(request))  # fmt: skip
    response.headers.update(error.headers or {})
    methods = methods_of(request) if error.status_code == 405 else []
    if methods:  # the router names those of the first route alone
        response.headers["Allow"] = ", ".join(methods)
    return response

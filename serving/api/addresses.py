"""Paths as they were sent: an id's own slashes are percent-encoded, those between parts are not."""

from __future__ import annotations

import re

from fastapi import Request
from starlette.exceptions import HTTPException


def sent_path(request: Request) -> str:
    """The path with its percent-encoding."""
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    return bytes(raw).partition(b"?")[0].decode("latin-1")


def methods_of(request: Request) -> list[str]:
    """The methods that a path may be asked with, as the OpenAPI document has them."""
    path, known = sent_path(request), request.app.openapi()["paths"]
    named = [
        template
        for template in known
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    return sorted(method.upper() for template in named for method in known[template])


def whole_id(request: Request) -> None:
    """Lets only paths through whose id is one part: `PUT /v1/items/17/similar` is a slip.

    Raises:
        HTTPException: 405; reading may be lenient about slashes, changing is not.
    """
    if sent_path(request).count("/") > 3:
        raise HTTPException(405, "Method Not Allowed: a slash of an id is written %2F")

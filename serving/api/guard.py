"""At the door: whose key is it, and does it ask too often; one plain ASGI callable."""

from __future__ import annotations

import math
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api.access import LOCAL
from serving.api.key_ring import KeyRing
from serving.api.problems import problem
from serving.api.token_buckets import TokenBuckets

OPEN = ("/healthz", "/readyz")  # whoever watches the process has no key
HARMLESS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Wraps an app: `state.principal` says who asks; the routes say what they need.

    A request without a key goes on without a principal where keys are asked for, since the
    page's files are for everybody; one with a wrong key goes no further.

    Args:
        app: the app within.
        keys: who is known.
        buckets: how often each key may ask.
        origins: whose pages may ask from a browser, beside our own.
    """

    def __init__(
        self, app: ASGIApp, keys: KeyRing, buckets: TokenBuckets, origins: Collection[str] = ()
    ) -> None:
        self._app, self._keys, self._buckets, self._origins = app, keys, buckets, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; anything but HTTP goes straight through."""
        refused = None
        if scope["type"] == "http" and scope["path"] not in OPEN:
            refused = await self._refusal(scope)
        await (refused or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers, state = Headers(scope=scope), scope.setdefault("state", {})
        request_id = str(state.get("request_id", ""))
        if self._keys.stale:
            await run_in_threadpool(self._keys.refresh)
        presented = presented_key(headers)
        principal = self._keys.principal(presented)
        if presented and principal is None:
            answer = problem(401, "this API key is not known, or was revoked.", where="the key",
                             request_id=request_id, mend="`vitrine keys list` shows the good ones."
                             )  # fmt: skip
            answer.headers["WWW-Authenticate"] = 'Bearer realm="vitrine"'
            return answer
        if principal is LOCAL and self._is_another_sites(scope, headers):
            return problem(403, "a page of another site asks.", request_id=request_id,
                           where="Origin", mend="Name it in security.cors_origins.")  # fmt: skip
        if principal and principal.key_id and (wait := self._buckets.take(principal.key_id)):
            return _too_often(request_id, wait)
        if principal:
            state["principal"] = principal
        return None

    def _is_another_sites(self, scope: Scope, headers: Headers) -> bool:
        """Whether a browser sends this for a page of another site: nobody's key vouches for it."""
        origin = headers.get("origin", "")
        if scope["method"] in HARMLESS or not origin or origin in self._origins:
            return False
        return urlsplit(origin).netloc != headers.get("host", "")


def presented_key(headers: Headers) -> str:
    """The key in `Authorization: Bearer KEY`, else in `X-API-Key`, else empty."""
    kind, _, key = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return key.strip()
    return headers.get("x-api-key", "").strip()


def _too_often(request_id: str, wait: float) -> Response:
    answer = problem(429, "this key asks too often.", where="security.requests_per_second",
                     request_id=request_id, mend="Wait as long as Retry-After says.")  # fmt: skip
    answer.headers["Retry-After"] = str(math.ceil(wait))
    return answer

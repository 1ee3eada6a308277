"""The outermost layer: request ids, limits, security headers, times; one plain ASGI callable."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.config import ServingConfig
from serving.api.measures import Measures
from serving.api.problems import BodyError, problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
UPLOAD_PATHS = ("/v1/search", "/v1/search/image")
CLIENT_WENT_AWAY = 499  # nobody reads it; counted by this number
ALWAYS_ANSWERED = ("/healthz", "/readyz", "/metrics")

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_log = logging.getLogger("vitrine.api")


class Edge:
    """Wraps an app: what every request goes through, whatever its route.

    Args:
        app: the app within.
        config: limits.
        measures: where requests are counted.
    """

    def __init__(self, app: ASGIApp, config: ServingConfig, measures: Measures) -> None:
        self._app = app
        self._config = config
        self._measures = measures
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; anything but HTTP goes straight through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        started = time.perf_counter()
        scope.setdefault("state", {}).update(request_id=request_id, started=started)
        answer = _Answer(send, request_id)
        self._in_hand += 1
        self._measures.in_hand.set(self._in_hand)
        try:
            if self._in_hand > self._config.max_waiting and scope["path"] not in ALWAYS_ANSWERED:
                self._measures.turned_away.inc()
                await _busy(request_id)(scope, receive, answer)
            else:
                await self._app(scope, self._limited(scope, receive), answer)
        except ClientDisconnect:
            answer.status = CLIENT_WENT_AWAY
        except Exception as error:
            # not its words: they may quote a user's id
            _log.error("%s failed on %s: %s\n%s", request_id, _route(scope), type(error).__name__,
                       "".join(traceback.format_tb(error.__traceback__)))  # fmt: skip
            if not answer.started:
                await _our_mistake(request_id)(scope, receive, answer)
        finally:
            self._in_hand -= 1
            self._measures.in_hand.set(self._in_hand)
            route = _route(scope)
            self._measures.requests.labels(route, _method(scope), str(answer.status)).inc()
            self._measures.seconds.labels(route).observe(time.perf_counter() - started)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` that gives up on bodies too long or too slow."""
        config, upload = self._config, _is_upload(scope)
        most = config.max_upload_bytes if upload else config.max_body_bytes
        deadline = time.monotonic() + config.upload_seconds
        announced = Headers(scope=scope).get("content-length", "0")
        received = int(announced) if announced.isdecimal() and int(announced) > most else 0
        done = False

        async def limited() -> Message:
            nonlocal received, done
            if received > most:
                raise _too_large(most, upload)
            if done:  # what comes after the body is the client going away, whenever it does
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                raise BodyError(
                    408, f"the request took longer than {config.upload_seconds:g} seconds to come",
                    "Send it again over a faster connection, or send less.",
                ) from None  # fmt: skip
            received += len(message.get("body", b""))
            done = not message.get("more_body", False)
            if received > most:
                raise _too_large(most, upload)
            return message

        return limited


class _Answer:
    """`send` that adds the headers of every answer and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 500
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await self._send(message)


def _is_upload(scope: Scope) -> bool:
    """Whether photos may come with a request."""
    puts_item = scope["method"] == "PUT" and scope["path"].startswith("/v1/items/")
    return puts_item or scope["path"] in UPLOAD_PATHS


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    """The route's template: ids in paths would make a metric of each."""
    return str(getattr(scope.get("route"), "path", "unknown"))


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"


def _too_large(most: int, upload: bool) -> BodyError:
    name = "serving.max_upload_bytes" if upload else "serving.max_body_bytes"
    return BodyError(413, f"the request is longer than {most} bytes",
                     f"Send less, or raise {name}.")  # fmt: skip


def _busy(request_id: str) -> Any:
    return problem(503, "too many requests are waiting.", request_id=request_id,
                   mend="Try again in a moment.")  # fmt: skip


def _our_mistake(request_id: str) -> Any:
    return problem(500, "something went wrong on our side; it is in the log by this request id.",
                   request_id=request_id, mend="Try again; report it if it stays.")  # fmt: skip

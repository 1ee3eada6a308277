"""Photos behind http and https: asked whether they changed, and nothing is taken on trust.

A server may stall, drop the connection, send more or less than it says, or lead in circles;
each becomes a PhotoError with a reason of its own, and what may pass is told from what will not.
"""

from __future__ import annotations

import email.utils
import hashlib
import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions as errors

from embeddings.host_slots import host_slot
from embeddings.http_exchange import Exchange, exchange, open_url
from embeddings.images import check_length
from embeddings.photo_state import PhotoState, Read, Unchanged
from embeddings.retries import Patience, TransientError
from recsys.config import SourcesConfig
from recsys.errors import PhotoError

_CHUNK = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)
_MAY_PASS = (408, 421, 425, 429)  # and all from 500 up
_LEAST_SECONDS = 0.001
# Lengths are of the bytes themselves; photos are compressed already.
_HEADERS = {"Accept": "image/*,*/*;q=0.1", "Accept-Encoding": "identity", "User-Agent": "vitrine"}


def fetch_http(
    url: str, state: PhotoState, settings: SourcesConfig, max_bytes: int, patience: Patience
) -> Unchanged | Read:
    """One try: GETs a photo unless the server says that it is as `state` knows it.

    Raises:
        PhotoError: it cannot be had.
        TransientError: it cannot be had now.
    """
    asked = url
    for _ in range(settings.max_redirects + 1):
        found = _ask(asked, url, state, settings, max_bytes, patience)
        if not isinstance(found, str):
            return found
        asked = found
    raise _error("redirected", f"more than {settings.max_redirects} redirects, the last one to "
                 f"{asked}", url)  # fmt: skip


def _ask(
    asked: str, url: str, state: PhotoState, settings: SourcesConfig, max_bytes: int,
    patience: Patience,
) -> Unchanged | Read | str:  # fmt: skip
    """Unchanged, the bytes, or the address that the server sends us to."""
    condition = _condition(state)
    with host_slot(urlsplit(asked).netloc.lower(), settings.per_host) as waited:
        patience.excuse(waited)
        left = max(patience.left(), _LEAST_SECONDS)
        silence = min(settings.timeout_seconds, left)
        with exchange(left) as current, _http_errors(url, current, silence, left):
            response = open_url(asked, headers=_HEADERS | condition,
                                timeout=urllib3.Timeout(connect=silence, read=silence))  # fmt: skip
            try:
                if response.status in _REDIRECTS and "Location" in response.headers:
                    return _target(asked, response.headers["Location"], url)
                if response.status == 304 and condition:
                    response.drain_conn()  # of nothing: the connection may be used again
                    return Unchanged(_seen(state.confirmed(), response))
                if response.status != 200:
                    _refuse(response, url)
                data = _body(response, current, max_bytes, url)
            finally:
                response.close()  # whose body was read has given its connection back
    digest = hashlib.sha256(data).hexdigest()
    return Read(data, _seen(PhotoState(digest, len(data), checked_at=time.time()), response))


def _condition(state: PhotoState) -> dict[str, str]:
    named = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in named.items() if value and state.sha256}


def _seen(state: PhotoState, response: urllib3.BaseHTTPResponse) -> PhotoState:
    return replace(
        state,
        etag=response.headers.get("ETag", state.etag),
        last_modified=response.headers.get("Last-Modified", state.last_modified),
    )


def _target(asked: str, location: str, url: str) -> str:
    with suppress(ValueError):
        target = urljoin(asked, location)
        if urlsplit(target).scheme in ("http", "https"):
            return target
    what = f"the server sends us to {location[:200]}, which is no web address"
    raise _error("redirected", what, url)


def _refuse(response: urllib3.BaseHTTPResponse, url: str) -> NoReturn:
    status = response.status
    if status in (404, 410):
        raise _error("missing", f"the server has no such photo ({status})", url)
    if status in (401, 403, 407):
        raise _error("forbidden", f"the server does not let us read it ({status})", url)
    if status in _MAY_PASS or status >= 500:
        raise TransientError(
            _error("server_error", f"the server answers {status}", url), _retry_after(response)
        )
    raise _error("unreadable", f"the server answers {status}", url)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    """The seconds that a server asks to be left alone; as a number or a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _body(response: urllib3.BaseHTTPResponse, current: Exchange, max_bytes: int, url: str) -> bytes:
    said = response.headers.get("Content-Length", "")
    if said.isdecimal() and int(said) > max_bytes:
        check_length(int(said), max_bytes, url)
    data = bytearray()
    while chunk := response.read1(_CHUNK):
        data += chunk
        check_length(len(data), max_bytes, url)
    if current.out_of_time:  # a socket that was shut down reads like an answer that ended
        raise errors.ReadTimeoutError(None, url, "out of time")  # type: ignore[arg-type]
    if said and current.surplus:
        raise TransientError(_error("incomplete", f"the server says {said} bytes and sends more",
                                    url))  # fmt: skip
    check_length(len(data), max_bytes, url)
    return bytes(data)


@contextmanager
def _http_errors(url: str, current: Exchange, silence: float, left: float) -> Iterator[None]:
    """Errors of the connection as ours."""
    try:
        yield
    except (PhotoError, TransientError):
        raise
    except (errors.LocationValueError, UnicodeError) as error:
        raise _error("unreadable", f"this is no web address: {_text(error)}", url) from error
    except errors.SSLError as error:
        if isinstance(error.args[0] if error.args else None, ssl.SSLCertVerificationError):
            raise _error("unreachable", f"the server's certificate: {_text(error)}", url) from error
        raise TransientError(_error("unreachable", _text(error), url)) from error
    except Exception as error:  # a socket that was shut down fails in many ways
        raise TransientError(_described(error, url, current, silence, left)) from error


def _described(
    error: Exception, url: str, current: Exchange, silence: float, left: float
) -> PhotoError:
    if current.out_of_time:
        return _error("timed_out", f"the photo is not here after {left:.3g} s", url)
    refused = isinstance(error, errors.NewConnectionError)  # which counts as a time-out there
    if isinstance(error, errors.TimeoutError) and not refused:
        return _error("timed_out", f"the server says nothing for {silence:.3g} s", url)
    if error.args and isinstance(error.args[-1], http.client.IncompleteRead):
        return _error("incomplete", f"the answer breaks off: {_text(error)}", url)
    return _error("unreachable", f"the connection fails: {_text(error)}", url)


def _text(error: BaseException) -> str:
    """An error in words, without the names of pools; a server's own words are cut short."""
    while error.args and isinstance(error.args[-1], BaseException):
        error = error.args[-1]
    words = (str(error) or type(error).__name__).rpartition("): ")[2]
    return " ".join(words.split())[:200].rstrip(".")


_MENDS = {
    "missing": "Correct the address in the catalog, or take the item out.",
    "forbidden": "Check the address and your permission to read it.",
    "redirected": "Put the photo's own address into the catalog.",
    "unreadable": "Check the address in the catalog.",
}


def _error(reason: str, what: str, url: str) -> PhotoError:
    mend = _MENDS.get(reason, "Try again later, or see whether the server is well.")
    return PhotoError(f"{what}.", reason=reason, where=url, mend=mend)

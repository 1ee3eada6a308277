"""Photos in S3, Google Cloud Storage and whatever else fsspec opens: ETag before bytes.

Each storage has clients and errors of its own, and its own patience; a call that takes longer
than a photo may is left alone in its thread.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import fsspec

from embeddings.host_slots import host_slot
from embeddings.images import check_length
from embeddings.photo_state import PhotoState, Read, Unchanged
from embeddings.retries import Patience, TransientError
from recsys.config import SourcesConfig
from recsys.errors import PhotoError

Found = TypeVar("Found")

_ETAGS = ("ETag", "etag")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")


def fetch_stored(
    location: str, state: PhotoState, settings: SourcesConfig, max_bytes: int, patience: Patience
) -> Unchanged | Read:
    """One try: asks the storage for the photo's ETag, and reads it if that is another.

    Raises:
        PhotoError: it cannot be had.
        TransientError: it cannot be had now.
    """
    parts = urlsplit(location)
    with host_slot(f"{parts.scheme}://{parts.netloc}", settings.per_host) as waited:
        patience.excuse(waited)
        with _storage_errors(location):
            filesystem, path = fsspec.core.url_to_fs(
                location, use_listings_cache=False, **_client_options(parts.scheme, settings)
            )
            info = _in_time(functools.partial(filesystem.info, path), patience.left(), location)
            seen = _seen(info)
            if _is_same(seen, state):
                return Unchanged(replace(state.confirmed(), last_modified=seen.last_modified))
            _check_info(info, seen.size, max_bytes, location)
            # one byte more than there is: an object that has grown meanwhile is noticed
            end = (seen.size if seen.size >= 0 else max_bytes) + 1
            data = _in_time(
                lambda: bytes(filesystem.cat_file(path, start=0, end=end)),
                patience.left(),
                location,
            )
    if seen.size >= 0 and len(data) != seen.size:
        raise TransientError(PhotoError(
            f"the storage says {seen.size} bytes and gives {len(data)}"
            f"{' or more' if len(data) > seen.size else ''}.", reason="incomplete", where=location,
            mend="Try again later.",
        ))  # fmt: skip
    check_length(len(data), max_bytes, location)
    return Read(data, replace(seen, sha256=hashlib.sha256(data).hexdigest(), size=len(data)))


def _seen(info: dict[str, Any]) -> PhotoState:
    """What the storage says of a file, before its bytes: if it changes meanwhile, it is asked
    for again the next time.
    """
    return PhotoState(
        size=-1 if info.get("size") is None else int(info["size"]),
        etag=_first(info, _ETAGS), last_modified=_first(info, _TIMES), checked_at=time.time(),
    )  # fmt: skip


def _first(info: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((str(info[name]) for name in names if info.get(name)), "")


def _is_same(seen: PhotoState, state: PhotoState) -> bool:
    if not state.sha256 or seen.size != state.size:
        return False
    if seen.etag or state.etag:
        return seen.etag == state.etag
    return bool(seen.last_modified) and seen.last_modified == state.last_modified


def _check_info(info: dict[str, Any], size: int, max_bytes: int, location: str) -> None:
    if info.get("type") == "directory":
        raise PhotoError("this is a folder.", reason="unreadable", where=location,
                         mend="Name the photo's file.")  # fmt: skip
    if size >= 0:
        check_length(size, max_bytes, location)


def _client_options(scheme: str, settings: SourcesConfig) -> dict[str, Any]:
    if scheme not in ("s3", "s3a"):
        return {}
    # by itself the client tries again within seconds, and waits a minute for a silent server
    limits = {"connect_timeout": settings.timeout_seconds, "read_timeout": settings.timeout_seconds,
              "retries": {"max_attempts": 0}}  # fmt: skip
    return {"config_kwargs": limits}


def _in_time(call: Callable[[], Found], seconds: float, location: str) -> Found:
    """The answer of a call that may hang for ever."""
    answer: list[Found] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(seconds, 0.001))
    if failure:
        raise failure[0]
    if not answer:
        raise TransientError(PhotoError(
            f"the photo is not here after {seconds:.3g} s.", reason="timed_out", where=location,
            mend="Try again later, or raise sources.total_seconds.",
        ))  # fmt: skip
    return answer[0]


@contextmanager
def _storage_errors(location: str) -> Iterator[None]:
    """Errors of a storage's client as ours."""
    try:
        yield
    except (PhotoError, TransientError):
        raise
    except FileNotFoundError:
        raise PhotoError(
            "the storage has no such file.", reason="missing", where=location,
            mend="Correct the address in the catalog, or take the item out.",
        ) from None  # fmt: skip
    except PermissionError as error:
        raise _refused(error, "forbidden", location) from error
    except (ImportError, ValueError, IsADirectoryError) as error:
        raise _refused(error, "unreadable", location) from error
    except Exception as error:
        if "Credential" in type(error).__name__:
            raise _refused(error, "forbidden", location) from error
        timed_out = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
        reason = "timed_out" if timed_out else "unreachable"
        raise TransientError(PhotoError(
            f"the storage fails: {_text(error)}.", reason=reason, where=location,
            mend="Try again later, or see whether the storage is well.",
        )) from error  # fmt: skip


def _refused(error: Exception, reason: str, location: str) -> PhotoError:
    return PhotoError(
        f"cannot read the file: {_text(error)}.", reason=reason, where=location,
        mend="Check the address, your permission to read it, and the storage's package "
        "(`pip install vitrine[s3]`, `vitrine[gcs]`).",
    )  # fmt: skip


def _text(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).rstrip(".").split())

"""The one way to a photo's bytes, wherever they are: asks whether they changed, then reads.

Workers call `fetch` in any process and thread; nothing here needs TensorFlow. A photo that
cannot be had has one of these reasons, and a photo that cannot be decoded one of
`embeddings.images`:

missing · forbidden · unreadable · empty · too_large · redirected, which another try would meet
again; timed_out · unreachable · server_error · incomplete, after so many tries
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from embeddings import host_trust
from embeddings.http_source import fetch_http
from embeddings.local_source import fetch_local
from embeddings.photo_state import EMPTY, Failed, Fetched, PhotoState, Read, Unchanged
from embeddings.retries import Patience, persist
from embeddings.storage_source import fetch_stored
from recsys.config import SourcesConfig
from recsys.errors import PhotoError

DEFAULTS = SourcesConfig()


def fetch(location: str, state: PhotoState, settings: SourcesConfig, max_bytes: int) -> Fetched:
    """Asks a photo's source whether it changed since `state`; reads its bytes if it did.

    Args:
        location: a local path or a URL.
        state: what is known of it; with `EMPTY` the bytes are read in any case.
        settings: how patiently.
        max_bytes: a longer file is a failure.

    Returns:
        `Unchanged`, `Read` or `Failed`, each with the location's new state. Nothing is raised.
    """
    try:
        return _fetch(location, state, settings, max_bytes)
    except PhotoError as error:
        return Failed(error, state.failed(error))


def read_bytes(location: str, max_bytes: int, settings: SourcesConfig = DEFAULTS) -> bytes:
    """The bytes of a photo.

    Raises:
        PhotoError: it cannot be had; see `reason`.
    """
    fetched = _fetch(location, EMPTY, settings, max_bytes)
    assert isinstance(fetched, Read)  # where nothing is known, nothing can be unchanged
    return fetched.data


def _fetch(
    location: str, state: PhotoState, settings: SourcesConfig, max_bytes: int
) -> Unchanged | Read:
    scheme, _, rest = location.partition("://")
    if not rest:
        return fetch_local(location, state, max_bytes)
    if scheme == "file":
        return fetch_local(unquote(rest), state, max_bytes)
    fetch_remote = fetch_http if scheme in ("http", "https") else fetch_stored

    def attempt(patience: Patience) -> Unchanged | Read:
        return fetch_remote(location, state, settings, max_bytes, patience)

    with host_trust.watched(f"{scheme}://{_host(location)}", settings) as tries:
        return persist(attempt, settings, tries=tries)


def _host(location: str) -> str:
    try:
        return urlsplit(location).netloc
    except ValueError as error:
        raise PhotoError(
            f"this is no address: {error}.", reason="unreadable", where=location,
            mend="Check the address in the catalog.",
        ) from None  # fmt: skip

"""The one way to a photo's bytes, wherever they are: asks whether they changed, then reads.

Workers call `fetch` in any process and thread; nothing here needs TensorFlow. A failure is one
of these reasons, beside those of `embeddings.images`:

missing · unreadable · empty · too_large
"""

from __future__ import annotations

from urllib.parse import unquote

from embeddings.local_source import fetch_local
from embeddings.photo_state import EMPTY, Failed, Fetched, PhotoState, Read, Unchanged
from recsys.config import SourcesConfig
from recsys.errors import PhotoError


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


def read_photo_bytes(
    location: str, max_bytes: int, settings: SourcesConfig = SourcesConfig()
) -> bytes:
    """The bytes of a photo.

    Raises:
        PhotoError: it cannot be had; see `reason`.
    """
    fetched = _fetch(location, EMPTY, settings, max_bytes)
    assert isinstance(fetched, Read)  # nothing is known, so nothing can be unchanged
    return fetched.data


def _fetch(
    location: str, state: PhotoState, settings: SourcesConfig, max_bytes: int
) -> Unchanged | Read:
    scheme, _, rest = location.partition("://")
    if not rest:
        return fetch_local(location, state, max_bytes)
    if scheme == "file":
        return fetch_local(unquote(rest), state, max_bytes)
    raise PhotoError(
        "photos are not read from here yet.", reason="unreadable", where=location,
        mend="Use local files.",
    )  # fmt: skip

"""Room for uploads: how many are held, how many decoded, and only one large one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from embeddings.images import decode_photo, encode_png, fit_photo, num_pixels
from recsys.config import Config
from recsys.errors import ServingError
from serving.region import Region

UPLOAD = "the uploaded photo"


class Decoders:
    """Holds a few uploads and decodes fewer still: each may be a large photo in memory.

    A photo of more than a quarter of the pixels that are accepted is decoded alone: several
    beside each other would take a gigabyte.
    """

    def __init__(self, config: Config) -> None:
        self._photos = config.photos.model_copy(
            update={
                "max_bytes": config.serving.max_upload_bytes,
                "max_pixels": config.serving.max_upload_pixels,
            }
        )
        self._free = threading.Semaphore(config.serving.decoders)
        self._large = threading.Lock()
        self._places = threading.BoundedSemaphore(config.serving.max_uploads)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one upload in memory.

        Raises:
            ServingError: there is none; nothing was read yet.
        """
        if not self._places.acquire(blocking=False):
            raise ServingError("too many uploads are in hand.", where=UPLOAD,
                               mend="Try again in a moment.")  # fmt: skip
        try:
            yield
        finally:
            self._places.release()

    def png(
        self, data: bytes, size: int, fit: str, where: str = UPLOAD, region: Region | None = None
    ) -> bytes:
        """An upload, or a region of it, as the PNG of the pixels that the tower sees.

        Raises:
            PhotoError: it is no photo, or shows too little.
        """
        with self._room(data):
            photo = decode_photo(data, self._photos, where)
            if region is not None:
                photo = region.of(photo, self._photos.min_side, where)
            return encode_png(fit_photo(photo, size, fit))

    @contextmanager
    def _room(self, data: bytes) -> Iterator[None]:
        large = num_pixels(data) > self._photos.max_pixels // 4
        with self._large if large else nullcontext(), self._free:
            yield

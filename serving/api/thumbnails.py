"""The catalog's own photos, small: bounded JPEGs, remembered up to a number of bytes."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict

from PIL import Image

from embeddings.images import decode_photo
from embeddings.photo_source import read_bytes
from recsys import columns
from recsys.config import PhotosConfig
from recsys.errors import NotFoundError, PhotoError
from serving.items import Item

QUALITY = 82


class Thumbnails:
    """Reads photos that the catalog names and makes them small.

    Args:
        photos: which photos are accepted.
        max_bytes: how much is remembered.
        decoders: photos decoded at once.
    """

    def __init__(self, photos: PhotosConfig, max_bytes: int = 64_000_000, decoders: int = 2):
        # a plain or tiny photo teaches nothing, and can still be shown
        self._photos = photos.model_copy(update={"min_side": 1, "min_contrast": 0.0})
        self._max_bytes = max_bytes
        self._known: OrderedDict[tuple[str, int], tuple[bytes, str]] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()
        self._decoders = threading.Semaphore(decoders)

    def of(self, item: Item, index: int, size: int) -> tuple[bytes, str]:
        """An item's photo as JPEG bytes, and the tag that names these bytes.

        Args:
            index: which photo, where the item has several.
            size: the longer side.

        Raises:
            NotFoundError: it has no such photo, the photo lies at an address, which is not
                fetched, or the file cannot be shown.
        """
        location = self._location(item, index)
        with self._lock:
            if found := self._known.get((location, size)):
                self._known.move_to_end((location, size))
                return found
        jpeg = self._shrink(location, item, size)
        found = jpeg, f'"{hashlib.sha256(jpeg).hexdigest()[:16]}"'
        self._remember((location, size), found)
        return found

    def _location(self, item: Item, index: int) -> str:
        locations = [each for each in item.image.split(columns.IMAGE_SEPARATOR) if each]
        if index >= len(locations):
            raise NotFoundError(f"item `{item.item_id}` has {len(locations)} photos.",
                                where="index", mend="Count from 0.")  # fmt: skip
        if "://" in locations[index]:
            raise NotFoundError(
                f"the photo of item `{item.item_id}` lies at an address, and none is fetched.",
                where="the catalog's image column", mend="Show it from where it is.",
            )  # fmt: skip
        return locations[index]

    def _shrink(self, location: str, item: Item, size: int) -> bytes:
        where = f"the photo of item `{item.item_id}`"  # its path is nobody's business
        try:
            data = read_bytes(location, self._photos.max_bytes)
            with self._decoders:
                image = decode_photo(data, self._photos, where)
                image.thumbnail((size, size), Image.Resampling.LANCZOS)
                buffer = io.BytesIO()
                image.save(buffer, "JPEG", quality=QUALITY)
        except PhotoError as error:
            raise NotFoundError(
                f"it cannot be shown: {error.reason}.", where=where,
                mend="`vitrine check` lists spoiled photos.",
            ) from error  # fmt: skip
        return buffer.getvalue()

    def _remember(self, key: tuple[str, int], found: tuple[bytes, str]) -> None:
        with self._lock:
            if key in self._known:
                return
            self._known[key] = found
            self._num_bytes += len(found[0])
            while self._num_bytes > self._max_bytes:
                _, (jpeg, _) = self._known.popitem(last=False)
                self._num_bytes -= len(jpeg)

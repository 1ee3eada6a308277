"""Photos: decode, turn upright, fit to the tower's square.

Training, embedding and the API go through the same functions, so that a served photo gets
the very pixels that a trained one got. Bytes are taken for hostile: only five formats are
opened, sizes are judged before pixels are decoded, and whatever a decoder makes of broken
bytes becomes a PhotoError with one of these reasons:

empty · too_large · not_a_photo · too_small · too_narrow · truncated · damaged · blank
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from recsys.config import PhotosConfig
from recsys.errors import PhotoError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
RESAMPLING = Image.Resampling.BICUBIC  # sharp enough for fabric, and ImageNet's own choice
WHITE = (255, 255, 255)

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
# A photo has some hundred parts. A file may have millions, of nothing, and decoders walk through
# them in Python: twelve megabytes of them hold the interpreter for ten seconds.
_MOST_READS = 100_000
_ROWS = 256  # converted at once, so that a large photo is not in memory four times
_RUN_LENGTH = "bmp_rle"  # Pillow's name for it; a pixel at a time in Python, and no camera's format

_TRUNCATED_WORDS = ("truncated", "unexpected end", "incomplete", "broken data stream")

# Pillow warns of photos twice its limit and decodes them all the same; here that is refused.
warnings.simplefilter("error", Image.DecompressionBombWarning)
# a broken EXIF is passed over: what a stranger wrote into it is nothing for the log
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")


def decode_photo(data: bytes, photos: PhotosConfig, where: str = "") -> Image.Image:
    """Decodes a photo's bytes: RGB, upright, transparency laid on white, first frame.

    Args:
        data: the file's bytes, from anyone.
        photos: which photos are accepted.
        where: the photo's path or name, for errors.

    Raises:
        PhotoError: it is not a photo, is damaged, or shows too little; see `reason`.
    """
    check_length(len(data), photos.max_bytes, where)
    try:
        rgb, turn = _decoded(data, photos, where)
        rgb = rgb if turn is None else rgb.transpose(turn)
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels("the photo is too large", photos, where) from None
    except UnidentifiedImageError:
        raise PhotoError(
            "this is not a photo of a known format.", reason="not_a_photo", where=where,
            mend=f"Use one of {', '.join(FORMATS)}.",
        ) from None  # fmt: skip
    except Exception as error:  # decoders raise all sorts of errors over broken bytes
        raise _decoding_error(error, data, where) from error
    _check_contrast(rgb, photos, where)
    return rgb


def num_pixels(data: bytes) -> int:
    """How many pixels a photo's header promises; 0 where it cannot be read."""
    with contextlib.suppress(Exception), Image.open(_Counted(data), formats=FORMATS) as image:
        return image.width * image.height
    return 0


def fit_photo(image: Image.Image, size: int, fit: str) -> np.ndarray:
    """Brings an RGB photo to a square.

    Args:
        image: of any size.
        size: the square's side.
        fit: `pad` keeps the whole photo, centered on white; `crop` keeps its central square.

    Returns:
        uint8 [size, size, 3]. A photo that is a square of this side already is unchanged.
    """
    width, height = image.size
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        return np.asarray(_resize(square, size, size))
    fitted_width, fitted_height = padded_size(width, height, size)
    resized = _resize(image, fitted_width, fitted_height)
    square = Image.new("RGB", (size, size), WHITE)
    square.paste(resized, ((size - fitted_width) // 2, (size - fitted_height) // 2))
    return np.asarray(square)


def _resize(image: Image.Image, width: int, height: int) -> Image.Image:
    # Across, then down: left to itself Pillow takes whichever order is cheaper, by version and
    # shape, and the rounding between the two passes would differ from the graph's.
    across = image.resize((width, image.height), RESAMPLING)
    return across.resize((width, height), RESAMPLING)


def padded_size(width: int, height: int, size: int) -> tuple[int, int]:
    """The size that a photo takes inside its square when the longer side fills it."""
    longer = max(width, height)
    # halves round up, in integers, so that every implementation agrees
    return tuple(max(1, (2 * side * size + longer) // (2 * longer)) for side in (width, height))  # type: ignore[return-value]


def encode_png(pixels: np.ndarray) -> bytes:
    """Pixels as a PNG that decodes to them exactly; uint8 [height, width, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


class _Counted(io.BytesIO):
    """Bytes that may be read a bounded number of times."""

    def __init__(self, data: bytes, where: str = "") -> None:
        super().__init__(data)
        self._where = where
        self._left = _MOST_READS

    def read(self, size: int | None = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise PhotoError(
                "the file is in too many parts.", reason="damaged", where=self._where,
                mend="Save the photo again, as JPEG or PNG.",
            )  # fmt: skip
        return super().read(size)


def _decoded(
    data: bytes, photos: PhotosConfig, where: str
) -> tuple[Image.Image, Image.Transpose | None]:
    """The pixels as RGB, and how they are to be turned; what the decoder held is let go."""
    with Image.open(_Counted(data, where), formats=FORMATS) as image:
        _check_size(image, photos, where)
        if image.tile and image.tile[0][0] == _RUN_LENGTH:
            raise PhotoError("a BMP of runs is not read.", reason="not_a_photo", where=where,
                             mend="Save it as PNG.")  # fmt: skip
        image.load()
        rgb = _to_rgb(image)
        rgb.info = {}  # comments and places are nobody's business
        return rgb, _turn(image)


def check_length(num_bytes: int, max_bytes: int, where: str) -> None:
    """Refuses a photo's file that is empty or longer than `max_bytes`."""
    if not num_bytes:
        raise PhotoError(
            "the file is empty.", reason="empty", where=where, mend="Upload the photo again."
        )
    if num_bytes > max_bytes:
        raise PhotoError(
            f"the file is longer than {max_bytes} bytes.", reason="too_large", where=where,
            mend="Make the photo smaller, or raise photos.max_bytes.",
        )  # fmt: skip


def _check_size(image: Image.Image, photos: PhotosConfig, where: str) -> None:
    """Judges width and height from the header, before any pixel is decoded."""
    width, height = image.size
    shape = f"{width} x {height} pixels"
    if width * height > photos.max_pixels:
        raise _too_many_pixels(shape, photos, where)
    if min(width, height) < photos.min_side:
        raise PhotoError(
            f"{shape}: a side is under {photos.min_side}.", reason="too_small", where=where,
            mend="Take a larger photo, or lower photos.min_side.",
        )  # fmt: skip
    if max(width, height) > photos.max_aspect * min(width, height):
        raise PhotoError(
            f"{shape}: one side is more than {photos.max_aspect:g} times the other.",
            reason="too_narrow", where=where, mend="Crop the photo to the product.",
        )  # fmt: skip


def _check_contrast(image: Image.Image, photos: PhotosConfig, where: str) -> None:
    counts = np.asarray(image.histogram(), np.float64).reshape(3, 256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    levels = np.arange(256)
    means = shares @ levels
    contrast = math.sqrt(float((shares @ levels**2 - means**2).max().clip(0)))
    if contrast < photos.min_contrast:
        raise PhotoError(
            f"the photo is blank: its contrast is {contrast:.1f} of 255.", reason="blank",
            where=where, mend="Take the photo again, with the product in view.",
        )  # fmt: skip


def _to_rgb(image: Image.Image) -> Image.Image:
    see_through = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    wide = image.mode.startswith(("I", "F"))
    if not (see_through or wide):
        return image.convert("RGB")
    rgb = Image.new("RGB", image.size)
    for top in range(0, image.height, _ROWS):
        strip = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        rgb.paste(_upper_byte(strip) if wide else _on_white(strip), (0, top))
    return rgb


def _upper_byte(image: Image.Image) -> Image.Image:
    """16 bits a pixel as 8, rounded; Pillow's own conversion clips."""
    levels = np.asarray(image).astype(np.float64)
    gray = np.rint(np.clip(levels / 257.0, 0, 255)).astype(np.uint8)
    return Image.fromarray(gray).convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, (*WHITE, 255))
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How the photo is to be turned, as its EXIF says; a broken EXIF leaves it as it is."""
    with contextlib.suppress(Exception):
        return _ORIENTATIONS.get(image.getexif().get(_ORIENTATION_TAG, 1))
    return None


def _too_many_pixels(shape: str, photos: PhotosConfig, where: str) -> PhotoError:
    return PhotoError(
        f"{shape}: more than {photos.max_pixels} pixels.", reason="too_large", where=where,
        mend="Make the photo smaller, or raise photos.max_pixels.",
    )  # fmt: skip


def _decoding_error(error: Exception, data: bytes, where: str) -> PhotoError:
    text = _text(error)
    # WebP's decoder does not say so, but its header states the file's length
    riff_too_short = data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data)
    if riff_too_short or any(word in text.lower() for word in _TRUNCATED_WORDS):
        return PhotoError("the photo breaks off before its end.", reason="truncated", where=where,
                          mend="Upload the photo again.")  # fmt: skip
    return PhotoError(
        f"the photo is damaged: {text}.", reason="damaged", where=where,
        mend="Save the photo again, as JPEG or PNG.",
    )  # fmt: skip


def _text(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).rstrip(".").split())

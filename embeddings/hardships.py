"""What happens to photos between a studio and a search: cropped, turned, blurred, squeezed."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

Pixels = NDArray[np.uint8]  # [size, size, 3], or several of them

KEPT = 0.75  # of each side, by a crop
DEGREES = 15
BLUR = 0.012  # radius as a share of the side: 2.7 pixels of 224
QUALITY = 15  # of the JPEG
BRIGHTER, DARKER = 1.5, 0.55
NEAR = 24  # how far a channel may lie from its neighbor's to be one background with it
SCENE = (96, 118, 84)  # the color of the other background


def crop(image: Image.Image) -> Image.Image:
    """The middle, enlarged."""
    width, height = image.size
    left, top = width * (1 - KEPT) / 2, height * (1 - KEPT) / 2
    return image.resize(image.size, Image.Resampling.BICUBIC,
                        box=(left, top, width - left, height - top))  # fmt: skip


def rotate(image: Image.Image) -> Image.Image:
    """Turned by 15 degrees; the corners get the color of the first pixel."""
    corner = image.getpixel((0, 0))
    return image.rotate(DEGREES, Image.Resampling.BICUBIC, fillcolor=corner)


def blur(image: Image.Image) -> Image.Image:
    """Out of focus."""
    return image.filter(ImageFilter.GaussianBlur(BLUR * image.width))


def jpeg(image: Image.Image) -> Image.Image:
    """Squeezed to a small file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return Image.open(buffer).convert("RGB")


def brighter(image: Image.Image) -> Image.Image:
    """Half as bright again."""
    return ImageEnhance.Brightness(image).enhance(BRIGHTER)


def darker(image: Image.Image) -> Image.Image:
    """About half as bright."""
    return ImageEnhance.Brightness(image).enhance(DARKER)


def other_background(image: Image.Image) -> Image.Image:
    """What is one color with the corners, painted green; a photo without such is left as it is."""
    changed = image.copy()
    right, bottom = image.width - 1, image.height - 1
    for corner in ((0, 0), (right, 0), (0, bottom), (right, bottom)):
        if changed.getpixel(corner) != SCENE:
            ImageDraw.floodfill(changed, corner, SCENE, thresh=3 * NEAR)
    return changed


HARDSHIPS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "crop": crop, "rotation": rotate, "blur": blur, "jpeg": jpeg, "brighter": brighter,
    "darker": darker, "background": other_background,
}  # fmt: skip


def harder(pixels: Pixels, hardship: str) -> Pixels:
    """A photo after one of HARDSHIPS: uint8 of the same shape."""
    return np.asarray(HARDSHIPS[hardship](Image.fromarray(np.asarray(pixels))))

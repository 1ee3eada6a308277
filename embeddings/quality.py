"""Is a photo good enough to show a product? What can be measured, and what to tell who took it.

A photo that fails here can be read and is embedded all the same; one that cannot be read, is too
small or blank is refused by `embeddings.images` before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from recsys.config import QualityConfig

SIDE = 384  # the longer side that photos are judged at; smaller ones are judged as they are
TILES = 6  # a photo is looked at in so many tiles each way: backgrounds are plain by intent
NUM_SHARPEST = 4  # tiles that must be sharp: the product fills at least that much
SMALLEST_CHARACTER, LARGEST_CHARACTER = 5, 48  # pixels in height
CHARACTERS_IN_LINE = 4  # fewer in a row may be a pattern or a logo


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a photo.

    Attributes:
        check: underexposed, overexposed, blurred or mostly_text.
        figure: what was measured.
        limit: what it was compared with.
        message: for the person who took the photo.
    """

    check: str
    figure: float
    limit: float
    message: str


@dataclass(frozen=True)
class Figures:
    """What is measured of a photo.

    Attributes:
        dark: the 2nd percentile of luminance, 0..255: high where nothing is dark.
        bright: the 98th percentile of luminance: low where nothing is bright.
        sharpness: standard deviation of the Laplacian over that of luminance, in the sharpest
            tiles (variance of the Laplacian: Pech-Pacheco et al. 2000).
        text: share of the photo that lines of characters cover.
    """

    dark: float
    bright: float
    sharpness: float
    text: float


def judge_photo(image: Image.Image, settings: QualityConfig) -> list[Finding]:
    """What is wrong with a photo; an empty list where nothing is.

    Args:
        image: RGB, upright, as `embeddings.images.decode_photo` gives it.
        settings: the limits.
    """
    found = measure_photo(image)
    checks = [
        (found.bright < settings.min_bright, "underexposed", found.bright, settings.min_bright,
         "The photo is too dark. Take it in more light."),
        (found.dark > settings.max_dark, "overexposed", found.dark, settings.max_dark,
         "The photo is too bright, and details are lost. Take it in less light, without flash."),
        (found.sharpness < settings.min_sharpness, "blurred", found.sharpness,
         settings.min_sharpness,
         "The photo is not sharp. Hold the camera still and tap the product to focus."),
        (found.text > settings.max_text, "mostly_text", found.text, settings.max_text,
         "The photo is mostly text. Show the product itself, not its label or a screenshot."),
    ]  # fmt: skip
    return [Finding(check, round(figure, 3), limit, message)
            for failed, check, figure, limit, message in checks if failed]  # fmt: skip


def measure_photo(image: Image.Image) -> Figures:
    """Measures a photo; RGB of any size."""
    gray = _luminance(image)
    dark, bright = np.percentile(gray, [2, 98])
    return Figures(float(dark), float(bright), _sharpness(gray), _text_share(gray))


def _luminance(image: Image.Image) -> NDArray[np.float32]:
    """Luminance float32 [height, width] in 0..255, the longer side at most SIDE."""
    gray = image.convert("L")
    scale = SIDE / max(gray.size)
    if scale < 1:
        size = (max(1, round(gray.width * scale)), max(1, round(gray.height * scale)))
        gray = gray.resize(size, Image.Resampling.BOX)
    return np.asarray(gray, np.float32)


def _sharpness(gray: NDArray[np.float32]) -> float:
    """High where edges are crisp, whatever their contrast; in the tiles where it is highest."""
    response = np.abs(ndimage.laplace(gray, mode="nearest"))
    height, width = gray.shape
    found = []
    for rows in np.array_split(np.arange(height), min(TILES, height)):
        for cols in np.array_split(np.arange(width), min(TILES, width)):
            tile = gray[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            spread = float(tile.std())
            if spread > 4.0:  # noise of a plain background is no edge
                edges = response[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
                found.append(float(np.sqrt(np.mean(edges**2))) / spread)
    return float(np.mean(sorted(found)[-NUM_SHARPEST:])) if found else 0.0


def _text_share(gray: NDArray[np.float32]) -> float:
    """Share of the photo under lines of characters, dark on bright or bright on dark."""
    around = ndimage.uniform_filter(gray, 31, mode="nearest")
    return max(_lines_share(gray < around - 24), _lines_share(gray > around + 24))


def _lines_share(ink: NDArray[np.bool_]) -> float:
    """Rows of shapes of one height, side by side, as characters stand in a line."""
    labels, count = ndimage.label(ink, structure=np.ones((3, 3)))
    if not count:
        return 0.0
    boxes = [
        (rows.start, rows.stop, cols.start, cols.stop)
        for rows, cols in ndimage.find_objects(labels)
        if SMALLEST_CHARACTER <= rows.stop - rows.start <= LARGEST_CHARACTER
        and cols.stop - cols.start <= 3 * (rows.stop - rows.start)
    ]
    covered = np.zeros(ink.shape, bool)
    for line in _lines(sorted(boxes, key=lambda box: box[2])):
        if len(line) >= CHARACTERS_IN_LINE:
            tops, bottoms, lefts, rights = zip(*line, strict=True)
            covered[min(tops) : max(bottoms), min(lefts) : max(rights)] = True
    return float(covered.mean())


def _lines(boxes: list[tuple[int, int, int, int]]) -> list[list[tuple[int, int, int, int]]]:
    """Boxes joined from left to right where the next one stands near and level."""
    lines: list[list[tuple[int, int, int, int]]] = []
    for box in boxes:
        for line in lines:
            if _follows(line[-1], box):
                line.append(box)
                break
        else:
            lines.append([box])
    return lines


def _follows(last: tuple[int, int, int, int], box: tuple[int, int, int, int]) -> bool:
    height, last_height = box[1] - box[0], last[1] - last[0]
    taller = max(height, last_height)
    level = min(last[1], box[1]) - max(last[0], box[0]) >= 0.5 * min(height, last_height)
    near = -0.5 * taller <= box[2] - last[3] <= 1.5 * taller
    return level and near and taller <= 2.2 * min(height, last_height)

"""A region of a photo: the box that a shopper drew, in shares of the photo's sides."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from recsys.errors import PhotoError


@dataclass(frozen=True)
class Region:
    """A box; 0, 0 is the upper left corner of the upright photo and 1, 1 the lower right one."""

    left: float
    top: float
    right: float
    bottom: float

    def of(self, image: Image.Image, min_side: int, where: str) -> Image.Image:
        """The part of a photo within the box, at least one pixel.

        Raises:
            PhotoError: it is too small to show anything.
        """
        box = (round(self.left * image.width), round(self.top * image.height),
               round(self.right * image.width), round(self.bottom * image.height))  # fmt: skip
        if min(box[2] - box[0], box[3] - box[1]) < min_side:
            raise PhotoError(
                f"the region has {box[2] - box[0]} x {box[3] - box[1]} pixels, and {min_side} on "
                "each side are needed.", reason="too_small", where=where,
                mend="Draw a larger box, or send a larger photo.",
            )  # fmt: skip
        return image.crop(box)

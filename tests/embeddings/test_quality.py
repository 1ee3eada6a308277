"""Photos that can be read and are bad all the same, drawn here."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from embeddings.quality import Figures, judge_photo, measure_photo
from recsys.config import QualityConfig

SETTINGS = QualityConfig()


def product(size=300):
    """A striped bag with a handle on a white ground."""
    photo = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(photo)
    draw.ellipse([size * 0.35, size * 0.1, size * 0.65, size * 0.6], outline="black", width=8)
    draw.rectangle([size * 0.2, size * 0.4, size * 0.8, size * 0.9], fill=(150, 40, 60))
    for x in range(int(size * 0.2), int(size * 0.8), 20):
        draw.line([x, size * 0.4, x, size * 0.9], fill=(240, 220, 90), width=6)
    return photo


def page_of_text():
    photo = Image.new("RGB", (400, 400), "white")
    font = ImageFont.load_default(size=20)
    for y in range(8, 390, 26):
        ImageDraw.Draw(photo).text((8, y), "Wash at 30 degrees, do not bleach 12", "black", font)
    return photo


def checks(photo, settings=SETTINGS):
    return [finding.check for finding in judge_photo(photo, settings)]


@pytest.mark.parametrize("size", [64, 300, 1200])
def test_a_good_photo_of_any_size_has_nothing_wrong(size):
    assert checks(product(size)) == []


def test_a_photo_taken_in_the_dark():
    assert checks(ImageEnhance.Brightness(product()).enhance(0.2)) == ["underexposed"]


def test_a_washed_out_photo():
    assert "overexposed" in checks(product().point(lambda level: min(255, 230 + level // 10)))


def test_a_photo_out_of_focus():
    assert checks(product().filter(ImageFilter.GaussianBlur(5))) == ["blurred"]


def test_a_plain_background_does_not_hide_that_the_product_is_blurred():
    wide = Image.new("RGB", (900, 900), "white")
    wide.paste(product().filter(ImageFilter.GaussianBlur(5)), (300, 300))
    assert checks(wide) == ["blurred"]


def test_a_label_instead_of_a_product():
    assert checks(page_of_text()) == ["mostly_text"]


def test_a_line_of_text_beside_a_product_is_fine():
    photo = product()
    font = ImageFont.load_default(size=20)
    ImageDraw.Draw(photo).text((20, 4), "Summer sale, all bags", "black", font)
    assert checks(photo) == []


def test_every_finding_says_what_was_measured_and_what_to_do():
    (finding,) = judge_photo(ImageEnhance.Brightness(product()).enhance(0.2), SETTINGS)
    # white at a fifth of its brightness: 255 / 5 = 51
    assert (finding.figure, finding.limit) == (pytest.approx(51, abs=1), SETTINGS.min_bright)
    assert "more light" in finding.message


def test_percentiles_of_luminance():
    levels = np.repeat(np.arange(100, dtype=np.uint8)[:, None], 100, axis=1)
    found = measure_photo(Image.fromarray(levels).convert("RGB"))
    assert (found.dark, found.bright) == (pytest.approx(2, abs=1), pytest.approx(97, abs=1))


def test_one_color_has_no_sharpness_and_no_text():
    found = measure_photo(Image.new("RGB", (50, 40), (90, 90, 90)))
    assert found == Figures(dark=90, bright=90, sharpness=0, text=0)

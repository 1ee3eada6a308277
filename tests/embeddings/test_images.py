"""Photos: what every format becomes, and what is refused with which reason."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from embeddings.images import (
    FORMATS,
    decode_photo,
    encode_png,
    fit_photo,
    num_pixels,
    padded_size,
)
from recsys.config import PhotosConfig
from recsys.errors import PhotoError
from tests.embeddings.photo_bytes import encoded, picture, see_through

PHOTOS = PhotosConfig()


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(decode_photo(data, PHOTOS))


def reason_of(data: bytes, photos: PhotosConfig = PHOTOS) -> str:
    with pytest.raises(PhotoError) as caught:
        decode_photo(data, photos, "p.jpg")
    assert caught.value.line.startswith("p.jpg: ")
    assert caught.value.mend
    return caught.value.reason


def png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_decoded_to_nearly_the_same_photo(file_format):
    found = pixels_of(encoded(picture(), file_format)).astype(int)
    assert found.shape == (80, 60, 3)
    wanted = np.asarray(picture()).astype(int)
    assert abs(found - wanted).mean() < 20  # GIF has 256 colors; JPEG and WebP smooth
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("file_format", ["PNG", "BMP"])
def test_lossless_formats_come_through_untouched(file_format):
    np.testing.assert_array_equal(pixels_of(encoded(picture(), file_format)), picture())


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "CMYK"])
def test_other_color_models_become_rgb(mode):
    file_format = "JPEG" if mode == "CMYK" else "PNG"
    image = picture().convert(mode)
    found = pixels_of(encoded(image, file_format)).astype(int)
    wanted = np.asarray(image.convert("RGB")).astype(int)
    assert abs(found - wanted).mean() < (20 if mode == "CMYK" else 1e-9)


def test_transparency_is_laid_on_white():
    image = Image.new("RGBA", (40, 40), (200, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 20, 40))  # left half: nothing
    image.paste((0, 0, 0, 128), (20, 0, 40, 20))  # upper right: half-transparent black
    found = pixels_of(encoded(image, "PNG"))
    assert found[30, 5].tolist() == [255, 255, 255]
    assert found[5, 30].tolist() == [127, 127, 127]  # 255 * (1 - 128 / 255)
    assert found[30, 30].tolist() == [200, 0, 0]


def test_a_transparent_palette_color_is_white():
    image = Image.new("P", (40, 40), 0)
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.paste(1, (0, 0, 20, 40))
    found = pixels_of(encoded(image, "PNG", transparency=0))
    assert found[5, 30].tolist() == [255, 255, 255]
    assert found[5, 5].tolist() == [200, 100, 0]


def test_gray_of_16_bits_is_scaled_not_clipped():
    levels = np.full((40, 40), 65535, np.uint16)
    levels[:, :20] = 257 * 100
    found = pixels_of(encoded(Image.fromarray(levels), "PNG"))
    assert found[0, 0].tolist() == [100, 100, 100]
    assert found[0, 39].tolist() == [255, 255, 255]


def test_rgb_of_16_bits_keeps_the_upper_byte():
    pixels = np.asarray(picture()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    np.testing.assert_array_equal(pixels_of(png(60, 80, 16, 2, rows)), picture())


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_its_first_frame(file_format):
    options = {"lossless": True} if file_format == "WEBP" else {}
    moving = encoded(picture(), file_format, save_all=True,
                     append_images=[picture().rotate(180)], **options)  # fmt: skip
    still = encoded(picture(), file_format, **options)
    np.testing.assert_array_equal(pixels_of(moving), pixels_of(still))


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (3, (79, 59)), (6, (0, 79)), (8, (59, 0))]
)
def test_a_photo_is_turned_as_its_exif_says(orientation, corner):
    image = Image.new("RGB", (60, 80), "white")
    image.paste("black", (0, 0, 16, 16))  # upper left as the camera saw it
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = pixels_of(encoded(image, "JPEG", quality=95, exif=exif))
    assert found.shape[:2] == ((60, 80) if orientation in (6, 8) else (80, 60))
    assert found[corner].max() < 30


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_leaves_the_photo_as_it_is():
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09garbage")
    np.testing.assert_array_equal(pixels_of(data), pixels_of(encoded(picture(), "JPEG")))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_cut_in_half_is_truncated(file_format):
    data = encoded(picture(), file_format)
    assert reason_of(data[: len(data) // 2]) == "truncated"


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("empty", b""),
        ("not_a_photo", b"this is a text file called photo.jpg"),
        ("not_a_photo", b"\xff\xd8\xff"),
        ("not_a_photo", b"GIF89a"),
        ("not_a_photo", encoded(picture(), "TIFF")),  # a decoder that is never opened
        ("blank", encoded(Image.new("RGB", (60, 60), "red"), "PNG")),
        ("blank", encoded(Image.new("RGBA", (60, 60), (0, 0, 0, 0)), "PNG")),
        ("too_small", encoded(picture(31, 400), "PNG")),
        ("too_small", encoded(picture(1, 1), "PNG")),
        ("too_narrow", encoded(picture(40, 801), "PNG")),
        ("not_a_photo", png(0, 0, 8, 2, b"")),
    ],
)
def test_what_shows_nothing_is_refused(reason, data):
    assert reason_of(data) == reason


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8_000, 12_000, 20_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side):
    # a header alone: decoding it would find no pixels and say `truncated`
    assert reason_of(png(side, side, 1, 0, b"")) == "too_large"


def test_a_damaged_middle_is_refused():
    data = bytearray(encoded(picture(), "PNG"))
    data[len(data) // 2 : len(data) // 2 + 20] = bytes(20)
    assert reason_of(bytes(data)) in ("damaged", "truncated")


def test_bytes_changed_at_random_give_a_photo_or_a_photo_error():
    rng = np.random.default_rng(0)
    for file_format in FORMATS:
        for _ in range(25):
            data = bytearray(encoded(picture(), file_format))
            for place in rng.integers(0, len(data), 8):
                data[place] = rng.integers(256)
            try:
                assert decode_photo(bytes(data), PHOTOS).mode == "RGB"
            except PhotoError as error:
                assert error.reason in ("not_a_photo", "truncated", "damaged", "too_large",
                                        "too_small", "too_narrow", "blank")  # fmt: skip


def test_too_many_bytes_are_refused():
    assert reason_of(bytes(11), PhotosConfig(max_bytes=10)) == "too_large"


def test_pad_keeps_the_whole_photo_centered_on_white():
    image = Image.new("RGB", (40, 20), "black")
    found = fit_photo(image, 8, "pad")
    # 40 x 20 becomes 8 x 4: two white rows above, two below
    assert found.dtype == np.uint8
    assert found[:, 0, 0].tolist() == [255, 255, 0, 0, 0, 0, 255, 255]


def test_crop_keeps_the_central_square():
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (10, 0, 30, 20))
    assert (fit_photo(image, 8, "crop") == 0).all()


@pytest.mark.parametrize("fit", ["pad", "crop"])
def test_fitting_twice_changes_nothing_and_png_keeps_the_pixels(fit):
    fitted = fit_photo(picture(131, 90), 64, fit)
    again = decode_photo(encode_png(fitted), PHOTOS)
    np.testing.assert_array_equal(fit_photo(again, 64, fit), fitted)


@pytest.mark.parametrize(
    ("width", "height", "fitted"),
    [(100, 100, (8, 8)), (100, 50, (8, 4)), (16, 5, (8, 3)), (1000, 1, (8, 1))],
)
def test_padded_size_rounds_halves_up_and_keeps_one_pixel(width, height, fitted):
    # 5 * 8 / 16 = 2.5 -> 3; 1 * 8 / 1000 -> at least 1
    assert padded_size(width, height, 8) == fitted


def test_see_through_photo_is_the_same_in_png_and_lossless_webp():
    faded = see_through(picture())
    left = pixels_of(encoded(faded, "PNG")).astype(int)
    right = pixels_of(encoded(faded, "WEBP", lossless=True, exact=True)).astype(int)
    assert abs(left - right).max() <= 1


def test_a_file_of_countless_parts_is_given_up_soon():
    data = encoded(picture(), "JPEG")
    assert reason_of(data[:2] + b"\xff\xfe\0\x02" * 500_000 + data[2:]) == "damaged"


def test_a_bmp_of_runs_is_not_read():
    data = bytearray(encoded(picture().convert("L"), "BMP"))
    data[30] = 1  # how its pixels are packed: runs of 8 bits
    assert reason_of(bytes(data)) == "not_a_photo"


def test_a_photo_higher_than_a_strip_is_laid_on_white_without_a_seam():
    image = Image.new("RGBA", (40, 600), (0, 0, 0, 128))
    image.paste((0, 0, 0, 255), (0, 0, 20, 600))
    found = pixels_of(encoded(image, "PNG"))
    assert (found[:, :20] == 0).all()
    assert (found[:, 20:] == 127).all()


def test_comments_of_a_photo_are_dropped():
    assert decode_photo(encoded(picture(), "JPEG", comment=b"where I live"), PHOTOS).info == {}


def test_the_header_says_how_many_pixels_there_are():
    assert num_pixels(encoded(picture(), "PNG")) == 60 * 80
    assert num_pixels(b"hello") == 0

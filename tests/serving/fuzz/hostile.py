"""Uploads made to hurt: 500 files that are no usable photo, each under a name of its own.

Every one is hostile whatever a decoder makes of it: cut short, blank where it could be read,
too large, too narrow, or of a format that is not opened. The same call makes the same bytes.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from embeddings.images import FORMATS

PNG_START = b"\x89PNG\r\n\x1a\n"
MOVING = ("GIF", "PNG", "WEBP")  # formats that hold an animation
TEXTS = {
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
    "entities": b"<!DOCTYPE a [<!ENTITY b 'bbbb'><!ENTITY c '&b;&b;&b;'>]><a>&c;&c;</a>",
    "script": b"#!/bin/sh\nrm -rf photo\n", "json": b'{"photo": "data:image/png;base64,AAAA"}',
    "address": b"http://127.0.0.1/photo.png", "path": b"../../../../etc/hostname",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\nshowpage\n",
    "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n", "xpm": b"/* XPM */\nstatic char",
    "ppm": b"P6\n64 64\n255\n" + bytes(range(256)) * 48, "elf": b"\x7fELF\x02\x01\x01" + bytes(64),
    "wasm": b"\0asm\x01\0\0\0", "mp4": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
    "avif": b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf", "heic": b"\0\0\0\x18ftypheic\0\0\0\0",
    "psd": b"8BPS\0\x01" + bytes(6) + b"\0\x03\0\0\xff\xff\0\0\xff\xff\0\x08\0\x03",
    "icns": b"icns\0\0\0\x10ic08\0\0\0\x08", "wmf": b"\xd7\xcd\xc6\x9a" + bytes(64),
    "fits": b"SIMPLE  =                    T" + b" " * 50, "dds": b"DDS |" + bytes(124),
    "zeros": bytes(4096), "ones": b"\xff" * 4096, "newline": b"\n", "nul": b"\0",
    "jpeg-start": b"\xff\xd8", "png-start": PNG_START, "riff": b"RIFF\xff\xff\xff\xffWEBP",
    "gif-start": b"GIF89a" + b"\xff" * 7, "bmp-start": b"BM" + b"\xff" * 64,
}  # fmt: skip


def uploads(count: int = 500, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Pairs of a name and a file's bytes; what is left to `count` is cut photos."""
    made = 0
    for make in (_texts, _archives, _too_large, _bombs, _crumbs, _odd_shapes, _blanks, _bad_png,
                 _bad_jpeg, _bad_rest, _polyglots, _noise):  # fmt: skip
        for name, data in make(random.Random(seed)):
            yield f"{make.__name__[1:]}/{name}", data
            made += 1
    yield from _cut(count - made)


def picture(width: int = 96, height: int = 72) -> Image.Image:
    """A readable photo."""
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    pixels[: height // 2] //= 4
    return Image.fromarray(pixels)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """An image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its length and check."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, color: int, body: bytes, extra: bytes = b"") -> bytes:
    """A PNG whose header says anything; `body` is what stands in its IDAT, packed already."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (PNG_START + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body)
            + chunk(b"IEND", b""))  # fmt: skip


def blank_png(width: int, height: int, depth: int, color: int) -> bytes:
    """A whole and valid PNG of one color, small as a file and large in memory."""
    bits = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color] * depth * width
    row = b"\0" + bytes((bits + 7) // 8)
    body = zlib.compress(row * height, 1)
    palette = chunk(b"PLTE", bytes(3)) if color == 3 else b""
    return png(width, height, depth, color, body, palette)


def _texts(_: random.Random) -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield from TEXTS.items()
    for other in ("TIFF", "ICO", "TGA", "PCX", "SGI", "JPEG2000", "DIB"):
        yield other.lower(), encoded(picture(64, 64), other)


def _archives(_: random.Random) -> Iterator[tuple[str, bytes]]:
    photo = encoded(picture(), "PNG")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("photo.png"), photo)
        archive.writestr(zipfile.ZipInfo("zeros"), bytes(20_000_000), zipfile.ZIP_DEFLATED)
    yield "zip", buffer.getvalue()
    yield "gzip", gzip.compress(photo, mtime=0)
    yield "gzip-bomb", gzip.compress(bytes(50_000_000), 1, mtime=0)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("../photo.png")
        entry.size = len(photo)
        archive.addfile(entry, io.BytesIO(photo))
    yield "tar", buffer.getvalue()


def _too_large(_: random.Random) -> Iterator[tuple[str, bytes]]:
    """Headers of huge photos over little data."""
    sides = [(60_000, 60_000), (2**31 - 1, 1), (2**31 - 1, 2**31 - 1), (7_100, 7_100)]
    for width, height in sides:
        yield f"png-{width}x{height}", png(width, height, 8, 2, zlib.compress(bytes(1000)))
    for width, height in [(65_500, 65_500), (65_500, 800), (16_000, 16_000)]:
        data = encoded(picture(), "JPEG")
        at = data.index(b"\xff\xc0") + 5
        yield (
            f"jpeg-{width}x{height}",
            data[:at] + struct.pack(">HH", height, width) + data[at + 4 :],
        )
    gif = encoded(picture().quantize(16), "GIF")
    yield "gif-screen", gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    at = gif.index(b"\x2c\0\0\0\0") + 5
    yield "gif-frame", gif[:at] + b"\xff\xff\xff\xff" + gif[at + 4 :]
    bmp = encoded(picture(), "BMP")
    for width, height in [(30_000, 30_000), (2**31 - 1, 1), (60_000, -60_000)]:
        yield f"bmp-{width}x{height}", bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\xff\xff\xff\xff"
    yield "webp-canvas", b"RIFF" + struct.pack("<I", 4 + len(extended)) + b"WEBP" + extended


def _bombs(_: random.Random) -> Iterator[tuple[str, bytes]]:
    """Small files that unpack to much."""
    zeros = zlib.compress(bytes(100_000_000), 1)
    photo = zlib.compress(bytes(1000))
    for kind, start in {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}.items():
        bomb = chunk(kind, start + zeros)
        yield kind.decode(), png(64, 64, 8, 2, photo, bomb)
        yield f"{kind.decode()}-many", png(64, 64, 8, 2, photo, bomb * 20)
    yield "idat", png(64, 64, 8, 2, zeros)
    yield "rows", png(64, 64, 8, 2, zeros[:2000])
    for color, depth in [(0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (4, 8), (6, 8), (6, 16)]:
        yield f"blank-{color}-{depth}", blank_png(7_000, 7_000, depth, color)
    for index, file_format in enumerate(("WEBP", "GIF", "BMP", "JPEG")):
        large = Image.new("L" if file_format in ("BMP", "JPEG") else "RGB", (3400 + index, 3400))
        yield f"blank-{file_format.lower()}", encoded(large, file_format)
    large = Image.new("RGBA", (7_000, 7_000))
    yield "blank-webp-see-through", encoded(large, "WEBP", lossless=True, method=0, quality=0)
    yield "blank-progressive", encoded(Image.new("RGB", (7_000, 7_000)), "JPEG", progressive=True)
    yield "lines-of-bmp", _run_length_bmp(7_000, 7_000)


def _crumbs(_: random.Random) -> Iterator[tuple[str, bytes]]:
    """Millions of parts of nothing: decoders walk through them one by one."""
    good, jpeg = encoded(picture(), "PNG"), encoded(picture(), "JPEG")
    gif = encoded(picture().quantize(16), "GIF")
    frame = gif.index(b"\x2c\0\0\0\0")
    yield "png-texts", good[:33] + chunk(b"tEXt", b"") * 900_000
    yield "png-unknown", good[:33] + chunk(b"teXt", b"") * 900_000
    yield "png-bodies", good[:33] + chunk(b"IDAT", b"") * 900_000
    yield "jpeg-comments", jpeg[:2] + b"\xff\xfe\0\x02" * 2_900_000
    yield "jpeg-profiles", jpeg[:2] + b"\xff\xe2\0\x02" * 2_900_000
    yield "jpeg-fill", jpeg[:2] + b"\xff" * 11_000_000
    yield "gif-comments", gif[:frame] + b"\x21\xfe\x01a\0" * 2_000_000
    yield "gif-blocks", gif[:frame] + b"\x21\xfe" + b"\x01a" * 5_000_000
    yield "gif-nothing", gif[:frame] + bytes(11_000_000)


def _run_length_bmp(width: int, height: int) -> bytes:
    """Each line is one pixel and the sign that the line ends."""
    body = b"\x01\x00\x00\x00" * height + b"\x00\x01"
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + 40 + 1024
    return (b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info
            + bytes(1024) + body)  # fmt: skip


def _odd_shapes(_: random.Random) -> Iterator[tuple[str, bytes]]:
    """Whole files that show nothing: a strip, a point, no pixel at all."""
    for width, height in [(1, 1), (31, 31), (8, 400), (40, 801), (2000, 40), (1, 1_000_000)]:
        for file_format in ("PNG", "BMP"):
            yield (
                f"{file_format.lower()}-{width}x{height}",
                encoded(picture(width, height), file_format),
            )
    for width, height in [(0, 64), (64, 0), (0, 0)]:
        yield f"png-{width}x{height}", png(width, height, 8, 2, zlib.compress(bytes(64)))
        gif = encoded(picture().quantize(16), "GIF")
        yield (
            f"gif-{width}x{height}",
            gif[:6] + struct.pack("<HH", width, height) + gif[10:13] + b";",
        )


def _blanks(_: random.Random) -> Iterator[tuple[str, bytes]]:
    """Whole files of one color, in every mode and with every oddity that is read."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"png-{mode}", encoded(Image.new(mode, (64, 64)), "PNG")
    for mode in ("L", "RGB", "CMYK"):
        yield f"jpeg-{mode}", encoded(Image.new(mode, (64, 64)), "JPEG")
    plain = Image.new("RGB", (64, 64), "white")
    for file_format in MOVING:
        frames = [picture(64, 64).rotate(90 * turn) for turn in range(3)]
        yield (
            f"moving-{file_format.lower()}",
            encoded(plain, file_format, save_all=True, append_images=frames, lossless=True),
        )
    yield "see-through", encoded(_hidden(picture(64, 64)), "PNG")
    for number, exif in enumerate(_broken_exif()):
        yield f"exif-{number}", encoded(plain, "JPEG", exif=exif)
        yield f"exif-png-{number}", encoded(plain, "PNG", exif=exif)
        yield f"exif-webp-{number}", encoded(plain, "WEBP", exif=exif)


def _hidden(image: Image.Image) -> Image.Image:
    image.putalpha(0)
    return image


def _broken_exif() -> list[bytes]:
    start = b"Exif\0\0"
    loop = start + b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08"
    return [
        start, start + b"garbage", start + b"II*\0\xff\xff\xff\xff", loop,
        start + b"MM\0*\0\0\0\x08\xff\xff" + bytes(100),
        start + b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\3\0\0\0\1\xff\xff\0\0\0\0\0\0",
        start + b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\5\xff\xff\xff\xff\0\0\0\0\0\0\0\0",
        start + b"II*\0\x08\0\0\0" + b"\1\0\x12\1\2\0\xff\xff\xff\x7f\x08\0\0\0" + bytes(60_000),
    ]  # fmt: skip


def _bad_png(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    rows = zlib.compress((b"\0" + bytes(range(192))) * 64)
    for depth, color in [(3, 0), (32, 2), (8, 1), (8, 5), (8, 7), (255, 255), (1, 2), (2, 6)]:
        yield f"kind-{depth}-{color}", png(64, 64, depth, color, rows)
    for name, body in {
        "empty": b"",
        "text": b"hello",
        "cut": rows[:20],
        "tail": rows[-20:],
    }.items():
        yield f"body-{name}", png(64, 64, 8, 2, body)
    yield "filter", png(64, 64, 8, 2, zlib.compress((b"\x09" + bytes(range(192))) * 64))
    # five colors, and pixels that name the others
    few = chunk(b"PLTE", bytes(15))
    yield "palette-index", png(64, 64, 8, 3, zlib.compress((b"\0" + b"\xfe" * 64) * 64), few)
    yield "palette-none", png(64, 64, 8, 3, zlib.compress((b"\0" + b"\xfe" * 64) * 32))
    yield "palette-odd", png(64, 64, 8, 3, rows[:30], chunk(b"PLTE", bytes(16)))
    good = encoded(picture(), "PNG")
    yield "no-header", PNG_START + good[33:]
    yield "two-headers", PNG_START + good[8:33] + good[8:33] + good[33:60]
    yield "length", good[:33] + b"\xff\xff\xff\xff" + good[37 : len(good) // 2]
    yield "other-start", b"\x89PNX" + good[4:]
    for _ in range(30):
        at = draw.randrange(16, 33)  # within the header or its check: one of them is wrong
        yield (
            f"flipped-{at}-{_}",
            good[:at] + bytes([good[at] ^ draw.randrange(1, 256)]) + good[at + 1 :],
        )


def _bad_jpeg(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "RGB", "CMYK"):
        for progressive in (False, True):
            data = encoded(picture().convert(mode), "JPEG", progressive=progressive)
            name = f"{mode}-{'progressive' if progressive else 'baseline'}"
            body = data.index(b"\xff\xda")
            yield f"{name}-no-scan", data[:body] + b"\xff\xd9"
            yield f"{name}-scan-of-nothing", data[: body + 6] + b"\xff\xd9"
            at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
            for part, value in {"depth": 4, "components": 9}.items():
                there = data[: at + value] + b"\x00" + data[at + value + 1 :]
                yield f"{name}-{part}-0", there
            yield f"{name}-height-0", data[: at + 5] + bytes(4) + data[at + 9 :]
            tables = data.replace(b"\xff\xdb", b"\xff\xfe")
            yield f"{name}-no-tables", tables
    data = encoded(picture(), "JPEG")
    for _ in range(12):
        cut = draw.randrange(3, data.index(b"\xff\xda"))
        yield f"shuffled-{_}", data[:2] + data[cut : cut + 60] + data[2:cut][::-1]


def _bad_rest(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    gif = encoded(picture().quantize(16), "GIF")
    frame = gif.index(b"\x2c\0\0\0\0")
    yield "gif-no-frame", gif[:frame] + b";"
    yield "gif-codes", gif[: frame + 10] + b"\x0d" + gif[frame + 11 :]
    yield "gif-block", gif[: frame + 11] + b"\xff" * 20
    yield "gif-comments", gif[:frame] + (b"\x21\xfe\xff" + bytes(255) + b"\0") * 2000
    webp = encoded(picture(), "WEBP")
    for at in (4, 12, 16, 20, 23, 26):
        yield f"webp-{at}", webp[:at] + bytes([webp[at] ^ 0xFF]) + webp[at + 1 : 90]
    bmp = encoded(picture(), "BMP")
    fields = [("offset", 10, 2**31), ("header", 14, 3), ("planes", 28, 0xFFFF), ("bits", 28, 77),
              ("packing", 30, 99), ("colors", 46, 2**31)]  # fmt: skip
    for name, at, value in fields:
        yield f"bmp-{name}", bmp[:at] + struct.pack("<I", value) + bmp[at + 4 : 400]
    for _ in range(8):
        start = draw.choice([gif[:13], webp[:20], bmp[:30]])
        yield f"start-and-noise-{_}", start + draw.randbytes(500)


def _polyglots(_: random.Random) -> Iterator[tuple[str, bytes]]:
    """The start of one kind and the rest of another."""
    photo = encoded(picture(), "PNG")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("photo.png"), photo)
    rests = {"zip": buffer.getvalue(), "html": TEXTS["html"], "pdf": TEXTS["pdf"],
             "script": TEXTS["script"], "svg": TEXTS["svg"]}  # fmt: skip
    starts = {"gif": b"GIF89a/*", "jpeg": b"\xff\xd8\xff\xfe\x20\x20", "png": PNG_START,
              "bmp": b"BM/*", "webp": b"RIFF\x20\0\0\0WEBPVP8 "}  # fmt: skip
    for start, first in starts.items():
        for rest, last in rests.items():
            yield f"{start}-{rest}", first + last
    yield "html-before-png", TEXTS["html"] + photo
    yield "mz-before-png", b"MZ" + photo
    yield "blank-and-zip", encoded(Image.new("RGB", (64, 64)), "PNG") + buffer.getvalue()


def _noise(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    for number in range(20):
        yield str(number), draw.randbytes(draw.choice([1, 7, 64, 1000, 60_000]))


def _cut(count: int) -> Iterator[tuple[str, bytes]]:
    """Readable photos of every format, cut where a header starts or within it."""
    levels = np.arange(96 * 72, dtype=np.uint16).reshape(72, 96)
    whole = {
        **{each: encoded(picture(), each) for each in FORMATS},
        "CMYK": encoded(picture().convert("CMYK"), "JPEG"),
        "progressive": encoded(picture(), "JPEG", progressive=True),
        "lossless": encoded(picture(), "WEBP", lossless=True),
        "exif": encoded(picture(), "JPEG", exif=_broken_exif()[4]),
        "16-bit": encoded(Image.fromarray(levels), "PNG"),
        "palette": encoded(picture().quantize(200), "PNG"),
        "moving": encoded(picture(), "GIF", save_all=True, append_images=[picture().rotate(90)]),
    }  # fmt: skip
    for index in range(count):
        name = list(whole)[index % len(whole)]
        data, turn = whole[name], index // len(whole)
        cuts = _headers(data)
        at = cuts[turn % len(cuts)] + turn // len(cuts)
        yield f"cut/{name}-{turn}-{at}", data[:at]


def _headers(data: bytes) -> list[int]:
    """Where a file's parts begin, as far as its first half; short steps where it has no parts."""
    marks = (b"\xff", b"IHDR", b"PLTE", b"IDAT", b"VP8", b"ALPH", b"\x21", b"\x2c")
    half = len(data) // 2
    starts = {at for at in range(1, half) if data.startswith(marks, at)}
    return sorted(starts | set(range(2, min(half, 60), 4)) | {half})[:24]

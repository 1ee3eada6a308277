"""Photos in a check: every reason counted with examples, copies found."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from recsys.config import PhotosConfig, QualityConfig
from vitrine.check_photos import check_photos


def photo(seed, size=(80, 120), kind="JPEG"):
    noise = np.random.default_rng(seed).integers(0, 255, (5, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def found(tmp_path):
    files = {
        "a.jpg": photo(1), "b.jpg": photo(2, (90, 50)), "copy.jpg": photo(1),
        "larger.png": photo(1, (160, 240), "PNG"), "cut.jpg": photo(3)[:300], "text.jpg": b"hello",
        "empty.jpg": b"", "tiny.jpg": photo(4, (8, 8)),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    images = [str(tmp_path / name) for name in files]
    images[0] += f"|{images[1]}"  # the first item has two photos
    images = [images[0], *images[2:], "", str(tmp_path / "lost.jpg"), ""]
    catalog = pd.DataFrame({"item_id": [f"i{row}" for row in range(10)], "image": images})
    return check_photos(catalog, PhotosConfig(min_side=16), QualityConfig())


def test_photos_are_counted_by_photo_and_by_item(found):
    # a and b of one item, copy, larger; the other five files and three items have none
    assert (found["photos"], found["usable"]) == (9, 4)
    assert found["items_without_usable_photo"] == 10 - 3


def test_each_reason_has_its_examples_and_its_mend(found):
    reasons = {entry["reason"]: entry for entry in found["rejected"]}
    assert {reason: entry["count"] for reason, entry in reasons.items()} == {
        "truncated": 1, "not_a_photo": 1, "empty": 1, "too_small": 1, "missing": 1,
    }  # fmt: skip
    assert reasons["missing"]["examples"][0]["where"].endswith("lost.jpg")
    assert all(entry["mend"] for entry in reasons.values())


def test_sizes_are_of_usable_photos(found):
    assert found["width"] == {"min": 80, "median": 85, "max": 160}  # 80, 80, 90, 160
    assert found["height"] == {"min": 50, "median": 120, "max": 240}
    assert {"width": 80, "height": 120, "count": 2} in found["sizes"]


def test_the_same_file_and_the_same_picture_are_told_apart(found):
    exact, near = found["exact_duplicates"], found["near_duplicates"]
    assert (exact["groups"], exact["photos"]) == (1, 2)
    assert [entry["item_id"] for entry in exact["examples"][0]] == ["i0", "i1"]
    # the copy is left out of the search for near ones: one of each file is compared
    assert [entry["where"].rsplit("/")[-1] for entry in near["examples"][0]] == [
        "a.jpg", "larger.png",
    ]  # fmt: skip


def test_photos_to_take_again_are_named_with_what_was_measured(tmp_path):
    from PIL import Image, ImageDraw

    dark = Image.new("RGB", (90, 90), (8, 8, 8))
    ImageDraw.Draw(dark).rectangle([20, 20, 60, 60], fill=(50, 45, 40))
    dark.save(tmp_path / "dark.png")
    catalog = pd.DataFrame({"item_id": ["7"], "image": [str(tmp_path / "dark.png")]})
    found = check_photos(catalog, PhotosConfig(), QualityConfig())
    assert found["rejected"] == []
    (entry,) = found["doubtful"]
    assert (entry["reason"], entry["count"]) == ("underexposed", 1)
    assert entry["examples"][0]["item_id"] == "7"
    assert "more light" in entry["mend"]

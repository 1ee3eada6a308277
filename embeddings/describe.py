"""What a photo shows: category and attributes with probabilities, the nearest titles, one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.heat_map import class_heat, overlay, pair_heat
from embeddings.image_tower import CATEGORY, LoadedTower, load_tower
from embeddings.images import decode_photo, fit_photo
from embeddings.photo_source import read_bytes
from embeddings.quality import Finding, judge_photo
from recsys.catalog import load_catalog
from recsys.columns import ATTRIBUTE_PREFIX, ITEM_ID, TITLE
from recsys.config import Config
from recsys.embedding_table import open_table
from recsys.errors import NotFoundError
from recsys.workdir import Workdir

NUM_LIKELIEST = 3  # values shown of each label
NUM_NEAREST = 5  # titles of the nearest items
LIKELY = 0.5  # less is not claimed in the line


@dataclass(frozen=True)
class Description:
    """What a photo shows.

    Attributes:
        line: one line for a person.
        labels: for `category` and each attribute, its likeliest values with probabilities.
        nearest: (item id, title, cosine) of the items with the nearest photos.
        findings: what is wrong with the photo itself.
    """

    line: str
    labels: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    nearest: list[tuple[str, str, float]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Lines for a terminal."""
        lines = [self.line]
        for name, values in self.labels.items():
            shown = ", ".join(f"{value} {probability:.0%}" for value, probability in values)
            lines.append(f"  {name:<20} {shown}")
        lines += [f"  {'near' if not place else '':<20} {cosine:.3f}  {item_id}  {title}"
                  for place, (item_id, title, cosine) in enumerate(self.nearest)]  # fmt: skip
        lines += [f"  {finding.check:<20} {finding.message}" for finding in self.findings]
        return [line.rstrip() for line in lines]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class Describer:
    """Describes photos with the tower and the catalog of a workdir.

    Args:
        config: photos and quality settings are used.
        workdir: holds a trained tower; nearest titles come from its embedding table, if any.

    Raises:
        ArtifactError: there is no tower.
    """

    def __init__(self, config: Config, workdir: Workdir) -> None:
        self.config = config
        self.tower: LoadedTower = load_tower(workdir.tower)
        self.item_ids: list[str] = []
        self.vectors = np.zeros((0, self.tower.embedding_dim), np.float32)
        self.titles: dict[str, str] = {}
        if workdir.embeddings.is_dir():
            self.item_ids, self.vectors = open_table(workdir.embeddings).read()
            catalog = load_catalog(workdir)
            self.titles = dict(zip(catalog[ITEM_ID], catalog[TITLE], strict=True))

    def describe(self, location: str) -> Description:
        """What one photo shows.

        Args:
            location: a path, or a URL that fsspec reads.

        Raises:
            PhotoError: it cannot be read as a photo.
        """
        image = self._read(location)
        answer = self.tower.model(self._fitted(image)[np.newaxis].astype(np.float32))
        labels = {
            name: likeliest(answer[f"{name}_probabilities"][0].numpy(), values)
            for name, values in self.tower.classes.items()
        }
        nearest = self._nearest(answer["embedding"][0].numpy())
        line = one_line(labels, [title for _, title, _ in nearest], self.tower.settings.several)
        return Description(line, labels, nearest, judge_photo(image, self.config.quality))

    def explain(self, location: str, label: str = CATEGORY) -> Image.Image:
        """The photo with the regions that speak for its likeliest class.

        Raises:
            NotFoundError: the tower has no such label.
        """
        if label not in self.tower.classes:
            known = ", ".join(self.tower.classes) or "none: it was trained without labels"
            raise NotFoundError(f"the tower has no label `{label}`.", where="label",
                                mend=f"It has {known}.")  # fmt: skip
        pixels = self._fitted(self._read(location))
        said = self.tower.model(pixels[np.newaxis].astype(np.float32))[f"{label}_probabilities"]
        return overlay(pixels, class_heat(self.tower, pixels, label, int(np.argmax(said[0]))))

    def explain_pair(self, location: str, other: str) -> Image.Image:
        """Two photos side by side, with the regions that make them similar."""
        photos = [self._fitted(self._read(each)) for each in (location, other)]
        heats = pair_heat(self.tower, photos[0], photos[1])
        size = self.tower.image_size
        both = Image.new("RGB", (2 * size, size), "white")
        for place, (pixels, heat) in enumerate(zip(photos, heats, strict=True)):
            both.paste(overlay(pixels, heat), (place * size, 0))
        return both

    def _read(self, location: str) -> Image.Image:
        photos = self.config.photos
        data = read_bytes(location, photos.max_bytes, self.config.sources)
        return decode_photo(data, photos, where=location)

    def _fitted(self, image: Image.Image) -> NDArray[np.uint8]:
        return fit_photo(image, self.tower.image_size, self.tower.fit)

    def _nearest(self, embedding: NDArray[np.float32]) -> list[tuple[str, str, float]]:
        cosines = self.vectors @ embedding
        best = np.argsort(-cosines, kind="stable")[:NUM_NEAREST]
        return [
            (self.item_ids[row], self.titles.get(self.item_ids[row], ""),
             round(float(cosines[row]), 4))
            for row in best
        ]  # fmt: skip


def likeliest(probabilities: NDArray[np.float32], values: list[str]) -> list[tuple[str, float]]:
    """The likeliest values with their probabilities, best first."""
    best = np.argsort(-probabilities, kind="stable")[:NUM_LIKELIEST]
    return [(values[number], round(float(probabilities[number]), 4)) for number in best]


def one_line(
    labels: dict[str, list[tuple[str, float]]], titles: list[str], several: Sequence[str] = ()
) -> str:
    """A line such as `Dresses, color red, pattern striped; like "Summer dress"`.

    What is less likely than not is left out, and a photo of which nothing is known gets the
    nearest title alone. A label in `several` may be said with more than one value.
    """
    parts = []
    for name, values in labels.items():
        likely = [value for value, probability in values if probability >= LIKELY]
        if likely:
            last = " and ".join(value.rpartition(">")[2].strip() for value in
                                (likely if name in several else likely[:1]))  # fmt: skip
            named = name.removeprefix(ATTRIBUTE_PREFIX).replace("_", " ")
            parts.append(last if name == CATEGORY else f"{named} {last}")
    said = ", ".join(parts)
    title = next((title for title in titles if title), "")
    like = f'like "{title}"' if title else ""
    line = "; ".join(part for part in (said, like) if part) or "nothing that the tower is sure of"
    return line[0].upper() + line[1:]

"""Real questions for each servable: asked before it is published, and kept as its warm-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embeddings.images import decode_photo, encode_png, fit_photo
from embeddings.photo_source import read_bytes
from recsys import columns
from recsys.config import Config
from recsys.errors import DataError
from recsys.features import ItemFeatures, place_inputs
from recsys.histories import context_of
from serving.bundle import IMAGE_ENCODER, RANK, SCANN, SIMILAR_ITEMS, TEXT_ENCODER
from serving.servables import DEFAULT

PAGE = 20  # how many items a canary asks for


@dataclass(frozen=True)
class Question:
    """One request for a servable.

    Attributes:
        signature: which one.
        inputs: name → array; text as an object array of bytes.
    """

    signature: str
    inputs: dict[str, np.ndarray]


def make_questions(
    servable: str, config: Config, catalog: pd.DataFrame, interactions: pd.DataFrame,
    *, vectors: np.ndarray, image_size: int = 0, placed: ItemFeatures | None = None,
    explains: bool = False,
) -> list[Question]:  # fmt: skip
    """Questions about the first items, shoppers or photos, for every signature of a servable.

    Args:
        servable: its name.
        catalog, interactions: the prepared tables.
        vectors: float32 [num_items, dim] of the space that the servable searches; the image
            encoder searches none.
        image_size: the tower's, for the image encoder.
        placed: the catalog as the candidate tower reads it, where the servable places items.
        explains: whether the servable explains its scores.
    """
    num = config.export.num_canaries
    if servable == IMAGE_ENCODER:
        photos = _photos(catalog, config, num, image_size)
        return [Question(DEFAULT, {"photo": text(photos)})] if photos else []
    if servable == TEXT_ENCODER:
        titles = [title for title in catalog[columns.TITLE].tolist() if title][:num]
        return [Question(DEFAULT, {"text": text([*titles, "words of no title"])})]
    rng = np.random.default_rng(0)
    item_ids = [str(item_id) for item_id in catalog[columns.ITEM_ID].tolist()]
    asked = [item_ids[row] for row in rng.permutation(len(item_ids))[:num]]
    by_item = Question(DEFAULT, {"item_id": text([*asked, "no such item"]), **_page(num + 1)})
    if servable == RANK:
        users = interactions[columns.USER_ID].drop_duplicates().tolist()[:num]
        return [_ranked(history_inputs(interactions, users, config.model.history_length), asked)]
    rows = rng.permutation(len(vectors))[:num]
    by_embedding = Question("by_embedding", {"embedding": vectors[rows], **_page(len(rows))})
    if servable.removesuffix(SCANN) == SIMILAR_ITEMS:
        return [by_item, by_embedding]
    users = interactions[columns.USER_ID].drop_duplicates().tolist()[:num]
    histories = history_inputs(interactions, users, config.model.history_length)
    return [
        Question(DEFAULT, {**histories, **_page(len(histories["hour"]))}),
        Question("query_embedding", histories),
        Question("by_item", by_item.inputs),
        by_embedding,
        *_placed(placed, num),
        *(_explained(histories, asked) if explains else []),
    ]


def history_inputs(
    interactions: pd.DataFrame, user_ids: list[str], length: int
) -> dict[str, np.ndarray]:
    """Each shopper's last events as seen at the last one, and a new visitor in the last row.

    Returns:
        history, kinds and ages [num_users + 1, longest], hour and weekday [num_users + 1].
    """
    mine = interactions[interactions[columns.USER_ID].isin(user_ids)]
    groups = {user: events.tail(length) for user, events in mine.groupby(columns.USER_ID)}
    events = [groups[user] for user in user_ids] + [mine.iloc[:0]]
    longest = max(1, *(len(rows) for rows in events))
    ids = np.full((len(events), longest), b"", dtype=object)
    kinds, ages = ids.copy(), np.zeros(ids.shape, np.float32)
    nows = np.full(len(events), -1.0)
    for row, found in enumerate(events):
        if not len(found):
            continue
        times = found[columns.TIMESTAMP].to_numpy(np.float64)
        nows[row] = times[-1]
        ids[row, : len(found)] = text(found[columns.ITEM_ID].tolist())
        kinds[row, : len(found)] = text(found[columns.EVENT].tolist())
        ages[row, : len(found)] = times[-1] - times
    context = {name: np.where(nows < 0, -1, values).astype(np.int32)
               for name, values in context_of(np.maximum(nows, 0)).items()}  # fmt: skip
    return {"history": ids, "kinds": kinds, "ages": ages, **context}


def _ranked(histories: dict[str, np.ndarray], item_ids: list[str]) -> Question:
    """Corrected scores of some items for each shopper, and of one that is unknown."""
    wanted = np.tile(text([*item_ids, "no such item"]), (len(histories["hour"]), 1))
    scores = np.linspace(1, 0, wanted.size, dtype=np.float32).reshape(wanted.shape)
    told = {name: histories[name] for name in ("history", "ages")}
    return Question(DEFAULT, {**told, "item_ids": wanted, "scores": scores})


def _explained(histories: dict[str, np.ndarray], item_ids: list[str]) -> list[Question]:
    """Why some items are there for the first shoppers, and for a new visitor."""
    chosen = {name: values[-4:] for name, values in histories.items()}
    wanted = np.tile(text([*item_ids[:4], "no such item"]), (len(chosen["hour"]), 1))
    return [Question("explain", {**chosen, "item_ids": wanted})]


def text(values: list[Any]) -> np.ndarray:
    """An object array of bytes, as TensorFlow takes text."""
    array = np.empty(len(values), dtype=object)
    array[:] = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return array


def _page(batch: int) -> dict[str, np.ndarray]:
    nothing = np.full((batch, 1), b"", dtype=object)
    return {"k": np.full(batch, PAGE, np.int32), "exclude": nothing}


def _placed(features: ItemFeatures | None, num: int) -> list[Question]:
    """The first items as if they were new ones, where anything is known of items."""
    if features is None:
        return []
    inputs = place_inputs(features)
    return [Question("place", {name: array[:num] for name, array in inputs.items()})] * bool(inputs)


def _photos(catalog: pd.DataFrame, config: Config, num: int, size: int) -> list[bytes]:
    """The first photos that can be read, fitted as the API sends them."""
    photos: list[bytes] = []
    locations = (image.split(columns.IMAGE_SEPARATOR)[0] for image in catalog[columns.IMAGE])
    for location in locations:
        if len(photos) == num:
            break
        if not location:
            continue
        try:
            data = read_bytes(location, config.photos.max_bytes, config.sources)
            image = decode_photo(data, config.photos, location)
        except DataError:
            continue  # embedding has rejected it too
        photos.append(encode_png(fit_photo(image, size, config.photos.fit)))
    return photos

"""The two public verbs asked of a bundle's own servables, without a server."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embeddings.images import decode_photo, encode_png, fit_photo
from embeddings.photo_source import read_bytes
from recsys import columns
from recsys.errors import NotFoundError
from recsys.repeats import word_for
from recsys.workdir import Workdir
from serving.bundle import IMAGE_ENCODER, RECOMMEND, SIMILAR_ITEMS, Bundle, open_bundle
from serving.loaded_servable import DEFAULT, LoadedServable
from serving.sharded_servable import ShardedServable

Answer = dict[str, Any]
SHOWN = (columns.TITLE, columns.CATEGORY, columns.BRAND, columns.PRICE)
NOTHING = [[""]]
MOST_COMPARED = 50_000  # ids that an unknown one is compared with: about a second


class LocalBundle:
    """The newest bundle of a workdir, or the one of a version; loads what is asked.

    Each answer is a list of dicts, best first: item_id, score, title, category, brand, price.
    It may be shorter than k where the catalog is.

    Args:
        workdir: where the bundle is.
        version: None for the newest one.
        engine: `exact` or `scann`; empty takes the bundle's own choice.

    Raises:
        ArtifactError: there is no bundle, or it is damaged.

    Example:
        >>> LocalBundle(Workdir(Path("w"))).similar_items("17", k=3)
    """

    def __init__(self, workdir: Workdir, version: int | None = None, engine: str = "") -> None:
        self.bundle: Bundle = open_bundle(workdir, version)
        self._workdir, self._engine = workdir, engine
        self._loaded: dict[str, LoadedServable] = {}

    def similar_items(self, item_id: str, k: int = 10) -> list[Answer]:
        """Items near an item: by photo, or by behavior where it has no photo.

        Raises:
            NotFoundError: the item is unknown; the nearest id is suggested.
        """
        row = self._row(item_id)
        inputs = {"item_id": [item_id], "k": [k], "exclude": NOTHING}
        by_photo = self.bundle.info["spaces"][SIMILAR_ITEMS] == "photo"
        if by_photo and not self._items[columns.HAS_PHOTO][row]:
            if not self.bundle.has(RECOMMEND):
                raise NotFoundError(
                    "this item has no usable photo, and the catalog has no events.",
                    where=item_id,
                    mend="rejected.parquet says what is wrong with its photo.",
                )
            return self._ask(RECOMMEND, "by_item", inputs)
        return self._ask(SIMILAR_ITEMS, DEFAULT, inputs)

    def similar_to_image(self, photo: str | Path | bytes, k: int = 10) -> list[Answer]:
        """Items whose photos are near a photo, given by its path, URL or bytes.

        Raises:
            PhotoError: it cannot be used.
            NotFoundError: the bundle has no image encoder.
        """
        encoder = self._servable(self.bundle.servable(IMAGE_ENCODER))
        photos = self.bundle.config.photos
        where = "" if isinstance(photo, bytes) else str(photo)
        data = photo if isinstance(photo, bytes) else read_bytes(where, photos.max_bytes)
        info = self.bundle.info
        square = fit_photo(decode_photo(data, photos, where), info["image_size"], info["fit"])
        embedding = encoder.predict({"photo": [encode_png(square)]})["embedding"]
        inputs = {"embedding": embedding, "k": [k], "exclude": NOTHING}
        return self._ask(SIMILAR_ITEMS, "by_embedding", inputs)

    def recommend(self, user_id: str, k: int = 10) -> list[Answer]:
        """Items for a known user, from the events in the workdir's tables, as of now.

        Raises:
            NotFoundError: the user is unknown; the nearest id is suggested.
        """
        events = self._events
        mine = events[events[columns.USER_ID] == user_id]
        if mine.empty:
            known = events[columns.USER_ID].drop_duplicates().tolist()
            raise _not_found("user", user_id, known)
        mine = mine.tail(int(self.bundle.info["history_length"]))
        now = time.time()
        ages = [max(0.0, now - moment) for moment in mine[columns.TIMESTAMP]]
        history = mine[columns.ITEM_ID].tolist()
        seen = events[events[columns.USER_ID] == user_id]
        repeats = self.bundle.info["repeat_consumption"]
        masks = [word_for(repeats, kind) == "mask" for kind in seen[columns.EVENT]]
        exclude = seen.loc[masks, columns.ITEM_ID].drop_duplicates().tolist()
        return self._recommend(history, mine[columns.EVENT].tolist(), ages, now, exclude, k)

    def recommend_for_history(self, item_ids: Sequence[str], k: int = 10) -> list[Answer]:
        """Items for someone who viewed these just now, oldest first; it may be nobody.

        Raises:
            NotFoundError: an item is unknown; the nearest id is suggested.
        """
        for item_id in item_ids:
            self._row(item_id)
        kinds, ages = ["view"] * len(item_ids), [0.0] * len(item_ids)
        return self._recommend(list(item_ids), kinds, ages, time.time(), [], k)

    def _recommend(
        self, history: list[str], kinds: list[str], ages: list[float], now: float,
        exclude: list[str], k: int,
    ) -> list[Answer]:  # fmt: skip
        moment = time.gmtime(now)
        inputs = {
            "history": [history or [""]], "kinds": [kinds or [""]], "ages": [ages or [0.0]],
            "hour": [moment.tm_hour], "weekday": [moment.tm_wday],
            "exclude": [exclude or [""]], "k": [k],
        }  # fmt: skip
        return self._ask(RECOMMEND, DEFAULT, inputs)

    def _ask(self, verb: str, signature: str, inputs: dict[str, Any]) -> list[Answer]:
        servable = self._servable(self.bundle.servable(verb, self._engine))
        k = inputs["k"][0]
        # Items that cannot be bought are found and left out: so many more are asked for.
        answer = servable.predict({**inputs, "k": [k + self._num_unavailable]}, signature)
        found = zip(answer["item_ids"][0], answer["scores"][0], strict=True)
        return [
            {"item_id": item_id, "score": round(float(score), 6), **self._shown(item_id)}
            for item_id, score in found
            if np.isfinite(score) and self._items[columns.AVAILABLE][self._rows[item_id]]
        ][:k]

    def _shown(self, item_id: str) -> Answer:
        row = self._rows[item_id]
        values = {name: self._items[name][row] for name in SHOWN}
        price = values[columns.PRICE]
        return {**values, columns.PRICE: None if np.isnan(price) else float(price)}

    def _row(self, item_id: str) -> int:
        if item_id not in self._rows:
            raise _not_found("item", item_id, list(self._rows))
        return self._rows[item_id]

    def _servable(self, name: str) -> LoadedServable | ShardedServable:
        names = self.bundle.published(name)
        if names == [name]:
            return self._whole(name)
        loaded = {shard: self._whole(shard) for shard in names}
        return ShardedServable(names, lambda shard, inputs, signature: loaded[shard].predict(
            inputs, signature or DEFAULT))  # fmt: skip

    def _whole(self, name: str) -> LoadedServable:
        if name not in self._loaded:
            self._loaded[name] = LoadedServable(self.bundle.model_folder(name))
        return self._loaded[name]

    @cached_property
    def _items(self) -> dict[str, list[Any]]:
        names = [columns.ITEM_ID, *SHOWN, columns.AVAILABLE, columns.HAS_PHOTO]
        return {name: self.bundle.items[name].tolist() for name in names}

    @cached_property
    def _num_unavailable(self) -> int:
        return self._items[columns.AVAILABLE].count(False)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self._items[columns.ITEM_ID])}

    @cached_property
    def _events(self) -> pd.DataFrame:
        from recsys.interactions import load_interactions

        return load_interactions(self._workdir)


def _not_found(what: str, wanted: str, known: list[str]) -> NotFoundError:
    near = difflib.get_close_matches(wanted, known[:MOST_COMPARED], n=1, cutoff=0.5)
    return NotFoundError(f"there is no {what} `{wanted}`.", where=f"{what}_id",
                         mend=f"Did you mean `{near[0]}`?" if near else "")  # fmt: skip

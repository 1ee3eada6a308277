"""Brings the photo store up to date with a list of photos, doing only what they ask for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embeddings.engine import Engine, PhotoResult
from embeddings.photo_state import EMPTY, PhotoState
from embeddings.photo_states import read_states, write_states
from embeddings.photo_store import PhotoStore
from embeddings.photo_work import KnownHashes, PhotoTask
from recsys.deadline import stop_if_late
from recsys.progress import track

SHARE_OF_SAVING = 0.02  # of the time may be spent on saving states, which a kill would lose
_FIRST_SAVE = 5.0  # seconds


@dataclass
class PhotoUpdate:
    """What looking at the photos gave.

    Attributes:
        states: of each location, now.
        num_embedded: photos that the network saw.
        num_failed: locations that could not be read or decoded.
        spent: seconds in each stage, summed over the workers.
    """

    states: dict[str, PhotoState]
    num_embedded: int = 0
    num_failed: int = 0
    seconds: float = 0.0
    spent: dict[str, float] = field(
        default_factory=lambda: {"read": 0.0, "decode": 0.0, "network": 0.0}
    )

    @property
    def photos_per_second(self) -> float:
        """Of those that the network saw."""
        return self.num_embedded / max(self.seconds, 1e-9)

    def count(self, result: PhotoResult) -> None:
        """Takes one result into account."""
        self.states[result.location] = result.state
        self.num_embedded += result.vector is not None
        self.num_failed += result.error is not None
        for stage, seconds in zip(self.spent, result.spent, strict=True):
            self.spent[stage] += seconds

    def summary(self) -> dict[str, Any]:
        """Counts and speeds, for the step's record."""
        return {
            "num_locations": len(self.states), "embedded": self.num_embedded,
            "unchanged": len(self.states) - self.num_embedded - self.num_failed,
            "failed": self.num_failed, "photos_per_second": round(self.photos_per_second, 1),
            "stage_seconds": {stage: round(spent, 2) for stage, spent in self.spent.items()},
        }  # fmt: skip


def update_photos(
    locations: Iterable[str], photos: Path, engine: Engine, store: PhotoStore
) -> PhotoUpdate:
    """Asks every location whether it changed, and stores the vectors of new photos.

    What is done is kept, whatever ends it: an error, a kill, or the time given.

    Args:
        locations: each once.
        photos: `Workdir.photos`, where states are kept.
        engine: gives the vectors.
        store: takes them; opened again, so that it knows them afterwards.

    Raises:
        OutOfTimeError: the command's time is over.
        ArtifactError: the disk is full, or the tower's vectors are not of norm 1.
    """
    known_states = read_states(photos)
    update = PhotoUpdate({place: known_states.get(place, EMPTY) for place in locations})
    del known_states
    tasks = (PhotoTask(place, state) for place, state in update.states.items())
    save = _Saver(photos, update.states)
    began = time.monotonic()
    try:
        with _results(engine, tasks, store.known) as results:
            for result in track(results, "embed photos", len(update.states)):
                if result.vector is not None:
                    store.add(result.state.sha256, result.vector)
                if result.error is not None:
                    save.uncounted[result.location] = update.states[result.location]
                update.count(result)
                save.now_and_then()
                stop_if_late("the photos embedded so far are kept")
        save.uncounted.clear()
    finally:
        store.flush()
        save.now()
    update.seconds = time.monotonic() - began
    store.open()
    return update


@contextlib.contextmanager
def _results(
    engine: Engine, tasks: Iterable[PhotoTask], known: KnownHashes
) -> Iterator[Iterator[PhotoResult]]:
    results = engine.run(tasks, known)
    try:
        yield results
    finally:
        if close := getattr(results, "close", None):
            close()  # at once, and not when the error that ended it is forgotten


class _Saver:
    """Saves states as often as costs little.

    Attributes:
        uncounted: states from before a failure of this run, which is saved when the run is done:
            one that goes on after a kill or a stop meets the failure again, and would count it
            twice.
    """

    def __init__(self, photos: Path, states: dict[str, PhotoState]) -> None:
        self.photos = photos
        self.states = states
        self.uncounted: dict[str, PhotoState] = {}
        self.next = time.monotonic() + _FIRST_SAVE

    def now_and_then(self) -> None:
        if time.monotonic() >= self.next:
            self.now()

    def now(self) -> None:
        began = time.monotonic()
        states = {**self.states, **self.uncounted} if self.uncounted else self.states
        write_states(self.photos, states)
        took = time.monotonic() - began
        self.next = time.monotonic() + max(_FIRST_SAVE, took / SHARE_OF_SAVING)

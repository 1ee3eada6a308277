"""The bundles that are loaded, which of them answers whom, and moving from one to the next.

A new bundle is loaded and warmed beside the old one and asked the same questions; only then does
traffic move, and the old one goes when the last request that holds it has ended.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from recsys.errors import ArtifactError, NotFoundError, ServingError, VitrineError
from recsys.progress import say
from serving.recommender import Recommender, Visit
from serving.release import Lease, Release
from serving.rules import Page
from serving.store_items import LiveItem
from serving.traffic import Traffic

POLL_SECONDS = 1.0
RETRY_SECONDS = 30.0  # until a bundle that could not be loaded is tried again
HOLD_SECONDS = 60.0  # the longest that a request keeps an old bundle loaded
NUM_CANARIES = 8
CANARY_K = 10


class Shelf(Protocol):
    """Where bundles come from, and what they are loaded into."""

    def versions(self) -> list[int]:
        """The versions that are published, lowest first."""
        ...

    def bundles(self) -> Sequence[Any]:
        """Those of them that can be opened."""
        ...

    def load(self, version: int, beside: Sequence[int]) -> Recommender:
        """Loads and warms one version while others stay as they are."""
        ...

    def keep(self, versions: Sequence[int]) -> None:
        """Unloads every other version."""
        ...

    def traffic(self) -> Traffic:
        """What was chosen last."""
        ...

    def choose(self, traffic: Traffic) -> None:
        """Keeps a choice."""
        ...

    def latest_refresh(self) -> dict[str, Any] | None:
        """What the newest refresh did; None where there was none."""
        ...


@dataclass(frozen=True)
class Compared:
    """How a new bundle answers beside the one that is served.

    Attributes:
        overlap: mean share of the first items that both name.
        questions: how many were asked.
        empty: how many the new one left empty that the old one answered.
    """

    overlap: float
    questions: int
    empty: int


def _nothing(with_photos: bool) -> list[LiveItem]:
    return []


class Releases:
    """Every loaded bundle, and who is answered by which.

    Args:
        first: what is served to begin with.
        shelf: where others come from; None serves `first` for good.
        live: the store's live items, with their photos or without.
        changes: the store's count of their changes.
    """

    def __init__(
        self, first: Release, shelf: Shelf | None = None,
        live: Callable[[bool], Sequence[LiveItem]] = _nothing, changes: Callable[[], int] = int,
    ) -> None:  # fmt: skip
        self._shelf, self._live, self._changes = shelf, live, changes
        self._loaded = {first.version: first}
        self._leaving: list[Release] = []
        self._main = first.version
        # other bundles that are to share are loaded by the first look
        chosen = shelf.traffic() if shelf is not None else Traffic()
        self._traffic = replace(chosen, shares={}, serving=first.version)
        self._lock = threading.Lock()  # of what is loaded and who gets it
        self._moving = threading.RLock()  # one change at a time
        self._failed: dict[int, tuple[float, str]] = {}
        self._seen_changes = -1
        self._stopped = threading.Event()
        self.compared: dict[int, Compared] = {}

    @property
    def current(self) -> Release:
        """The bundle that answers whoever is nobody in particular."""
        with self._lock:
            return self._loaded[self._main]

    @property
    def loaded(self) -> list[Release]:
        """Every bundle that may be asked, lowest version first."""
        with self._lock:
            return [self._loaded[version] for version in sorted(self._loaded)]

    @property
    def published(self) -> list[Any]:
        """Every bundle that could be served, lowest version first."""
        if self._shelf is None:
            return [release.bundle for release in self.loaded]
        return list(self._shelf.bundles())

    @property
    def traffic(self) -> Traffic:
        """Who is answered by which."""
        return self._traffic

    @property
    def latest_refresh(self) -> dict[str, Any] | None:
        """What the newest refresh did; None where there was none."""
        return None if self._shelf is None else self._shelf.latest_refresh()

    @property
    def failures(self) -> dict[int, str]:
        """Versions that could not be loaded, and why."""
        return {version: why for version, (_, why) in self._failed.items()}

    def pin(self, user_id: str | None) -> tuple[Release, Lease]:
        """The bundle for one request, and the sign that keeps it loaded until it is dropped."""
        with self._lock:
            version = self._traffic.version_for(user_id, self._main)
            release = self._loaded.get(version) or self._loaded[self._main]
            return release, release.lease()

    def refresh(self) -> None:
        """Takes what the store says has changed into every loaded bundle.

        Raises:
            ServingError: the store or the model server does not answer.
        """
        with self._moving:
            changes = self._changes()
            for release in self.loaded:
                self._refresh(release)
            self._seen_changes = changes

    def choose(self, traffic: Traffic) -> None:
        """Serves as is chosen, durably; returns when it is so.

        Raises:
            NotFoundError: a version is not published.
            ServingError: it cannot be loaded, or its answers are not what they should be;
                nothing has changed then.
        """
        shelf = self._needs_shelf()
        with self._moving:
            known = shelf.versions()
            pinned = set() if traffic.pinned is None else {traffic.pinned}
            for version in sorted({*pinned, *traffic.shares}):
                if version not in known:
                    raise NotFoundError(
                        f"there is no bundle {version}.", where="version",
                        mend=f"There are {', '.join(map(str, known))}.",
                    )  # fmt: skip
            self._follow(traffic)

    def watch(self) -> None:
        """Follows new bundles, choices and changes from now on, in a thread of its own."""
        if self._shelf is not None:
            self._shelf.choose(replace(self._shelf.traffic(), serving=self._main))
        threading.Thread(target=self._watch, name="releases", daemon=True).start()

    def stop(self) -> None:
        """Ends the watch."""
        self._stopped.set()

    def look(self) -> None:
        """Looks once for what `watch` follows.

        Raises:
            VitrineError: what appeared cannot be served; what was served still is.
        """
        if self._changes() != self._seen_changes:
            self.refresh()
        if self._shelf is None:
            return
        with self._moving:
            traffic = self._shelf.traffic()
            wanted = self._main_of(traffic)
            since = self._failed.get(wanted, (0.0, ""))[0]
            if (wanted, traffic.shares) == (self._main, self._traffic.shares):
                self._traffic = traffic
                return
            if time.monotonic() - since > RETRY_SECONDS or not since:
                self._follow(traffic)

    def _watch(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self.look()
            except VitrineError as error:
                say(f"serving goes on as it was: {error.line}")
            except Exception as error:  # the watch must not end
                say(f"serving goes on as it was: {type(error).__name__}: {error}")

    def _follow(self, traffic: Traffic) -> None:
        """Loads what is wanted, compares it, moves traffic, and lets go of the rest."""
        shelf = self._needs_shelf()
        main = self._main_of(traffic)
        for version in sorted({main, *traffic.shares}):
            if version not in self._loaded:
                self._load(version)
        moved = main != self._main
        chosen = Traffic(traffic.pinned, dict(traffic.shares), traffic.salt, main)
        shelf.choose(chosen)
        with self._lock:
            self._main, self._traffic = main, chosen
        if moved:
            say(f"bundle {main} is served from now on")
        self._release({main, *traffic.shares})

    def _load(self, version: int) -> None:
        shelf = self._needs_shelf()
        try:
            release = Release(shelf.load(version, self._held()))
            self._refresh(release)
            self.compared[version] = compare(self.current.recommender, release.recommender)
        except Exception as error:
            why = error.line if isinstance(error, VitrineError) else str(error)
            self._failed[version] = (time.monotonic(), why)
            shelf.keep(self._held())
            raise
        self._failed.pop(version, None)
        with self._lock:
            self._loaded[version] = release

    def _refresh(self, release: Release) -> None:
        live = self._live(False)
        if release.needs_photos(live):
            live = self._live(True)
        release.refresh(live)

    def _release(self, wanted: set[int]) -> None:
        """Unloads what nobody asks any more, once its requests have ended."""
        with self._lock:
            leaving = [self._loaded.pop(version) for version in list(self._loaded)
                       if version not in wanted]  # fmt: skip
            self._leaving += leaving
        if not leaving:
            return
        if any(release.in_use for release in leaving):  # a slow request must hold up nobody
            threading.Thread(target=self._let_go, args=(leaving,), daemon=True).start()
        else:
            self._let_go(leaving)

    def _let_go(self, leaving: list[Release]) -> None:
        end = time.monotonic() + HOLD_SECONDS
        while any(release.in_use for release in leaving) and time.monotonic() < end:
            time.sleep(0.01)
        with self._moving:
            self._leaving = [release for release in self._leaving if release not in leaving]
            self._needs_shelf().keep(self._held())

    def _held(self) -> list[int]:
        """The versions that some request may still ask, lowest first."""
        return sorted({release.version for release in (*self._loaded.values(), *self._leaving)})

    def _main_of(self, traffic: Traffic) -> int:
        if traffic.pinned is not None:
            return traffic.pinned
        versions = self._needs_shelf().versions()
        return versions[-1] if versions else self._main

    def _needs_shelf(self) -> Shelf:
        if self._shelf is None:
            raise ArtifactError("only one bundle is served here.", where="the bundles",
                               mend="`vitrine serve` moves between bundles.")  # fmt: skip
        return self._shelf


def compare(old: Recommender, new: Recommender, seed: int = 0) -> Compared:
    """Asks two bundles the same questions.

    Raises:
        ServingError: the new one fails, or has nothing to say where the old one had.
    """
    shared = sorted(old.items.rows.keys() & new.items.rows.keys())
    chosen = random.Random(seed).sample(shared, min(NUM_CANARIES, len(shared)))
    overlaps, empty = [], 0
    for ask in [_similar(each) for each in chosen] + [_recommended(each) for each in chosen]:
        try:
            before = ask(old)
        except (VitrineError, KeyError):
            continue  # the old bundle knows nothing of it
        after = ask(new)
        if before and not after:
            empty += 1
        if before:
            overlaps.append(len(set(before) & set(after)) / len(before))
    if overlaps and empty * 2 > len(overlaps):
        raise ServingError(
            f"bundle {new.bundle.version} left {empty} of {len(overlaps)} questions empty.",
            where="canary queries", mend="Look at its report; `vitrine export` makes another.",
        )  # fmt: skip
    overlap = sum(overlaps) / len(overlaps) if overlaps else 1.0
    return Compared(overlap, len(overlaps), empty)


def _similar(item_id: str) -> Callable[[Recommender], list[str]]:
    def ask(recommender: Recommender) -> list[str]:
        return _ids(recommender, recommender.similar_items(item_id, Page(CANARY_K)))

    return ask


def _recommended(item_id: str) -> Callable[[Recommender], list[str]]:
    def ask(recommender: Recommender) -> list[str]:
        return _ids(recommender, recommender.recommend([Visit(item_id)], Page(CANARY_K)))

    return ask


def _ids(recommender: Recommender, found: Sequence[Any]) -> list[str]:
    return [recommender.items.item_ids[each.row] for each in found]

"""What a refresh must pass before it is published: each figure beside its limit.

A figure that could not be measured is not judged: a first refresh has nothing to be compared
with, and the vectors of another tower lie elsewhere by design.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from recsys.config import Config
from recsys.errors import DataError, IndexQualityError, ServingError

FEWEST = 100  # items whose vectors are compared, below which their drift is chance
PARITY = "parity"
# what an operator may force; parity is none of them: export makes nothing where it fails
GATES = (
    "items-lost", "photos-lost", "centroid-shift", "centroid-stability", "neighbor-stability",
    "neighbors", "canaries-similar", "canaries-recommended", "canaries-emptied", "recall-photo",
    "recall-behavior",
)  # fmt: skip


@dataclass(frozen=True)
class GateResult:
    """One figure beside its limit.

    Attributes:
        name: what `--force-gate` takes.
        what: the figure in words.
        figure: None where nothing could be measured.
        limit: what it is compared with.
        at_least: whether the figure must reach the limit; else it must not pass it.
        setting: where the limit is set.
        forced: passed because an operator said so.
        note: why it is not judged, or what happened.
    """

    name: str
    what: str
    figure: float | None
    limit: float
    at_least: bool
    setting: str
    forced: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to its limit, or is not judged."""
        if self.figure is None:
            return True
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    @property
    def passed(self) -> bool:
        """Whether the refresh may go on for all that this gate says."""
        return self.holds or self.forced

    @property
    def missed_by(self) -> float:
        """How far the figure is on the wrong side of its limit; 0 where it is not."""
        return 0.0 if self.holds or self.figure is None else abs(self.figure - self.limit)

    @property
    def line(self) -> str:
        """One line for a report: the figure, its limit, and by how much it misses it."""
        if self.figure is None:
            return f"{self.name}: not judged, {self.note or 'nothing to compare with'}"
        side = "within" if self.holds else f"{self.missed_by:.4g} " + (
            "under" if self.at_least else "over")  # fmt: skip
        limit = f"{self.setting} = {self.limit:g}" if self.setting else f"{self.limit:g}"
        forced = ", forced" if self.forced and not self.holds else ""
        note = f" ({self.note})" if self.note else ""
        return f"{self.name}: {self.what} {self.figure:.4g}, {side} {limit}{forced}{note}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {**asdict(self), "passed": self.passed, "missed_by": self.missed_by,
                "line": self.line}  # fmt: skip


def gate(
    figures: Mapping[str, Any], config: Config, forced: Collection[str] = ()
) -> list[GateResult]:
    """Compares what `measure` found with the limits of the section `refresh`.

    Args:
        figures: of `vitrine.health.measure.measure`.
        config: the limits; that of the index's recall is `index.min_recall`.
        forced: names of gates that an operator lets pass, whatever they say.

    Raises:
        DataError: a forced name is no gate; the nearest one is suggested.
    """
    check_forced(forced)
    results = [*_items(figures, config), *_drift(figures, config), *_answers(figures, config),
               *_recall(figures, config)]  # fmt: skip
    return [replace(result, forced=result.name in forced) for result in results]


def check_forced(names: Collection[str]) -> None:
    """Refuses names that are no gates, before any work is done.

    Raises:
        DataError: one is none; the nearest one is suggested.
    """
    for name in names:
        if name not in GATES:
            near = difflib.get_close_matches(name, GATES, n=1, cutoff=0.5)
            raise DataError(f"`{name}` is no gate.", where="--force-gate",
                            mend=f"Did you mean `{near[0]}`?" if near
                            else f"The gates are {', '.join(GATES)}.")  # fmt: skip


def failed(results: Sequence[GateResult]) -> list[GateResult]:
    """Those that forbid publication."""
    return [result for result in results if not result.passed]


def parity(error: ServingError | None, *, exported: bool = True) -> GateResult:
    """The gate that export judges: whether servables, loaded again, answer as the model did.

    Args:
        error: what export raised; None where it did not.
        exported: whether it came to that; where another gate failed it did not.
    """
    note = error.line if error is not None else "" if exported else "nothing was exported"
    return GateResult(PARITY, "servables that answer otherwise once loaded again",
                      float(error is not None) if exported else None, 0.0, False, "",
                      note=note)  # fmt: skip


def index_refused(error: IndexQualityError) -> GateResult:
    """The gate of recall where no index was made: the error says what it lacks of the limit."""
    return GateResult("recall", "spaces without an index that may be served", 1.0, 0.0, False, "",
                      note=error.line)  # fmt: skip


def _items(figures: Mapping[str, Any], config: Config) -> list[GateResult]:
    found, limits = figures["items"], config.refresh
    return [
        GateResult("items-lost", "share of the items that left", found["lost_share"],
                   limits.max_shrink, False, "refresh.max_shrink"),
        GateResult("photos-lost", "share of items left without their vector",
                   found["photos_lost_share"], limits.max_photos_lost, False,
                   "refresh.max_photos_lost"),
    ]  # fmt: skip


def _drift(figures: Mapping[str, Any], config: Config) -> list[GateResult]:
    drift, limits = figures["drift"] or {}, config.refresh
    note = ""
    if drift and not drift["same_tower"]:
        note = "another tower made the vectors"
    elif drift and drift["items"] < FEWEST:
        note = f"{drift['items']} items are too few"
    judged = drift if not note else {}
    shift, unstable = limits.max_centroid_shift, limits.max_instability
    rows = (
        ("centroid-shift", "shift of the mean vector", "centroid_shift", shift,
         "refresh.max_centroid_shift"),
        ("centroid-stability", "instability of similarity to the center", "centroid_instability",
         unstable, "refresh.max_instability"),
        ("neighbor-stability", "instability of similarity to neighbors", "neighbor_instability",
         unstable, "refresh.max_instability"),
    )  # fmt: skip
    return [
        GateResult(name, what, judged.get(key), limit, False, setting, note=note)
        for name, what, key, limit, setting in rows
    ]


def _answers(figures: Mapping[str, Any], config: Config) -> list[GateResult]:
    limits = config.refresh
    neighbors = (figures["neighbors"] or {}).get("overlap")
    results = [GateResult("neighbors", "overlap of nearest photos", neighbors,
                          limits.min_neighbor_overlap, True,
                          "refresh.min_neighbor_overlap")]  # fmt: skip
    for verb, found in figures["canaries"].items():
        results.append(GateResult(
            f"canaries-{verb}", f"overlap of {verb} answers", (found or {}).get("overlap"),
            limits.min_canary_overlap, True, "refresh.min_canary_overlap",
        ))  # fmt: skip
    asked = [found for found in figures["canaries"].values() if found]
    share = max((found["emptied"] / found["asked"] for found in asked), default=None)
    return [*results, GateResult("canaries-emptied", "share of answers now empty", share,
                                 limits.max_canaries_emptied, False,
                                 "refresh.max_canaries_emptied")]  # fmt: skip


def _recall(figures: Mapping[str, Any], config: Config) -> list[GateResult]:
    """For each space that ScaNN answers in; an exact answer has nothing to miss."""
    return [
        GateResult(f"recall-{space}", "recall@10 of the index", found["recall"] if found["scann"]
                   else None, config.index.min_recall, True, "index.min_recall",
                   note="" if found["scann"] else "it answers exactly")
        for space, found in figures["index"].items()
    ]  # fmt: skip

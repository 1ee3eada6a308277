"""The `transitions` step: counts what followed what, and fits how much it adds to the towers.

It never trains, so that it can follow new events at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys import columns, metrics
from recsys.artifact import fingerprint_of, open_artifact, write_artifact
from recsys.catalog import load_catalog
from recsys.config import Config, ModelConfig, TransitionsConfig
from recsys.errors import ArtifactError
from recsys.interactions import load_interactions
from recsys.mixture import (
    Mixture,
    affordable,
    blend_scorer,
    fit_mixture,
    fit_repeat,
    transitions_scorer,
)
from recsys.progress import say
from recsys.ranking import Scorer, masked_ranks
from recsys.repeats import boosted_kinds, masked_kinds
from recsys.sequences import Masks, Sequences, make_sequences
from recsys.splits import Cases, leave_last_out, sample_cases
from recsys.transitions import DAY, Transitions, count_transitions, load_transitions
from recsys.workdir import Workdir

if TYPE_CHECKING:
    from recsys.two_tower import LoadedTwoTower

KIND = "transitions"
TABLE = "table.npz"
SHARE_OF_LOG = 1 / 8  # the half-life that is tried beside none, as a share of the log's span
MEND = "Run `vitrine transitions` first."


@dataclass(frozen=True)
class SecondSource:
    """The transitions as they are served: what was counted, how, and what it adds.

    Attributes:
        table: what followed what.
        settings: those chosen on validation.
        mixture: what it adds to the towers, by history length.
        boosted: bool [num_kinds + 1] kinds of events that ask for their item again.
    """

    table: Transitions
    settings: TransitionsConfig
    mixture: Mixture
    boosted: NDArray[np.bool_] | None = None

    def scorers(self, towers: Scorer, history_length: int) -> dict[str, Scorer]:
        """Both sources alone and together, by the names of their rows in the report."""
        return {
            "two_tower": towers,
            "transitions": transitions_scorer(self.table, self.settings),
            "blend": blend_scorer(
                towers, self.table, self.mixture, self.settings, history_length, self.boosted
            ),
        }  # fmt: skip


def learn_transitions(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Counts the table anew and fits its mixture with the trained towers on validation.

    Returns:
        How large the table is, the settings chosen, and validation NDCG@10 of each source
        alone and of both; None without validation cases.

    Raises:
        ArtifactError: there is no model, or it knows another catalog.
    """
    from recsys.histories import loaded_scorer
    from recsys.two_tower import load_two_tower

    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    model = load_two_tower(workdir.model)
    item_ids = load_catalog(workdir)[columns.ITEM_ID].tolist()
    if item_ids != model.item_ids:
        raise ArtifactError(
            "the model was trained on another catalog.", where=str(workdir.model),
            mend="Run `vitrine train` again; only new events can do without it.",
        )  # fmt: skip
    events = load_interactions(workdir)
    sequences = make_sequences(events, item_ids, config.model.event_weights)
    mask = masked_kinds(config.model)
    split = leave_last_out(sequences, len(item_ids), mask_repeats=mask)
    known = split.ranked(config.evaluation.rank)
    towers = loaded_scorer(model)
    settings = tuned(config.transitions, split.train, split.validation, known, mask=mask)
    found = fit_source(towers, split.train, split.validation, settings, known, config.model)
    summary = _summary(found, towers, split.validation, known, config)
    if settings.learn_from == "all":
        table = count_transitions(sequences, len(item_ids), settings, mask_repeats=mask)
        found = replace(found, table=table)
    with write_artifact(workdir.transitions, KIND) as draft:
        draft.inputs = {"tables": tables.fingerprint, "model": model.trained,
                        "items": fingerprint_of(item_ids)}  # fmt: skip
        draft.info = {**summary, "mixture": found.mixture.as_dict(),
                      "settings": settings.model_dump(mode="json")}  # fmt: skip
        found.table.save(draft.path / TABLE)
    return summary


def open_source(workdir: Workdir, model: LoadedTwoTower) -> SecondSource | None:
    """What the `transitions` step wrote; None where it was not run or is switched off.

    Raises:
        ArtifactError: it was fitted to another model, or counted for other items.
    """
    if not workdir.transitions.is_dir():
        return None
    artifact = open_artifact(workdir.transitions, KIND, mend=MEND)
    if artifact.inputs["model"] != model.trained:
        raise ArtifactError("the transitions were fitted to another model.",
                            where=str(workdir.transitions), mend="Run `vitrine transitions` again."
                            )  # fmt: skip
    # one from before there were refreshes does not name its items: they are the training's
    counted = artifact.inputs.get("items")
    if counted != fingerprint_of(list(model.item_ids)) and (
        counted is not None or model.trained != model.fingerprint
    ):
        raise ArtifactError("the transitions were counted for another catalog.",
                            where=str(workdir.transitions), mend="Run `vitrine transitions` again."
                            )  # fmt: skip
    settings = TransitionsConfig.model_validate(artifact.info["settings"])
    if not settings.enabled:
        return None
    mixture = Mixture.from_dict(artifact.info["mixture"])
    table = load_transitions(workdir.transitions / TABLE)
    return SecondSource(table, settings, mixture, boosted_kinds(model.config))


def fit_source(
    towers: Scorer, train: Sequences, validation: Cases, settings: TransitionsConfig,
    known: NDArray[np.bool_], model: ModelConfig,
) -> SecondSource:  # fmt: skip
    """Counts the events of training and fits the mixture on validation.

    Args:
        known: bool [num_items] the items that validation ranks.
        model: what is masked and what boosted of items consumed before.
    """
    mask, boosted = masked_kinds(model), boosted_kinds(model)
    table = count_transitions(train, len(known), settings, mask_repeats=mask)
    mixture = Mixture()
    if settings.enabled and len(validation):
        mixture = fit_mixture(
            towers, table, validation, settings, mask_seen=mask, known=known
        )  # fmt: skip
        if boosted.any():
            mixture = fit_repeat(mixture, towers, table, validation, settings, boosted,
                                 mask_seen=mask, known=known)  # fmt: skip
    return SecondSource(table, settings, mixture, boosted)


def tuned(
    settings: TransitionsConfig, train: Sequences, validation: Cases, known: NDArray[np.bool_], *,
    mask: Masks,
) -> TransitionsConfig:  # fmt: skip
    """The ages and dampings by which the transitions alone rank validation best by NDCG@10."""
    if not (settings.tune and settings.enabled) or not len(validation):
        return settings
    cases = sample_cases(validation, affordable(len(known), settings), 0)
    best, best_ndcg = settings, -1.0
    for tried in _grid(settings, train):
        table = count_transitions(train, len(known), tried, mask_repeats=mask)
        found = _ndcg(transitions_scorer(table, tried), cases, known, mask=mask)
        if found > best_ndcg:
            best, best_ndcg = tried, found
    return best


def _grid(settings: TransitionsConfig, train: Sequences) -> Iterator[TransitionsConfig]:
    """The settings asked for, and others that did better on one shop or another."""
    yield settings
    span = (train.times.max() - train.times.min()) / DAY if len(train.times) else 0.0
    for half_life in (0.0, span * SHARE_OF_LOG):
        for damping, popularity in ((0.5, 0.2), (0.3, 0.0), (0.5, 0.4)):
            yield settings.model_copy(update={
                "half_life_days": half_life, "damping": damping, "popularity_damping": popularity,
            })  # fmt: skip


def _ndcg(scorer: Scorer, cases: Cases, known: NDArray[np.bool_], *, mask: Masks) -> float:
    ranks = masked_ranks(scorer, cases, len(known), mask_seen=mask, known=known)
    return float(np.average(metrics.ndcg_at_k(ranks, 10), weights=cases.weights))


def _summary(
    found: SecondSource, towers: Scorer, validation: Cases, known: NDArray[np.bool_],
    config: Config,
) -> dict[str, Any]:  # fmt: skip
    mask = masked_kinds(config.model)
    cases = sample_cases(validation, affordable(len(known), found.settings), 0)
    scorers = found.scorers(towers, config.model.history_length)
    ndcg = {
        name: round(_ndcg(scorer, cases, known, mask=mask), 4) if len(cases) else None
        for name, scorer in scorers.items()
    }
    say("  validation NDCG@10: " + ", ".join(f"{name} {value}" for name, value in ndcg.items()))
    chosen = ("half_life_days", "damping", "popularity_damping")
    return {
        "entries": len(found.table.followers), "validation_ndcg_at_10": ndcg,
        **{name: round(getattr(found.settings, name), 2) for name in chosen},
        "weights": list(found.mixture.weights),
    }  # fmt: skip

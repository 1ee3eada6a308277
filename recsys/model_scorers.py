"""The trained model as the evaluation asks it: both sources alone, and together as served."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recsys.artifact import Artifact
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.learn_transitions import SHARE_OF_LOG, fit_source, open_source, tuned
from recsys.ranking import Scorer
from recsys.repeats import masked_kinds
from recsys.splits import Cases, Split, hold_out_last, temporal
from recsys.transitions import count_transitions
from recsys.workdir import Workdir


def model_scorers(
    protocol: str, config: Config, workdir: Workdir, split: Split, model: Artifact
) -> dict[str, Scorer]:
    """Scorers by the names of their rows: two_tower, and where used transitions and blend.

    After one moment, the towers are trained anew on what came before it, but for each shopper's
    last target: on those, the late ones more, the mixture is fitted. The settings of the
    transitions are those that would have done best on the last part before the moment.
    """
    if protocol == "leave_last_out":
        return _as_trained(config, workdir, split, model)
    return _before_the_moment(config, workdir, split, model)


def _as_trained(
    config: Config, workdir: Workdir, split: Split, model: Artifact
) -> dict[str, Scorer]:  # fmt: skip
    from recsys.histories import loaded_scorer
    from recsys.two_tower import load_two_tower

    loaded = load_two_tower(workdir.model)
    towers = loaded_scorer(loaded)
    if not config.transitions.enabled:
        return {"two_tower": towers}
    mask = masked_kinds(config.model)
    source = open_source(workdir, loaded)
    if source is None:
        source = fit_source(
            towers, split.train, split.validation, config.transitions,
            split.ranked(config.evaluation.rank), loaded.config,
        )  # fmt: skip
    elif source.settings.learn_from == "all":  # what is served has seen the answers
        table = count_transitions(
            split.train, len(split.known), source.settings, mask_repeats=mask
        )  # fmt: skip
        source = replace(source, table=table)
    return source.scorers(towers, loaded.config.history_length)


def _before_the_moment(
    config: Config, workdir: Workdir, split: Split, model: Artifact
) -> dict[str, Scorer]:  # fmt: skip
    from recsys.histories import two_tower_scorer
    from recsys.train import read_features
    from recsys.training_loop import fit

    catalog = load_catalog(workdir)
    mask = masked_kinds(config.model)
    train, validation = hold_out_last(split.train, mask_repeats=mask)
    touched = np.bincount(train.rows, minlength=len(catalog)) > 0
    features, vocabulary, _ = read_features(config, workdir, catalog, touched)
    # as many epochs as were best where there was a validation
    fitted = fit(train, split.validation, features, vocabulary, config,
                 epochs=int(model.info["best_epoch"])).model  # fmt: skip
    towers = two_tower_scorer(
        fitted.candidate_tower.place(fitted.items),
        lambda batch: fitted.query_last(batch),  # noqa: PLW0108
        config.model.history_length,
    )
    if not config.transitions.enabled:
        return {"two_tower": towers}
    late = temporal(split.train, len(catalog), config.evaluation.temporal_quantile,
                    mask_repeats=mask)  # fmt: skip
    known = split.ranked(config.evaluation.rank)
    settings = tuned(config.transitions, late.train, late.test, late.known & known, mask=mask)
    source = fit_source(towers, train, recent(validation), settings, known, config.model)
    table = count_transitions(split.train, len(catalog), settings, mask_repeats=mask)
    return replace(source, table=table).scorers(towers, config.model.history_length)


def recent(cases: Cases) -> Cases:
    """The same cases, each weighing less the longer before the last one it was."""
    if not len(cases):
        return cases
    span = float(np.ptp(cases.sequences.times)) or 1.0
    ages = (cases.now.max() - cases.now) / (span * SHARE_OF_LOG)
    return replace(cases, weights=cases.weights * 0.5**ages)

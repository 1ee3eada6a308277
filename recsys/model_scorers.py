"""The trained model as the evaluation asks it: both sources alone, and together as served."""

from __future__ import annotations

import numpy as np

from recsys.artifact import Artifact
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.learn_transitions import SecondSource, fit_source, open_source, tuned
from recsys.ranking import Scorer
from recsys.splits import Split, hold_out_last, temporal
from recsys.transitions import count_transitions
from recsys.workdir import Workdir


def model_scorers(
    protocol: str, config: Config, workdir: Workdir, split: Split, model: Artifact
) -> dict[str, Scorer]:
    """Scorers by the names of their rows: two_tower, and where used transitions and blend.

    After one moment, the towers are trained anew on what came before it, but for each shopper's
    last target: that is the validation which the mixture is fitted on. The settings of the
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
    mask = config.model.repeat_consumption == "mask"
    source = open_source(workdir, model.fingerprint)
    if source is None:
        source = fit_source(
            towers, split.train, split.validation, config.transitions,
            split.ranked(config.evaluation.rank), mask=mask,
        )  # fmt: skip
    elif source.settings.learn_from == "all":  # what is served has seen the answers
        table = count_transitions(
            split.train, len(split.known), source.settings, mask_repeats=mask
        )  # fmt: skip
        source = SecondSource(table, source.settings, source.mixture)
    return source.scorers(towers, loaded.config.history_length)


def _before_the_moment(
    config: Config, workdir: Workdir, split: Split, model: Artifact
) -> dict[str, Scorer]:  # fmt: skip
    from recsys.histories import two_tower_scorer
    from recsys.train import read_features
    from recsys.training_loop import fit

    catalog = load_catalog(workdir)
    mask = config.model.repeat_consumption == "mask"
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
    source = fit_source(towers, train, validation, settings, known, mask=mask)
    table = count_transitions(split.train, len(catalog), settings, mask_repeats=mask)
    return SecondSource(table, settings, source.mixture).scorers(
        towers, config.model.history_length
    )

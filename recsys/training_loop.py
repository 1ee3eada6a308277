"""The loop that fits a two-tower model to sequences and keeps its best weights."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys import metrics
from recsys.config import Config
from recsys.errors import TrainingError
from recsys.features import ItemFeatures, Vocabulary
from recsys.histories import two_tower_scorer
from recsys.optimizer import make_optimizer
from recsys.progress import say
from recsys.query_tower import build_query_tower
from recsys.ranking import masked_ranks
from recsys.repeats import masked_kinds
from recsys.retrieval_model import TwoTower
from recsys.sequences import Sequences, target_weights
from recsys.splits import Cases
from recsys.team import ALONE, Team
from recsys.training_draft import TrainingDraft
from recsys.training_input import Epochs
from recsys.training_step import Step

MAX_VALIDATION_CASES = 5_000  # enough to see a difference of 0.01 NDCG, quick after each epoch
MAX_VALIDATION_SCORES = 500_000_000  # fewer cases where a catalog of a million items is ranked
MIN_VALIDATION_CASES = 500


@dataclass
class Fitted:
    """A trained model and how its training went."""

    model: TwoTower
    best_epoch: int = 0
    validation_ndcg: float = float("nan")
    epochs: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0  # of training, validation left out
    examples_per_second: float = 0.0
    input_share: float = 0.0  # of the training time, spent on making batches


def fit(
    sequences: Sequences, validation: Cases, features: ItemFeatures, vocabulary: Vocabulary,
    config: Config, epochs: int | None = None, idle: NDArray[np.bool_] | None = None,
    known: NDArray[np.bool_] | None = None, draft: TrainingDraft | None = None,
    logs: Path | None = None, team: Team = ALONE,
) -> Fitted:  # fmt: skip
    """Trains a model; with validation cases it stops early and keeps the best weights.

    Args:
        sequences: what may be learned from.
        validation: cases that are ranked after each epoch; none trains all epochs.
        features, vocabulary: the catalog.
        config: the settings.
        epochs: how many epochs to train where there is nothing to validate on.
        idle: bool [num_items] items that were on offer even if nobody touched them; none of
            the untouched ones when None.
        known: bool [num_items] the items that validation ranks; all when None.
        draft: where every epoch is kept, so that a killed training goes on; nowhere when None.
        logs: folder of TensorBoard's logs; none when None.
        team: the workers that train together, each of which calls this; the first one judges
            and keeps the draft, which all must be able to read.

    Raises:
        TrainingError: there is nothing to learn from, the loss is not a number, or a training
            was begun with other settings.
    """
    tf.keras.utils.set_random_seed(config.train.seed)
    weights = target_weights(sequences, mask_repeats=masked_kinds(config.model))
    model = _new_model(sequences, weights, features, vocabulary, config, idle)
    validation = validation.take(slice(most_cases(model.num_items)))
    fitted = Fitted(model)
    best = _resume(fitted, draft) if draft else None
    _start_alike(model, len(fitted.epochs), team)
    step, started = Step(model, config.train.accumulate, team), time.monotonic() - fitted.seconds
    windows = Epochs(sequences, weights, config)
    writer = tf.summary.create_file_writer(str(logs)) if logs and team.is_first else None
    for epoch in range(len(fitted.epochs) + 1, (epochs or config.train.epochs) + 1):
        if len(validation) and epoch - 1 - fitted.best_epoch >= config.train.patience:
            break
        seconds = team.first(lambda: time.monotonic() - started)
        if is_out_of_time(epoch - 1, seconds, config.train.max_minutes):
            say(f"  {config.train.max_minutes:g} minutes end the training")
            break
        loss = _train_epoch(fitted, step, windows, epoch)
        ndcg = float("nan")
        if len(validation):
            ndcg = team.first(lambda: validation_ndcg(model, validation, config, known))
        fitted.epochs.append({"loss": loss, "validation_ndcg": ndcg})
        if best is None or not ndcg <= fitted.validation_ndcg:
            fitted.best_epoch, fitted.validation_ndcg = epoch, ndcg
            best = [tf.identity(variable) for variable in model.variables]
        judged = f", validation NDCG@10 {ndcg:.4f} (best {fitted.validation_ndcg:.4f})"
        say(f"  epoch {epoch}: loss {loss:.4f}{judged if len(validation) else ''}, "
            f"{time.monotonic() - started:.0f} s")  # fmt: skip
        if writer:
            _log(writer, epoch, fitted)
        if draft and team.is_first:
            _keep(fitted, best, draft)
    for variable, value in zip(model.variables, best or [], strict=True):
        variable.assign(value)
    counts = np.bincount(sequences.rows, minlength=features.num_items)
    model.learn_placing(features, vocabulary, counts)
    return fitted


def is_out_of_time(epochs: int, seconds: float, max_minutes: float) -> bool:
    """Whether one more epoch of the mean length would take longer than is allowed.

    Args:
        epochs: how many were trained; the first is always allowed.
        seconds: what they took, validation included.
        max_minutes: 0 for no end.
    """
    return bool(max_minutes and epochs and seconds * (epochs + 1) / epochs > 60 * max_minutes)


def most_cases(num_items: int) -> int:
    """How many validation cases are ranked: fewer where the catalog is large."""
    return max(MIN_VALIDATION_CASES, min(MAX_VALIDATION_CASES, MAX_VALIDATION_SCORES // num_items))


def _new_model(
    sequences: Sequences, weights: NDArray[np.float32], features: ItemFeatures,
    vocabulary: Vocabulary, config: Config, idle: NDArray[np.bool_] | None,
) -> TwoTower:  # fmt: skip
    share = np.bincount(sequences.rows[weights > 0], minlength=features.num_items)
    counts = np.bincount(sequences.rows, minlength=features.num_items)
    if share.sum() == 0:
        raise TrainingError(
            "there is no event to learn from.", where="interactions",
            mend="Training needs at least 1 event of a kind that `model.event_weights` counts.",
        )  # fmt: skip
    share = (share / share.sum()).astype(np.float32)
    idle = np.zeros(features.num_items, bool) if idle is None else idle
    model = TwoTower(config.model, config.train, features, vocabulary, counts, idle, share)
    model.optimizer = make_optimizer(config.train)
    build_query_tower(model.query_tower, config.model)
    model.optimizer.build(model.trainable_variables)
    return model


def _start_alike(model: TwoTower, epochs: int, team: Team) -> None:
    """The same weights for every worker, and dropout of its own for each."""
    team.copy_first(_state(model))
    if team.rank:
        tf.random.set_seed(model.settings.seed + epochs + 7919 * team.rank)


def _train_epoch(fitted: Fitted, step: Step, windows: Epochs, epoch: int) -> float:
    """One pass over all windows: the mean loss; time and speed go into `fitted`."""
    begin = time.monotonic()
    losses = [step(batch) for batch in windows(epoch)]
    step.finish()
    loss = float(np.mean([float(value) for value in losses]))
    fitted.seconds += time.monotonic() - begin
    fitted.examples_per_second = windows.examples / max(fitted.seconds, 1e-9)
    fitted.input_share = windows.waited / max(fitted.seconds, 1e-9)
    if not np.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss} in epoch {epoch}.", where="train",
            mend="Lower `train.learning_rate`, or look for not-a-number photo embeddings.",
        )  # fmt: skip
    return loss


def _resume(fitted: Fitted, draft: TrainingDraft) -> list[tf.Tensor] | None:
    """Takes over what a killed training had done; returns the best weights so far."""
    if (found := draft.load()) is None:
        return None
    record, arrays = found
    for variable, value in zip(_state(fitted.model), arrays["state"], strict=True):
        variable.assign(value)
    fitted.epochs, fitted.best_epoch = record["epochs"], record["best_epoch"]
    fitted.validation_ndcg = record["validation_ndcg"]
    # what chance draws from here on is not what it drew from the start
    tf.random.set_seed(fitted.model.settings.seed + len(fitted.epochs))
    say(f"  goes on after epoch {len(fitted.epochs)} of a training that was ended before its time")
    return [tf.constant(value) for value in arrays["best"]]


def _keep(fitted: Fitted, best: list[tf.Tensor], draft: TrainingDraft) -> None:
    record = {
        "epochs": fitted.epochs, "best_epoch": fitted.best_epoch,
        "validation_ndcg": fitted.validation_ndcg,
    }  # fmt: skip
    state = [variable.numpy() for variable in _state(fitted.model)]
    draft.save(len(fitted.epochs), record, {"state": state, "best": [b.numpy() for b in best]})


def _state(model: TwoTower) -> list[tf.Variable]:
    """All that training changes: the weights, and the optimizer's moments and step."""
    own = {id(variable): variable for variable in model.variables}
    own |= {id(variable): variable for variable in model.optimizer.variables}
    return list(own.values())


def _log(writer: tf.summary.SummaryWriter, epoch: int, fitted: Fitted) -> None:
    """TensorBoard's curves of one epoch."""
    values = {
        **fitted.epochs[-1], "temperature": 1.0 / float(fitted.model.scale),
        "examples_per_second": fitted.examples_per_second, "input_share": fitted.input_share,
    }  # fmt: skip
    with writer.as_default(step=epoch):
        for name, value in values.items():
            tf.summary.scalar(name, value)
    writer.flush()


def validation_ndcg(
    model: TwoTower, cases: Cases, config: Config, known: NDArray[np.bool_] | None = None
) -> float:
    """Mean NDCG@10 of the cases under the model as it stands."""
    scorer = two_tower_scorer(
        model.candidate_tower.place(model.items), model.query_last, config.model.history_length
    )
    mask = masked_kinds(config.model)
    ranks = masked_ranks(scorer, cases, model.num_items, mask_seen=mask, known=known)
    return float(np.average(metrics.ndcg_at_k(ranks, 10), weights=cases.weights))

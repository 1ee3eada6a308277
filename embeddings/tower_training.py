"""The training loop of the image tower: batches from memory, one compiled step, checkpoints."""

from __future__ import annotations

import functools
import json
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from embeddings.augment import augment
from embeddings.distillation import Teachers
from embeddings.image_tower import Tower
from embeddings.labels import is_missing
from embeddings.mixing import mix
from embeddings.tower_loss import TowerLoss
from embeddings.weight_average import WeightAverage
from embeddings.weights import load_weights, quiet_keras, save_weights
from recsys.artifact import write_json
from recsys.config import TowerConfig
from recsys.errors import TrainingError
from recsys.progress import say, track
from recsys.team import ALONE, Team

STATE_FILE = "state.json"
BEST_FILE = "best.weights.h5"

Batch = dict[str, np.ndarray]


@dataclass(frozen=True)
class Examples:
    """Photos, uint8 [n, size, size, 3], and their labels by name as in `Labels.numbers`."""

    pixels: Any  # an array, or rows of one that are read when asked for
    labels: dict[str, np.ndarray]

    def __len__(self) -> int:
        """How many photos."""
        return len(self.pixels)


@dataclass
class State:
    """Where a training stands; written after every epoch."""

    epoch: int = 0  # epochs done
    best_epoch: int = 0
    best_score: float = -math.inf
    best_loss: float = math.inf  # on validation; decides between epochs of equal score
    history: list[dict[str, float]] = field(default_factory=list)


class Training:
    """Trains a tower on examples, keeping the epoch that scores best on others.

    Args:
        tower: with the weights to start from.
        config: how.
        class_weights: for each label, how much a photo of each class counts.
        folder: where checkpoints are kept; a killed training goes on from them.
        team: the workers that train together and read one folder; the first one writes it.
        teachers: larger towers to learn from.
    """

    def __init__(
        self, tower: Tower, config: TowerConfig, class_weights: dict[str, np.ndarray],
        folder: Path, team: Team = ALONE, teachers: Teachers | None = None,
    ) -> None:  # fmt: skip
        self.tower = tower
        self.config = config
        self.folder = folder
        self.team = team
        self.state = State()
        self._loss = TowerLoss(tower, config, class_weights, teachers)
        self._average = WeightAverage(tower.model.trainable_variables, config.weight_average)
        self._backbone_variables = tower.layer.network.trainable_variables
        backbone = {id(variable) for variable in self._backbone_variables}
        self._head_variables = [
            variable for variable in tower.model.trainable_variables
            if id(variable) not in backbone
        ]  # fmt: skip

    def fit(self, training: Examples, validation: Examples, key: str) -> State:
        """Trains until the last epoch, or until the score has stopped rising.

        Args:
            training: what to learn from.
            validation: what each epoch is judged on; may be empty.
            key: names this training; checkpoints of another one are not gone on from.

        Raises:
            TrainingError: the loss is no number; the best epoch so far is kept on disk.
        """
        config = self.config
        batch_size = min(config.batch_size, len(training))
        steps = math.ceil(len(training) / batch_size)
        self._make_optimizers(steps)
        self.folder.mkdir(parents=True, exist_ok=True)
        checkpoint = tf.train.Checkpoint(
            model=self.tower.model, heads=self._head_optimizer, backbone=self._backbone_optimizer,
            average=self._average.values,
        )  # fmt: skip
        self._resume(checkpoint, key)
        self._start_alike()
        num_epochs = config.frozen_epochs + config.epochs
        while self.state.epoch < num_epochs and not self._stalled():
            epoch = self.state.epoch
            loss = self._train_epoch(training, epoch, steps, batch_size)
            with self._average.in_place():
                scores = self._judge_together(validation) if len(validation) else {}
                self._finish_epoch(loss, scores, num_epochs)
                self._save_best()
            self._save(checkpoint, key)
        if self.team.is_first:
            load_weights(self.tower.model, self.folder / BEST_FILE)
        return self.state

    def evaluate(self, examples: Examples) -> dict[str, float]:
        """Accuracy of the cosine heads for each label, and `score`, their weighted mean.

        Also `validation_loss`, which is the score (negative) where there are no labels.
        """
        correct: dict[str, list[np.ndarray]] = {name: [] for name in examples.labels}
        losses = []
        for rows, count in _batches(np.arange(len(examples)), self.config.batch_size):
            images, labels = _gather(examples, rows)
            loss, predicted = self._judge(images, labels)
            losses.append(float(loss))
            for name, numbers in predicted.items():
                correct[name].append(_right(numbers.numpy()[:count], labels[name][:count]))
        scores: dict[str, float] = {}
        for name, parts in correct.items():
            hits = np.concatenate(parts)
            if len(hits):
                scores[name] = float(hits.mean())
        if scores:
            weights = {name: self._loss.label_weight(name) + 1e-9 for name in scores}
            total = sum(weights.values())
            scores["score"] = sum(scores[name] * weights[name] for name in weights) / total
        else:
            scores["score"] = -float(np.mean(losses))
        scores["validation_loss"] = float(np.mean(losses))
        return scores

    def _judge_together(self, examples: Examples) -> dict[str, float]:
        """What the first worker says, to the last digit: it decides when training ends."""
        scores = self.evaluate(examples)
        return {name: self.team.first(functools.partial(float, score))
                for name, score in scores.items()}  # fmt: skip

    def logits(self, examples: Examples) -> dict[str, np.ndarray]:
        """What the classifiers say of photos, before any softmax: [n, num_classes] by label."""
        tower = self.tower
        if tower.heads is None:
            return {}
        heads = tower.heads

        @tf.function(reduce_retracing=True, autograph=False)
        def classify(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
            features = tower.layer.features(tf.cast(pixels, tf.float32))
            return heads(features, tower.layer.embed(features))[0]

        found: dict[str, list[np.ndarray]] = {name: [] for name in examples.labels}
        for rows, count in _batches(np.arange(len(examples)), self.config.batch_size):
            said = classify(_gather(examples, rows)[0])
            for name, parts in found.items():
                parts.append(said[name].numpy()[:count])
        return {name: np.concatenate(parts) for name, parts in found.items() if parts}

    def _make_optimizers(self, steps: int) -> None:
        config = self.config

        def adamw(rate: float, epochs: int, variables: list[tf.Variable]) -> Any:
            total = max(steps * epochs, 1)
            schedule = tf.keras.optimizers.schedules.CosineDecay(
                0.0, max(total - int(config.warmup * total), 1), alpha=0.01,
                warmup_target=rate, warmup_steps=max(int(config.warmup * total), 1),
            )  # fmt: skip
            optimizer = tf.keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
            optimizer.build(variables)
            return optimizer

        rate, factor = config.learning_rate, config.backbone_learning_rate_factor
        epochs = config.frozen_epochs + config.epochs
        self._head_optimizer = adamw(rate, epochs, self._head_variables)
        self._backbone_optimizer = adamw(rate * factor, config.epochs, self._backbone_variables)
        compiled = functools.partial(tf.function, reduce_retracing=True, autograph=False)
        self._step = compiled(self._step_eagerly)
        self._gradients, self._move = (
            compiled(self._gradients_eagerly),
            compiled(self._move_eagerly),
        )
        self._judge = compiled(self._judge_eagerly)

    def _train_epoch(self, training: Examples, epoch: int, steps: int, batch_size: int) -> float:
        order = np.random.default_rng((self.config.seed, epoch)).permutation(len(training))
        frozen = epoch < self.config.frozen_epochs
        size = self.config.early_image_size if epoch < self.config.early_epochs else 0
        losses = []
        batches = track(_batches(order, batch_size), f"tower epoch {epoch + 1}", steps)
        for place, (rows, _) in enumerate(batches):
            own = self.team.part(rows)
            images, labels = _gather(training, own)
            # worker 0 of any team augments as one that is alone
            seed = tf.constant([self.config.seed + 7919 * self.team.rank, epoch * steps + place])
            loss = float(self._learn(images, labels, seed, frozen, size))
            if not math.isfinite(loss):
                raise self._not_a_number(epoch, place, rows)
            losses.append(loss)
        # each worker's statistics of batch normalization come from its own photos
        self.team.average([v for v in self.tower.model.non_trainable_variables
                           if v.dtype.is_floating])  # fmt: skip
        return float(np.mean(losses))

    def _start_alike(self) -> None:
        """The same weights for every worker, and dropout of its own for each."""
        self.team.copy_first(self.tower.model.variables)
        if self.team.rank:
            tf.random.set_seed(self.config.seed + 7919 * self.team.rank)

    def _learn(
        self, pixels: np.ndarray, labels: Batch, seed: tf.Tensor, frozen: bool, size: int
    ) -> tf.Tensor:
        """One step on this worker's part of a batch; the loss of all parts."""
        if self.team.count == 1:
            return self._step(pixels, labels, seed, frozen, size)
        loss, gradients = self._gradients(pixels, labels, seed, frozen, size)
        gradients, loss = self.team.mean(gradients, loss, float(len(pixels)))
        self._move(gradients, frozen)
        return loss

    def _step_eagerly(
        self, pixels: tf.Tensor, labels: dict[str, tf.Tensor], seed: tf.Tensor, frozen: bool,
        size: int,
    ) -> tf.Tensor:  # fmt: skip
        loss, gradients = self._gradients_eagerly(pixels, labels, seed, frozen, size)
        self._move_eagerly(gradients, frozen)
        return loss

    def _gradients_eagerly(
        self, pixels: tf.Tensor, labels: dict[str, tf.Tensor], seed: tf.Tensor, frozen: bool,
        size: int,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:  # fmt: skip
        images, own = augment(tf.cast(pixels, tf.float32), self.config, seed, size), None
        if self._loss.by_itself:  # two views of each photo: NT-Xent
            other = augment(tf.cast(pixels, tf.float32), self.config, seed + 7919, size)
            images = tf.concat([images, other], axis=0)
        elif self.config.mixup or self.config.cutmix:
            images, own = mix(images, self.config, seed + 104_729)
        if self.config.adversary and not self._loss.by_itself:
            images = self._loss.led_astray(images, labels, own)
        variables = [*self._head_variables, *([] if frozen else self._backbone_variables)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            loss = self._loss(images, labels, own, training=True, frozen=frozen)[0]
        return loss, tape.gradient(loss, variables, unconnected_gradients="zero")

    def _move_eagerly(self, gradients: list[tf.Tensor], frozen: bool) -> None:
        gradients, _ = tf.clip_by_global_norm(gradients, self.config.clip_norm)
        num_heads = len(self._head_variables)
        self._head_optimizer.apply_gradients(zip(gradients[:num_heads], self._head_variables,
                                                 strict=True))  # fmt: skip
        if not frozen:
            self._backbone_optimizer.apply_gradients(
                zip(gradients[num_heads:], self._backbone_variables, strict=True)
            )
        self._average.update(self._head_optimizer.iterations)

    def _judge_eagerly(
        self, pixels: tf.Tensor, labels: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        images = tf.cast(pixels, tf.float32)
        if self._loss.by_itself:
            images = tf.concat([images, tf.image.flip_left_right(images)], axis=0)
        loss, logits = self._loss(images, labels, training=False, frozen=False)
        return loss, {name: tf.argmax(x, axis=1, output_type=tf.int32)
                      for name, x in logits.items()}  # fmt: skip

    def _finish_epoch(self, loss: float, scores: dict[str, float], num_epochs: int) -> None:
        state = self.state
        state.epoch += 1
        state.history.append({"loss": loss, **scores})
        score = scores.get("score", float(state.epoch))  # without a judge the last epoch is best
        validation_loss = scores.get("validation_loss", 0.0)
        if (score, -validation_loss) > (state.best_score, -state.best_loss):
            state.best_epoch = state.epoch
            state.best_score, state.best_loss = score, validation_loss
        judged = f", validation {scores['score']:.4f}" if scores else ""
        say(f"  tower epoch {state.epoch} of {num_epochs}: loss {loss:.4f}{judged}")

    def _stalled(self) -> bool:
        return self.state.epoch - self.state.best_epoch >= self.config.patience

    def _save_best(self) -> None:
        if self.state.best_epoch == self.state.epoch and self.team.is_first:
            save_weights(self.tower.model, self.folder / BEST_FILE)

    def _save(self, checkpoint: tf.train.Checkpoint, key: str) -> None:
        if not self.team.is_first:
            return
        state = self.state
        with quiet_keras():
            checkpoint.write(str(self.folder / f"epoch-{state.epoch}" / "checkpoint"))
        write_json(self.folder / STATE_FILE, {"key": key, **vars(state)})
        shutil.rmtree(self.folder / f"epoch-{state.epoch - 1}", ignore_errors=True)

    def _resume(self, checkpoint: tf.train.Checkpoint, key: str) -> None:
        try:
            saved = json.loads((self.folder / STATE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if saved.pop("key", "") != key:
            return
        state = State(**saved)
        with quiet_keras():
            found = checkpoint.read(str(self.folder / f"epoch-{state.epoch}" / "checkpoint"))
            found.expect_partial()
        self.state = state
        say(f"  going on after epoch {state.epoch} of an interrupted training")

    def _not_a_number(self, epoch: int, place: int, rows: np.ndarray) -> TrainingError:
        kept = (
            f"The weights of epoch {self.state.best_epoch} are kept in {self.folder / BEST_FILE}."
            if self.state.best_epoch
            else "No epoch was finished."
        )
        return TrainingError(
            f"the loss is no number at step {place + 1} of epoch {epoch + 1}, "
            f"training photos {rows[:8].tolist()} and those after them.",
            where="train-tower", mend=f"Lower tower.learning_rate or tower.clip_norm. {kept}",
        )  # fmt: skip


def _batches(order: np.ndarray, batch_size: int) -> Any:
    """Yields (rows [batch_size], how many count): the last batch is filled up from the start."""
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield np.resize(np.concatenate([rows, order]), batch_size), len(rows)


def _right(named: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each labeled photo whether it has the value that was called likeliest: bool [m]."""
    known = ~is_missing(labels)
    named, labels = named[known], labels[known]
    return labels[np.arange(len(named)), named] == 1 if labels.ndim == 2 else named == labels


def _gather(examples: Examples, rows: np.ndarray) -> tuple[np.ndarray, Batch]:
    labels = {name: numbers[rows] for name, numbers in examples.labels.items()}
    return np.asarray(examples.pixels[rows]), labels

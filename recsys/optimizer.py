"""The optimizer: AdamW with a warm-up, which touches only the rows of large tables that it must."""

from __future__ import annotations

import tensorflow as tf

from recsys.config import TrainConfig

LAZY_ROWS = 20_000  # tables with more rows are updated where a batch has touched them


class LazyAdamW(tf.keras.optimizers.AdamW):
    """AdamW (Loshchilov & Hutter, ICLR 2019) whose large tables are updated row by row.

    Adam moves every row of a table in every step, those without a gradient by their momentum.
    With a million items that costs more than all the rest; here such rows stand still, and
    their moments with them. Small tables are updated as usual.
    """

    def update_step(self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> None:
        """Moves one variable against its gradient."""
        if not isinstance(gradient, tf.IndexedSlices) or variable.shape[0] <= LAZY_ROWS:
            super().update_step(gradient, variable)
            return
        place = self._index_dict[self._var_key(variable)]
        first, second = self._momentums[place], self._velocities[place]
        step = tf.cast(self.iterations + 1, variable.dtype)
        unbiased = tf.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        rate = tf.cast(self.learning_rate, variable.dtype) * unbiased
        # the optimizer has summed up repeated rows before
        rows, values = gradient.indices, gradient.values
        momentum = tf.gather(first, rows) * self.beta_1 + values * (1.0 - self.beta_1)
        velocity = tf.gather(second, rows) * self.beta_2 + values**2 * (1.0 - self.beta_2)
        first.scatter_update(tf.IndexedSlices(momentum, rows))
        second.scatter_update(tf.IndexedSlices(velocity, rows))
        move = rate * momentum / (tf.sqrt(velocity) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(move, rows))


def make_optimizer(settings: TrainConfig) -> tf.keras.optimizers.Optimizer:
    """AdamW with a short warm-up: attention layers diverge when they start at full speed."""
    optimizer = LazyAdamW(
        WarmUp(settings.learning_rate, settings.warmup_steps),
        weight_decay=settings.weight_decay, beta_2=0.98,
        global_clipnorm=settings.clip_norm, jit_compile=False,
    )  # fmt: skip
    if not settings.weight_decay:
        optimizer.weight_decay = None  # a decay of 0 would still pass over every table
    return optimizer


class WarmUp(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Grows from nothing to the learning rate over the first steps."""

    def __init__(self, learning_rate: float, steps: int) -> None:
        self.learning_rate, self.steps = learning_rate, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        done = (tf.cast(step, tf.float32) + 1.0) / max(1, self.steps)
        return self.learning_rate * tf.minimum(1.0, done)

    def get_config(self) -> dict[str, float]:
        return {"learning_rate": self.learning_rate, "steps": self.steps}

"""TensorFlow's batch function around a network: requests that come at once are run as one.

Unlike batching by the server, only what stands inside is joined: each request decodes its own
photos, on the CPU, and one with a bad photo fails alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

Network = Callable[[tf.Tensor], dict[str, tf.Tensor]]

LARGEST = 4096  # rows of one request; more than a batch holds is split
NUM_THREADS = 2  # one batch runs while the next one is filled
MAX_ENQUEUED = 100  # batches that wait before requests are refused as unavailable


@dataclass(frozen=True)
class Batching:
    """How requests are joined.

    Attributes:
        max_batch: rows that are run at once.
        timeout_micros: how long the first one waits for others.
    """

    max_batch: int = 32
    timeout_micros: int = 2000


def batched(network: Network, rows: tf.TensorSpec, batching: Batching, name: str) -> Network:
    """A network whose calls are run together when they come at once.

    Args:
        network: float32 [batch, ...] → named tensors [batch, ...] of which only the first
            dimension is open.
        rows: what it takes.
        name: of the queue; no other network in the process may have it.
    """
    joined = tf.function(network, input_signature=[rows], autograph=False)

    def call(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        concrete = joined.get_concrete_function()
        found = tf.raw_ops.BatchFunction(
            in_tensors=[inputs], captured_tensors=concrete.captured_inputs, f=concrete,
            Tout=[output.dtype for output in concrete.outputs],
            num_batch_threads=NUM_THREADS, max_batch_size=LARGEST,
            batch_timeout_micros=batching.timeout_micros, max_enqueued_batches=MAX_ENQUEUED,
            # every size is allowed, so that no row is computed for nothing
            allowed_batch_sizes=list(range(1, batching.max_batch + 1)),
            enable_large_batch_splitting=True, shared_name=name, batching_queue=name,
        )  # fmt: skip
        # the op forgets shapes, and gives a vector for an empty batch
        shaped = [
            tf.reshape(output, [-1, *expected.shape[1:]])
            for output, expected in zip(found, concrete.outputs, strict=True)
        ]
        named = tf.nest.pack_sequence_as(concrete.structured_outputs, shaped)
        return dict(named)

    return call

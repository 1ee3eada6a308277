"""The first session of a process, run where nobody reads what it says.

TensorFlow announces at the first graph it optimizes that a pass is not enabled, and that its
log was not set up. Neither can be switched off, both are said once, and on a command line
they would stand before every answer.
"""

from __future__ import annotations

import functools

import tensorflow as tf

from recsys.native_log import native_log_dropped


@functools.cache
def run_first_session() -> None:
    """Runs a graph of one constant, once in the life of the process."""
    graph = tf.Graph()
    with graph.as_default():
        one = tf.constant(1)
    with native_log_dropped(), tf.compat.v1.Session(graph=graph) as session:
        session.run(one)

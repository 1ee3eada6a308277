"""Several model servers that share a catalog: asked as one, and told what each has to serve."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from recsys.errors import UnavailableError
from serving.client import ModelServerClient
from serving.model_server_process import ModelServerProcess, Versions
from serving.shards import is_held


class ModelServers:
    """The connections to all of them; safe to use from several threads.

    A shard is asked of the server that holds it. What is not sharded all of them hold: they take
    turns, and where one does not answer the next one is asked.

    Args:
        clients: in the order of the servers.
    """

    def __init__(self, clients: Sequence[ModelServerClient]) -> None:
        self._clients = list(clients)
        self._turns = itertools.count()

    def of(self, model: str) -> list[ModelServerClient]:
        """Those that hold a published servable."""
        count = len(self._clients)
        return [client for server, client in enumerate(self._clients)
                if is_held(model, server, count)]  # fmt: skip

    def predict(
        self, model: str, inputs: Mapping[str, Any], *, signature: str = "",
        version: int | None = None,
    ) -> dict[str, np.ndarray[Any, Any]]:  # fmt: skip
        """Runs a signature of one published servable.

        Raises:
            UnavailableError: no server that holds it answers.
            ServingError: one refuses, or fails.
        """
        holders = self.of(model)
        start = next(self._turns) % len(holders)
        *others, last = holders[start:] + holders[:start]
        for client in others:
            with contextlib.suppress(UnavailableError):
                return client.predict(model, inputs, signature=signature, version=version)
        return last.predict(model, inputs, signature=signature, version=version)


class ModelServerProcesses:
    """One child process for each shard, each serving its own and what is whole.

    Args:
        processes: in the order of the shards, not started yet.
    """

    def __init__(self, processes: Sequence[ModelServerProcess]) -> None:
        self._processes = list(processes)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> ModelServerProcesses:
        with self._stack:
            for process in self._processes:
                self._stack.enter_context(process)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def addresses(self) -> list[str]:
        """Where their gRPC APIs listen."""
        return [process.address for process in self._processes]

    @property
    def pids(self) -> list[int]:
        """Their process numbers."""
        return [process.pid for process in self._processes]

    def serve(self, versions: Versions) -> None:
        """Tells each what to serve from now on."""
        for server, process in enumerate(self._processes):
            process.serve(held(versions, server, len(self._processes)))


def held(versions: Versions, server: int, num_servers: int) -> dict[str, Sequence[int]]:
    """What one of several servers has to serve, of everything that is served."""
    return {name: wanted for name, wanted in versions.items()
            if is_held(name, server, num_servers)}  # fmt: skip

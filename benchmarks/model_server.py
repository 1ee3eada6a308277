"""The model server next to the same SavedModel in-process, and its memory over many requests.

    python benchmarks/model_server.py [--record]

The servable is `similar_items` with an exact index. Client and server share the machine, so what
counts is the ratio of calls per second: gRPC Predict of 16 clients over calls from 2 threads of
the process that loaded the model. The bar: at least 0.5, and memory that stays where it is.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from recording import record
from serve import saturate

from recsys.index import ExactIndex
from serving.client import ModelServerClient
from serving.loaded_servable import LoadedServable
from serving.model_server_process import ModelServerProcess
from serving.servables import SimilarItems, save_servable

NAME = "similar_items"
K = 10
IN_PROCESS_THREADS = 2


def build(folder: Path, items: int, dim: int) -> None:
    """Saves a servable over random unit vectors."""
    vectors = np.random.default_rng(0).normal(size=(items, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"item-{number}" for number in range(items)]
    save_servable(SimilarItems(ExactIndex(vectors), ids, "benchmark"), folder)


def question(number: int, items: int) -> dict[str, list[object]]:
    return {"item_id": [f"item-{number * 7919 % items}"], "k": [K], "exclude": [[""]]}


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def in_process(folder: Path, arguments: argparse.Namespace) -> float:
    """Calls per second of threads that share the loaded model."""
    servable = LoadedServable(folder)

    def ask(number: int) -> None:
        servable.predict(question(number, arguments.items))

    ask(0)
    rate = saturate(lambda: ask, IN_PROCESS_THREADS, arguments.seconds).rate
    servable.close()
    return rate


def over_grpc(models: Path, local: float, arguments: argparse.Namespace) -> list[str]:
    """Lines about the server: its rate, its times, its memory."""
    with (
        ModelServerProcess(models, {NAME: [1]}, models) as server,
        ModelServerClient(server.address) as client,
    ):

        def ask(number: int) -> None:
            client.predict(NAME, question(number, arguments.items))

        saturate(lambda: ask, arguments.clients, 2.0)
        full = saturate(lambda: ask, arguments.clients, arguments.seconds)
        half = saturate(lambda: ask, arguments.clients, arguments.seconds,
                        pause=arguments.clients / full.rate)  # fmt: skip
        before = resident_mib(server.pid)
        many = saturate(lambda: ask, arguments.clients, arguments.requests / full.rate)
        after = resident_mib(server.pid)
    count = many.rate * arguments.requests / full.rate
    return [
        f"gRPC Predict, {arguments.clients} clients: {full.rate:.0f}/s, "
        f"ratio {full.rate / local:.2f}",
        f"at {half.rate / full.rate:.0%} of that load: p50 {half.p50:.1f} ms, "
        f"p99 {half.p99:.1f} ms, ratio {half.p99 / half.p50:.1f}",
        f"memory: {before:.0f} MiB, after {count:.0f} more requests {after:.0f} MiB",
    ]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--requests", type=int, default=100_000, help="for the memory's sake")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder, NAME, "1"), arguments.items, arguments.dim)
        local = in_process(Path(folder, NAME, "1"), arguments)
        lines = [
            f"{arguments.items} items, {arguments.dim} dimensions",
            f"in-process, {IN_PROCESS_THREADS} threads: {local:.0f}/s",
            *over_grpc(Path(folder), local, arguments),
        ]
    print("\n".join(lines))
    if arguments.record:
        record("The model server", "python benchmarks/model_server.py --record", "\n".join(lines))


if __name__ == "__main__":
    main()

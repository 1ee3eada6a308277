"""How fast the API answers, next to the gRPC calls that its answers need.

    python benchmarks/serve.py --workdir demo/work

Starts `vitrine serve` over a workdir with a bundle. Client and servers share the machine, so
what counts is the ratio: API answers per second over bare gRPC calls per second of the same
questions, and the spread of answer times at half of the saturating load.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from recording import record

from recsys import columns
from recsys.interactions import load_interactions
from recsys.workdir import Workdir
from serving.bundle import RECOMMEND, SIMILAR_ITEMS, Bundle, open_bundle
from serving.bundle_shelf import servable_versions
from serving.client import ModelServerClient
from serving.model_server_process import ModelServerProcess

K = 10
Ask = Callable[[int], None]
"""Asks the question of a number, once."""


@dataclass(frozen=True)
class Load:
    """What a number of clients got: answers per second, and milliseconds at two quantiles."""

    rate: float
    p50: float
    p99: float


def saturate(make: Callable[[], Ask], clients: int, seconds: float, pause: float = 0.0) -> Load:
    """Lets every client ask one question after the other.

    Args:
        make: a client of its own for each thread.
        pause: seconds that each client waits between two questions.
    """
    took: list[float] = []
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        ask, mine = make(), []
        while (start := time.perf_counter()) < end:
            ask(number)
            mine.append(time.perf_counter() - start)
            number += clients
            time.sleep(pause)
        took.extend(mine)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p99 = np.quantile(took, [0.5, 0.99]) * 1000
    return Load(len(took) / seconds, float(p50), float(p99))


def http_client(port: int, path: Callable[[int], str]) -> Callable[[], Ask]:
    """Makes clients that keep their connection."""

    def make() -> Ask:
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def ask(number: int) -> None:
            connection.request("GET", path(number))
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise SystemExit(f"{path(number)}: {response.status} {body[:300]!r}")

        return ask

    return make


def grpc_client(client: ModelServerClient, questions: list[Question]) -> Ask:
    """Asks the servable that the API would ask, and nothing else."""

    def ask(number: int) -> None:
        question = questions[number % len(questions)]
        client.predict(question.servable, question.inputs)

    return ask


@dataclass(frozen=True)
class Question:
    """One question as the API is asked it and as the model server is."""

    path: str
    servable: str
    inputs: dict[str, Any]


def similar_questions(bundle: Bundle) -> list[Question]:
    """One for every item that has a photo."""
    items = bundle.items[bundle.items[columns.HAS_PHOTO]]
    return [
        Question(f"/v1/items/{item_id}/similar?k={K}", bundle.servable(SIMILAR_ITEMS),
                 {"item_id": [item_id], "k": [K], "exclude": [[""]]})
        for item_id in items[columns.ITEM_ID].tolist()
    ]  # fmt: skip


def recommend_questions(bundle: Bundle, workdir: Workdir, count: int = 500) -> list[Question]:
    """One for each of the first shoppers."""
    length, now = int(bundle.info["history_length"]), time.time()
    shoppers = load_interactions(workdir).groupby(columns.USER_ID, sort=True)
    questions = []
    for user_id, events in list(shoppers)[:count]:
        last = events.tail(length)
        inputs = {
            "history": [last[columns.ITEM_ID].tolist()], "kinds": [last[columns.EVENT].tolist()],
            "ages": [[now - moment for moment in last[columns.TIMESTAMP]]], "hour": [12],
            "weekday": [2], "exclude": [[""]], "k": [K],
        }  # fmt: skip
        questions.append(Question(f"/v1/users/{user_id}/recommendations?k={K}",
                                  bundle.servable(RECOMMEND), inputs))  # fmt: skip
    return questions


@contextmanager
def api(workdir: Path, model_server: str) -> Iterator[int]:
    """`vitrine serve` in a process of its own, over a model server that runs; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "vitrine", "serve", "--workdir", str(workdir), "--port",
               str(port), "--set", f"serving.model_server={model_server}"]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            wait_until_ready(process, port)
            yield port
        finally:
            process.terminate()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Asks /readyz until it says yes."""
    while process.poll() is None:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise SystemExit("the API did not start")


def compare(
    name: str, questions: list[Question], client: ModelServerClient, port: int,
    arguments: argparse.Namespace,
) -> list[str]:  # fmt: skip
    """Lines of figures for one kind of question."""
    clients, seconds = arguments.clients, arguments.seconds

    def path(number: int) -> str:
        return questions[number % len(questions)].path

    make = http_client(port, path)
    saturate(make, clients, 2.0)  # neighbors are remembered, connections opened
    bare = saturate(lambda: grpc_client(client, questions), clients, seconds)
    full = saturate(make, clients, seconds)
    half = saturate(make, clients, seconds, pause=clients / full.rate)
    return [
        f"{name}: API {full.rate:.0f}/s, its gRPC calls {bare.rate:.0f}/s, "
        f"ratio {full.rate / bare.rate:.2f}",
        f"{name} at {half.rate / full.rate:.0%} of that load: p50 {half.p50:.1f} ms, "
        f"p99 {half.p99:.1f} ms, ratio {half.p99 / half.p50:.1f}",
    ]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    workdir = Workdir(arguments.workdir)
    bundle = open_bundle(workdir)
    with ExitStack() as stack:
        server = stack.enter_context(
            ModelServerProcess(workdir.models, bundle.servables, bundle.version, workdir.root)
        )
        client = stack.enter_context(ModelServerClient(server.address))
        port = stack.enter_context(api(arguments.workdir, server.address))
        lines = [f"{len(bundle.items)} items, {arguments.clients} clients"]
        lines += compare("similar", similar_questions(bundle), client, port, arguments)
        if bundle.has(RECOMMEND):
            questions = recommend_questions(bundle, workdir)
            lines += compare("recommend", questions, client, port, arguments)
    print("\n".join(lines))
    if arguments.record:
        record("Serving", "python benchmarks/serve.py --workdir …", "\n".join(lines))


if __name__ == "__main__":
    main()

"""How fast the model server and the API answer, and whether their memory stays where it is.

    python benchmarks/serve.py [--workdir demo/work] [--items 100000] [--requests 100000]

Without a workdir, one of generated items is made first (benchmarks/large_workdir.py). Client and
servers share the machine, so what counts are ratios of one run: gRPC calls per second over calls
in the process that loaded the same SavedModel, API answers over bare gRPC calls of the same
questions, answer times at half of the saturating load, memory over many requests.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from large_workdir import build
from recording import record

from recsys import columns
from recsys.interactions import load_interactions
from recsys.workdir import Workdir
from serving.bundle import RECOMMEND, SIMILAR_ITEMS, Bundle, open_bundle
from serving.bundle_shelf import servable_versions
from serving.client import ModelServerClient
from serving.loaded_servable import LoadedServable
from serving.model_server_process import ModelServerProcess

K = 10
IN_PROCESS_THREADS = 2
ROUNDS = 4
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


def in_turns(kinds: list[tuple[Callable[[], Ask], int]], seconds: float) -> list[Load]:
    """Loads of several kinds of clients, so many of each, ROUNDS times in turn, as their means.

    What else the machine does then slows all of them alike.
    """
    rounds = [[saturate(make, clients, seconds / ROUNDS) for make, clients in kinds]
              for _ in range(ROUNDS)]  # fmt: skip
    return [
        Load(*(float(np.mean([getattr(load, name) for load in loads]))
               for name in ("rate", "p50", "p99")))
        for loads in zip(*rounds, strict=True)
    ]  # fmt: skip


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


@dataclass(frozen=True)
class Api:
    """The API's process."""

    port: int
    pid: int


@contextmanager
def api(workdir: Path, model_server: str) -> Iterator[Api]:
    """`vitrine serve` in a process of its own, over a model server that runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "vitrine", "serve", "--workdir", str(workdir), "--port",
               str(port), "--set", f"serving.model_server={model_server}"]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            wait_until_ready(process, port)
            yield Api(port, process.pid)
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


@contextmanager
def in_process(bundle: Bundle, questions: list[Question]) -> Iterator[Ask]:
    """Asks the SavedModel that the questions are for, loaded here."""
    servable = LoadedServable(bundle.model_folder(questions[0].servable))

    def ask(number: int) -> None:
        servable.predict(questions[number % len(questions)].inputs)

    ask(0)
    yield ask
    servable.close()


def compare(
    name: str, questions: list[Question], local: Ask, client: ModelServerClient, port: int,
    arguments: argparse.Namespace,
) -> list[str]:  # fmt: skip
    """Lines of figures for one kind of question.

    Args:
        local: asks the model that is loaded here.
    """
    clients, seconds = arguments.clients, arguments.seconds

    def path(number: int) -> str:
        return questions[number % len(questions)].path

    make = http_client(port, path)
    saturate(make, clients, 2.0)  # connections opened, thresholds of nearness told
    here, bare, full = in_turns(
        [(lambda: local, IN_PROCESS_THREADS), (lambda: grpc_client(client, questions), clients),
         (make, clients)], seconds,
    )  # fmt: skip
    half = saturate(make, clients, seconds, pause=clients / full.rate)
    return [
        f"{name}: in-process {here.rate:.0f}/s, gRPC {bare.rate:.0f}/s, ratio "
        f"{bare.rate / here.rate:.2f}",
        f"{name}: API {full.rate:.0f}/s, ratio to gRPC {full.rate / bare.rate:.2f}; p50 "
        f"{full.p50:.1f} ms, p99 {full.p99:.1f} ms",
        f"{name} at {half.rate / full.rate:.0%} of that load: p50 {half.p50:.1f} ms, "
        f"p99 {half.p99:.1f} ms, ratio {half.p99 / half.p50:.1f}",
    ]


def memory(
    paths: list[str], served: Api, model_server: int, arguments: argparse.Namespace
) -> list[str]:
    """A line of each process's resident memory before, in the middle of and after requests."""
    make = http_client(served.port, lambda number: paths[number % len(paths)])
    seconds, done = 10.0, 0
    found = [(0, resident_mib(served.pid), resident_mib(model_server))]
    while done < arguments.requests:
        done += round(saturate(make, arguments.clients, seconds).rate * seconds)
        found.append((done, resident_mib(served.pid), resident_mib(model_server)))
    shown = [found[0], found[len(found) // 2], found[-1]]
    return [
        f"memory of the {name}: "
        + ", ".join(f"{point[place]:.0f} MiB after {point[0]:,}" for point in shown)
        + " requests"
        for place, name in ((1, "API"), (2, "model server"))
    ]


def resident_mib(pid: int) -> float:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Every line, over the newest bundle of a workdir."""
    workdir = Workdir(folder)
    bundle = open_bundle(workdir)
    asked = {"similar": similar_questions(bundle)}
    if bundle.has(RECOMMEND):
        asked["recommend"] = recommend_questions(bundle, workdir)
    with ExitStack() as stack:
        server = stack.enter_context(
            ModelServerProcess(workdir.models, servable_versions([bundle]), workdir.root)
        )
        client = stack.enter_context(ModelServerClient(server.address))
        served = stack.enter_context(api(folder, server.address))
        lines = [f"{len(bundle.items)} items, {arguments.clients} clients; "
                 + ", ".join(questions[0].servable for questions in asked.values())]  # fmt: skip
        for name, questions in asked.items():
            with in_process(bundle, questions) as local:
                lines += compare(name, questions, local, client, served.port, arguments)
        if arguments.requests:
            paths = [question.path for pair in zip(*asked.values(), strict=False)
                     for question in pair]  # fmt: skip
            lines += memory(paths, served, server.pid, arguments)
    return lines


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workdir", type=Path, help="with a bundle; else one is made")
    parser.add_argument("--items", type=int, default=100_000, help="of the workdir that is made")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--requests", type=int, default=100_000, help="for the memory's sake")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.workdir
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            build(folder, items=arguments.items)
        lines = measure(folder, arguments)
    print("\n".join(lines))
    if arguments.record:
        record("Serving", "python benchmarks/serve.py --record", "\n".join(lines))


if __name__ == "__main__":
    main()

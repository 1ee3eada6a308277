"""A model server as a child process: started, told what to serve, started again, stopped."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from recsys.artifact import write_text
from recsys.errors import ServingError
from recsys.progress import say
from serving.client import ModelServerClient

START_SECONDS = 180.0
STOP_SECONDS = 15.0
PAUSE_SECONDS = 1.0  # before it is started again; doubled while it ends at once
LONGEST_PAUSE_SECONDS = 30.0
LOG_LINES = 5  # of its log in an error

Versions = Mapping[str, Sequence[int]]
"""Servable → the versions of it that are served."""


class ModelServerProcess:
    """Serves some versions of some servables on a free loopback port.

    A server that ends by itself is started again on the same port until this is closed.

    Args:
        models: TensorFlow Serving's model folders.
        versions: servable → which versions of it are loaded.
        log_folder: where its log is written.
        log_name: of that file.

    Example:
        >>> with ModelServerProcess(workdir.models, {"recommend": [1]}, workdir.root) as server:
        ...     ModelServerClient(server.address)  # doctest: +SKIP
    """

    def __init__(
        self, models: Path, versions: Versions, log_folder: Path,
        log_name: str = "model_server.log",
    ) -> None:  # fmt: skip
        self._models, self._versions = models, versions
        self._log = log_folder / log_name
        self._folder = tempfile.TemporaryDirectory(prefix="vitrine-")
        self._ready_file = Path(self._folder.name) / "ready.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self.port = 0

    @property
    def address(self) -> str:
        """Where its gRPC API listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> ModelServerProcess:
        say("starting the model server")
        try:
            self.serve(self._versions)
            self._start()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._watch, name="model-server-watch", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def serve(self, versions: Versions) -> None:
        """Tells the server what to serve from now on; it loads and unloads beside its work.

        A running version that stays is not touched. A server that is down serves it once it
        is back.
        """
        self._versions = versions
        text = models_config(self._models, versions)
        write_text(Path(self._folder.name) / "models.config", text)
        if self.port:
            with contextlib.suppress(ServingError), ModelServerClient(self.address) as client:
                client.reload(text)

    def close(self) -> None:
        """Stops it: asks first, then ends it."""
        self._closing.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()

    def _start(self) -> None:
        self._ready_file.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "serving.model_server_process", str(os.getpid()),
            "--host=127.0.0.1", f"--port={self.port}", "--rest_api_port=0", "--pick_free_ports",
            f"--model_config_file={Path(self._folder.name) / 'models.config'}",
            # a version that is wanted again while it unloads is seen by the next poll
            f"--ready_file={self._ready_file}", "--file_system_poll_wait_seconds=1",
            # a bundle that does not load is tried again by whoever wanted it
            "--max_num_load_retries=0",
        ]  # fmt: skip
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the API, which stops it when it is done
            )  # fmt: skip

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while not self._ready_file.is_file():
            if self._process.poll() is not None or time.monotonic() > end:
                raise ServingError(
                    f"the model server did not start: {self._last_lines()}", where=str(self._log),
                    mend="`vitrine doctor` checks the installation.",
                )  # fmt: skip
            time.sleep(0.05)
        self.port = int(json.loads(self._ready_file.read_text(encoding="utf-8"))["port"])

    def _last_lines(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return " / ".join(text.strip().splitlines()[-LOG_LINES:]) or "it said nothing."

    def _watch(self) -> None:
        pause = PAUSE_SECONDS
        while not self._closing.is_set():
            assert self._process is not None
            code = self._process.wait()
            # a server that became ready gets a fresh try
            pause = PAUSE_SECONDS if self._ready_file.is_file() else pause * 2
            if self._closing.wait(min(pause, LONGEST_PAUSE_SECONDS)):
                return
            say(f"the model server ended with {code}; starting it again")
            self._start()


def models_config(models: Path, versions: Versions) -> str:
    """TensorFlow Serving's config file for some versions of each servable."""
    return "model_config_list {\n" + "".join(
        f"  config {{\n    name: {json.dumps(name)}\n"
        f"    base_path: {json.dumps(str((models / name).absolute()))}\n"
        f'    model_platform: "tensorflow"\n    model_version_policy {{ specific {{ '
        + " ".join(f"versions: {version}" for version in sorted(wanted))
        + " } }\n  }\n"
        for name, wanted in sorted(versions.items())
    ) + "}\n"  # fmt: skip


def _run_child(parent: int, flags: list[str]) -> int:
    if sys.platform == "linux":
        # PR_SET_PDEATHSIG: the kernel ends this process when its parent is killed
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        if os.getppid() != parent:
            return 1
    from serving.model_server.main import run

    return run(flags)


if __name__ == "__main__":
    sys.exit(_run_child(int(sys.argv[1]), sys.argv[2:]))

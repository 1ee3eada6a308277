"""Debian's PostgreSQL in a scratch folder, on a free port, gone with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

SECONDS = 30
WHY = "needs Debian's postgresql: make postgresql"


def programs() -> Path | None:
    """The folder that holds initdb and postgres, or None where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgreSQL:
    """A server of its own for the tests; it may be killed and started again.

    As root it runs as `postgres`, since initdb refuses root.
    """

    def __init__(self) -> None:
        folder = programs()
        if folder is None:
            pytest.skip(WHY)
        self._programs = folder
        self.root = Path(tempfile.mkdtemp(prefix="vitrine-postgresql-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _user()
            os.chown(self.root, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._run("initdb", "-D", str(self.data), "-U", "vitrine", "-A", "trust", "--no-sync",
                  "--locale=C", "-E", "UTF8")  # fmt: skip
        self.start()

    @property
    def data(self) -> Path:
        """The folder of its tables."""
        return self.root / "data"

    def url(self, database: str = "postgres") -> str:
        """A database's URL."""
        return f"postgresql+psycopg://vitrine@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{uuid.uuid4().hex}"
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url(name)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        log = (self.root / "log").open("a")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.root,
             "-c", "listen_addresses=127.0.0.1"],
            stdout=log, stderr=log, cwd=self.root, **self._as,
        )  # fmt: skip
        log.close()
        end = time.monotonic() + SECONDS
        engine = sa.create_engine(self.url(), poolclass=sa.NullPool)
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with engine.connect():
                    return
            except sa.exc.OperationalError:
                time.sleep(0.1)
        raise AssertionError((self.root / "log").read_text())

    def kill(self) -> None:
        """Ends it the way that a power cut would: no process of it gets to do anything."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for pid in (self._process.pid, *map(int, children.split())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:  # it ended with its parent
                continue
        self._process.wait()

    def stop(self) -> None:
        """Ends it and removes its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(SECONDS)
        shutil.rmtree(self.root, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([self._programs / program, *arguments], cwd=self.root, text=True,
                              capture_output=True, check=False, **self._as)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def _user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("root cannot run PostgreSQL, and there is no user `postgres`")

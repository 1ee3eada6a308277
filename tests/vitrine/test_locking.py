"""Two runs never write to one workdir."""

import os
import subprocess
import sys

import pytest

from recsys.errors import LockedError
from vitrine.locking import workdir_lock


def test_a_second_run_is_refused_and_told_who_holds_the_lock(tmp_path):
    with (
        workdir_lock(tmp_path, "refresh"),
        pytest.raises(LockedError, match=f"`vitrine refresh`, process {os.getpid()} on .* since"),
        workdir_lock(tmp_path),
    ):
        pass


def test_the_lock_is_free_after_a_run(tmp_path):
    with workdir_lock(tmp_path):
        pass
    with workdir_lock(tmp_path):
        pass


def test_a_killed_holder_does_not_keep_the_lock(tmp_path):
    program = (
        "import os, sys, pathlib\n"
        "from vitrine.locking import workdir_lock\n"
        "with workdir_lock(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with workdir_lock(tmp_path):
        pass

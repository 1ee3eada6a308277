"""A photo worker whose decoder some bytes bring down, as broken ones do to real decoders."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from embeddings import photo_work
from embeddings.photo_worker import main

decode_photo = photo_work.decode_photo


def decode(data, *arguments):
    """Dies of `kill`, once of `kill once` (it leaves a file), sleeps over `hang`."""
    if data.startswith(b"kill once"):
        marker = Path(data.decode().removeprefix("kill once "))
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        data = marker.with_suffix(".png").read_bytes()
    elif data.startswith(b"kill"):
        os.kill(os.getpid(), signal.SIGSEGV)
    elif data.startswith(b"hang"):
        time.sleep(600)
    return decode_photo(data, *arguments)


if __name__ == "__main__":
    photo_work.decode_photo = decode
    main()

"""How this process gives memory back."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # malloc.h's number for it
LARGE = 1 << 20


def give_large_blocks_back() -> bool:
    """Makes glibc hand back every block of a mebibyte or more as soon as it is free.

    Left to itself it keeps blocks of the size that was freed once, in an arena per thread; photos
    are decoded in blocks of 16 MiB, and after some large ones a process would hold gigabytes.

    Returns:
        Whether it was done; where there is no glibc nothing is.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE))
    except (AttributeError, OSError):  # another C library
        return False

"""How the C library keeps memory: bodies of a hundred kilobytes come and go thousands of times a second.

glibc gives the top of its heap back to the kernel as soon as 128 KiB of it are free, and the next body has
to fault every page of it in again: some 60 µs for 100 KB. It may keep a few megabytes instead.
"""

from __future__ import annotations

import ctypes
import sys

KEPT = 8 << 20
"""Free bytes at the top of a heap that are kept."""
MAPPED_FROM = 4 << 20
"""Larger blocks get a mapping of their own, as before, and go back when they are freed."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's <malloc.h>."""


def keep_freed_memory() -> bool:
    """Whether the C library took the advice; others than glibc have their own ways."""
    if not sys.platform.startswith("linux"):
        return False
    advise = getattr(ctypes.CDLL(None), "mallopt", None)
    return advise is not None and bool(advise(_TRIM_THRESHOLD, KEPT) and advise(_MMAP_THRESHOLD, MAPPED_FROM))

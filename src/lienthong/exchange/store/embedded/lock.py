"""One process at a time: an advisory lock on a file that says who holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from lienthong.exchange.store.errors import StoreLocked


class StoreLock:
    """Held from construction to :meth:`release`; the kernel releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._fd, 64).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreLocked(
                f"process {holder} has this store open",
                place=str(path),
                remedy="stop the other hub first, or use another data folder; one embedded store serves one "
                "process (several hubs at once: use PostgreSQL)",
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._fd)

"""Moving the index's write-ahead log into its database beside the writer, so that no commit waits for it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.index import Index

_IDLE_S: Final = 1.0


class Checkpointer:
    """A thread with its own connection. It also commits the index when the store has been idle.

    ``failure``: why the last attempt failed, '' when it did not. Nothing is lost by one: the log of the
    index grows, and the writer meets the same error when the disk is really full.
    """

    def __init__(self, path: Path, index: Index) -> None:
        self.failure = ""
        self._path, self._index = path, index
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="index-checkpoint", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """The index was committed."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            while not self._stopping:
                woken = self._wake.wait(_IDLE_S)
                self._wake.clear()
                if self._stopping:
                    return
                try:
                    idle = not woken and time.monotonic() - self._index.applied_at >= _IDLE_S
                    if idle and self._index.flush():
                        woken = True
                    if woken:
                        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                        crashpoint("index.checkpointed")
                    self.failure = ""
                except sqlite3.Error as error:
                    self.failure = f"the index cannot be checkpointed: {error}"

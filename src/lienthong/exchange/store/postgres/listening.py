"""Hearing of commits in other hub processes: LISTEN on a connection of its own, reconnecting for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import psycopg

from lienthong.exchange.store.errors import StoreFailed
from lienthong.exchange.store.postgres.connections import Connection, connect
from lienthong.exchange.store.postgres.writing import CHANNEL

_LOOK_UP_EVERY_S: Final = 0.5
_RETRY_S: Final = 1.0


class Listener:
    """Calls ``grown`` with the agencies of each commit of another process. What was committed while the
    connection was down is read from the inboxes when it is back.
    """

    def __init__(self, dsn: str, token: str, grown: Callable[[frozenset[str]], None]) -> None:
        self._dsn, self._token, self._grown = dsn, token, grown
        self._stop = threading.Event()
        self._size: int | None = None
        self.listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                connection = connect(self._dsn)
            except StoreFailed:
                self._stop.wait(_RETRY_S)
                continue
            try:
                self._listen(connection)
            except psycopg.Error:
                self.listening.clear()
            finally:
                connection.close()

    def _listen(self, connection: Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        self._catch_up(connection)
        self.listening.set()
        while not self._stop.is_set():
            for heard in list(connection.notifies(timeout=_LOOK_UP_EVERY_S, stop_after=1)):
                token, *agencies = heard.payload.split() or (self._token,)  # anybody may notify, of anything
                if token != self._token:
                    self._grown(frozenset(agencies))
                row = connection.execute("SELECT size FROM head").fetchone()
                self._size = row[0] if row else None

    def _catch_up(self, connection: Connection) -> None:
        row = connection.execute("SELECT size FROM head").fetchone()
        size = row[0] if row else 0
        if self._size is not None and size > self._size:
            agencies = connection.execute(
                "SELECT DISTINCT code FROM inbox JOIN agencies ON number = agency WHERE idx >= %s",
                (self._size,),
            )
            missed = frozenset(code for (code,) in agencies)
            if missed:
                self._grown(missed)
        self._size = size

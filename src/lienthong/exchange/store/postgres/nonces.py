"""Nonces of signed requests, seen once by all the hubs of one database."""

from __future__ import annotations

from hashlib import sha256
from time import monotonic
from typing import Final

from lienthong.exchange.store.postgres.connections import Connections

CLOCKS_APART_S: Final = 60.0
"""How far the clocks of two hubs may differ: a nonce is kept so much longer."""
_SWEEP_EVERY_S: Final = 30.0


class SharedNonces:
    """The table ``exchange.nonces``. From any thread."""

    def __init__(self, dsn: str) -> None:
        self._connections = Connections(dsn)
        self._swept = monotonic()

    def first_time(self, keyid: str, nonce: str, for_s: float) -> bool:
        """True once for a nonce of a signer within ``for_s`` seconds, whichever hub asks. StoreFailed when
        the database does not answer.

        Not synced to the disk before it answers: what a database server forgets when its machine loses
        power is the last second's, and sign-ins must not wait for a standby.
        """
        key = sha256(f"{keyid}\0{nonce}".encode()).digest()
        with self._connections.read() as connection:
            self._sweep_if_due()
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute("SET LOCAL synchronous_commit = off")
                added = connection.execute(
                    "INSERT INTO nonces VALUES (%s, now() + make_interval(secs => %s)) "
                    "ON CONFLICT (key) DO NOTHING RETURNING 1",
                    (key, for_s + CLOCKS_APART_S),
                )
                connection.execute("COMMIT")
            return added.fetchone() is not None

    def _sweep_if_due(self) -> None:
        now = monotonic()
        if now - self._swept < _SWEEP_EVERY_S:
            return
        self._swept = now
        with self._connections.read() as connection:
            connection.execute("DELETE FROM nonces WHERE expires < now()")

    def close(self) -> None:
        self._connections.close()

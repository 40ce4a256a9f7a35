"""The engines under one interface, so that one suite of promises is kept by each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from tests.exchange.store.submissions import ORIGIN, sign_checkpoint

from lienthong.exchange.store.embedded import EmbeddedOptions, EmbeddedStore, open_embedded
from lienthong.exchange.store.postgres import PostgresStore, open_postgres
from lienthong.exchange.store.protocol import Store


class Engine(Protocol):
    """One log. ``open`` opens it (again); everything opened is closed at the end of the test."""

    name: str
    spool: Path

    def open(self) -> Store: ...

    def close(self) -> None: ...


class EmbeddedEngine:
    name = "embedded"

    def __init__(self, folder: Path, options: EmbeddedOptions | None = None) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self._options = options
        self._open: EmbeddedStore | None = None

    def open(self) -> EmbeddedStore:
        self.close()
        self._open = open_embedded(self.folder, ORIGIN, sign_checkpoint, options=self._options)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


class PostgresEngine:
    name = "postgres"

    def __init__(self, dsn: str, spool: Path) -> None:
        self.dsn = dsn
        self.spool = spool
        spool.mkdir()
        self._open: list[PostgresStore] = []

    def open(self) -> PostgresStore:
        """A hub process of its own would see the same: nothing is shared between two opened stores."""
        self._open.append(open_postgres(self.dsn, ORIGIN, sign_checkpoint))
        return self._open[-1]

    @contextmanager
    def emptied(self) -> Iterator[str]:
        """The database without a log."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS exchange CASCADE")
        yield self.dsn

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


def now_and_reopened(engine: Engine, store: Store) -> Iterator[Store]:
    """The store as it is, then as it comes back."""
    yield store
    yield engine.open()

"""Connections to the database: a few for readers, one for the writer; what fails becomes a StoreError."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lienthong.exchange.store.errors import DiskFull, StoreFailed, StoreMismatch
from lienthong.exchange.store.postgres.arrays import register

SCHEMA: Final = "exchange"
_SETTINGS: Final = (
    ("search_path", SCHEMA),
    # Every query of ours has its index. The planner's statistics lag behind a log that grows fast, and a
    # plan made for a nearly empty table would scan it for minutes.
    ("enable_seqscan", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
)
_ALIVE: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""libpq: a server that has vanished is noticed; the connection settings may say otherwise."""
_MISSED: Final = (
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
)
"""The same for the server: a hub that has vanished holds no lock for long."""
_SCHEMA_FILES: Final = Path(__file__).with_name("schema")
_MIGRATION_LOCK: Final = 0x4C54_0001
_MOST_IDLE: Final = 8

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(dsn: str) -> Connection:
    """A connection in autocommit mode whose search path is our schema. StoreFailed when there is none."""
    try:
        settings: dict[str, Any] = {"application_name": "lienthong", **_ALIVE, **conninfo_to_dict(dsn)}
        connection = psycopg.connect(make_conninfo(**settings), autocommit=True)
        register(connection)
        for setting, value in (*_SETTINGS, *_MISSED):
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
    except psycopg.Error as error:
        raise unreachable(error) from error
    return connection


def unreachable(error: psycopg.Error) -> StoreFailed:
    return StoreFailed(
        f"the database does not answer: {_first_line(error)}",
        place="PostgreSQL",
        remedy="check that the server runs and that the connection settings are right; "
        "the hub reconnects by itself",
    )


def failure(error: psycopg.Error) -> StoreFailed:
    """What a database error means to whoever submitted a batch."""
    if isinstance(error, errors.DiskFull):
        return DiskFull(
            "the database has no room; nothing of the batch was accepted",
            place="PostgreSQL",
            remedy="free space on the database server; the hub accepts again by itself",
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return StoreFailed(
            "the database is read-only",
            place="PostgreSQL",
            remedy="the hub is connected to a standby, or the server was set read-only: "
            "connect it to the primary",
        )
    if isinstance(error, psycopg.OperationalError):
        return unreachable(error)
    return StoreFailed(
        f"the database refused: {_first_line(error)}", place="PostgreSQL", remedy="see its log"
    )


def is_lost(error: psycopg.Error, connection: Connection) -> bool:
    """Whether the connection died under a statement, so that its outcome is not known."""
    return connection.closed or connection.broken or isinstance(error, errors.AdminShutdown)


def end_stalled_writers(dsn: str, after: str) -> None:
    """End the connections of hubs that have kept the server waiting for the rest of a batch for ``after``:
    the server itself ends those that wait between two statements, and none inside a COPY.
    """
    with closing(connect(dsn)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND usename = current_user AND pid <> pg_backend_pid() AND state = 'active' "
            "AND wait_event = 'ClientRead' AND query LIKE 'COPY records %%' "
            "AND query_start < clock_timestamp() - %s::interval",
            (after,),
        )


def must_be_put_again(error: psycopg.Error) -> bool:
    """Whether the server undid the batch for reasons that will have passed."""
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)


class Connections:
    """Reader connections, made as needed, kept while idle. From any thread."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for a few statements. One that was idle when the server restarted is replaced."""
        connection = self._take()
        try:
            yield connection
        except psycopg.Error as error:
            connection.close()
            self._drop_idle()
            raise failure(error) from error
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    def _take(self) -> Connection:
        with self._lock:
            if self._closed:
                raise StoreFailed("the store is closed", place="PostgreSQL", remedy="open it again")
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed and not connection.broken:
                    return connection
        return connect(self.dsn)

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._drop_idle()


def migrate(connection: Connection) -> None:
    """Bring the schema to this version. Several hubs may start at once: one migrates, the others wait."""
    steps = sorted(_SCHEMA_FILES.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, name text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = {version for (version,) in connection.execute("SELECT version FROM migrations")}
        known = {int(step.name[:4]): step for step in steps}
        if unknown := applied - known.keys():
            raise StoreMismatch(
                f"the database has schema version {max(unknown)}; this version knows {max(known)}",
                place=f"schema {SCHEMA}",
                remedy="use the version of the product that migrated it, or a newer one",
            )
        for version, step in sorted(known.items()):
            if version not in applied:
                connection.execute(step.read_bytes())
                connection.execute(
                    "INSERT INTO migrations (version, name) VALUES (%s, %s)", (version, step.name)
                )


def check_durability(connection: Connection) -> None:
    """StoreMismatch unless a commit that was answered survives a crash of the server."""
    for setting, forbidden, remedy in (
        ("fsync", "off", "set fsync = on in postgresql.conf and restart the server"),
        ("synchronous_commit", "off", "ALTER ROLE … SET synchronous_commit = on"),
        ("full_page_writes", "off", "set full_page_writes = on in postgresql.conf"),
    ):
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
        if row is not None and row[0] == forbidden:
            raise StoreMismatch(
                f"{setting} is {forbidden}: the server could lose what the hub has acknowledged",
                place="PostgreSQL",
                remedy=remedy,
            )


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

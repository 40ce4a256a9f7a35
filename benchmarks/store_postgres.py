"""The PostgreSQL store against a bare binary COPY of the same bytes, batch by batch in one run."""

from __future__ import annotations

import statistics
import struct
import time
from collections.abc import Callable, Iterator
from itertools import islice

import psycopg
from tests.exchange.store.cluster import running_cluster

from benchmarks._store import ORIGIN, documents, sign_checkpoint
from benchmarks.figure import Figure
from lienthong.exchange.receipts import leaf_bytes
from lienthong.exchange.store.postgres import open_postgres

BATCH = 32
_ROW = struct.Struct(">hiq")
_LENGTH = struct.Struct(">i")


class BareCopy:
    """One transaction a batch: container, leaf and summary by binary COPY into one plain table."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._connection.execute(
            "CREATE TABLE bare (idx bigint PRIMARY KEY, leaf bytea, summary bytea, data bytea)"
        )
        self._connection.execute("ALTER TABLE bare ALTER COLUMN data SET STORAGE EXTERNAL")
        self._next = 0

    def __call__(self, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        parts = [b"PGCOPY\n\xff\r\n\0" + bytes(8)]
        for row in rows:
            parts.append(_ROW.pack(4, 8, self._next))
            for value in row:
                parts += (_LENGTH.pack(len(value)), value)
            self._next += 1
        parts.append(b"\xff\xff")
        with (
            self._connection.transaction(),
            self._connection.cursor().copy("COPY bare FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.write(b"".join(parts))

    def close(self) -> None:
        self._connection.close()


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(*, quick: bool) -> Iterator[Figure]:
    with running_cluster() as cluster:
        for size in (4096, 16_384, 102_400):
            dsn = cluster.create_database(f"bench_{size}")
            store, bare = open_postgres(dsn, ORIGIN, sign_checkpoint), BareCopy(dsn)
            stream = documents(size=size)
            ours, theirs = [], []
            for n in range(15 if quick else 80):
                batch = list(islice(stream, BATCH))
                rows = [(leaf_bytes(each, n), each.summary, each.payload) for each in batch]
                theirs.append(_seconds(lambda: bare(rows)))  # type: ignore[arg-type]  # noqa: B023
                ours.append(_seconds(lambda: store.commit(batch, n)))  # noqa: B023
            store.close()
            bare.close()
            warm = len(ours) // 10
            measured, baseline = statistics.median(ours[warm:]), statistics.median(theirs[warm:])
            yield Figure(
                f"postgres_over_bare_copy_{size // 1024}k",
                baseline / measured,
                ">= 0.6",
                "documents/s",
                BATCH / measured,
                BATCH / baseline,
                "bare COPY",
                note=f"batches of {BATCH}",
            )


if __name__ == "__main__":
    for figure in measure(quick=False):
        print(figure.line(), flush=True)

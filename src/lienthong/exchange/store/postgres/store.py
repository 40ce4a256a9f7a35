"""The PostgreSQL engine behind the one store protocol: any number of processes on one database."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from lienthong.exchange.errors import NotFound
from lienthong.exchange.receipts import receipt_bytes
from lienthong.exchange.store.admission import Admission, grown_inboxes
from lienthong.exchange.store.counts import Counts
from lienthong.exchange.store.errors import PayloadArchived, StoreFailed, StoreMismatch
from lienthong.exchange.store.fresh import FreshReceipts
from lienthong.exchange.store.postgres import keeping, reading, writing
from lienthong.exchange.store.postgres.agencies import Agencies
from lienthong.exchange.store.postgres.blobs import BlobCache, store_blob, sweep_blobs
from lienthong.exchange.store.postgres.connections import (
    Connection,
    Connections,
    check_durability,
    connect,
    end_stalled_writers,
    failure,
    is_lost,
    migrate,
    must_be_put_again,
)
from lienthong.exchange.store.postgres.listening import Listener
from lienthong.exchange.store.postgres.tree import SharedTree
from lienthong.exchange.store.postgres.writing import (
    BLOB,
    Written,
    is_blob,
    write_batch,
)
from lienthong.exchange.store.protocol import (
    Delivery,
    InboxItem,
    Lane,
    Outcome,
    Progress,
    Record,
    SignCheckpoint,
    SpooledPayload,
    Statistics,
    StoreHealth,
    Submission,
)
from lienthong.exchange.store.subscribers import Subscribers
from lienthong.trust.log.merkle import EMPTY_ROOT


class PostgresStore:
    """See :class:`lienthong.exchange.store.protocol.Store`. Open with :func:`open_postgres`."""

    def __init__(self, dsn: str, origin: str, sign_checkpoint: SignCheckpoint, *, blob_from: int) -> None:
        self._origin, self._sign, self._blob_from = origin, sign_checkpoint, blob_from
        self._token = os.urandom(8).hex()
        self._connections = Connections(dsn)
        self._tree = SharedTree(self._connections)
        self._agencies = Agencies()
        self._writing = threading.Lock()
        self._writer: Connection | None = None
        self._fresh = FreshReceipts()
        self._subscribers = Subscribers()
        self._subscribing = threading.Lock()
        self._listener: Listener | None = None
        self._closed = False
        with contextlib.closing(connect(dsn)) as connection:
            try:
                migrate(connection)
                check_durability(connection)
                self._begin_log(connection)
                sweep_blobs(connection)
            except psycopg.Error as error:
                raise failure(error) from error
        self._cache = BlobCache(self._connections)

    def _begin_log(self, connection: Connection) -> None:
        connection.execute(
            "INSERT INTO head (origin, size, frontier, note, last_ms, counts) VALUES (%s, 0, %s, %s, 0, %s) "
            "ON CONFLICT DO NOTHING",
            (self._origin, b"", self._sign(0, EMPTY_ROOT), Counts().encode()),
        )
        row = connection.execute("SELECT origin FROM head").fetchone()
        if row is None or row[0] != self._origin:
            raise StoreMismatch(
                f"the log is {row and row[0]!r}, the hub is configured as {self._origin!r}",
                place="exchange.head",
                remedy="connect to the database that belongs to this hub, or set the log's origin back",
            )

    # Writing.

    def commit(self, batch: Sequence[Submission], now_ms: int) -> list[Outcome]:
        if not batch:
            return []
        with self._writing:
            try:
                result = self._commit_once(batch, now_ms)
            except _PutAgain:
                # Whether it was committed may not be known; the ids tell, so the same batch is put again.
                try:
                    result = self._commit_once(batch, now_ms)
                except _PutAgain as again:
                    raise failure(again.error) from again.error
        admission = result.admission if isinstance(result, Written) else result
        if isinstance(result, Written):
            self._fresh.remember(result.admission.first, result.receipts)
        for each in batch:
            if isinstance(each.payload, SpooledPayload):
                each.payload.path.unlink(missing_ok=True)
        self._subscribers.tell(grown_inboxes(admission))
        return admission.outcomes

    def _commit_once(self, batch: Sequence[Submission], now_ms: int) -> Written | Admission:
        if self._closed:
            raise StoreFailed("the store is closed", place="PostgreSQL", remedy="open it again")
        if self._writer is None:
            self._writer = connect(self._connections.dsn)
        connection = self._writer
        try:
            large = self._store_blobs(connection, batch)
            result = write_batch(
                connection,
                batch,
                now_ms,
                large,
                self._agencies,
                self._blob_from,
                self._sign,
                lambda before, hashes, growth: self._tree.grow(connection, before, hashes, growth),
                self._token,
            )
        except BaseException as error:
            # Closing rolls back whatever is open; the next batch connects afresh.
            self._tree.forget()
            self._writer = None
            again = isinstance(error, psycopg.Error) and (
                is_lost(error, connection) or must_be_put_again(error)
            )
            connection.close()
            if isinstance(error, errors.LockNotAvailable):
                end_stalled_writers(self._connections.dsn, writing.STALLED)
                again = True
            if isinstance(error, psycopg.Error):
                raise (_PutAgain(error) if again else failure(error)) from error
            raise
        return result

    def _store_blobs(self, connection: Connection, batch: Sequence[Submission]) -> list[bytes]:
        """Commit large payloads ahead of their batch, unless their message is known already."""
        large = []
        for each in batch:
            if not is_blob(each, self._blob_from):
                continue
            if reading.record_by_id(connection, each.sender, each.message_id) is None:
                store_blob(connection, each)
                large.append(each.digest)
        return large

    def subscribe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        stop = self._subscribers.add(callback)
        with self._subscribing:
            if self._listener is None:
                self._listener = Listener(self._connections.dsn, self._token, self._subscribers.tell)
        self._listener.listening.wait(10)
        return stop

    def add_cosignature(self, size: int, line: bytes) -> None:
        self._write("INSERT INTO cosignatures VALUES (%s, %s) ON CONFLICT DO NOTHING", (size, line))

    def add_timestamp(self, size: int, token: bytes) -> None:
        self._write(
            "INSERT INTO timestamps VALUES (%s, %s, sha256(%s)) ON CONFLICT DO NOTHING", (size, token, token)
        )

    def _write(self, statement: str, parameters: Sequence[Any]) -> None:
        with self._connections.read() as connection:
            connection.execute(statement.encode(), parameters)

    def health(self) -> StoreHealth:
        try:
            with self._connections.read() as connection:
                row = connection.execute(
                    "SELECT size, last_ms, pg_is_in_recovery(), current_setting('transaction_read_only') "
                    "FROM head"
                ).fetchone()
        except StoreFailed as error:
            return StoreHealth(False, str(error), None, 0, 0)
        assert row is not None
        size, last_ms, standby, read_only = row
        reason = "the database is read-only" if standby or read_only == "on" else ""
        return StoreHealth(not reason, reason, None, last_ms, size)

    # Reading.

    def receipt(self, index: int) -> bytes:
        fresh = self._fresh.get(index)
        if fresh is not None:
            return fresh
        with self._connections.read() as connection:
            record = reading.one_record(connection, index)
            batch = connection.execute(
                "SELECT size, note FROM batches WHERE size > %s ORDER BY size LIMIT 1",
                (max(index, 0),),
                binary=True,
            ).fetchone()
        if record is None or batch is None:
            raise NotFound(f"record {index} is not in the log", place="log index")
        size, note = batch
        return receipt_bytes(index, record.leaf, self._tree.proof(index, size), note)

    def receipts(self, indexes: Sequence[int]) -> list[bytes]:
        return [self.receipt(index) for index in indexes]

    def record(self, index: int) -> Record | None:
        with self._connections.read() as connection:
            return reading.one_record(connection, index)

    def payload(self, index: int) -> bytes | Path | None:
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT r.stored, r.size, r.digest, r.payload, h.archived_before FROM head h, records r "
                "WHERE r.idx = %s",
                (index,),
                binary=True,
            ).fetchone()
        if row is None or not row[0]:
            return None
        stored, size, digest, data, archived_before = row
        if index < archived_before:
            raise PayloadArchived(
                f"the container of record {index} was moved to the archive",
                place=f"record {index}",
                remedy="ask the operator of the hub for it; receipt and proof are still valid",
            )
        if stored == BLOB:
            return self._cache.path(digest, size)
        payload: bytes = data
        return payload

    def find(self, sender: str, message_id: str) -> Record | None:
        with self._connections.read() as connection:
            return reading.record_by_id(connection, sender, message_id)

    def find_document(
        self, document_id: str, sender: str | None = None, recipient: str | None = None
    ) -> Record | None:
        with self._connections.read() as connection:
            return reading.record_of_document(connection, self._agencies, document_id, sender, recipient)

    def inbox(
        self,
        agency: str,
        *,
        after: int = -1,
        limit: int = 100,
        lane: Lane | None = None,
        pending: bool = False,
    ) -> list[InboxItem]:
        with self._connections.read() as connection:
            return reading.inbox(connection, self._agencies, agency, after, limit, lane, pending)

    def sent(self, agency: str, *, before: int | None = None, limit: int = 100) -> list[Record]:
        with self._connections.read() as connection:
            return reading.sent(connection, self._agencies, agency, before, limit)

    def deliveries(self, index: int) -> list[Delivery]:
        with self._connections.read() as connection:
            return reading.deliveries(connection, self._agencies, index, None)

    def delivery(self, index: int, recipient: str) -> Delivery | None:
        with self._connections.read() as connection:
            found = reading.deliveries(connection, self._agencies, index, (recipient,))
            return found[0] if found else None

    def history(self, index: int, *, after: int = -1, limit: int = 1000) -> list[Record]:
        with self._connections.read() as connection:
            return reading.history(connection, index, after, limit)

    def checkpoint(self) -> bytes:
        note: bytes = self._head("note")
        return note

    def tree_size(self) -> int:
        size: int = self._head("size")
        return size

    def _head(self, column: str) -> Any:
        with self._connections.read() as connection:
            row = connection.execute(f"SELECT {column} FROM head".encode(), binary=True).fetchone()  # noqa: S608
        assert row is not None
        return row[0]

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        return self._tree.leaf_hashes(start, end, self.tree_size())

    def node(self, level: int, index: int) -> bytes:
        return self._tree.node(level, index, self.tree_size())

    def entries(self, start: int, end: int) -> list[bytes]:
        size = self.tree_size()
        if not 0 <= start <= end <= size:
            raise NotFound(f"records {start}..{end} are not all in a log of {size}")
        with self._connections.read() as connection:
            return reading.leaves(connection, start, end)

    def cosignatures(self, size: int) -> list[bytes]:
        with self._connections.read() as connection:
            rows = connection.execute("SELECT line FROM cosignatures WHERE size = %s", (size,), binary=True)
            return [line for (line,) in rows]

    def timestamps(self) -> Iterator[tuple[int, bytes]]:
        with self._connections.read() as connection:
            rows = connection.execute(
                "SELECT size, token FROM timestamps ORDER BY size", binary=True
            ).fetchall()
        yield from ((size, token) for size, token in rows)

    def statistics(self) -> Statistics:
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT size, counts, pg_total_relation_size('records') "
                "+ pg_total_relation_size('blob_parts') FROM head"
            ).fetchone()
        assert row is not None
        counts = Counts.decode(row[1])
        return Statistics(
            counts.documents,
            counts.deliveries,
            counts.statuses,
            counts.acknowledgements,
            row[0],
            counts.payload_bytes,
            row[2],
            {state: number for state, number in counts.states.items() if number},
        )

    def used_since(self, sender: str, since_ms: int) -> tuple[int, int]:
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(size), 0)::bigint FROM records WHERE sender = %s "
                "AND kind <> 3 AND idx >= (SELECT min(first) FROM batches WHERE accepted_ms >= %s)",
                (self._agencies.number(connection, sender), since_ms),
            ).fetchone()
        assert row is not None
        return row[0], row[1]

    # Upkeep.

    def verify(self, progress: Progress | None = None) -> int:
        with self._connections.read() as connection:
            return keeping.verify(connection, progress)

    def backup(self, target: Path) -> None:
        with self._connections.read() as connection:
            keeping.backup(connection, target)

    def archive(self, before_ms: int, target: Path) -> int:
        with self._connections.read() as connection:
            return keeping.archive(connection, before_ms, target)

    def close(self) -> None:
        self._closed = True
        if self._listener is not None:
            self._listener.stop()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self._connections.close()
        self._cache.close()


class _PutAgain(Exception):
    """The connection was lost, or the server undid the transaction."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error


def open_postgres(
    dsn: str, origin: str, sign_checkpoint: SignCheckpoint, *, blob_from: int = 1 << 20
) -> PostgresStore:
    """Open the log in a database, creating or migrating its schema ``exchange``.

    ``blob_from``: payloads of at least so many bytes are stored in parts. Raises StoreFailed when the
    database cannot be reached, StoreMismatch when it holds another log or does not sync its commits.
    """
    return PostgresStore(dsn, origin, sign_checkpoint, blob_from=blob_from)

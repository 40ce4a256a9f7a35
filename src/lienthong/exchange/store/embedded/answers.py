"""The reading half of the embedded store: every question of the protocol, from any thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lienthong.exchange.errors import NotFound
from lienthong.exchange.store.embedded.blobs import Blobs
from lienthong.exchange.store.embedded.index import Index, IndexDamaged
from lienthong.exchange.store.embedded.layout import IN_BLOB
from lienthong.exchange.store.embedded.reads import Reads
from lienthong.exchange.store.embedded.segments import (
    SegmentReader,
    SegmentWriter,
    segment_numbers,
    segment_path,
)
from lienthong.exchange.store.errors import PayloadArchived, StoreFailed
from lienthong.exchange.store.protocol import Delivery, InboxItem, Lane, Record, Statistics
from lienthong.exchange.store.tree import MissingBlock
from lienthong.trust.log.merkle import Frontier

_PASSING: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_NOMEM,
)
"""Primary result codes of SQLite after which the index may still be whole."""


class EmbeddedReading:
    """What :class:`EmbeddedStore` answers. It sets the attributes below as it opens."""

    _folder: Path
    _segments: Path
    _index: Index
    _index_failure: str
    _index_damaged: bool
    _reads: Reads
    _reader: SegmentReader
    _writer: SegmentWriter
    _blobs: Blobs
    _frontier: Frontier
    _size: int
    _note: bytes
    _closed: bool

    @contextmanager
    def _reading(self) -> Iterator[Reads]:
        if self._closed:
            raise self._is_closed()
        if self._index_failure:
            raise self._refusal()
        try:
            yield self._reads
        except (sqlite3.DatabaseError, MissingBlock, IndexDamaged) as error:
            raise self._index_failed(error) from error

    def _is_closed(self) -> StoreFailed:
        return StoreFailed("the store is closed", place=str(self._folder), remedy="open it again")

    def _index_failed(self, error: BaseException) -> StoreFailed:
        self._index_failure = f"the index cannot be used: {error}"
        damaged = isinstance(error, IndexDamaged | MissingBlock)
        if isinstance(error, sqlite3.Error):
            code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
            damaged = code & 0xFF not in _PASSING
        self._index_damaged = self._index_damaged or damaged
        return self._refusal()

    def _refusal(self) -> StoreFailed:
        return StoreFailed(
            self._index_failure,
            place=str(self._folder / "index.sqlite3"),
            remedy="the log itself is whole; the index is mended by itself before the next batch, "
            "as soon as the disk takes it",
        )

    def receipt(self, index: int) -> bytes:
        return self.receipts((index,))[0]

    def receipts(self, indexes: Sequence[int]) -> list[bytes]:
        found = []
        with self._reading() as reads:
            for index in indexes:
                receipt = reads.receipt(index)
                if receipt is None:
                    raise NotFound(f"record {index} is not in the log", place="log index")
                found.append(receipt)
        return found

    def record(self, index: int) -> Record | None:
        with self._reading() as reads:
            return reads.record(index)

    def payload(self, index: int) -> bytes | Path | None:
        with self._reading() as reads:
            found = reads.stored(index)
            if found is None or not found[1].payload_length:
                return None
            if index < self._index.archived_before:
                raise PayloadArchived(
                    f"the container of record {index} was moved to the archive",
                    place=f"record {index}",
                    remedy="ask the operator of the hub for it; receipt and proof are still valid",
                )
            position, stored = found
            if stored.flags & IN_BLOB:
                return self._blobs.path(reads.must_read(index).digest)
            return self._reader.payload(position, stored)

    def find(self, sender: str, message_id: str) -> Record | None:
        with self._reading() as reads:
            return self._index.find_id(sender, message_id, reads.must_read)

    def find_document(
        self, document_id: str, sender: str | None = None, recipient: str | None = None
    ) -> Record | None:
        with self._reading() as reads:
            return reads.find_document(document_id, sender, recipient)

    def inbox(
        self,
        agency: str,
        *,
        after: int = -1,
        limit: int = 100,
        lane: Lane | None = None,
        pending: bool = False,
    ) -> list[InboxItem]:
        with self._reading() as reads:
            return reads.inbox(agency, after, limit, lane, pending)

    def sent(self, agency: str, *, before: int | None = None, limit: int = 100) -> list[Record]:
        with self._reading() as reads:
            return reads.sent(agency, before, limit)

    def deliveries(self, index: int) -> list[Delivery]:
        with self._reading() as reads:
            return reads.deliveries(index)

    def delivery(self, index: int, recipient: str) -> Delivery | None:
        with self._reading() as reads:
            found = reads.deliveries(index, (recipient,))
            return found[0] if found else None

    def history(self, index: int, *, after: int = -1, limit: int = 1000) -> list[Record]:
        with self._reading() as reads:
            return reads.history(index, after, limit)

    def checkpoint(self) -> bytes:
        return self._note

    def tree_size(self) -> int:
        return self._size

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        with self._reading(), self._index.lock:
            return self._index.tree.leaf_hashes(start, end)

    def node(self, level: int, index: int) -> bytes:
        with self._reading(), self._index.lock:
            return self._index.tree.node(level, index)

    def entries(self, start: int, end: int) -> list[bytes]:
        if not 0 <= start <= end <= self.tree_size():
            raise NotFound(f"records {start}..{end} are not all in a log of {self.tree_size()}")
        with self._reading() as reads:
            return [reads.must_read(index).leaf for index in range(start, end)]

    def cosignatures(self, size: int) -> list[bytes]:
        with self._reading(), self._index.lock:
            rows = self._index.connection.execute("SELECT line FROM cosignatures WHERE size = ?", (size,))
            return [line for (line,) in rows]

    def timestamps(self) -> Iterator[tuple[int, bytes]]:
        with self._reading(), self._index.lock:
            rows = self._index.connection.execute(
                "SELECT size, token FROM timestamps ORDER BY size"
            ).fetchall()
        yield from rows

    def statistics(self) -> Statistics:
        with self._reading(), self._index.lock:
            counts = self._index.counts
            states = {state: number for state, number in counts.states.items() if number}
            sealed = [
                segment_path(self._segments, number).stat().st_size
                for number in segment_numbers(self._segments)
                if number < self._writer.end.number
            ]
            return Statistics(
                counts.documents,
                counts.deliveries,
                counts.statuses,
                counts.acknowledgements,
                self.tree_size(),
                counts.payload_bytes,
                sum(sealed) + self._writer.end.offset,
                states,
            )

    def used_since(self, sender: str, since_ms: int) -> tuple[int, int]:
        with self._index.lock:
            return self._index.usage.since(sender, since_ms)

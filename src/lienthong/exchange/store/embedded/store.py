"""The embedded engine: segments, blobs and the index behind the one store protocol."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lienthong.exchange.receipts import batch_receipts, leaf_bytes
from lienthong.exchange.store.admission import Admission, Known, admit, grown_inboxes, wanted
from lienthong.exchange.store.counts import payload_size
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.batches import encode_batch
from lienthong.exchange.store.embedded.blobs import Blobs
from lienthong.exchange.store.embedded.checkpointing import Checkpointer
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.index import (
    FLUSH_ROWS,
    AppliedBatch,
    Index,
    IndexDamaged,
    IndexUnusable,
)
from lienthong.exchange.store.embedded.keeping import EmbeddedKeeping
from lienthong.exchange.store.embedded.layout import IN_BLOB, FrameType
from lienthong.exchange.store.embedded.lock import StoreLock
from lienthong.exchange.store.embedded.outside import require_what_was_seen
from lienthong.exchange.store.embedded.reads import Reads
from lienthong.exchange.store.embedded.recovery import LogReader, Torn, begin_log
from lienthong.exchange.store.embedded.replay import (
    SIDE_TABLES,
    build_index,
    identity_of,
    open_index,
)
from lienthong.exchange.store.embedded.segments import (
    End,
    SegmentReader,
    SegmentWriter,
)
from lienthong.exchange.store.errors import StoreFailed
from lienthong.exchange.store.protocol import (
    Outcome,
    Progress,
    SignCheckpoint,
    SpooledPayload,
    StoreHealth,
    Submission,
)
from lienthong.exchange.store.subscribers import Subscribers
from lienthong.trust.log.merkle import EMPTY_ROOT, Frontier, leaf_hash

KIBIBYTE: Final = 1024
MEBIBYTE: Final = 1024 * KIBIBYTE


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """Sizes in bytes. ``flush_rows``: records and inbox rows after which the index is committed.

    ``blob_from``: payloads this large become files of their own. ``reserve``: below
    this much free space the store refuses, so that a full disk never stops what is being written.
    """

    segment_bytes: int = 64 * MEBIBYTE
    step_bytes: int = 8 * MEBIBYTE
    blob_from: int = MEBIBYTE
    reserve: int = 32 * MEBIBYTE
    flush_rows: int = FLUSH_ROWS


class EmbeddedStore(EmbeddedKeeping):
    """See :class:`lienthong.exchange.store.protocol.Store`. Open with :func:`open_embedded`."""

    torn: Torn | None
    """What recovery cut from the tail as this store was opened."""

    def __init__(
        self,
        folder: Path,
        origin: str,
        sign_checkpoint: SignCheckpoint,
        *,
        options: EmbeddedOptions,
        files: Files,
        progress: Progress | None,
    ) -> None:
        self._folder, self._origin, self._sign = folder, origin, sign_checkpoint
        self._options, self._files = options, files
        self._segments = folder / "segments"
        for each in (folder, self._segments, folder / "blobs", folder / "spool"):
            files.make_folder(each)
        self._lock = StoreLock(folder / "lock")
        try:
            crashpoint("recovery.locked")
            self._open(progress)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, progress: Progress | None) -> None:
        files = self._files
        self._blobs = Blobs(files, self._folder / "blobs", self._folder / "spool")
        self._blobs.empty_spool()
        log = LogReader(files, self._segments, self._origin)
        if not log.headers:
            begin_log(files, self._segments, self._origin, time.time_ns() // 1_000_000)
            log = LogReader(files, self._segments, self._origin)
        self._identity = identity_of(log)
        self._reader = SegmentReader(files, self._segments)
        try:
            index = open_index(self._folder, log, self._reader)
        except IndexUnusable:
            require_what_was_seen(self._folder, log)
            index = build_index(self._folder, files, log, self._reader, progress)
        self.torn = log.torn
        self._use(index)
        self._frontier = Frontier.load(index.tree.node, index.size)
        self._writer = SegmentWriter(
            files,
            self._segments,
            log.headers[log.end.number],
            log.end,
            segment_bytes=self._options.segment_bytes,
            step_bytes=self._options.step_bytes,
        )
        self._size, self._note = self._newest()
        self._last_ms = index.last_ms
        self._writing = threading.Lock()
        self._keeping = threading.Lock()
        self._subscribers = Subscribers()
        self._index_failure, self._index_damaged = "", False
        self._closed = False
        self._sweep_blobs()

    def _newest(self) -> tuple[int, bytes]:
        """(size, checkpoint) of the last batch in the index."""
        size = self._index.size
        return size, self._reads.batch_of(size - 1).note if size else self._sign(0, EMPTY_ROOT)

    def _use(self, index: Index) -> None:
        self._index = index
        index.set_pace(self._options.flush_rows)
        self._checkpointer = Checkpointer(self._folder / "index.sqlite3", index)
        self._reads = Reads(index, self._reader)

    def _sweep_blobs(self) -> None:
        with self._index.lock:
            known = {digest for (digest,) in self._index.connection.execute("SELECT digest FROM blobs")}
        self._blobs.sweep(known)

    # Writing.

    def commit(self, batch: Sequence[Submission], now_ms: int) -> list[Outcome]:
        if not batch:
            return []
        with self._writing:
            self._make_usable()
            accepted_ms = max(now_ms, self._last_ms)
            index, first = self._index, self._frontier.size
            times = [accepted_ms] * len(batch)
            try:
                with index.lock:
                    known, slots = index.known(wanted(batch), self._reads.must_read)
            except (sqlite3.Error, IndexDamaged) as error:
                raise self._index_failed(error) from error
            admission = admit(batch, known, first, times)
            crashpoint("commit.judged")
            if admission.admitted:
                self._append(admission, known, slots, accepted_ms)
        for each in batch:
            if isinstance(each.payload, SpooledPayload):
                each.payload.path.unlink(missing_ok=True)
        self._subscribers.tell(grown_inboxes(admission))
        return admission.outcomes

    def _append(
        self, admission: Admission, known: Known, slots: dict[tuple[str, str], int], accepted_ms: int
    ) -> None:
        admitted, first = admission.admitted, admission.first
        flags = [self._store_blob(each) for each in admitted]
        leaves = [leaf_bytes(each, accepted_ms) for each in admitted]
        leaf_hashes = [leaf_hash(leaf) for leaf in leaves]
        growth = self._frontier.append(leaf_hashes)
        note = self._sign(growth.size, growth.root)
        crashpoint("commit.signed")
        encoded = encode_batch(
            first, accepted_ms, growth.root, note, admitted, leaves, self._options.blob_from
        )
        position = self._writer.append(
            FrameType.BATCH, encoded.meta, encoded.payloads, encoded.body_length, first, accepted_ms
        )
        # From here on the batch is in the log. It is acknowledged only when the index has it too.
        self._frontier, self._last_ms = growth.frontier, accepted_ms
        sizes = [payload_size(each) for each in admitted]
        applied = AppliedBatch(
            admission,
            known,
            leaf_hashes,
            growth.nodes,
            [position + offset for offset in encoded.offsets],
            sizes,
            flags,
            [accepted_ms] * len(admitted),
            [(growth.size, position)],
            self._writer.end,
        )
        try:
            self._index.apply(applied, slots)
            if self._index.flush_if_due():
                self._checkpointer.wake()
        except BaseException as error:
            failed = self._index_failed(error)
            if isinstance(error, sqlite3.Error | IndexDamaged):
                raise failed from error
            raise
        self._reads.fresh.remember(first, batch_receipts(growth, leaves, note))
        self._size, self._note = growth.size, note

    def _store_blob(self, each: Submission) -> int:
        payload = each.payload
        if not isinstance(payload, SpooledPayload) and len(payload) < self._options.blob_from:
            return 0
        try:
            self._blobs.put(each.digest, payload)
        except FileNotFoundError as error:
            raise StoreFailed(
                "the file of a large payload is gone; nothing of the batch was accepted",
                place=str(error.filename),
                remedy="send the message again",
            ) from error
        except OSError as error:
            raise self._writer.refusal(error) from error
        return IN_BLOB

    def subscribe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        return self._subscribers.add(callback)

    def add_cosignature(self, size: int, line: bytes) -> None:
        self._add_side(FrameType.COSIGNATURE, size, line)

    def add_timestamp(self, size: int, token: bytes) -> None:
        self._add_side(FrameType.TIMESTAMP, size, token)

    def _add_side(self, kind: FrameType, size: int, data: bytes) -> None:
        """Into the log too, so that it outlives the index."""
        with self._writing:
            self._make_usable()
            self._writer.append(
                kind, size.to_bytes(8, "little") + data, [], 0, self._frontier.size, self._last_ms
            )
            crashpoint("side.synced")
            try:
                self._index.add_side(SIDE_TABLES[kind], size, data, self._writer.end)
                self._index.flush_if_due()
            except sqlite3.Error as error:
                raise self._index_failed(error) from error

    # When something failed.

    def _make_usable(self) -> None:
        """Raise unless a batch may be written; mend the index first when only that failed."""
        if self._closed:
            raise self._is_closed()
        self._writer.check(self._options.reserve)
        if self._index_failure:
            self._mend_index()

    def _mend_index(self) -> None:
        """Reopen the index and feed it what the log has beyond it; rebuild it when it is damaged."""
        self._checkpointer.stop()
        with self._index.lock:
            try:
                self._index.connection.close()
                log = self._log()
                try:
                    if self._index_damaged:
                        raise IndexUnusable(self._index_failure)
                    index = open_index(self._folder, log, self._reader, repair=False)
                except IndexUnusable:
                    index = build_index(self._folder, self._files, log, self._reader, repair=False)
            except (sqlite3.Error, OSError) as error:
                self._index_failure = f"the index cannot be mended: {error}"
                raise self._refusal() from error
            self._use(index)
            self._size, self._note = self._newest()
            self._index_failure, self._index_damaged = "", False

    def health(self) -> StoreHealth:
        reason = self._writer.failure or self._index_failure or self._checkpointer.failure
        free = self._files.free_bytes(self._folder)
        if not reason and free < self._options.reserve:
            kept = self._options.reserve // MEBIBYTE
            reason = f"{free // MEBIBYTE} MiB are free on {self._folder}; {kept} MiB are kept in reserve"
        return StoreHealth(not reason and not self._closed, reason, free, self._last_ms, self._size)

    # Closing.

    def close(self) -> None:
        with self._writing:
            if self._closed:
                return
            self._closed = True
            if not self._writer.failure:
                self._mark_closed()
            self._checkpointer.stop()
            self._index.close()
            self._writer.close()
            self._reader.close()
            self._lock.release()

    def _mark_closed(self) -> None:
        """A last frame that says the log ends here: damage before it is never taken for a torn tail."""
        try:
            meta = json.dumps({"size": self._frontier.size}).encode()
            self._writer.append(FrameType.CLOSED, meta, [], 0, self._frontier.size, self._last_ms)
            crashpoint("close.marked")
            self._index.pass_by(self._writer.end)
            self._writer.trim()
        except (StoreFailed, OSError, sqlite3.Error):
            return


def open_embedded(
    folder: Path,
    origin: str,
    sign_checkpoint: SignCheckpoint,
    *,
    options: EmbeddedOptions | None = None,
    files: Files | None = None,
    progress: Progress | None = None,
) -> EmbeddedStore:
    """Open or create the store in ``folder``; recovers by itself from a crash or power cut.

    ``progress`` is called when the index has to be rebuilt. Raises StoreLocked, StoreCorrupt,
    StoreMismatch or OSError.
    """
    return EmbeddedStore(
        folder,
        origin,
        sign_checkpoint,
        options=options or EmbeddedOptions(),
        files=files or Files(),
        progress=progress,
    )


def rebuild_index(
    folder: Path, origin: str, progress: Progress | None = None, *, files: Files | None = None
) -> int:
    """Make the index anew from the segments of a store that is not open; answers the number of records."""
    files = files or Files()
    lock = StoreLock(folder / "lock")
    try:
        log = LogReader(files, folder / "segments", origin)
        reader = SegmentReader(files, folder / "segments")
        index = build_index(folder, files, log, reader, progress)
        index.close()
        reader.close()
        return index.size
    finally:
        lock.release()


__all__ = ["EmbeddedOptions", "EmbeddedStore", "End", "open_embedded", "rebuild_index"]

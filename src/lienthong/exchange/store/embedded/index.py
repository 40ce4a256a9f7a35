"""The SQLite index of the segments: what is written to it, batch by batch, and what a batch must look up.

One connection, one transaction over many batches, committed every couple of thousand records: the
index is derived, so losing its tail costs a short catch-up and never a record. Readers share the
connection and see every batch at once. It is written only after a batch is durable in its segment.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lienthong.exchange.statuses import DeliveryState
from lienthong.exchange.store.admission import Admission, Known, Standing, Wanted, above, inboxes
from lienthong.exchange.store.counts import Counts
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.ids import GENERATION, GatheredIds, Ids, padded
from lienthong.exchange.store.embedded.layout import IN_BLOB
from lienthong.exchange.store.embedded.segments import End
from lienthong.exchange.store.embedded.usage import MINUTE_MS, Usage
from lienthong.exchange.store.keys import document_key, id_key
from lienthong.exchange.store.protocol import Record, RecordKind
from lienthong.exchange.store.tree import TreeBlocks

INDEX_VERSION: Final = 4
_APPLICATION_ID: Final = 0x4C54494E
FLUSH_ROWS: Final = 16_384
"""Records and inbox rows after which the index is committed. With a million records each row of an index over
hashes dirties a page of its own: the more rows a commit brings, the more of them share one. After a crash it
takes half a second to read them from the segments again."""
MOST_WAL_BYTES: Final = 128 << 20
_IDX_MASK: Final = (1 << 40) - 1
_MINUTE_BITS: Final = 26
_MOST_MARKS: Final = 1024
_PRIVATE: Final = 0o600
_SCHEMA: Final = Path(__file__).with_name("schema.sql")

ReadRecord = Callable[[int], Record]


class IndexUnusable(Exception):
    """The index must be rebuilt; why."""


class IndexDamaged(Exception):
    """The index contradicts the log; how."""


@dataclass(slots=True)
class AppliedBatch:
    """A durable batch, or several read back in a row, on the way into the index.

    ``positions`` of each record; ``batches``: (tree size after it, position) of each frame;
    ``nodes``: the complete tree nodes (``Growth.nodes``); ``end``: of the log after it.
    """

    admission: Admission
    known: Known
    leaf_hashes: list[bytes]
    nodes: list[tuple[int, int, bytes]]
    positions: list[int]
    sizes: list[int]
    flags: list[int]
    times: Sequence[int]
    batches: list[tuple[int, int]]
    end: End


def inbox_key(agency: int, urgent: int, idx: int) -> int:
    """Urgent rows of an agency come before its normal ones."""
    return agency << 41 | (1 - urgent) << 40 | idx


def _keep_private(path: Path) -> None:
    """The index for its owner alone; SQLite gives the files beside it the same mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
    if path.stat().st_mode & 0o077:
        path.chmod(_PRIVATE)


class Index:
    """Everything by which records are found again. All methods take ``lock`` themselves or say otherwise."""

    def __init__(self, path: Path, *, identity: str, building: bool = False) -> None:
        self.lock = threading.RLock()
        self._building = building
        self._wal = path.with_name(path.name + "-wal")
        new = not path.exists()
        _keep_private(path)
        self.connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            self._prepare(new, identity)
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            self.connection.close()
            raise IndexUnusable(f"{error}") from error
        except IndexUnusable:
            self.connection.close()
            raise

    def _prepare(self, new: bool, identity: str) -> None:
        run = self.connection.execute
        run("PRAGMA cache_size = -32768")
        run("PRAGMA temp_store = MEMORY")
        if self._building:
            run("PRAGMA journal_mode = OFF")
            run("PRAGMA synchronous = OFF")
            run("PRAGMA locking_mode = EXCLUSIVE")
        else:
            run("PRAGMA journal_mode = WAL")
            run("PRAGMA synchronous = NORMAL")
            run("PRAGMA wal_autocheckpoint = 0")
        if new:
            run("BEGIN")
            for statement in _SCHEMA.read_text().split(";"):
                if statement.strip():
                    run(statement)
            run(f"PRAGMA application_id = {_APPLICATION_ID}")
            run(f"PRAGMA user_version = {INDEX_VERSION}")
            self._set("identity", identity)
            run("COMMIT")
        if run("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise IndexUnusable("this is not an index of the store")
        if run("PRAGMA user_version").fetchone()[0] != INDEX_VERSION:
            raise IndexUnusable("the index has another version")
        meta: dict[str, Any] = dict(run("SELECT name, value FROM meta"))
        if meta.get("identity") != identity:
            raise IndexUnusable("the index belongs to another log")
        self.tree = TreeBlocks(self._load_block, self._save_blocks)
        self.size: int = meta.get("size", 0)
        self.last_ms: int = meta.get("last_ms", 0)
        self.archived_before: int = meta.get("archived_before", 0)
        self.stripped_before: int = meta.get("stripped_before", 0)
        self.counts = Counts.decode(meta["counts"]) if "counts" in meta else Counts()
        self.end: End | None = (
            End(meta["number"], meta["offset"], meta["chain"], meta["sequence"]) if "offset" in meta else None
        )
        self.codes: dict[int, str] = dict(run("SELECT number, code FROM agencies"))
        self._numbers = {code: number for number, code in self.codes.items()}
        self.usage = Usage()
        mask = (1 << _MINUTE_BITS) - 1
        since = max(self.last_ms // MINUTE_MS - 2 * 24 * 60, 0)
        for number in self.codes:
            low = number << _MINUTE_BITS
            for key, messages, amount in run(
                "SELECT key, messages, bytes FROM usage WHERE key BETWEEN ? AND ? ORDER BY key",
                (low | since, low | mask),
            ):
                self.usage.load(self.codes[number], (key & mask) * MINUTE_MS, messages, amount)
        self._unflushed = 0
        self.flush_rows = FLUSH_ROWS
        self._ids = Ids(self.connection, meta.get("ids_since", 0), self.size)
        self._building_ids = GatheredIds(self.connection)
        self.applied_at = 0.0

    # What a batch must look up.

    def known(self, wanted: Wanted, read: ReadRecord) -> tuple[Known, dict[tuple[str, str], int]]:
        """What is known of a batch, and the free key for each id that is not. Call with the lock."""
        known = self.known_subjects(wanted, read)
        return known, self._look_up_ids(wanted.ids, known, read)

    def known_subjects(self, wanted: Wanted, read: ReadRecord) -> Known:
        """What is known of the records and inbox rows that a batch is about. Call with the lock."""
        known = Known()
        for subject in wanted.subjects:
            if 0 <= subject < self.size:
                record = read(subject)
                known.subjects[subject] = record.kind, record.sender, record.subject
        if wanted.standings:
            known.standings = self.standings(wanted.standings)
        return known

    def _look_up_ids(
        self, ids: Sequence[tuple[str, str]], known: Known, read: ReadRecord
    ) -> dict[tuple[str, str], int]:
        slots = {each: id_key(*each) for each in ids}
        found = self._ids.look_up(list(slots.values()))
        for each, key in slots.items() if found else ():
            idx = found.get(key)
            while idx is not None:
                record = read(idx)
                if (record.sender, record.message_id) == each:
                    known.ids[each] = idx, record.digest
                    break
                key += 1
                idx = self._ids.look_up([key]).get(key)
            slots[each] = key
        return slots

    def find_id(self, sender: str, message_id: str, read: ReadRecord) -> Record | None:
        with self.lock:
            known = Known()
            self._look_up_ids([(sender, message_id)], known, read)
            found = known.ids.get((sender, message_id))
            return read(found[0]) if found else None

    def standings(self, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Standing]:
        """The inbox rows that exist of those (index, agency)."""
        by_key: dict[int, tuple[int, str]] = {}
        for each in wanted:
            number = self._numbers.get(each[1])
            if number is not None:
                # One of the two exists, whichever lane the record has.
                by_key[inbox_key(number, 1, each[0])] = each
                by_key[inbox_key(number, 0, each[0])] = each
        standings: dict[tuple[int, str], Standing] = {}
        keys = list(by_key)
        for start in range(0, len(keys), _MOST_MARKS):
            chunk = padded(keys[start : start + _MOST_MARKS])
            marks = ",".join("?" * len(chunk))
            for key, state, state_ms, request, recalled, handling, ack, ack_ms in self.connection.execute(
                "SELECT key, state, state_ms, request, recalled, handling, ack, ack_ms FROM inbox "  # noqa: S608
                f"WHERE key IN ({marks})",
                chunk,
            ):
                where = DeliveryState(state or "", request or "", bool(recalled), handling or 0)
                standings[by_key[key]] = Standing(where, state_ms, ack, ack_ms)
        return standings

    # What a batch writes.

    def apply(self, batch: AppliedBatch, slots: dict[tuple[str, str], int]) -> None:
        """Take in a durable batch. An sqlite3.Error leaves the index behind: it must be reopened."""
        with self.lock:
            crashpoint("index.begin")
            run = self.connection
            if batch.admission.first != self.size:
                raise IndexDamaged(
                    f"it ends at record {self.size}, the batch begins at {batch.admission.first}"
                )
            if not run.in_transaction:
                run.execute("BEGIN")
            self._insert_records(batch, slots)
            crashpoint("index.half-applied")
            self._update_rows(batch.admission)
            run.executemany("INSERT INTO batches VALUES (?, ?)", batch.batches)
            self.tree.add(batch.leaf_hashes, batch.nodes)
            self.counts.add(batch.admission, batch.known, batch.sizes)
            self.size = batch.admission.first + len(batch.admission.admitted)
            self.last_ms = batch.times[-1]
            self.end = batch.end
            self.applied_at = time.monotonic()
            crashpoint("index.applied")

    def _insert_records(self, batch: AppliedBatch, slots: dict[tuple[str, str], int]) -> None:
        ids: list[tuple[int, int]] = []
        records: list[tuple[int, int, int, int | None, int | None, int | None, int | None]] = []
        inbox: list[tuple[int]] = []
        numbers, document, acknowledgement = self._numbers, RecordKind.DOCUMENT, RecordKind.ACKNOWLEDGEMENT
        use = self.usage.add
        taken: set[int] = set()
        idx = batch.admission.first
        for each, position, size, at_ms in zip(
            batch.admission.admitted, batch.positions, batch.sizes, batch.times, strict=True
        ):
            slot = slots[each.sender, each.message_id]
            if slot in taken:
                slot = self._next_free(slot, taken)
            taken.add(slot)
            ids.append((slot, idx))
            if each.kind is acknowledgement:
                records.append((idx, position, slot, None, each.subject, None, above(each, batch.known)))
                idx += 1
                continue
            sender = each.sender
            found = each.kind is document and each.document_id and each.business != 1
            records.append(
                (
                    idx,
                    position,
                    slot,
                    numbers.get(sender) or self._number(sender),
                    each.subject,
                    document_key(each.document_id, each.business) if found else None,
                    None,
                )
            )
            low = idx if each.lane else 1 << 40 | idx
            for recipient in inboxes(each):
                inbox.append(((numbers.get(recipient) or self._number(recipient)) << 41 | low,))
            use(sender, at_ms, size)
            idx += 1
        self._unflushed += len(ids) + len(inbox)
        many = self.connection.executemany
        (self._building_ids if self._building else self._ids).add(ids)
        many("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", records)
        many("INSERT INTO inbox (key) VALUES (?)", inbox)
        if any(batch.flags):
            blobs = zip(batch.admission.admitted, batch.flags, range(batch.admission.first, idx), strict=True)
            many(
                "INSERT INTO blobs VALUES (?, ?)",
                [(each.digest, index) for each, flags, index in blobs if flags & IN_BLOB],
            )

    def _update_rows(self, admission: Admission) -> None:
        updates: list[tuple[str, int | None, str, int, int, int | None, int | None, int, int]] = []
        for rows in (admission.changed, admission.fresh):
            for (idx, agency), row in rows.items():
                number = self._number(agency)
                state = row.state
                updates.append(
                    (
                        state.state,
                        row.state_ms,
                        state.request,
                        int(state.recalled),
                        state.handling,
                        row.acknowledgement,
                        row.acknowledged_ms,
                        inbox_key(number, 0, idx),
                        inbox_key(number, 1, idx),
                    )
                )
        if updates:
            self.connection.executemany(
                "UPDATE inbox SET state = ?, state_ms = ?, request = ?, recalled = ?, handling = ?, ack = ?, "
                "ack_ms = ? WHERE key IN (?, ?)",
                updates,
            )

    def _next_free(self, slot: int, taken: set[int]) -> int:
        while slot in taken or (not self._building and self._ids.look_up([slot])):
            slot += 1
        return slot

    def _number(self, code: str) -> int:
        number = self._numbers.get(code)
        if number is None:
            number = len(self._numbers) + 1
            self.connection.execute("INSERT INTO agencies VALUES (?, ?)", (number, code))
            self._numbers[code] = number
            self.codes[number] = code
        return number

    def number_of(self, code: str) -> int | None:
        """The agency's number here; None when the log never met it."""
        return self._numbers.get(code)

    def _load_block(self, key: int) -> bytes | None:
        found = self.connection.execute("SELECT nodes FROM blocks WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def _save_blocks(self, rows: list[tuple[int, bytes]]) -> None:
        self.connection.executemany("INSERT INTO blocks (key, nodes) VALUES (?, ?)", rows)

    # Side entries: cosignatures, time-stamps, what was archived.

    def add_side(self, table: str, size: int, data: bytes, end: End) -> None:
        with self.lock:
            self._begin()
            self.connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", (size, data))  # noqa: S608
            self.end = end
            self._unflushed += 1

    def set_archived(self, before_index: int, *, done: bool, end: End) -> None:
        """Payloads below ``before_index`` are in an archive; ``done``: and no longer here."""
        with self.lock:
            self._begin()
            self.archived_before = max(self.archived_before, before_index)
            if done:
                self.stripped_before = max(self.stripped_before, before_index)
            self.end = end
            self._unflushed += 1

    def pass_by(self, end: End) -> None:
        """A frame that leaves no trace in the index."""
        with self.lock:
            self._begin()
            self.end = end

    def _begin(self) -> None:
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN")

    # Making it durable.

    def set_pace(self, rows: int) -> None:
        """Commit after so many rows; ids are put into their table eight commits later."""
        self.flush_rows = rows
        self._ids.generation = min(GENERATION, 8 * rows)

    def flush_if_due(self) -> bool:
        return self._unflushed >= self.flush_rows and self.flush()

    def flush(self) -> bool:
        """Commit what was applied, with the log position it reaches; answers whether there was anything.

        Its write-ahead log is moved into the database by the Checkpointer; only one that outgrows
        :data:`MOST_WAL_BYTES` under unceasing load is moved here, with everybody waiting.
        """
        with self.lock:
            if not self.connection.in_transaction or self.end is None:
                return False
            crashpoint("index.flush")
            if not self._building:
                self._ids.settle()
            self._set("size", self.size)
            self._set("ids_since", self.size if self._building else self._ids.since)
            self._set("last_ms", self.last_ms)
            self._set("archived_before", self.archived_before)
            self._set("stripped_before", self.stripped_before)
            self._set("counts", self.counts.encode())
            self._set("number", self.end.number)
            self._set("offset", self.end.offset)
            self._set("chain", self.end.chain)
            self._set("sequence", self.end.sequence)
            self.connection.executemany(
                "INSERT OR REPLACE INTO usage VALUES (?, ?, ?)",
                [
                    (self._number(sender) << _MINUTE_BITS | start // MINUTE_MS, messages, amount)
                    for sender, start, messages, amount in self.usage.take_changes()
                ],
            )
            self.connection.execute("COMMIT")
            self._unflushed = 0
            crashpoint("index.flushed")
            if not self._building and self._wal.stat().st_size > MOST_WAL_BYTES:
                self.connection.execute("PRAGMA wal_checkpoint(RESTART)")
            return True

    def _set(self, name: str, value: int | str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def finish_building(self) -> None:
        """Commit the last of an index that is being built."""
        with self.lock:
            self._begin()
            self._building_ids.settle()
            self.flush()

    def close(self) -> None:
        """Commit and close; an index that cannot be written is simply left behind."""
        with self.lock, contextlib.suppress(sqlite3.Error):
            try:
                self.flush()
            finally:
                self.connection.close()

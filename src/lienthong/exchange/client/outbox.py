"""The durable outbox: what an agency has decided to send, kept until the hub's receipt is verified.

One SQLite file for each agency, ``synchronous=FULL``: a row is on disk, with its final container
bytes and its message id, before the first attempt. A cut link or ``kill -9`` therefore loses nothing;
and since the id never changes, the hub answers a repeated attempt with the first receipt.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from lienthong.core.identifiers import message_id as checked_message_id
from lienthong.exchange.client.errors import OutboxError
from lienthong.exchange.client.problems import Problem

State = Literal["queued", "sent", "refused"]

LARGE = 1 << 20
"""Containers from this size on (bytes) lie beside the database as files."""

FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 15 * 60_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  chain TEXT NOT NULL,
  urgent INTEGER NOT NULL,
  summary TEXT NOT NULL,
  container BLOB,
  file TEXT,
  size INTEGER NOT NULL,
  digest BLOB NOT NULL,
  created_ms INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'queued',
  attempts INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL,
  problem TEXT NOT NULL DEFAULT '',
  settled_ms INTEGER,
  log_index INTEGER,
  receipt BLOB
);
CREATE INDEX IF NOT EXISTS waiting ON messages (chain, position) WHERE state = 'queued';
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""

_COLUMNS = (
    "position, message_id, kind, chain, urgent, summary, file, size, digest, created_ms, state, attempts, "
    "due_ms, problem, settled_ms, log_index, receipt"
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished container on its way into the outbox.

    ``chain`` is the DocumentId the message is about: messages of one chain leave in order, so that a
    status never overtakes the one before it. ``container`` is the bytes, or a complete file that the
    outbox takes over. ``summary`` is shown by listings.
    """

    message_id: str
    kind: Literal["document", "status"]
    chain: str
    container: bytes | Path
    size: int
    digest: bytes
    urgent: bool = False
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message as the outbox holds it. ``problem`` is the last refusal or failure, '' when none; ``why``
    the same in parts.
    """

    position: int
    message_id: str
    kind: str
    chain: str
    urgent: bool
    summary: dict[str, Any]
    file: str | None
    size: int
    digest: bytes
    created_ms: int
    state: State
    attempts: int
    due_ms: int
    problem: str
    settled_ms: int | None
    log_index: int | None
    receipt: bytes | None
    why: Problem | None = None


class Outbox:
    """Thread-safe; several processes may share one file. Times are Unix milliseconds, given by the caller."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.with_name("outbox")
        self._lock = RLock()
        self._synced = True
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'notes'").fetchone():
                self._db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
        except sqlite3.Error as error:
            raise OutboxError(
                f"the outbox cannot be opened: {error}",
                place=str(path),
                remedy="check that the disk is not full and that the folder may be written to",
            ) from error

    def enqueue(self, messages: Sequence[Outgoing], now_ms: int) -> list[bool]:
        """Keep the messages, in one transaction, synced before this returns.

        For each: True when it is new, False when the outbox already holds that id; the container kept
        first stays, and the one given now is dropped.
        """
        for message in messages:
            checked_message_id(message.message_id)
        with self._lock:
            placed = [
                (message, None if self.get(message.message_id) is not None else self._place(message))
                for message in messages
            ]
            with self._transaction() as db:
                fresh = [self._insert(db, message, file, now_ms) for message, file in placed]
            for (message, file), new in zip(placed, fresh, strict=True):
                if not new:
                    self._drop(message, file)
        return fresh

    def _insert(self, db: sqlite3.Connection, message: Outgoing, file: str | None, now_ms: int) -> bool:
        inline = message.container if file is None and isinstance(message.container, bytes) else None
        return (
            db.execute(
                "INSERT INTO messages (message_id, kind, chain, urgent, summary, container, file, size,"
                " digest, created_ms, due_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (message_id) DO NOTHING",
                (
                    message.message_id,
                    message.kind,
                    message.chain,
                    int(message.urgent),
                    json.dumps(dict(message.summary), ensure_ascii=False, sort_keys=True),
                    inline,
                    file,
                    message.size,
                    message.digest,
                    now_ms,
                    now_ms,
                ),
            ).rowcount
            == 1
        )

    def _place(self, message: Outgoing) -> str | None:
        """Put a large container, synced, where the row will point; None when it goes into the row."""
        if isinstance(message.container, bytes):
            if len(message.container) < LARGE:
                return None
            self.folder.mkdir(exist_ok=True)
            temporary = self.folder / f".{message.digest.hex()}.{os.getpid()}"
            temporary.write_bytes(message.container)
        else:
            self.folder.mkdir(exist_ok=True)
            temporary = message.container
        name = f"{message.digest.hex()}.asice"
        sync_file(temporary)
        temporary.replace(self.folder / name)
        sync_folder(self.folder)
        return name

    def _drop(self, message: Outgoing, file: str | None) -> None:
        """Remove a container whose id another call or process kept first."""
        kept = self.get(message.message_id)
        if file is not None and kept is not None and kept.file != file:
            (self.folder / file).unlink(missing_ok=True)
        elif file is None and isinstance(message.container, Path):
            message.container.unlink(missing_ok=True)

    def due(self, now_ms: int, *, limit: int = 64) -> list[OutboxRow]:
        """What may be tried now: urgent first, then oldest; in each chain only the oldest waiting."""
        return self._rows(
            f"SELECT {_COLUMNS} FROM messages AS m WHERE state = 'queued' AND due_ms <= ? AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM messages AS e WHERE e.state = 'queued' AND e.chain = m.chain"
            " AND e.position < m.position) ORDER BY urgent DESC, position LIMIT ?",
            (now_ms, limit),
        )

    def next_due_ms(self) -> int | None:
        """When something waiting may be tried again; None when nothing waits."""
        with self._lock:
            row = self._db.execute(
                "SELECT min(due_ms) FROM messages AS m WHERE state = 'queued' AND NOT EXISTS"
                " (SELECT 1 FROM messages AS e WHERE e.state = 'queued' AND e.chain = m.chain"
                " AND e.position < m.position)"
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def container(self, row: OutboxRow) -> bytes | Path:
        """The container's bytes, or the file of a large one."""
        if row.file is not None:
            return self.folder / row.file
        with self._lock:
            found = self._db.execute(
                "SELECT container FROM messages WHERE position = ?", (row.position,)
            ).fetchone()
        return bytes(found[0])

    def mark_sent(self, message_id: str, *, index: int, receipt: bytes, now_ms: int) -> None:
        """The receipt was verified; keep it. The first receipt stays.

        Not synced by itself: what a power cut takes back costs one more attempt, which the hub answers
        with the same receipt.
        """
        with self._transaction(synced=False) as db:
            db.execute(
                "UPDATE messages SET state = 'sent', log_index = ?, receipt = ?, settled_ms = ?,"
                " problem = '', attempts = attempts + 1 WHERE message_id = ? AND state <> 'sent'",
                (index, receipt, now_ms, message_id),
            )

    def mark_refused(self, message_id: str, problem: Problem | str, now_ms: int) -> None:
        """The hub refused for good: it will not be tried again unless :meth:`retry` asks for it."""
        with self._transaction() as db:
            db.execute(
                "UPDATE messages SET state = 'refused', problem = ?, settled_ms = ?, attempts = attempts + 1"
                " WHERE message_id = ? AND state = 'queued'",
                (_text(problem), now_ms, message_id),
            )

    def postpone(self, message_id: str, problem: Problem | str, *, due_ms: int) -> None:
        """An attempt failed in passing; not again before ``due_ms``."""
        with self._transaction() as db:
            db.execute(
                "UPDATE messages SET attempts = attempts + 1, problem = ?, due_ms = ?"
                " WHERE message_id = ? AND state = 'queued'",
                (_text(problem), due_ms, message_id),
            )

    def retry(self, message_id: str, now_ms: int) -> bool:
        """Queue a refused or postponed message again, now; False when there is none waiting by that id."""
        with self._transaction() as db:
            return (
                db.execute(
                    "UPDATE messages SET state = 'queued', due_ms = ?, settled_ms = NULL"
                    " WHERE message_id = ? AND state <> 'sent'",
                    (now_ms, message_id),
                ).rowcount
                == 1
            )

    def get(self, message_id: str) -> OutboxRow | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM messages WHERE message_id = ?", (message_id,))  # noqa: S608
        return rows[0] if rows else None

    def by_index(self, index: int) -> OutboxRow | None:
        """The message that the hub logged under ``index``."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM messages WHERE log_index = ?", (index,))  # noqa: S608
        return rows[0] if rows else None

    def rows(self, state: State | None = None, *, limit: int = 1000) -> list[OutboxRow]:
        """Newest first."""
        return self._rows(
            f"SELECT {_COLUMNS} FROM messages WHERE ?1 IS NULL OR state = ?1"  # noqa: S608
            " ORDER BY position DESC LIMIT ?2",
            (state, limit),
        )

    def counts(self) -> dict[str, int]:
        """State → how many."""
        with self._lock:
            found = self._db.execute("SELECT state, count(*) FROM messages GROUP BY state").fetchall()
        return {"queued": 0, "sent": 0, "refused": 0} | {str(state): int(n) for state, n in found}

    def note(self, name: str) -> bytes | None:
        """Something small the client remembers, such as the newest checkpoint it has seen."""
        with self._lock:
            row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_note(self, name: str, value: bytes) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _rows(self, sql: str, arguments: tuple[object, ...]) -> list[OutboxRow]:
        with self._lock:
            found = self._db.execute(sql, arguments).fetchall()
        return [_row(values) for values in found]

    @contextmanager
    def _transaction(self, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if synced is not self._synced:
                    self._db.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
                    self._synced = synced
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise OutboxError(
                    f"the outbox cannot be written: {error}",
                    place=str(self.path),
                    remedy="free space on the disk or repair its rights, then try again; nothing was lost",
                ) from error
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise


def pause_ms(attempts: int, jitter: float) -> int:
    """How long to wait after failed attempt number ``attempts`` (from 1): doubling from a second to a
    quarter of an hour, of which ``jitter`` (0 to 1) decides the upper half, so that agencies that lost
    the hub together do not come back together.
    """
    whole = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << min(attempts - 1, 30))
    return whole // 2 + int(whole / 2 * jitter)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _row(values: Sequence[Any]) -> OutboxRow:
    fields = list(values)
    fields[4] = bool(fields[4])
    fields[5] = json.loads(fields[5])
    why = Problem.parse(fields[13])
    if why is not None:
        fields[13] = str(why)
    return OutboxRow(*[*fields, why])


def _text(problem: Problem | str) -> str:
    return problem if isinstance(problem, str) else problem.encode()

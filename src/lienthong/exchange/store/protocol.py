"""The store protocol that both engines keep, and the records that cross it.

A store takes batches. One batch is one transaction, one sync, one signed checkpoint. The log is the
source of truth; inboxes, deliveries, statistics are read from it and can be rebuilt from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple, Protocol

SignCheckpoint = Callable[[int, bytes], bytes]
"""(tree size, 32-byte root) → the C2SP signed note, as bytes."""

Progress = Callable[[int, int], None]
"""(done, total): called now and then by long operations; total may be an estimate."""


class RecordKind(IntEnum):
    DOCUMENT = 1
    """A container with an edXML document message (new, revoke, update or replace)."""
    STATUS = 2
    """A container with an edXML status message; its subject is a DOCUMENT record."""
    ACKNOWLEDGEMENT = 3
    """The recipient's system took a record from its inbox (evidence of delivery); no payload."""


class Lane(IntEnum):
    NORMAL = 0
    URGENT = 1
    """Hỏa tốc and hỏa tốc hẹn giờ (edXML Priority 3 and 4)."""


@dataclass(frozen=True, slots=True)
class SpooledPayload:
    """A payload too large for memory: a complete, synced file in the store's spool folder.

    The store takes it over (renames or streams it in). When a commit has answered, the file is gone,
    whatever the outcome; when it raised, it may or may not still be there.
    """

    path: Path
    size: int


class Submission(NamedTuple):
    """What the hub asks the store to append. Already verified, resolved and authorised. A tuple, because that
    is made in an eighth of the time of a frozen dataclass.

    ``sender`` and ``recipients`` are canonical agency codes; no recipient twice. ``digest`` is the
    SHA-256 of the payload (for an acknowledgement, of ``sender:subject``). ``status`` is the edXML status
    code of a STATUS ('01'…'16'), else ''. ``business`` is BussinessDocType 0..3 of a DOCUMENT.
    ``document_id`` is the edXML DocumentId. ``summary`` is a small UTF-8 JSON object that the inbox shows
    as it is. ``staff`` names the person acting (trace), may be ''. ``forwarded`` maps the organ asked for
    to the successor that got it.

    ``subject`` is the log index of the DOCUMENT that a status is about, or that a revoke, update or
    replace (business 1..3) concerns; of the inbox row (DOCUMENT or STATUS) that an acknowledgement takes;
    None for a new document.
    """

    kind: RecordKind
    sender: str
    message_id: str
    digest: bytes
    payload: bytes | SpooledPayload
    recipients: tuple[str, ...]
    document_id: str = ""
    subject: int | None = None
    status: str = ""
    business: int = 0
    lane: Lane = Lane.NORMAL
    summary: bytes = b"{}"
    staff: str = ""
    forwarded: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The record is durable. ``duplicate``: it already was, and this is its first index again."""

    index: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was stored. ``code`` is the problem code (message-id-conflict, impossible-status …)."""

    code: str
    detail: str
    index: int | None = None


Outcome = Accepted | Refused


@dataclass(frozen=True, slots=True)
class Record:
    """One log entry as read back. ``leaf`` are the exact bytes that were hashed into the tree."""

    index: int
    kind: RecordKind
    sender: str
    message_id: str
    digest: bytes
    recipients: tuple[str, ...]
    accepted_ms: int
    document_id: str
    subject: int | None
    status: str
    business: int
    lane: Lane
    summary: bytes
    size: int
    leaf: bytes
    staff: str = ""
    forwarded: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One line of an agency's inbox. ``index`` is the position: per agency it only grows."""

    index: int
    kind: RecordKind
    sender: str
    message_id: str
    document_id: str
    subject: int | None
    status: str
    business: int
    lane: Lane
    accepted_ms: int
    size: int
    digest: bytes
    summary: bytes
    acknowledged_ms: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where one document stands with one recipient. ``state`` is the last status code, '' before any.

    ``request``: '' or 'recall' | 'update' | 'replace', pending consent.
    """

    index: int
    recipient: str
    state: str
    state_ms: int | None
    request: str
    acknowledged_ms: int | None
    recalled: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since the log began. ``states``: deliveries by last status code, '' before any, and
    'recalled' for those taken back with consent.
    """

    documents: int
    deliveries: int
    statuses: int
    acknowledgements: int
    tree_size: int
    payload_bytes: int
    log_bytes: int
    states: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Whether the store accepts. ``reason`` says why not, in words, with the remedy.

    ``free_bytes``: room on the file system of the embedded engine, None where it cannot be known.
    ``last_accepted_ms``: ahead of the wall clock when that was set back.
    """

    writable: bool
    reason: str
    free_bytes: int | None
    last_accepted_ms: int
    tree_size: int


class Store(Protocol):
    """Thread rules: ``commit`` is called by one writer thread; everything else by any thread."""

    def commit(self, batch: Sequence[Submission], now_ms: int) -> list[Outcome]:
        """Append what is new in one transaction, sync, and answer in the order given.

        Per submission: the same (sender, message_id) with the same digest is the earlier Accepted with
        ``duplicate=True``; with another digest Refused('message-id-conflict'); a status that
        ``statuses.advance`` forbids is Refused('impossible-status') with the reason; a subject that is
        not in the log Refused('unknown-subject'). A request to several recipients (13, or business 1..3)
        is refused only when it is impossible with every one of them. Taking an inbox row again, under
        whatever message id, is the first acknowledgement with ``duplicate=True``.

        Records get max(``now_ms``, the last accepted time): time in the log never goes back.

        Raises a LienthongError (StoreFailed, DiskFull …) only when nothing of the batch was or will be
        acknowledged by this call; a retry is safe and finds what became durable as a duplicate.
        """

    def subscribe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call ``callback`` with the agencies whose inboxes grew, after each commit, whichever process
        committed. It runs on a thread of the store and must return at once. Answers the way to stop.
        """

    def health(self) -> StoreHealth: ...

    def receipt(self, index: int) -> bytes:
        """The receipt (see ``exchange.receipts``) of a record: always the same bytes."""

    def receipts(self, indexes: Sequence[int]) -> list[bytes]:
        """Those of several records: what is asked after each commit."""

    def record(self, index: int) -> Record | None: ...

    def payload(self, index: int) -> bytes | Path | None:
        """Container bytes, or the path of a file for a large one; None when there is none.

        PayloadArchived when the retention rule moved it away.
        """

    def find(self, sender: str, message_id: str) -> Record | None: ...

    def find_document(
        self, document_id: str, sender: str | None = None, recipient: str | None = None
    ) -> Record | None:
        """The newest DOCUMENT record with business type 0 of that edXML DocumentId, of that sender and to
        that recipient if they are given; when there is none, the newest update or replacement (2, 3) that
        came under it. Bounded work: the recipient's is looked for among the newest 10,000 of the id.
        """

    def inbox(
        self,
        agency: str,
        *,
        after: int = -1,
        limit: int = 100,
        lane: Lane | None = None,
        pending: bool = False,
    ) -> list[InboxItem]:
        """Rows with index > ``after`` in index order; ``pending``: only unacknowledged, urgent first."""

    def sent(self, agency: str, *, before: int | None = None, limit: int = 100) -> list[Record]: ...

    def deliveries(self, index: int) -> list[Delivery]: ...

    def delivery(self, index: int, recipient: str) -> Delivery | None: ...

    def history(self, index: int, *, after: int = -1, limit: int = 1000) -> list[Record]:
        """The records about a document, itself first, in index order: statuses, requests,
        acknowledgements, and the acknowledgements of its statuses. Those with an index > ``after``, at most
        ``limit``.
        """

    def checkpoint(self) -> bytes:
        """The newest signed note."""

    def tree_size(self) -> int: ...

    def leaf_hashes(self, start: int, end: int) -> list[bytes]: ...

    def node(self, level: int, index: int) -> bytes:
        """Hash of the complete subtree of 2**level leaves that starts at leaf index * 2**level."""

    def entries(self, start: int, end: int) -> list[bytes]:
        """Leaf bytes of records start..end-1."""

    def cosignatures(self, size: int) -> list[bytes]: ...

    def add_cosignature(self, size: int, line: bytes) -> None: ...

    def add_timestamp(self, size: int, token: bytes) -> None: ...

    def timestamps(self) -> Iterator[tuple[int, bytes]]: ...

    def statistics(self) -> Statistics: ...

    def used_since(self, sender: str, since_ms: int) -> tuple[int, int]:
        """(messages, bytes) accepted from a sender since a time: what quotas are counted from.

        Documents and statuses, not acknowledgements. Exact to the second for the last two minutes, to the
        minute for the last two days (a bucket that began before ``since_ms`` is not counted), nothing before.
        """

    def archive(self, before_ms: int, target: Path) -> int:
        """Move the containers accepted before a time to ``target``; the log, receipts and proofs stay.

        Answers how many containers were moved. Safe to repeat after an interruption.
        """

    def verify(self, progress: Progress | None = None) -> int:
        """Read everything back: every leaf against the signed roots, every payload against its digest.

        Answers the number of records; StoreCorrupt names the place of the first that does not hold.
        """

    def backup(self, target: Path) -> None:
        """A consistent copy, taken while serving. Into an earlier backup's folder: only what is new."""

    def close(self) -> None: ...

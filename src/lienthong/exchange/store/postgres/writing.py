"""One batch as one transaction: lock the head row, judge, insert, sign, move the head, commit.

Whoever holds the head row's lock is the only writer among all hub processes, so indexes are contiguous
and a checkpoint is signed for exactly one tree of each size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from lienthong.exchange.receipts import leaf_bytes
from lienthong.exchange.statuses import DeliveryState
from lienthong.exchange.store.admission import Admission, Known, Standing, admit, wanted
from lienthong.exchange.store.counts import Counts, payload_size
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.errors import StoreFailed
from lienthong.exchange.store.keys import document_key
from lienthong.exchange.store.postgres.connections import Connection
from lienthong.exchange.store.protocol import RecordKind, SignCheckpoint, SpooledPayload, Submission
from lienthong.trust.log.merkle import HASH_SIZE, Frontier, Growth, leaf_hash

NO_PAYLOAD, INLINE, BLOB = 0, 1, 2
CHANNEL: Final = "exchange_inbox"
_MOST_NOTIFIED: Final = 7_000
_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_ROW: Final = struct.Struct(">hiqi")
_KINDS: Final = {int(kind): kind for kind in RecordKind}
KEEP_MS: Final = {1: 120_000, 60: 2 * 24 * 3600 * 1000}
"""Bucket width in seconds → how long its buckets are kept, ms."""

Cursor = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Head:
    size: int
    frontier: Frontier
    last_ms: int
    counts: str


@dataclass(frozen=True, slots=True)
class Written:
    """A batch inside its transaction, ready to commit."""

    admission: Admission
    growth: Growth
    leaves: list[bytes]
    leaf_hashes: list[bytes]
    note: bytes
    accepted_ms: int


GrowTree = Callable[[int, Sequence[bytes], Growth], list[tuple[int, bytes]]]
"""(size before, leaf hashes, growth) → (key, nodes) of the tree blocks it filled."""


def write_batch(
    connection: Connection,
    batch: Sequence[Submission],
    now_ms: int,
    large: list[bytes],
    blob_from: int,
    sign: SignCheckpoint,
    grow: GrowTree,
    token: str,
) -> Written | Admission:
    """Begin a transaction and write what is new into it; the caller commits. An Admission when nothing is.

    ``large``: digests of payloads already committed as blobs for it. ``token`` marks the notification, so
    that the process that sent it knows its own.
    """
    head, known = _look_up(connection, batch, large)
    accepted_ms = max(now_ms, head.last_ms)
    times = [accepted_ms] * len(batch)
    admission = admit(batch, known, head.size, times)
    crashpoint("postgres.judged")
    if not admission.admitted:
        connection.execute("ROLLBACK")
        return admission
    leaves = [leaf_bytes(each, accepted_ms) for each in admission.admitted]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    growth = head.frontier.append(hashes)
    blocks = grow(head.size, hashes, growth)
    note = sign(growth.size, growth.root)
    written = Written(admission, growth, leaves, hashes, note, accepted_ms)
    _copy_payloads(connection, admission, blob_from)
    _insert(connection, written, known, head, blocks, blob_from, token)
    crashpoint("postgres.sent")
    return written


def _look_up(connection: Connection, batch: Sequence[Submission], large: list[bytes]) -> tuple[Head, Known]:
    """Lock the head and read what the batch needs, in one round trip. Each statement sees what was
    committed before the lock was granted (READ COMMITTED takes a snapshot a statement).
    """
    asked = wanted(batch)
    with connection.pipeline():
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        crashpoint("postgres.begun")
        head = connection.execute("SELECT size, frontier, last_ms, counts FROM head FOR UPDATE", binary=True)
        ids = connection.execute(
            "SELECT r.sender, r.message_id, r.idx, r.digest "
            "FROM unnest(%s::text[], %s::text[]) AS w (sender, message_id) "
            "JOIN records r USING (sender, message_id)",
            ([each[0] for each in asked.ids], [each[1] for each in asked.ids]),
            binary=True,
        )
        subjects = (
            connection.execute(
                "SELECT idx, kind, sender FROM records WHERE idx = ANY(%s::bigint[])",
                (list(asked.subjects),),
                binary=True,
            )
            if asked.subjects
            else None
        )
        rows = select_standings(connection, asked.standings) if asked.standings else None
        blobs = (
            connection.execute(
                "SELECT digest FROM blobs WHERE digest = ANY(%s) FOR KEY SHARE", (large,), binary=True
            )
            if large
            else None
        )
    crashpoint("postgres.locked")
    row = head.fetchone()
    if row is None:
        raise StoreFailed(
            "the log's head row is missing", place="exchange.head", remedy="restore the database"
        )
    size, frontier, last_ms, counts = row
    hashes = tuple(frontier[at : at + HASH_SIZE] for at in range(0, len(frontier), HASH_SIZE))
    known = Known({(sender, message_id): (idx, digest) for sender, message_id, idx, digest in ids})
    if subjects is not None:
        known.subjects = {idx: (_KINDS[kind], sender) for idx, kind, sender in subjects}
    if rows is not None:
        known.standings = standings_of(rows)
    if blobs is not None and (gone := set(large) - {digest for (digest,) in blobs}):
        raise StoreFailed(
            f"{len(gone)} large payloads vanished while their batch waited",
            place="exchange.blobs",
            remedy="send the message again",
        )
    return Head(size, Frontier(size, hashes), last_ms, counts), known


def select_standings(connection: Connection, pairs: Collection[tuple[int, str]]) -> Cursor:
    """The inbox rows of those (index, agency); for :func:`standings_of`."""
    return connection.execute(
        "SELECT i.idx, i.agency, i.state, i.request, i.recalled, i.state_ms, i.ack, i.ack_ms "
        "FROM unnest(%s::bigint[], %s::text[]) AS w (idx, agency) JOIN inbox i USING (agency, idx)",
        ([idx for idx, _ in pairs], [agency for _, agency in pairs]),
        binary=True,
    )


def standings_of(rows: Cursor) -> dict[tuple[int, str], Standing]:
    return {
        (idx, agency): Standing(DeliveryState(state, request, recalled), state_ms, ack, ack_ms)
        for idx, agency, state, request, recalled, state_ms, ack, ack_ms in rows
    }


def is_blob(each: Submission, blob_from: int) -> bool:
    """Whether its payload is stored by digest, in parts."""
    return isinstance(each.payload, SpooledPayload) or len(each.payload) >= blob_from


def _stored(each: Submission, blob_from: int) -> int:
    if is_blob(each, blob_from):
        return BLOB
    return INLINE if each.payload else NO_PAYLOAD


def _copy_payloads(connection: Connection, admission: Admission, blob_from: int) -> None:
    parts = [_COPY_HEADER]
    for idx, each in enumerate(admission.admitted, admission.first):
        payload = each.payload
        if isinstance(payload, bytes) and payload and len(payload) < blob_from:
            parts += (_COPY_ROW.pack(2, 8, idx, len(payload)), payload)
    if len(parts) == 1:
        return
    parts.append(b"\xff\xff")
    with connection.cursor().copy("COPY payloads (idx, data) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"".join(parts))


def _insert(
    connection: Connection,
    written: Written,
    known: Known,
    head: Head,
    blocks: list[tuple[int, bytes]],
    blob_from: int,
    token: str,
) -> None:
    admission, growth = written.admission, written.growth
    admitted, first = admission.admitted, admission.first
    sizes = [payload_size(each) for each in admitted]
    counts = Counts.decode(head.counts)
    counts.add(admission, known, sizes)
    with connection.pipeline():
        run = connection.execute
        run(
            "INSERT INTO records (idx, kind, lane, business, stored, size, subject, document_key, sender, "
            "message_id, digest, leaf, summary) SELECT * FROM unnest(%b::bigint[], %b::smallint[], "
            "%b::smallint[], %b::smallint[], %b::smallint[], %b::bigint[], %b::bigint[], %b::bigint[], "
            "%b::text[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[])",
            (
                list(range(first, first + len(admitted))),
                [int(each.kind) for each in admitted],
                [int(each.lane) for each in admitted],
                [each.business for each in admitted],
                [_stored(each, blob_from) for each in admitted],
                sizes,
                [each.subject for each in admitted],
                [_document_key(each) for each in admitted],
                [each.sender for each in admitted],
                [each.message_id for each in admitted],
                [each.digest for each in admitted],
                written.leaves,
                [each.summary for each in admitted],
            ),
        )
        _insert_inbox(connection, admission)
        _update_inbox(connection, admission)
        run(
            "INSERT INTO batches (size, first, accepted_ms, root, note) VALUES (%s, %s, %s, %s, %s)",
            (growth.size, first, written.accepted_ms, growth.root, written.note),
        )
        if blocks:
            run(
                "INSERT INTO blocks (key, nodes) SELECT * FROM unnest(%b::bigint[], %b::bytea[])",
                ([key for key, _ in blocks], [nodes for _, nodes in blocks]),
            )
        _count_usage(connection, admitted, sizes, written.accepted_ms)
        run(
            "UPDATE head SET size = %s, frontier = %s, note = %s, last_ms = %s, counts = %s",
            (
                growth.size,
                b"".join(growth.frontier.hashes),
                written.note,
                written.accepted_ms,
                counts.encode(),
            ),
        )
        for payload in notifications(token, grown_inboxes(admission)):
            run("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


def _insert_inbox(connection: Connection, admission: Admission) -> None:
    rows = [
        (recipient, idx, 0 if each.lane else 1)
        for idx, each in enumerate(admission.admitted, admission.first)
        if each.kind is not RecordKind.ACKNOWLEDGEMENT
        for recipient in each.recipients
    ]
    if rows:
        connection.execute(
            "INSERT INTO inbox (agency, idx, lane) "
            "SELECT * FROM unnest(%b::text[], %b::bigint[], %b::smallint[])",
            tuple(map(list, zip(*rows, strict=True))),
        )


def _update_inbox(connection: Connection, admission: Admission) -> None:
    rows = [
        (
            agency,
            idx,
            row.state.state,
            row.state.request,
            row.state.recalled,
            row.state_ms,
            row.acknowledgement,
            row.acknowledged_ms,
        )
        for changes in (admission.changed, admission.fresh)
        for (idx, agency), row in changes.items()
    ]
    if rows:
        connection.execute(
            "UPDATE inbox i SET state = w.state, request = w.request, recalled = w.recalled, "
            "state_ms = w.state_ms, ack = w.ack, ack_ms = w.ack_ms FROM unnest(%b::text[], %b::bigint[], "
            "%b::text[], %b::text[], %b::boolean[], %b::bigint[], %b::bigint[], %b::bigint[]) "
            "AS w (agency, idx, state, request, recalled, state_ms, ack, ack_ms) "
            "WHERE i.agency = w.agency AND i.idx = w.idx",
            tuple(map(list, zip(*rows, strict=True))),
        )


def _count_usage(
    connection: Connection, admitted: Sequence[Submission], sizes: Sequence[int], at_ms: int
) -> None:
    used: dict[str, list[int]] = {}
    for each, size in zip(admitted, sizes, strict=True):
        if each.kind is not RecordKind.ACKNOWLEDGEMENT:
            totals = used.setdefault(each.sender, [0, 0])
            totals[0] += 1
            totals[1] += size
    if not used:
        return
    senders = sorted(used)
    for width in (1, 60):
        start = at_ms - at_ms % (width * 1000)
        connection.execute(
            "INSERT INTO usage (sender, width, start, messages, bytes) "
            "SELECT sender, %s, %s, messages, bytes FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) "
            "AS w (sender, messages, bytes) ON CONFLICT (sender, width, start) DO UPDATE "
            "SET messages = usage.messages + excluded.messages, bytes = usage.bytes + excluded.bytes",
            (width, start, senders, [used[each][0] for each in senders], [used[each][1] for each in senders]),
        )
        connection.execute(
            "DELETE FROM usage WHERE sender = ANY(%s) AND width = %s AND start < %s",
            (senders, width, at_ms - KEEP_MS[width]),
        )


def _document_key(each: Submission) -> int | None:
    found = each.kind is RecordKind.DOCUMENT and each.document_id and each.business != 1
    return document_key(each.document_id) if found else None


def grown_inboxes(admission: Admission) -> frozenset[str]:
    """The agencies that have new inbox rows."""
    return frozenset(
        recipient
        for each in admission.admitted
        if each.kind is not RecordKind.ACKNOWLEDGEMENT
        for recipient in each.recipients
    )


def notifications(token: str, agencies: Collection[str]) -> Iterator[str]:
    """``token code code …`` in payloads that NOTIFY takes (below 8000 bytes)."""
    line = token
    for code in sorted(agencies):
        if len(line) + len(code) >= _MOST_NOTIFIED:
            yield line
            line = token
        line += f" {code}"
    if line != token:
        yield line

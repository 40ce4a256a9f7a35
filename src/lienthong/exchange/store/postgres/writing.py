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

from lienthong.exchange.receipts import batch_receipts, leaf_bytes
from lienthong.exchange.statuses import DeliveryState
from lienthong.exchange.store.admission import (
    Admission,
    Known,
    Standing,
    above,
    admit,
    grown_inboxes,
    inboxes,
    wanted,
)
from lienthong.exchange.store.counts import Counts, payload_size
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.errors import StoreFailed
from lienthong.exchange.store.keys import document_key, id_key
from lienthong.exchange.store.postgres.agencies import Agencies
from lienthong.exchange.store.postgres.arrays import Bigints, Ints, Smallints
from lienthong.exchange.store.postgres.connections import Connection
from lienthong.exchange.store.protocol import RecordKind, SignCheckpoint, SpooledPayload, Submission
from lienthong.trust.log.merkle import HASH_SIZE, Frontier, Growth, leaf_hash

NO_PAYLOAD, INLINE, BLOB = 0, 1, 2
CHANNEL: Final = "exchange_inbox"
_MOST_NOTIFIED: Final = 7_000
_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_FIXED: Final = struct.Struct(">hiqihihihihiqiqii")
_COPY_BIGINT: Final = struct.Struct(">iq")
_COPY_LENGTH: Final = struct.Struct(">i")
_NULL: Final = _COPY_LENGTH.pack(-1)
_COPY_RECORDS: Final = (
    "COPY records (idx, kind, lane, business, stored, size, id_key, sender, subject, document_key, "
    "above, message_id, digest, leaf, summary, payload) FROM STDIN (FORMAT BINARY)"
)
_BY_ID_KEY: Final = "SELECT id_key, idx, sender, message_id, digest FROM records WHERE id_key = ANY(%b)"
STALLED = "60s"
"""How long a hub may hold up the others in the middle of a batch: then its transaction is ended."""
_NOT_FOR_EVER: Final = (
    "SELECT set_config('lock_timeout', %b, true), "
    "set_config('idle_in_transaction_session_timeout', %b, true), "
    # One that struck while COMMIT waits for a standby would have the server say that the batch is there.
    "set_config('statement_timeout', '0', true)"
)
_BLOBS: Final = "SELECT digest FROM blobs WHERE digest = ANY(%b::bytea[]) FOR KEY SHARE"
_FINISH: Final = (
    "WITH i AS (INSERT INTO inbox (agency, idx, lane) "
    "SELECT * FROM unnest(%b, %b, %b)), "
    "b AS (INSERT INTO batches (size, first, accepted_ms, root, note) VALUES (%b, %b, %b, %b, %b)), "
    "k AS (INSERT INTO blocks (key, nodes) SELECT * FROM unnest(%b, %b::bytea[])), "
    "h AS (UPDATE head SET size = %b, frontier = %b, note = %b, last_ms = %b, counts = %b) "
    "SELECT pg_notify(%b, told) FROM unnest(%b::text[]) AS told"
)
_KINDS: Final = {int(kind): kind for kind in RecordKind}
Cursor = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Head:
    size: int
    frontier: Frontier
    last_ms: int
    counts: str


@dataclass(frozen=True, slots=True)
class Written:
    """A committed batch with the receipts of what it admitted."""

    admission: Admission
    receipts: list[bytes]


GrowTree = Callable[[int, Sequence[bytes], Growth], list[tuple[int, bytes]]]
"""(size before, leaf hashes, growth) → (key, nodes) of the tree blocks it filled."""


def write_batch(
    connection: Connection,
    batch: Sequence[Submission],
    now_ms: int,
    large: list[bytes],
    agencies: Agencies,
    blob_from: int,
    sign: SignCheckpoint,
    grow: GrowTree,
    token: str,
) -> Written | Admission:
    """Write what is new in one transaction and commit it. An Admission when nothing is new.

    ``large``: digests of payloads already committed as blobs for it. ``token`` marks the notification, so
    that the process that sent it knows its own.
    """
    numbers = agencies.introduce(
        connection, (code for each in batch for code in (each.sender, *each.recipients))
    )
    head, known, keys = _look_up(connection, batch, large, agencies)
    accepted_ms = max(now_ms, head.last_ms)
    times = [accepted_ms] * len(batch)
    admission = admit(batch, known, head.size, times)
    crashpoint("postgres.judged")
    if not admission.admitted:
        connection.execute("ROLLBACK")
        return admission
    leaves = [leaf_bytes(each, accepted_ms) for each in admission.admitted]
    sizes = [payload_size(each) for each in admission.admitted]
    rows = _record_rows(connection, admission, known, leaves, sizes, blob_from, keys, numbers)
    with connection.cursor().copy(_COPY_RECORDS) as copy:
        copy.write(rows)
        # While the server takes them in: the tree and the signature.
        hashes = [leaf_hash(leaf) for leaf in leaves]
        growth = head.frontier.append(hashes)
        note = sign(growth.size, growth.root)
        counts = Counts.decode(head.counts)
        counts.add(admission, known, sizes)
        inbox = _inbox_rows(admission, numbers)
    blocks = grow(head.size, hashes, growth)
    receipts: list[bytes] = []
    with connection.pipeline():
        connection.execute(
            _FINISH,
            (
                *inbox,
                growth.size,
                admission.first,
                accepted_ms,
                growth.root,
                note,
                Bigints([key for key, _ in blocks]),
                [nodes for _, nodes in blocks],
                growth.size,
                b"".join(growth.frontier.hashes),
                note,
                accepted_ms,
                counts.encode(),
                CHANNEL,
                list(notifications(token, grown_inboxes(admission))),
            ),
        )
        _update_inbox(connection, admission, numbers)
        crashpoint("postgres.sent")
        connection.execute("COMMIT")
        # While the server syncs.
        receipts = batch_receipts(growth, leaves, note)
    crashpoint("postgres.committed")
    return Written(admission, receipts)


def _look_up(
    connection: Connection, batch: Sequence[Submission], large: list[bytes], agencies: Agencies
) -> tuple[Head, Known, dict[tuple[str, str], int]]:
    """Lock the head and read what the batch needs, in one round trip. Under READ COMMITTED each statement
    after the lock sees what was committed before it was granted.

    Answers the head, what is known, and for each new (sender, message id) its free key.
    """
    asked = wanted(batch)
    keys = {pair: id_key(*pair) for pair in asked.ids}
    run = connection.execute
    with connection.pipeline():
        run("BEGIN ISOLATION LEVEL READ COMMITTED")
        run(_NOT_FOR_EVER, (STALLED, STALLED))
        crashpoint("postgres.begun")
        found = run("SELECT * FROM lock_and_look_up(%b)", (Bigints(list(keys.values())),), binary=True)
        subjects = rows = blobs = None
        if asked.subjects:
            subjects = run(
                "SELECT idx, kind, sender, subject FROM records WHERE idx = ANY(%b)",
                (Bigints(list(asked.subjects)),),
                binary=True,
            )
        if asked.standings:
            rows = select_standings(connection, asked.standings, agencies)
        if large:
            blobs = run(_BLOBS, (large,), binary=True)
    crashpoint("postgres.locked")
    matches = found.fetchall()
    size, frontier, last_ms, counts = matches[0][:4]
    hashes = tuple(frontier[at : at + HASH_SIZE] for at in range(0, len(frontier), HASH_SIZE))
    known = Known()
    _match_ids(connection, keys, [row[4:] for row in matches if row[4] is not None], known, agencies)
    if subjects is not None:
        known.subjects = {
            idx: (_KINDS[kind], agencies.code(connection, sender), subject)
            for idx, kind, sender, subject in subjects
        }
    if rows is not None:
        known.standings = standings_of(rows, lambda number: agencies.code(connection, number))
    if blobs is not None and (gone := set(large) - {digest for (digest,) in blobs}):
        raise StoreFailed(
            f"{len(gone)} large payloads vanished while their batch waited",
            place="exchange.blobs",
            remedy="send the message again",
        )
    return Head(size, Frontier(size, hashes), last_ms, counts), known, keys


def _match_ids(
    connection: Connection,
    keys: dict[tuple[str, str], int],
    rows: Sequence[tuple[Any, ...]],
    known: Known,
    agencies: Agencies,
) -> None:
    """Tell ids that are here from others that share their key, which sit in the keys that follow."""
    found = {row[0]: row for row in rows}
    for pair, key in keys.items() if found else ():
        while (row := found.get(key)) is not None:
            _, idx, sender, message_id, digest = row
            if (agencies.code(connection, sender), message_id) == pair:
                known.ids[pair] = idx, digest
                break
            key += 1
            found.update(
                {row[0]: row for row in connection.execute(_BY_ID_KEY, (Bigints([key]),), binary=True)}
            )
        keys[pair] = key


def select_standings(
    connection: Connection, pairs: Collection[tuple[int, str]], agencies: Agencies
) -> Cursor:
    """The inbox rows of those (index, agency); for :func:`standings_of`. Inside a pipeline the agencies
    must be known already.
    """
    numbers = agencies.numbers(connection, {agency for _, agency in pairs})
    met = [(idx, numbers[agency]) for idx, agency in pairs if agency in numbers]
    return connection.execute(
        "SELECT i.idx, i.agency, i.state, i.request, i.recalled, i.handling, i.state_ms, i.ack, i.ack_ms "
        "FROM unnest(%b, %b) AS w (idx, agency) JOIN inbox i USING (agency, idx)",
        (Bigints([idx for idx, _ in met]), Ints([number for _, number in met])),
        binary=True,
    )


def standings_of(rows: Cursor, code: Callable[[int], str]) -> dict[tuple[int, str], Standing]:
    return {
        (idx, code(agency)): Standing(
            DeliveryState(state, request, recalled, handling), state_ms, ack, ack_ms
        )
        for idx, agency, state, request, recalled, handling, state_ms, ack, ack_ms in rows
    }


def is_blob(each: Submission, blob_from: int) -> bool:
    """Whether its payload is stored by digest, in parts."""
    return isinstance(each.payload, SpooledPayload) or len(each.payload) >= blob_from


def _stored(each: Submission, blob_from: int) -> int:
    if is_blob(each, blob_from):
        return BLOB
    return INLINE if each.payload else NO_PAYLOAD


def _record_rows(
    connection: Connection,
    admission: Admission,
    known: Known,
    leaves: Sequence[bytes],
    sizes: Sequence[int],
    blob_from: int,
    keys: dict[tuple[str, str], int],
    numbers: dict[str, int],
) -> bytes:
    """All columns of the new records, payloads included, for one binary COPY."""
    parts: list[bytes] = [_COPY_HEADER]
    length = _COPY_LENGTH.pack
    taken: set[int] = set()
    idx = admission.first
    for each, leaf, size in zip(admission.admitted, leaves, sizes, strict=True):
        stored = _stored(each, blob_from)
        key = keys[each.sender, each.message_id]
        if key in taken:
            while key in taken or _is_taken(connection, key):
                key += 1
        taken.add(key)
        subject, document, over = each.subject, _document_key(each), above(each, known)
        message_id, summary = each.message_id.encode(), each.summary
        parts += (
            _COPY_FIXED.pack(
                *(16, 8, idx, 2, each.kind, 2, each.lane, 2, each.business, 2, stored, 8, size),
                *(8, key, 4, numbers[each.sender]),
            ),
            _NULL if subject is None else _COPY_BIGINT.pack(8, subject),
            _NULL if document is None else _COPY_BIGINT.pack(8, document),
            _NULL if over is None else _COPY_BIGINT.pack(8, over),
            length(len(message_id)),
            message_id,
            length(len(each.digest)),
            each.digest,
            length(len(leaf)),
            leaf,
            length(len(summary)),
            summary,
        )
        if stored == INLINE and isinstance(each.payload, bytes):
            parts += (length(size), each.payload)
        else:
            parts.append(_NULL)
        idx += 1
    parts.append(b"\xff\xff")
    return b"".join(parts)


def _is_taken(connection: Connection, key: int) -> bool:
    return connection.execute(_BY_ID_KEY, (Bigints([key]),)).fetchone() is not None


def _inbox_rows(admission: Admission, numbers: dict[str, int]) -> tuple[Ints, Bigints, Smallints]:
    """Agencies, indexes and lanes of the new inbox rows."""
    agencies: list[int] = []
    indexes: list[int] = []
    lanes: list[int] = []
    for idx, each in enumerate(admission.admitted, admission.first):
        recipients = inboxes(each)
        agencies += [numbers[recipient] for recipient in recipients]
        indexes += [idx] * len(recipients)
        lanes += [0 if each.lane else 1] * len(recipients)
    return Ints(agencies), Bigints(indexes), Smallints(lanes)


def _update_inbox(connection: Connection, admission: Admission, numbers: dict[str, int]) -> None:
    rows = [
        (
            numbers[agency],
            idx,
            row.state.state,
            row.state.request,
            row.state.recalled,
            row.state.handling,
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
            "handling = w.handling, state_ms = w.state_ms, ack = w.ack, ack_ms = w.ack_ms "
            "FROM unnest(%b::integer[], %b::bigint[], %b::text[], %b::text[], %b::boolean[], "
            "%b::integer[], %b::bigint[], %b::bigint[], %b::bigint[]) "
            "AS w (agency, idx, state, request, recalled, handling, state_ms, ack, ack_ms) "
            "WHERE i.agency = w.agency AND i.idx = w.idx",
            tuple(map(list, zip(*rows, strict=True))),
        )


def _document_key(each: Submission) -> int | None:
    found = each.kind is RecordKind.DOCUMENT and each.document_id and each.business != 1
    return document_key(each.document_id, each.business) if found else None


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

"""Answering questions from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lienthong.exchange.store.admission import FRESH
from lienthong.exchange.store.keys import CANDIDATES, SAME_ID, document_key, id_key
from lienthong.exchange.store.leaves import record_from_leaf
from lienthong.exchange.store.postgres.agencies import Agencies
from lienthong.exchange.store.postgres.connections import Connection
from lienthong.exchange.store.postgres.writing import select_standings, standings_of
from lienthong.exchange.store.protocol import Delivery, InboxItem, Lane, Record, RecordKind

_COLUMNS: Final = "r.idx, r.leaf, r.summary, r.size"
_HIGHEST: Final = 2**63 - 1
_MOST_CLASHES: Final = 8
"""Ids that share a 63-bit key sit in the keys that follow it; there will never be so many."""


def _record(row: Sequence[Any]) -> Record:
    return record_from_leaf(row[0], row[1], row[2], row[3])


def one_record(connection: Connection, index: int) -> Record | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM records r WHERE idx = %s",  # noqa: S608
        (_clamp(index),),
        binary=True,
    ).fetchone()
    return _record(row) if row else None


def record_by_id(connection: Connection, sender: str, message_id: str) -> Record | None:
    key = id_key(sender, message_id)
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM records r JOIN agencies a ON a.number = r.sender "  # noqa: S608
        "WHERE id_key BETWEEN %s AND %s AND a.code = %s AND message_id = %s",
        (key, key + _MOST_CLASHES, sender, message_id),
        binary=True,
    ).fetchone()
    return _record(row) if row else None


def record_of_document(
    connection: Connection, agencies: Agencies, document_id: str, sender: str | None, recipient: str | None
) -> Record | None:
    source = "records r WHERE document_key = %(key)s"
    asked = {"key": 0, "sender": None, "recipient": None}
    if sender is not None:
        source += " AND sender = %(sender)s"
        asked["sender"] = agencies.number(connection, sender)
    if recipient is not None:
        source = (
            f"(SELECT idx FROM {source} ORDER BY idx DESC LIMIT {SAME_ID}) AS c "  # noqa: S608
            "JOIN inbox i ON i.agency = %(recipient)s AND i.idx = c.idx JOIN records r ON r.idx = c.idx"
        )
        asked["recipient"] = agencies.number(connection, recipient)
    for business in (0, 1):
        asked["key"] = document_key(document_id, business)
        for row in connection.execute(
            f"SELECT {_COLUMNS} FROM {source} ORDER BY r.idx DESC LIMIT {CANDIDATES}",  # noqa: S608
            asked,
            binary=True,
        ):
            record = _record(row)
            if record.document_id == document_id:
                return record
    return None


def inbox(
    connection: Connection,
    agencies: Agencies,
    agency: str,
    after: int,
    limit: int,
    lane: Lane | None,
    pending: bool,
) -> list[InboxItem]:
    lanes = "" if lane is None else f" AND i.lane = {1 - lane.value}"
    waiting = " AND i.ack IS NULL" if pending else ""
    order = "i.lane, i.idx" if pending else "i.idx"
    rows = connection.execute(
        f"SELECT {_COLUMNS}, i.ack_ms FROM inbox i JOIN records r USING (idx) "  # noqa: S608
        f"WHERE i.agency = %s AND i.idx > %s{waiting}{lanes} ORDER BY {order} LIMIT %s",
        (agencies.number(connection, agency), _clamp(after), max(limit, 0)),
        binary=True,
    )
    return [_inbox_item(_record(row), row[4]) for row in rows]


def sent(
    connection: Connection, agencies: Agencies, agency: str, before: int | None, limit: int
) -> list[Record]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM records r WHERE sender = %s AND idx < %s AND kind <> 3 "  # noqa: S608
        "ORDER BY idx DESC LIMIT %s",
        (
            agencies.number(connection, agency),
            _HIGHEST if before is None else _clamp(before),
            max(limit, 0),
        ),
        binary=True,
    )
    return [_record(row) for row in rows]


def deliveries(
    connection: Connection, agencies: Agencies, index: int, recipients: Sequence[str] | None
) -> list[Delivery]:
    record = one_record(connection, index)
    if record is None or record.kind is not RecordKind.DOCUMENT:
        return []
    asked = record.recipients if recipients is None else recipients
    found = select_standings(connection, [(index, recipient) for recipient in asked], agencies)
    rows = standings_of(found, lambda number: agencies.code(connection, number))
    answers = []
    for recipient in asked:
        row = rows.get((index, recipient))
        if row is None and recipients is not None:
            continue
        row = row or FRESH
        answers.append(
            Delivery(
                index,
                recipient,
                row.state.state,
                row.state_ms,
                row.state.request,
                row.acknowledged_ms,
                row.state.recalled,
            )
        )
    return answers


def history(connection: Connection, index: int, after: int, limit: int) -> list[Record]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM records r WHERE idx = ANY (ARRAY("  # noqa: S608
        "SELECT %(index)s::bigint WHERE %(index)s > %(after)s "
        "UNION ALL (SELECT idx FROM records WHERE subject = %(index)s AND idx > %(after)s "
        "ORDER BY idx LIMIT %(limit)s) "
        "UNION ALL (SELECT idx FROM records WHERE above = %(index)s AND idx > %(after)s "
        "ORDER BY idx LIMIT %(limit)s))) ORDER BY idx LIMIT %(limit)s",
        {"index": _clamp(index), "after": _clamp(after), "limit": max(limit, 0)},
        binary=True,
    )
    return [_record(row) for row in rows]


def leaves(connection: Connection, start: int, end: int) -> list[bytes]:
    rows = connection.execute(
        "SELECT leaf FROM records WHERE idx >= %s AND idx < %s ORDER BY idx", (start, end), binary=True
    )
    return [leaf for (leaf,) in rows]


def _inbox_item(record: Record, acknowledged_ms: int | None) -> InboxItem:
    return InboxItem(
        record.index,
        record.kind,
        record.sender,
        record.message_id,
        record.document_id,
        record.subject,
        record.status,
        record.business,
        record.lane,
        record.accepted_ms,
        record.size,
        record.digest,
        record.summary,
        acknowledged_ms,
    )


def _clamp(number: int) -> int:
    return max(min(number, _HIGHEST), -_HIGHEST)

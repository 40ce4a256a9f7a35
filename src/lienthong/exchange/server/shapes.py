"""Records as the JSON of the interface. ``summary`` is stored as JSON and spliced in as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lienthong.exchange.store.protocol import Delivery, InboxItem, Lane, Record, RecordKind, Statistics

KINDS: dict[RecordKind, str] = {
    RecordKind.DOCUMENT: "document",
    RecordKind.STATUS: "status",
    RecordKind.ACKNOWLEDGEMENT: "acknowledgement",
}
LANES: dict[Lane, str] = {Lane.NORMAL: "normal", Lane.URGENT: "urgent"}


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def inbox_page(items: Iterable[InboxItem], next_index: int) -> bytes:
    """``{"items":[…],"next":index}``; ``next`` is what ``after`` should be in the next call."""
    return b'{"items":[' + b",".join(map(inbox_item, items)) + b'],"next":%d}' % next_index


def inbox_item(item: InboxItem) -> bytes:
    return _with_summary(
        {
            "index": item.index,
            "kind": KINDS[item.kind],
            "sender": item.sender,
            "message_id": item.message_id,
            "document_id": item.document_id,
            "subject": item.subject,
            "status": item.status,
            "business": item.business,
            "lane": LANES[item.lane],
            "accepted_ms": item.accepted_ms,
            "size": item.size,
            "digest": item.digest.hex(),
            "acknowledged_ms": item.acknowledged_ms,
        },
        item.summary,
    )


def record(one: Record) -> bytes:
    return _with_summary(
        {
            "index": one.index,
            "kind": KINDS[one.kind],
            "sender": one.sender,
            "message_id": one.message_id,
            "recipients": list(one.recipients),
            "document_id": one.document_id,
            "subject": one.subject,
            "status": one.status,
            "business": one.business,
            "lane": LANES[one.lane],
            "accepted_ms": one.accepted_ms,
            "size": one.size,
            "digest": one.digest.hex(),
        },
        one.summary,
    )


def records(page: Iterable[Record], next_index: int | None) -> bytes:
    """``{"items":[…],"next":index or null}``; ``next`` is what ``before`` should be in the next call."""
    tail = b"null" if next_index is None else b"%d" % next_index
    return b'{"items":[' + b",".join(map(record, page)) + b'],"next":' + tail + b"}"


def delivery(one: Delivery) -> bytes:
    return dumps(
        {
            "index": one.index,
            "recipient": one.recipient,
            "state": one.state,
            "state_ms": one.state_ms,
            "request": one.request,
            "acknowledged_ms": one.acknowledged_ms,
            "recalled": one.recalled,
        }
    )


def trace(
    one: Record, deliveries: Iterable[Delivery], history: Iterable[Record], next_index: int | None
) -> bytes:
    """``{"record":{…},"deliveries":[…],"history":[…],"next":index or null}``; ``next`` is what ``after``
    should be in the next call.
    """
    return (
        b'{"record":'
        + record(one)
        + b',"deliveries":['
        + b",".join(map(delivery, deliveries))
        + b'],"history":['
        + b",".join(map(record, history))
        + b'],"next":'
        + (b"null}" if next_index is None else b"%d}" % next_index)
    )


def statistics(one: Statistics) -> bytes:
    return dumps(
        {
            "documents": one.documents,
            "deliveries": one.deliveries,
            "statuses": one.statuses,
            "acknowledgements": one.acknowledgements,
            "tree_size": one.tree_size,
            "payload_bytes": one.payload_bytes,
            "log_bytes": one.log_bytes,
            "states": one.states,
        }
    )


def _with_summary(fields: dict[str, Any], summary: bytes) -> bytes:
    return dumps(fields)[:-1] + b',"summary":' + summary + b"}"

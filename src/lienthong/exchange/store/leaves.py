"""Reading leaves back: from the canonical JSON in the log to the record that callers see."""

from __future__ import annotations

import json
from typing import Any

from lienthong.exchange.store.protocol import Lane, Record, RecordKind, Submission

_KINDS = {int(kind): kind for kind in RecordKind}
_LANES = (Lane.NORMAL, Lane.URGENT)


def record_from_leaf(index: int, leaf: bytes, summary: bytes, size: int) -> Record:
    """The record whose leaf these bytes are; ``size`` is the payload's, in bytes."""
    fields: dict[str, Any] = json.loads(leaf)
    return Record(
        index,
        _KINDS[fields["kind"]],
        fields["sender"],
        fields["id"],
        bytes.fromhex(fields["digest"]),
        tuple(fields["to"]),
        fields["time"],
        fields.get("document", ""),
        fields.get("subject"),
        fields.get("status", ""),
        fields.get("business", 0),
        _LANES[fields.get("lane", 0)],
        summary,
        size,
        leaf,
        fields.get("staff", ""),
        tuple((asked, given) for asked, given in fields.get("forwarded", ())),
    )


def submission_from_record(record: Record) -> Submission:
    """What was submitted, without its payload: for replaying the log into an index."""
    return Submission(
        record.kind,
        record.sender,
        record.message_id,
        record.digest,
        b"",
        record.recipients,
        record.document_id,
        record.subject,
        record.status,
        record.business,
        record.lane,
        record.summary,
        record.staff,
        record.forwarded,
    )

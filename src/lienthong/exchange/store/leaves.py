"""Reading leaves back: from the canonical JSON in the log to the record that callers see."""

from __future__ import annotations

from json import JSONDecoder
from typing import Any

from lienthong.exchange.store.protocol import Lane, Record, RecordKind, Submission

_KINDS = {int(kind): kind for kind in RecordKind}
_LANES = (Lane.NORMAL, Lane.URGENT)
_decode = JSONDecoder().raw_decode


def record_from_leaf(index: int, leaf: bytes, summary: bytes, size: int) -> Record:
    """The record whose leaf these bytes are; ``size`` is the payload's, in bytes."""
    fields: dict[str, Any] = _decode(leaf.decode())[0]
    get = fields.get
    return Record(
        index,
        _KINDS[fields["kind"]],
        fields["sender"],
        fields["id"],
        bytes.fromhex(fields["digest"]),
        tuple(fields["to"]),
        fields["time"],
        get("document", ""),
        get("subject"),
        get("status", ""),
        get("business", 0),
        _LANES[get("lane", 0)],
        summary,
        size,
        leaf,
        get("staff", ""),
        tuple((asked, given) for asked, given in get("forwarded", ())),
    )


def submission_from_leaf(leaf: bytes) -> tuple[Submission, int]:
    """What was submitted, as far as an index needs it (no payload, no summary), and when it was accepted."""
    fields: dict[str, Any] = _decode(leaf.decode())[0]
    get = fields.get
    submission = Submission(
        _KINDS[fields["kind"]],
        fields["sender"],
        fields["id"],
        bytes.fromhex(fields["digest"]),
        b"",
        tuple(fields["to"]),
        get("document", ""),
        get("subject"),
        get("status", ""),
        get("business", 0),
        _LANES[get("lane", 0)],
    )
    return submission, fields["time"]

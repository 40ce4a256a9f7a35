"""Leaves and receipts: what is hashed into the log for a record, and what its sender keeps as proof.

A leaf is canonical JSON (RFC 8785 restricted to strings, integers and arrays: keys sorted, no white
space, UTF-8), so anybody can rebuild it. A receipt is JSON too: the leaf, its index, the inclusion
proof (RFC 6962) and the checkpoint signed for its batch (C2SP signed note). The checkpoint's
signature covers every receipt of the batch; there is no second signature to check.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from lienthong.exchange.store.protocol import Submission
from lienthong.trust.log.merkle import Growth

LEAF_VERSION = 1
RECEIPT_FORMAT = "lienthong-receipt/1"


def leaf_bytes(submission: Submission, accepted_ms: int) -> bytes:
    """The canonical leaf of a submission accepted at ``accepted_ms`` (Unix milliseconds, UTC).

    Members in the order of their names, as a canonical encoder would sort them, those that say nothing
    left out. Written by hand because the hub makes one for each record.
    """
    parts = []
    if submission.business:
        parts.append(f'"business":{submission.business}')
    parts.append(f'"digest":"{submission.digest.hex()}"')
    if submission.document_id:
        parts.append(f'"document":{quoted(submission.document_id)}')
    if submission.forwarded:
        pairs = ",".join([f"[{quoted(asked)},{quoted(heir)}]" for asked, heir in submission.forwarded])
        parts.append(f'"forwarded":[{pairs}]')
    parts.append(f'"id":{quoted(submission.message_id)},"kind":{submission.kind:d}')
    if submission.lane:
        parts.append(f'"lane":{submission.lane:d}')
    parts.append(f'"sender":{quoted(submission.sender)}')
    if submission.staff:
        parts.append(f'"staff":{quoted(submission.staff)}')
    if submission.status:
        parts.append(f'"status":{quoted(submission.status)}')
    if submission.subject is not None:
        parts.append(f'"subject":{submission.subject}')
    to = ",".join(map(quoted, submission.recipients))
    parts.append(f'"time":{accepted_ms},"to":[{to}],"v":{LEAF_VERSION}')
    return f"{{{','.join(parts)}}}".encode()


def receipt_bytes(index: int, leaf: bytes, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The receipt of record ``index``; the same inputs give the same bytes."""
    hashes = b",".join([b'"%b"' % b2a_base64(node, newline=False) for node in proof])
    return b'{"format":"%b","index":%d,"leaf":%b,"proof":[%b],"checkpoint":%b}\n' % (
        RECEIPT_FORMAT.encode(),
        index,
        leaf,
        hashes,
        _note(checkpoint),
    )


def batch_receipts(growth: Growth, leaves: Sequence[bytes], checkpoint: bytes) -> list[bytes]:
    """The receipts of a batch that made the tree grow, the same bytes as :func:`receipt_bytes` makes of each.
    What lies above several leaves is written once.
    """
    head = b'{"format":"%b","index":' % RECEIPT_FORMAT.encode()
    tail = b'],"checkpoint":%b}\n' % _note(checkpoint)
    paths = growth.paths(b"", _proof_from)
    return [
        b'%b%d,"leaf":%b,"proof":[%b%b' % (head, index, leaf, path, tail)
        for index, (leaf, path) in enumerate(zip(leaves, paths, strict=True), growth.start)
    ]


def _proof_from(sibling: bytes, above: bytes) -> bytes:
    node = b2a_base64(sibling, newline=False)
    return b'"%b",%b' % (node, above) if above else b'"%b"' % node


@lru_cache(maxsize=64)
def _note(checkpoint: bytes) -> bytes:
    """The checkpoint as a JSON string: one for all receipts of a batch."""
    return quoted(checkpoint.decode()).encode()

"""Leaves and receipts: what is hashed into the log for a record, and what its sender keeps as proof.

A leaf is canonical JSON (RFC 8785 restricted to strings, integers and arrays: keys sorted, no white
space, UTF-8), so anybody can rebuild it. A receipt is JSON too: the leaf, its index, the inclusion
proof (RFC 6962) and the checkpoint signed for its batch (C2SP signed note). The checkpoint's
signature covers every receipt of the batch; there is no second signature to check.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence

from lienthong.exchange.store.protocol import Submission

LEAF_VERSION = 1
RECEIPT_FORMAT = "lienthong-receipt/1"


def leaf_bytes(submission: Submission, accepted_ms: int) -> bytes:
    """The canonical leaf of a submission accepted at ``accepted_ms`` (Unix milliseconds, UTC)."""
    leaf: dict[str, object] = {
        "digest": submission.digest.hex(),
        "id": submission.message_id,
        "kind": int(submission.kind),
        "sender": submission.sender,
        "time": accepted_ms,
        "to": submission.recipients,
        "v": LEAF_VERSION,
    }
    if submission.document_id:
        leaf["document"] = submission.document_id
    if submission.subject is not None:
        leaf["subject"] = submission.subject
    if submission.status:
        leaf["status"] = submission.status
    if submission.business:
        leaf["business"] = submission.business
    if submission.lane:
        leaf["lane"] = int(submission.lane)
    if submission.staff:
        leaf["staff"] = submission.staff
    if submission.forwarded:
        leaf["forwarded"] = [list(pair) for pair in submission.forwarded]
    return json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def receipt_bytes(index: int, leaf: bytes, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The receipt of record ``index``; the same inputs give the same bytes."""
    hashes = ",".join(f'"{b64encode(h).decode()}"' for h in proof)
    note = json.dumps(checkpoint.decode(), ensure_ascii=False)
    return (
        f'{{"format":"{RECEIPT_FORMAT}","index":{index},"leaf":{leaf.decode()},'
        f'"proof":[{hashes}],"checkpoint":{note}}}\n'
    ).encode()

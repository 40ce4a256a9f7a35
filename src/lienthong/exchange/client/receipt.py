"""Receipts, checked before they are believed: this leaf, of this container, is in the hub's log."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from lienthong.exchange.client.errors import EvidenceMismatch
from lienthong.exchange.receipts import RECEIPT_FORMAT
from lienthong.trust.errors import LogError
from lienthong.trust.log.checkpoints import Checkpoint, open_checkpoint
from lienthong.trust.log.merkle import leaf_hash, verify_inclusion
from lienthong.trust.log.notes import NoteKey

_REMEDY = "do not rely on this receipt; send its file to the operator of the hub and to a witness"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt whose proof and checkpoint signature were verified. ``raw``: its bytes, to be kept."""

    index: int
    sender: str
    message_id: str
    digest: bytes
    accepted_ms: int
    recipients: tuple[str, ...]
    forwarded: tuple[tuple[str, str], ...]
    checkpoint: Checkpoint
    raw: bytes


def check_receipt(
    raw: bytes,
    key: NoteKey,
    *,
    digest: bytes | None = None,
    message_id: str | None = None,
    sender: str | None = None,
    recipient: str | None = None,
) -> Receipt:
    """The receipt in ``raw``, or :class:`EvidenceMismatch`.

    ``key`` is the hub's log key. What is given beside it must be what the leaf says: the SHA-256 of the
    container, the message id, the sender; ``recipient`` must be among the leaf's recipients.
    """
    try:
        body = json.loads(raw)
        if body["format"] != RECEIPT_FORMAT:
            raise ValueError(f"the format is {body['format']!r}")
        leaf: dict[str, Any] = body["leaf"]
        index = int(body["index"])
        signed = open_checkpoint(body["checkpoint"].encode(), key)
        proof = [b64decode(each, validate=True) for each in body["proof"]]
        # The leaf was canonical JSON when it was hashed (exchange.receipts); written again it is the same.
        canonical = json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        checkpoint = signed.checkpoint
        verify_inclusion(leaf_hash(canonical), index, checkpoint.size, proof, checkpoint.root)
        receipt = Receipt(
            index=index,
            sender=leaf["sender"],
            message_id=leaf["id"],
            digest=bytes.fromhex(leaf["digest"]),
            accepted_ms=int(leaf["time"]),
            recipients=tuple(leaf["to"]),
            forwarded=tuple((asked, heir) for asked, heir in leaf.get("forwarded", ())),
            checkpoint=checkpoint,
            raw=raw,
        )
    except LogError as error:
        raise EvidenceMismatch(
            f"the receipt does not hold: {error.detail}", place=error.place or "receipt", remedy=_REMEDY
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceMismatch(
            f"the receipt cannot be read: {error}", place="receipt", remedy=_REMEDY
        ) from error
    for name, wanted, found in (
        ("digest", digest, receipt.digest),
        ("message id", message_id, receipt.message_id),
        ("sender", sender, receipt.sender),
    ):
        if wanted is not None and wanted != found:
            raise EvidenceMismatch(
                f"the receipt is for another {name}", place=f"receipt of index {index}", remedy=_REMEDY
            )
    if recipient is not None and recipient not in receipt.recipients:
        raise EvidenceMismatch(
            f"{recipient} is not among the recipients that the log names",
            place=f"receipt of index {index}",
            remedy=_REMEDY,
        )
    return receipt

"""Receipts, checked before they are believed: this leaf, of this container, is in the hub's log."""

from __future__ import annotations

from dataclasses import dataclass

from lienthong.core.errors import LienthongError
from lienthong.exchange.client.errors import EvidenceMismatch
from lienthong.exchange.evidence.receipts import read_receipt
from lienthong.trust.log.checkpoints import Checkpoint, open_checkpoint
from lienthong.trust.log.merkle import leaf_hash, verify_inclusion
from lienthong.trust.log.notes import NoteKey

_REMEDY = "do not rely on this receipt; show it to the operator of the hub and to a witness of its log"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt whose proof and checkpoint signature were verified. ``raw``: its bytes, to be kept.

    ``forwarded``: (organ asked for, successor that got it) for recipients that have merged.
    """

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
    index: int | None = None,
) -> Receipt:
    """The receipt in ``raw``, or :class:`EvidenceMismatch`.

    ``key`` is the hub's log key. What is given beside it must be what the leaf says: the SHA-256 of the
    container, the message id, the sender, the index; ``recipient`` must be among the leaf's recipients.
    """
    try:
        parts = read_receipt(raw)
        checkpoint = open_checkpoint(parts.checkpoint, key).checkpoint
        verify_inclusion(
            leaf_hash(parts.leaf_bytes), parts.index, checkpoint.size, parts.proof, checkpoint.root
        )
    except LienthongError as error:
        raise EvidenceMismatch(
            f"the receipt does not hold: {error.detail}", place=error.place or "receipt", remedy=_REMEDY
        ) from error
    leaf = parts.leaf
    receipt = Receipt(
        index=parts.index,
        sender=leaf["sender"],
        message_id=leaf["id"],
        digest=parts.digest,
        accepted_ms=leaf["time"],
        recipients=tuple(leaf["to"]),
        forwarded=tuple((asked, heir) for asked, heir in leaf.get("forwarded", ())),
        checkpoint=checkpoint,
        raw=raw,
    )
    for name, wanted, found in (
        ("container", digest, receipt.digest),
        ("message id", message_id, receipt.message_id),
        ("sender", sender, receipt.sender),
        ("index", index, receipt.index),
    ):
        if wanted is not None and wanted != found:
            raise EvidenceMismatch(
                f"the receipt is for another {name}",
                place=f"receipt of index {receipt.index}",
                remedy=_REMEDY,
            )
    if recipient is not None and recipient not in receipt.recipients:
        raise EvidenceMismatch(
            f"{recipient} is not among the recipients that the log names",
            place=f"receipt of index {receipt.index}",
            remedy=_REMEDY,
        )
    return receipt

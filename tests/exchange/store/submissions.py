"""Submissions for store tests, with true digests, and the signer of the test log."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

from lienthong.exchange.store.protocol import Lane, RecordKind, SpooledPayload, Submission
from lienthong.trust.log.notes import NoteSigner, sign_note

ORIGIN = "log.h61.example"
SIGNER = NoteSigner.from_seed(ORIGIN, bytes(32))


def sign_checkpoint(size: int, root: bytes) -> bytes:
    return bytes(sign_note(f"{ORIGIN}\n{size}\n{b64encode(root).decode()}\n", SIGNER))


def document(
    message_id: str,
    to: tuple[str, ...] = ("B",),
    *,
    sender: str = "A",
    payload: bytes | None = None,
    number: str | None = None,
    subject: int | None = None,
    business: int = 0,
    lane: Lane = Lane.NORMAL,
    summary: bytes = b'{"subject":"V/v t\xe1\xbb\x95 ch\xe1\xbb\xa9c"}',
    staff: str = "",
    forwarded: tuple[tuple[str, str], ...] = (),
) -> Submission:
    content = f"container of {sender} {message_id}".encode() if payload is None else payload
    return Submission(
        RecordKind.DOCUMENT,
        sender,
        message_id,
        hashlib.sha256(content).digest(),
        content,
        to,
        document_id=f"{sender},2025/06/30,{message_id if number is None else number}/UBND",
        subject=subject,
        business=business,
        lane=lane,
        summary=summary,
        staff=staff,
        forwarded=forwarded,
    )


def spooled(message_id: str, path: Path, to: tuple[str, ...] = ("B",), *, sender: str = "A") -> Submission:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
    payload = SpooledPayload(path, path.stat().st_size)
    return Submission(RecordKind.DOCUMENT, sender, message_id, digest, payload, to, document_id=message_id)


def status(
    message_id: str,
    subject: int,
    code: str,
    *,
    sender: str = "B",
    to: tuple[str, ...] = ("A",),
    lane: Lane = Lane.NORMAL,
) -> Submission:
    content = f"status {sender} {message_id} {code}".encode()
    return Submission(
        RecordKind.STATUS,
        sender,
        message_id,
        hashlib.sha256(content).digest(),
        content,
        to,
        subject=subject,
        status=code,
        lane=lane,
    )


def acknowledgement(subject: int, *, sender: str = "B", message_id: str | None = None) -> Submission:
    return Submission(
        RecordKind.ACKNOWLEDGEMENT,
        sender,
        message_id or f"ack-{subject}",
        hashlib.sha256(f"{sender}:{subject}".encode()).digest(),
        b"",
        (),
        subject=subject,
    )

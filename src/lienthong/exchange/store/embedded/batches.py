"""A batch as a frame: encoding one transaction for a single write, and reading its records back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from lienthong.exchange.store.embedded.layout import (
    BATCH_HEADER,
    FRAME_HEADER,
    IN_BLOB,
    RECORD_HEADER,
    BatchHead,
    Frame,
    StoredRecord,
    decode_record,
    meta_extent,
    payload_tag,
)
from lienthong.exchange.store.errors import StoreCorrupt
from lienthong.exchange.store.protocol import SpooledPayload, Submission

_NO_TAG = bytes(16)


@dataclass(slots=True)
class EncodedBatch:
    """``meta`` and ``payloads`` make the frame; ``offsets`` are where each record begins in it."""

    meta: bytes
    payloads: list[bytes]
    body_length: int
    offsets: list[int]


def encode_batch(
    first: int,
    accepted_ms: int,
    root: bytes,
    note: bytes,
    admitted: Sequence[Submission],
    leaves: Sequence[bytes],
    blob_from: int,
) -> EncodedBatch:
    """``blob_from``: payloads of at least so many bytes, and spooled ones, lie in blobs of their own."""
    texts = [leaf + each.summary for leaf, each in zip(leaves, admitted, strict=True)]
    meta_length = BATCH_HEADER.size + len(note) + RECORD_HEADER.size * len(admitted) + sum(map(len, texts))
    body_from = meta_extent(meta_length)
    parts = [BATCH_HEADER.pack(first, len(admitted), len(note), accepted_ms, root), note]
    payloads: list[bytes] = []
    offsets: list[int] = []
    at = FRAME_HEADER.size + BATCH_HEADER.size + len(note)
    body = 0
    for index, (each, leaf, text) in enumerate(zip(admitted, leaves, texts, strict=True), first):
        payload = each.payload
        flags, tag, relative = 0, _NO_TAG, 0
        if isinstance(payload, SpooledPayload):
            flags, size = IN_BLOB, payload.size
        elif (size := len(payload)) >= blob_from:
            flags = IN_BLOB
        elif size:
            flags, tag = payload_tag(payload, each.digest)
            relative = body_from + body - at
            payloads.append(payload)
            body += size
        parts.append(
            RECORD_HEADER.pack(
                each.kind, flags, 0, len(leaf), len(each.summary), crc32(text), index, size, relative, tag
            )
        )
        parts.append(text)
        offsets.append(at)
        at += RECORD_HEADER.size + len(text)
    return EncodedBatch(b"".join(parts), payloads, body, offsets)


def records_of(frame: Frame, head: BatchHead, place: str) -> Iterator[tuple[int, StoredRecord]]:
    """(offset from the beginning of the frame, record) for each record of a batch frame."""
    at = head.records_at
    for _ in range(head.count):
        record = decode_record(frame.meta, at)
        if record is None:
            raise StoreCorrupt(
                "a record inside a batch is not well formed although the batch's CRC holds",
                place=f"{place}, offset {frame.offset + FRAME_HEADER.size + at}",
                remedy="this is a fault of the product or of its version: keep the segment and report it",
            )
        yield FRAME_HEADER.size + at, record
        at += record.length

"""The bytes of a segment: its header, and the frames in it. Promised in docs/reference/store.md.

All integers little-endian. A segment is one sector of header and then frames, each 8-byte aligned:
``header | meta | CRC-32 of both | padding | body | padding``. A batch frame is one transaction: its
meta holds the signed checkpoint, every leaf and every summary, its body the payloads.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final
from zlib import crc32

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT_HEADER_SIZE: Final = 512
SEGMENT_MAGIC: Final = b"LTSEGM1\n"
SALT_SIZE: Final = 8
_SEGMENT: Final = struct.Struct("<8sIQqIQ8sH")
MAX_ORIGIN: Final = SEGMENT_HEADER_SIZE - _SEGMENT.size - 4

FRAME_VERSION: Final = 2
"""Written. 2: payloads may be tagged with their digest."""
READ_VERSIONS: Final = frozenset({1, 2})
FRAME_HEADER: Final = struct.Struct("<8sBBHIIIQQ")
_CRC: Final = struct.Struct("<I")
BATCH_HEADER: Final = struct.Struct("<QIIq32s")
RECORD_HEADER: Final = struct.Struct("<BBHIIIQQQ16s")
IN_BLOB: Final = 1
"""Record flag: the payload is the file blobs/aa/<digest> and not in the body."""
DIGEST_TAG: Final = 2
"""Record flag: the tag is the beginning of the SHA-256 that the leaf names."""
SMALL: Final = 16 * 1024
"""Payloads below so many bytes are digested in the time that a GMAC takes to begin."""
_TAG_SIZE: Final = 16

POSITION_BITS: Final = 40
"""A position is segment << 40 | offset."""

_checksum = AESGCM(bytes(16))
_NONCE: Final = bytes(12)


class FrameType(IntEnum):
    BATCH = 1
    COSIGNATURE = 2
    TIMESTAMP = 3
    ARCHIVED = 4
    CLOSED = 5


def payload_tag(payload: bytes, digest: bytes) -> tuple[int, bytes]:
    """(flags, 16 bytes) that show damage. ``digest``: the payload's SHA-256.

    Of a small payload the beginning of the digest, which is known anyway. Of a larger one the AES-128-GMAC
    under an all-zero key and nonce: no secret and no proof against an attacker (the digest in the leaf is
    that), but five times faster to check than CRC-32 on a processor with carry-less multiplication.
    """
    if len(payload) < SMALL:
        return DIGEST_TAG, digest[:_TAG_SIZE]
    return 0, _gmac(payload)


def _gmac(payload: bytes) -> bytes:
    return _checksum.encrypt(_NONCE, b"", payload)


def aligned(length: int) -> int:
    """``length`` rounded up to 8."""
    return (length + 7) & ~7


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """``salt`` opens every frame of the segment; nobody outside can forge a frame inside a payload.

    ``chain`` and ``sequence``: CRC and number of the last frame before this segment.
    """

    number: int
    first_index: int
    created_ms: int
    chain: int
    sequence: int
    salt: bytes
    origin: str

    def encode(self) -> bytes:
        origin = self.origin.encode()
        if len(origin) > MAX_ORIGIN:
            raise ValueError(f"an origin has at most {MAX_ORIGIN} bytes")
        head = _SEGMENT.pack(
            SEGMENT_MAGIC,
            self.number,
            self.first_index,
            self.created_ms,
            self.chain,
            self.sequence,
            self.salt,
            len(origin),
        )
        sector = (head + origin).ljust(SEGMENT_HEADER_SIZE - 4, b"\0")
        return sector + _CRC.pack(crc32(sector))

    @classmethod
    def decode(cls, sector: bytes) -> SegmentHeader | None:
        """None when these are not the whole, undamaged bytes of a header."""
        if len(sector) != SEGMENT_HEADER_SIZE or not sector.startswith(SEGMENT_MAGIC):
            return None
        if _CRC.unpack_from(sector, SEGMENT_HEADER_SIZE - 4)[0] != crc32(sector[:-4]):
            return None
        _, number, first, created, chain, sequence, salt, length = _SEGMENT.unpack_from(sector)
        origin = sector[_SEGMENT.size : _SEGMENT.size + length].decode()
        return cls(number, first, created, chain, sequence, salt, origin)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose meta was found whole. Offsets and ``end`` count from the start of the file."""

    type: FrameType
    sequence: int
    offset: int
    meta: bytes
    crc: int
    body_offset: int
    body_length: int

    @property
    def end(self) -> int:
        return self.body_offset + aligned(self.body_length)


@dataclass(frozen=True, slots=True)
class BatchHead:
    """The fixed part of a batch frame's meta, and where its records begin in it."""

    first_index: int
    count: int
    accepted_ms: int
    root: bytes
    note: bytes
    records_at: int

    @classmethod
    def decode(cls, meta: bytes) -> BatchHead:
        first, count, note_length, accepted_ms, root = BATCH_HEADER.unpack_from(meta)
        records_at = BATCH_HEADER.size + note_length
        return cls(first, count, accepted_ms, root, meta[BATCH_HEADER.size : records_at], records_at)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record of a batch frame. ``payload_offset``: from the beginning of the record's header."""

    kind: int
    flags: int
    index: int
    leaf: bytes
    summary: bytes
    payload_length: int
    payload_offset: int
    tag: bytes
    length: int

    def is_whole(self, payload: bytes) -> bool:
        """Whether these are the bytes of its payload, by length and tag."""
        if len(payload) != self.payload_length:
            return False
        found = sha256(payload).digest()[:_TAG_SIZE] if self.flags & DIGEST_TAG else _gmac(payload)
        return found == self.tag


def decode_record(data: bytes, at: int) -> StoredRecord | None:
    """The record whose header begins at ``at``; None when it is not whole or its CRC is wrong."""
    if len(data) < at + RECORD_HEADER.size:
        return None
    kind, flags, _, leaf_length, summary_length, crc, index, length, offset, tag = RECORD_HEADER.unpack_from(
        data, at
    )
    leaf_at = at + RECORD_HEADER.size
    summary_at = leaf_at + leaf_length
    end = summary_at + summary_length
    text = data[leaf_at:end]
    if len(text) != end - leaf_at or crc32(text) != crc or flags & ~(IN_BLOB | DIGEST_TAG):
        return None
    leaf, summary = text[:leaf_length], text[leaf_length:]
    return StoredRecord(kind, flags, index, leaf, summary, length, offset, tag, end - at)


def record_extent(data: bytes) -> int | None:
    """Bytes that the record beginning ``data`` takes in the meta; None when its header is not whole."""
    if len(data) < RECORD_HEADER.size:
        return None
    _, _, _, leaf_length, summary_length, *_ = RECORD_HEADER.unpack_from(data)
    return RECORD_HEADER.size + int(leaf_length) + int(summary_length)


def frame_head(
    kind: FrameType, salt: bytes, chain: int, sequence: int, meta: bytes, body_length: int
) -> tuple[bytes, int]:
    """(header, meta, CRC and padding) of a frame as bytes, and the CRC that the next frame chains to."""
    head = FRAME_HEADER.pack(salt, kind, 0, FRAME_VERSION, chain, len(meta), 0, body_length, sequence)
    crc = crc32(meta, crc32(head))
    length = FRAME_HEADER.size + len(meta) + _CRC.size
    return b"".join((head, meta, _CRC.pack(crc), bytes(aligned(length) - length))), crc


def meta_extent(meta_length: int) -> int:
    """Bytes from the beginning of a frame to its body."""
    return aligned(FRAME_HEADER.size + meta_length + _CRC.size)


@dataclass(frozen=True, slots=True)
class FrameHeader:
    type: int
    version: int
    chain: int
    meta_length: int
    body_length: int
    sequence: int

    @classmethod
    def decode(cls, header: bytes, salt: bytes) -> FrameHeader | None:
        """None when these bytes do not begin a frame of the segment with that salt."""
        if len(header) < FRAME_HEADER.size or not header.startswith(salt):
            return None
        _, kind, _, version, chain, meta_length, _, body_length, sequence = FRAME_HEADER.unpack_from(header)
        return cls(kind, version, chain, meta_length, body_length, sequence)


def frame_crc(head: bytes, meta: bytes) -> int:
    return crc32(meta, crc32(head))


def stored_crc(tail: bytes) -> int | None:
    return _CRC.unpack_from(tail)[0] if len(tail) >= _CRC.size else None

"""Writing a ZIP of stored files: the same inputs give the same bytes, to any sink that can ``write``."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from isal.isal_zlib import crc32

from lienthong.core.clock import VIETNAM
from lienthong.trust.zip.format import (
    CENTRAL,
    CENTRAL_MARK,
    END,
    END64,
    END64_MARK,
    END_MARK,
    FLAG_UTF8,
    LOCAL,
    LOCAL_MARK,
    LOCATOR64,
    LOCATOR64_MARK,
    SATURATED16,
    SATURATED32,
    STORED,
    ZIP64_EXTRA,
    ZipError,
)
from lienthong.trust.zip.names import check_name, fold_name
from lienthong.trust.zip.source import FileSource

MADE_BY = 3 << 8 | 45
ATTRIBUTES = 0o100644 << 16


class Sink(Protocol):
    def write(self, data: bytes | memoryview, /) -> object: ...


class Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A file to store: its bytes, or a path with the size and CRC-32 taken when it was digested."""

    name: str
    data: bytes | Path
    size: int
    crc: int

    @classmethod
    def of(cls, name: str, data: bytes | Path, digest: Digest | None = None) -> Part:
        """The part of that name; a file is read through once. ``digest`` is fed the same bytes."""
        if not isinstance(data, Path):
            if digest is not None:
                digest.update(data)
            return cls(name, data, len(data), crc32(data))
        source = FileSource(data)
        crc = 0
        try:
            for piece in source.chunks(0, source.size):
                crc = crc32(piece, crc)
                if digest is not None:
                    digest.update(piece)
            return cls(name, data, source.size, crc)
        finally:
            source.close()

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The bytes; :class:`ZipError` when the file is no longer what was digested."""
        if not isinstance(self.data, Path):
            yield self.data
            return
        source = FileSource(self.data)
        crc = 0
        try:
            if source.size == self.size:
                for piece in source.chunks(0, self.size):
                    crc = crc32(piece, crc)
                    yield piece
        finally:
            source.close()
        if source.size != self.size or crc != self.crc:
            raise ZipError(
                "the file changed while it was packed",
                place=str(self.data),
                remedy="pack a copy that nobody writes to",
                code="container-source-changed",
            )


def archive_size(parts: Sequence[Part]) -> int:
    """How many bytes :func:`write_archive` writes for these parts."""
    return sum(len(header) + part.size for part, header, _ in _layout(parts, 0)) + len(_tail(parts, 0))


def write_archive(parts: Sequence[Part], out: Sink, *, at: datetime) -> None:
    """Write the archive. ``at`` is stamped on every file as Vietnam time (ZIP knows no zones).

    :class:`ContainerError` for names that readers would refuse or that collide.
    """
    stamp = _dos_time(at)
    for part, header, _ in _layout(parts, stamp):
        out.write(header)
        for piece in part.chunks():
            out.write(piece)
    out.write(_tail(parts, stamp))


def _layout(parts: Iterable[Part], stamp: int) -> Iterator[tuple[Part, bytes, int]]:
    """Each part with its local header and where that starts."""
    seen: set[str] = set()
    offset = 0
    for part in parts:
        key = fold_name(check_name(part.name))
        if key in seen:
            raise ZipError("two files have the same name", place=part.name)
        seen.add(key)
        header = _local(part, stamp)
        yield part, header, offset
        offset += len(header) + part.size


def _fields(part: Part, stamp: int, wide: bool, name: bytes) -> tuple[int, ...]:
    """What both headers hold from "version needed" to the name length."""
    flags = 0 if name.isascii() else FLAG_UTF8
    sizes = (SATURATED32, SATURATED32) if part.size >= SATURATED32 else (part.size, part.size)
    return (45 if wide else 20, flags, STORED, stamp & 0xFFFF, stamp >> 16, part.crc, *sizes, len(name))


def _local(part: Part, stamp: int) -> bytes:
    name = part.name.encode()
    wide = part.size >= SATURATED32
    extra = struct.pack("<HHQQ", ZIP64_EXTRA, 16, part.size, part.size) if wide else b""
    return LOCAL.pack(LOCAL_MARK, *_fields(part, stamp, wide, name), len(extra)) + name + extra


def _central(part: Part, stamp: int, offset: int) -> bytes:
    name = part.name.encode()
    values = (part.size, part.size) if part.size >= SATURATED32 else ()
    if offset >= SATURATED32:
        values = (*values, offset)
    extra = struct.pack(f"<HH{len(values)}Q", ZIP64_EXTRA, 8 * len(values), *values) if values else b""
    fixed = (len(extra), 0, 0, 0, ATTRIBUTES, min(offset, SATURATED32))
    return (
        CENTRAL.pack(CENTRAL_MARK, MADE_BY, *_fields(part, stamp, bool(values), name), *fixed) + name + extra
    )


def _tail(parts: Sequence[Part], stamp: int) -> bytes:
    """The central directory and the end records."""
    directory = bytearray()
    start = 0
    for part, header, offset in _layout(parts, stamp):
        directory += _central(part, stamp, offset)
        start = offset + len(header) + part.size
    size, count = len(directory), len(parts)
    end = b""
    if start >= SATURATED32 or count >= SATURATED16:
        end = END64.pack(END64_MARK, END64.size - 12, MADE_BY, 45, 0, 0, count, count, size, start)
        end += LOCATOR64.pack(LOCATOR64_MARK, 0, start + size, 1)
    short = (min(count, SATURATED16), min(count, SATURATED16), size, min(start, SATURATED32))
    return bytes(directory) + end + END.pack(END_MARK, 0, 0, *short, 0)


def _dos_time(at: datetime) -> int:
    """MS-DOS date << 16 | time, to two seconds; ZIP has no years before 1980 or after 2107."""
    at = at.astimezone(VIETNAM)
    year = min(max(at.year, 1980), 2107) - 1980
    date = year << 9 | at.month << 5 | at.day
    return date << 16 | at.hour << 11 | at.minute << 5 | at.second // 2

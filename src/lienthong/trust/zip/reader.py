"""Reading a ZIP under the strict profile: the directory, the local headers and the data tell one story.

The entries must lie in the order of the directory, from offset 0, without gap or overlap, up to the
directory, and the directory up to the end record at the very end of the bytes. What two ZIP readers
could read in two ways is refused.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isal.isal_zlib import crc32

from lienthong.trust.errors import ContainerError
from lienthong.trust.zip.format import (
    CENTRAL_MARK,
    COMMENT,
    DIRECTORY_ENTRY,
    END,
    END64,
    END64_MARK,
    END_MARK,
    FLAG_UTF8,
    FOLDER_BIT,
    LOCAL_MARK,
    LOCATOR64,
    LOCATOR64_MARK,
    PLAIN_KINDS,
    PLAIN_TYPES,
    SATURATED16,
    SATURATED32,
    SLASH,
    STORED,
    Member,
    TooMuch,
    ZipError,
)
from lienthong.trust.zip.headers import reconcile
from lienthong.trust.zip.names import decode_name
from lienthong.trust.zip.source import CHUNK, FileSource, MemorySource, Source


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader is willing to spend; sizes in bytes. ``beside``: of what ``META-INF`` may hold besides
    manifests and signatures, all together.

    ``check_crc``: also check the CRC-32 of stored files whose SHA-256 the signed manifest gives anyway.
    It adds no security, and keeps out containers that other ZIP tools would call damaged. The CRC-32 of
    everything else is always checked.
    """

    entries: int = 1_000
    name: int = 400
    directory: int = 1 << 20
    total: int = 8 << 30
    ratio: int = 200
    manifest: int = 1 << 20
    signature: int = 1 << 18
    beside: int = 1 << 20
    check_crc: bool = True


_LIMITS = Limits()


class Archive:
    """An archive whose structure is checked. Files in the order of the archive."""

    __slots__ = ("_memory", "limits", "members", "source")

    def __init__(self, source: Source, members: dict[str, Member], limits: Limits) -> None:
        self.source = source
        self.members = members
        self.limits = limits
        self._memory = source.view if isinstance(source, MemorySource) else None

    def view(self, member: Member) -> memoryview | None:
        """The stored bytes without a copy when the archive is in memory, else None. CRC not checked."""
        memory = self._memory
        if memory is None or member.method != STORED:
            return None
        return memory[member.offset : member.offset + member.size]

    def chunks(self, member: Member, *, check_crc: bool = True) -> Iterator[memoryview | bytes]:
        """The plain bytes in pieces; size and CRC-32 are checked when the last piece has been taken.

        ``check_crc=False`` leaves the CRC-32 of a stored file to a caller who checks a stronger digest.
        """
        pieces = self.source.chunks(member.offset, member.compressed)
        if member.method == STORED:
            if not check_crc:
                yield from pieces
                return
            crc = 0
            for piece in pieces:
                crc = crc32(piece, crc)
                yield piece
        else:
            crc = 0
            for plain in _inflate(pieces, member):
                crc = crc32(plain, crc)
                yield plain
        if crc != member.crc:
            raise ZipError("the CRC-32 of the file does not match", place=member.name)

    def read(self, member: Member, *, limit: int | None = None) -> bytes:
        """The plain bytes of a small file, CRC-32 checked."""
        if limit is not None and member.size > limit:
            raise TooMuch(f"is larger than {limit} bytes", place=member.name)
        view = self.view(member)
        if view is None:
            return b"".join(bytes(piece) for piece in self.chunks(member))
        if crc32(view) != member.crc:
            raise ZipError("the CRC-32 of the file does not match", place=member.name)
        return bytes(view)

    def close(self) -> None:
        self.source.close()


def open_archive(source: bytes | memoryview | Path, limits: Limits | None = None) -> Archive:
    """The archive in ``source``, its whole structure checked, or :class:`ContainerError`."""
    limits = limits or _LIMITS
    origin: Source = FileSource(source) if isinstance(source, Path) else MemorySource(source)
    try:
        count, start, size = _find_directory(origin, limits)
        return Archive(origin, _read_directory(origin, count, start, size, limits), limits)
    except BaseException:
        origin.close()
        raise


def _find_directory(source: Source, limits: Limits) -> tuple[int, int, int]:
    """(entries, offset, size) of the central directory, which must end where the end record starts."""
    end_at = source.size - END.size
    if end_at < 0:
        raise ZipError("is too short to be a ZIP file", place="end of archive")
    record = source.read(end_at, END.size)
    if record[:4] != END_MARK or record[20:] != b"\0\0":
        end_at -= len(COMMENT)
        record = source.read(end_at, END.size + len(COMMENT)) if end_at >= 0 else b""
        if record[:4] != END_MARK or record[20:] != struct.pack("<H", len(COMMENT)) + COMMENT:
            raise ZipError(
                "does not end with a ZIP end record",
                place="end of archive",
                remedy="send the container as it was made: nothing before, nothing after it, no comment",
            )
    _, disk, disk_of_directory, here, count, size, start, _ = END.unpack_from(record)
    if disk or disk_of_directory or here != count:
        raise ZipError("is split over several disks", place="end of archive")
    if start + size != end_at:
        count, start, size = _find_directory64(source, end_at, (count, start, size))
    if count > limits.entries:
        raise TooMuch(f"holds {count} files, more than {limits.entries}", place="ZIP directory")
    if size > limits.directory:
        raise TooMuch(f"is {size} bytes long, more than {limits.directory}", place="ZIP directory")
    return count, start, size


def _find_directory64(source: Source, end_at: int, small: tuple[int, int, int]) -> tuple[int, int, int]:
    """The same from the ZIP64 end record and its locator, which must stand just before ``end_at``."""
    at = end_at - LOCATOR64.size - END64.size
    both = source.read(at, end_at - at) if at >= 0 else b""
    if both[:4] != END64_MARK or both[END64.size :][:4] != LOCATOR64_MARK:
        raise ZipError("the directory does not end where the end record starts", place="end of archive")
    _, length, _made, need, disk, disk_of_directory, here, count, size, start = END64.unpack_from(both)
    _, locator_disk, located, disks = LOCATOR64.unpack_from(both, END64.size)
    if length != END64.size - 12 or need > 45 or located != at or disks != 1:
        raise ZipError("the ZIP64 end record is not well formed", place="end of archive")
    if disk or disk_of_directory or locator_disk or here != count:
        raise ZipError("is split over several disks", place="end of archive")
    saturated = (SATURATED16, SATURATED32, SATURATED32)
    if any(
        short not in (full, top)
        for short, full, top in zip(small, (count, start, size), saturated, strict=True)
    ):
        raise ZipError("the two end records disagree", place="end of archive")
    if start + size != at:
        raise ZipError("the directory does not end where the end record starts", place="end of archive")
    return count, start, size


def _read_directory(source: Source, count: int, start: int, size: int, limits: Limits) -> dict[str, Member]:
    directory = source.read(start, size)
    memory = source.data if isinstance(source, MemorySource) and isinstance(source.data, bytes) else None
    members: dict[str, Member] = {}
    keys: set[str] = set()
    folders: set[str] = set()
    above: set[str] = set()
    at = expected = total = number = 0
    end = len(directory)
    if end != size:
        raise ZipError("the directory is cut short", place="ZIP directory")
    while at + 46 <= end:
        (mark, kind, crc, compressed, plain, name_length, extra_length, comment_length, disk,
         attributes, offset) = DIRECTORY_ENTRY.unpack_from(directory, at)  # fmt: skip
        name_end = at + 46 + name_length
        raw = directory[at + 46 : name_end]
        if mark != CENTRAL_MARK or disk or comment_length or not 0 < name_length <= limits.name:
            raise _bad_entry(mark, disk, comment_length, raw)
        name, key, parents = decode_name(raw, kind[3] & FLAG_UTF8 >> 8)
        if memory is None:
            block, header = source.read(offset, 30 + name_length), 0
        else:
            block, header = memory, offset
        if (
            kind in PLAIN_KINDS
            and not extra_length
            and compressed == plain != SATURATED32
            and attributes >> 28 in PLAIN_TYPES
            and block.startswith(LOCAL_MARK + directory[at + 6 : at + 32] + raw, header)
            and raw[-1] != SLASH
            and not attributes & FOLDER_BIT
        ):
            data = offset + 30 + name_length
            stop = data + plain
            member = _new(Member, (name, plain, plain, crc, STORED, data))
        else:
            extra = directory[name_end : name_end + extra_length]
            member, offset, stop = reconcile(source, directory[at : at + 46], name, raw, extra)
            if member.size > limits.ratio * member.compressed + 1024:
                raise TooMuch(f"unpacks to more than {limits.ratio} times its size", place=name)
        if offset != expected:
            raise ZipError("files overlap, leave a gap or are out of order", place=name)
        if raw[-1] == SLASH:
            folders.add(key)
        else:
            members[name] = member
        keys.add(key)
        number += 1
        if len(keys) != number:
            raise ZipError(
                "another file has this name, or one that differs only in case or in how accents are encoded",
                place=name,
            )
        if parents:
            above.update(parents)
        total += member.size
        expected = stop
        at = name_end + extra_length
    if at != end or number != count:
        raise ZipError("the directory does not hold the number of files it announces", place="ZIP directory")
    if expected != start:
        raise ZipError("bytes lie between the last file and the directory", place="ZIP directory")
    if total > limits.total:
        raise TooMuch(f"unpacks to {total} bytes, more than {limits.total}", place="ZIP")
    if not keys.isdisjoint(above) and not keys & above <= folders:
        raise ZipError("a file and a folder have the same name", place="ZIP directory")
    if not folders <= above:
        raise ZipError("a folder holds no file", place="ZIP directory")
    return members


_new = tuple.__new__
"""Makes a named tuple at half the cost of calling its class."""


def _bad_entry(mark: bytes, disk: int, comment: int, raw: bytes) -> ContainerError:
    if mark != CENTRAL_MARK:
        return ZipError("an entry of the directory does not start where it should", place="ZIP directory")
    if disk:
        return ZipError("is split over several disks", place="ZIP directory")
    if comment:
        return ZipError(
            "a file carries a ZIP comment", place=repr(raw[:80]), remedy="make the container without comments"
        )
    return TooMuch(f"a name of {len(raw)} bytes is empty or too long", place="ZIP directory")


def _inflate(pieces: Iterator[memoryview], member: Member) -> Iterator[bytes]:
    """Raw deflate, never more than the announced size, never less, nothing after the end of the stream."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left = member.size
    try:
        for piece in pieces:
            pending: memoryview | bytes = piece
            while pending:
                plain = inflater.decompress(pending, min(left + 1, CHUNK))
                pending = inflater.unconsumed_tail
                left -= len(plain)
                if left < 0 or inflater.unused_data or (inflater.eof and pending):
                    raise ZipError("the compressed data does not end where it should", place=member.name)
                if plain:
                    yield plain
    except zlib.error:
        raise ZipError("the compressed data is damaged", place=member.name) from None
    if left or not inflater.eof:
        raise ZipError("the compressed data does not unpack to the announced size", place=member.name)

"""The unusual headers: deflated entries, data descriptors, ZIP64, extra fields, folders.

What this house writes never comes here; containers of other producers and files above 4 GiB do.
"""

from __future__ import annotations

import struct

from lienthong.trust.zip.format import (
    CENTRAL,
    DEFLATE_LEVEL,
    DEFLATED,
    DESCRIPTOR_MARK,
    FLAG_DESCRIPTOR,
    FLAG_ENCRYPTED,
    FLAG_STRONG,
    FLAG_UTF8,
    FOLDER_BIT,
    HARMLESS_EXTRAS,
    LOCAL,
    LOCAL_MARK,
    PLAIN_TYPES,
    SATURATED32,
    STORED,
    ZIP64_EXTRA,
    Member,
    ZipError,
)
from lienthong.trust.zip.source import Source


def reconcile(source: Source, entry: bytes, name: str, raw: bytes, extra: bytes) -> tuple[Member, int, int]:
    """``(member, header offset, stop)`` of a directory ``entry`` and the local header that must agree with
    it; ``stop`` is where its last byte, data descriptor included, ends.
    """
    (_, _, need, flags, method, time, date, crc, compressed, size, *_, attributes, offset) = CENTRAL.unpack(
        entry
    )
    _check_kind(name, need, flags, method)
    fields64 = _extras(extra, name).get(ZIP64_EXTRA)
    wide = fields64 or b""
    size, wide = _wide(size, wide, name)
    compressed, wide = _wide(compressed, wide, name)
    offset, wide = _wide(offset, wide, name)
    if wide or fields64 == b"":
        raise ZipError("the ZIP64 field holds more than was announced, or nothing", place=name)

    header = source.read(offset, LOCAL.size + len(raw))
    if len(header) != LOCAL.size + len(raw) or header[:4] != LOCAL_MARK:
        raise ZipError("there is no local header where the directory points", place=name)
    (_, local_need, *fields, local_crc, local_compressed, local_size, name_length,
     extra_length) = LOCAL.unpack_from(header)  # fmt: skip
    if (
        local_need > 45
        or fields != [flags, method, time, date]
        or name_length != len(raw)
        or header[30:] != raw
    ):
        raise ZipError("the local header does not match the directory", place=name)
    data = offset + len(header) + extra_length
    local_wide = _extras(source.read(data - extra_length, extra_length), name).get(ZIP64_EXTRA)
    if local_wide is not None:
        if len(local_wide) != 16:
            raise ZipError("the ZIP64 field of the local header is not well formed", place=name)
        sizes = struct.unpack("<QQ", local_wide)
        # Python before 3.11.4 writes small sizes in both places; nothing is in doubt when they are the same.
        if (local_size, local_compressed) not in ((SATURATED32, SATURATED32), sizes):
            raise ZipError("the local header has two sizes for the file", place=name)
        local_size, local_compressed = sizes
    stop = data + compressed
    found = (local_crc, local_compressed, local_size)
    announced = (crc, compressed, size)
    if flags & FLAG_DESCRIPTOR:
        if found not in (announced, (0, 0, 0)):
            raise ZipError("the local header does not match the directory", place=name)
        stop += _descriptor(source, stop, announced, local_wide is not None, name)
    elif found != announced:
        raise ZipError("the local header does not match the directory", place=name)
    if method == STORED and size != compressed:
        raise ZipError("a stored file has two sizes", place=name)
    _check_type(name, attributes, size, compressed)
    return Member(name, size, compressed, crc, method, data), offset, stop


def _check_type(name: str, attributes: int, size: int, compressed: int) -> None:
    """Plain files, and folders that hold nothing themselves; no links, no devices."""
    folder = name.endswith("/")
    if attributes >> 28 not in ((0, 4) if folder else PLAIN_TYPES) or (
        attributes & FOLDER_BIT and not folder
    ):
        raise ZipError("is a symbolic link, a device or a folder without its slash", place=name)
    if folder and (size or compressed):
        raise ZipError("a folder carries data", place=name)


def _check_kind(name: str, need: int, flags: int, method: int) -> None:
    if flags & (FLAG_ENCRYPTED | FLAG_STRONG):
        raise ZipError(
            "is encrypted by ZIP",
            place=name,
            remedy="seal the files instead: see docs/reference/container.md",
        )
    if method not in (STORED, DEFLATED):
        raise ZipError(f"is packed with method {method}", place=name, remedy="use stored or deflate")
    allowed = FLAG_UTF8 | FLAG_DESCRIPTOR | (DEFLATE_LEVEL if method == DEFLATED else 0)
    if flags & ~allowed or need > 45:
        raise ZipError(f"needs ZIP features (flags 0x{flags:04x}, version {need}) not used here", place=name)


def _extras(extra: bytes, name: str) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise ZipError("an extra field is cut short", place=name)
        kind, size = struct.unpack_from("<HH", extra, at)
        at += 4 + size
        if at > len(extra) or kind in fields:
            raise ZipError("an extra field is cut short or stands twice", place=name)
        if kind not in HARMLESS_EXTRAS:
            raise ZipError(f"the extra field 0x{kind:04x} is not allowed", place=name)
        fields[kind] = extra[at - size : at]
    return fields


def _wide(value: int, wide: bytes, name: str) -> tuple[int, bytes]:
    """The value, or the 8 bytes that the ZIP64 field gives in its place; and what is left of the field."""
    if value != SATURATED32:
        return value, wide
    if len(wide) < 8:
        raise ZipError("the ZIP64 field is missing or cut short", place=name)
    return int.from_bytes(wide[:8], "little"), wide[8:]


def _descriptor(source: Source, at: int, announced: tuple[int, int, int], wide: bool, name: str) -> int:
    """The length of the data descriptor at ``at``, which must repeat CRC-32 and sizes."""
    try:
        plain = struct.pack("<IQQ" if wide else "<III", *announced)
    except struct.error:
        raise ZipError("a file above 4 GiB has a short data descriptor", place=name) from None
    found = source.read(at, 4 + len(plain))
    if found == DESCRIPTOR_MARK + plain:
        return len(found)
    if found[: len(plain)] == plain:
        return len(plain)
    raise ZipError("the data descriptor does not match the directory", place=name)

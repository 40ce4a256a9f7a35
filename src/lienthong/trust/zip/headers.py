"""The unusual headers: deflated entries, data descriptors, ZIP64, extra fields, folders.

What this house writes never comes here; containers of other producers and files above 4 GiB do.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from lienthong.trust.zip.format import (
    DEFLATE_LEVEL,
    DEFLATED,
    DESCRIPTOR_MARK,
    FLAG_DESCRIPTOR,
    FLAG_ENCRYPTED,
    FLAG_STRONG,
    FLAG_UTF8,
    HARMLESS_EXTRAS,
    LOCAL,
    LOCAL_MARK,
    SATURATED32,
    STORED,
    ZIP64_EXTRA,
    ZipError,
)
from lienthong.trust.zip.source import Source


class Central(NamedTuple):
    """The fields of a directory entry that the local header must repeat."""

    name: str
    need: int
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int
    name_length: int


def reconcile(source: Source, central: Central, extra: bytes) -> tuple[int, int, int, int, int, int]:
    """``(compressed, size, header offset, data offset, stop, local extra bytes)`` of an entry whose two
    headers agree; ``stop`` is where its last byte, data descriptor included, ends.
    """
    name, _, flags, method, crc, compressed, size, offset, name_length = central
    _check_method(central)
    wide = _extras(extra, name).get(ZIP64_EXTRA, b"")
    size, wide = _wide(size, wide, name)
    compressed, wide = _wide(compressed, wide, name)
    offset, wide = _wide(offset, wide, name)
    if wide:
        raise ZipError("the ZIP64 field holds more than was announced", place=name)

    header = source.read(offset, LOCAL.size)
    if len(header) != LOCAL.size or header[:4] != LOCAL_MARK:
        raise ZipError("there is no local header where the directory points", place=name)
    (_, need, local_flags, local_method, _, _, local_crc, local_compressed, local_size, local_name,
     extra_length) = LOCAL.unpack(header)  # fmt: skip
    if need > 45 or local_flags != flags or local_method != method or local_name != name_length:
        raise ZipError("the local header does not match the directory", place=name)
    data = offset + LOCAL.size + name_length + extra_length
    local_extras = _extras(source.read(data - extra_length, extra_length), name)
    local_wide = local_extras.get(ZIP64_EXTRA, b"")
    if local_wide:
        if len(local_wide) != 16 or (local_compressed, local_size) != (SATURATED32, SATURATED32):
            raise ZipError("the ZIP64 field of the local header is not well formed", place=name)
        local_size, local_compressed = struct.unpack("<QQ", local_wide)
    stop = data + compressed
    found = (local_crc, local_compressed, local_size)
    announced = (crc, compressed, size)
    if flags & FLAG_DESCRIPTOR:
        if found not in (announced, (0, 0, 0)):
            raise ZipError("the local header does not match the directory", place=name)
        stop += _descriptor(source, stop, announced, bool(local_wide), name)
    elif found != announced:
        raise ZipError("the local header does not match the directory", place=name)
    if method == STORED and size != compressed:
        raise ZipError("a stored file has two sizes", place=name)
    return compressed, size, offset, data, stop, extra_length


def check_folder(name: str, attributes: int, size: int, compressed: int) -> None:
    """An entry that is not a plain file may only be an empty folder."""
    kind = attributes >> 28
    if kind not in (0, 4) or not name.endswith("/"):
        raise ZipError("is a symbolic link, a device or a folder without its slash", place=name)
    if size or compressed:
        raise ZipError("a folder carries data", place=name)


def _check_method(central: Central) -> None:
    name, need, flags, method = central[:4]
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

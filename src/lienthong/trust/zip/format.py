"""The records of a ZIP file (PKWARE APPNOTE 6.3.10) and what the profile allows in their fields."""

from __future__ import annotations

import struct
from typing import ClassVar, NamedTuple

from lienthong.trust.errors import ContainerError

LOCAL = struct.Struct("<4sHHHHHIIIHH")
"""signature, version needed, flags, method, time, date, CRC-32, compressed, size, name, extra lengths."""
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
"""signature, version made by, then as LOCAL from version needed, comment length, disk, internal and
external attributes, offset of the local header."""
DIRECTORY_ENTRY = struct.Struct("<4s2x6s4xIIIHHHH2xII")
"""CENTRAL with version needed, flags and method as six bytes, without what the reader never looks at."""
END = struct.Struct("<4sHHHHIIH")
END64 = struct.Struct("<4sQHHIIQQQQ")
LOCATOR64 = struct.Struct("<4sIQI")

LOCAL_MARK = b"PK\x03\x04"
CENTRAL_MARK = b"PK\x01\x02"
END_MARK = b"PK\x05\x06"
END64_MARK = b"PK\x06\x06"
LOCATOR64_MARK = b"PK\x06\x07"
DESCRIPTOR_MARK = b"PK\x07\x08"

STORED, DEFLATED = 0, 8
FLAG_ENCRYPTED, FLAG_DESCRIPTOR, FLAG_STRONG, FLAG_UTF8 = 0x0001, 0x0008, 0x0040, 0x0800
DEFLATE_LEVEL = 0x0006
PLAIN_KINDS = frozenset(
    struct.pack("<HHH", need, flags, STORED) for need in (10, 20) for flags in (0, FLAG_UTF8)
)
"""Version needed, flags and method of a stored file with nothing unusual about it."""
PLAIN_TYPES = frozenset({0, 8})
FOLDER_TYPES = frozenset({0, 4})
"""The file type in the Unix mode: none, or a regular file; none, or a folder."""
FOLDER_BIT, SLASH = 0x10, ord("/")
SATURATED16, SATURATED32 = 0xFFFF, 0xFFFFFFFF
ZIP64_EXTRA = 0x0001

HARMLESS_EXTRAS = frozenset({ZIP64_EXTRA, 0x000A, 0x5455, 0x5855, 0x7875, 0xCAFE})
"""ZIP64 sizes, NTFS times, Unix times, Info-ZIP Unix (old, ids), the jar marker. Everything else is
refused: a Unicode path (0x7075) or AES (0x9901) field would change what the entry is."""

COMMENT = b"mimetype=application/vnd.etsi.asic-e+zip"
"""The one archive comment allowed (ETSI EN 319 162-1, annex A.1)."""


class ZipError(ContainerError):
    """The ZIP structure breaks the strict profile (docs/reference/container.md)."""

    code = "container-malformed"
    title: ClassVar[str] = "The ZIP file is not well formed"


class TooMuch(ContainerError):
    """A container that exceeds one of the reader's limits."""

    code = "container-limit"
    status = 413
    title: ClassVar[str] = "The container exceeds a limit"


class Member(NamedTuple):
    """One file of an archive. ``offset``: where its bytes start; ``compressed``: how many they are."""

    name: str
    size: int
    compressed: int
    crc: int
    method: int
    offset: int

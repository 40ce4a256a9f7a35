"""A strict DER walker and writer (ITU-T X.690) for the few structures read on the hot path.

Works on positions in one ``bytes`` object and copies nothing. Why not ``cryptography.hazmat.asn1``:
docs/decisions/container-parsing.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

from lienthong.trust.errors import CmsError


class DerError(CmsError):
    """Bytes are not DER: wrong tag, indefinite or non-minimal length, bytes missing or left over."""

    code = "cms-malformed"
    title: ClassVar[str] = "A structure is not valid DER"


BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31


def read(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """``(tag, start, stop)`` of the element at ``at``, its content being ``data[start:stop]``.

    ``end`` bounds the element. :class:`DerError` for a missing byte, an indefinite, long-winded or
    overlong length, and tag numbers above 30 (no structure here has one).
    """
    if at + 2 > end:
        raise DerError("an element is cut short", place=f"offset {at}")
    tag = data[at]
    length = data[at + 1]
    start = at + 2
    if length >= 0x80:
        octets = length & 0x7F
        start += octets
        if not 0 < octets <= 6 or start > end:
            raise DerError("a length is indefinite, reserved or cut short", place=f"offset {at}")
        length = int.from_bytes(data[at + 2 : start], "big")
        if length < 0x80 or length < 1 << (8 * (octets - 1)):
            raise DerError("a length is not in its shortest form", place=f"offset {at}")
    stop = start + length
    if stop > end:
        raise DerError("an element is longer than what holds it", place=f"offset {at}")
    if tag & 0x1F == 0x1F:
        raise DerError("a tag number above 30 has no place here", place=f"offset {at}")
    return tag, start, stop


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """``(start, stop)`` of the element at ``at``, which must carry ``tag``."""
    found, start, stop = read(data, at, end)
    if found != tag:
        raise DerError(f"tag 0x{found:02x} stands where 0x{tag:02x} belongs", place=f"offset {at}")
    return start, stop


def only(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Like :func:`expect`, and nothing may follow before ``end``."""
    start, stop = expect(data, at, end, tag)
    if stop != end:
        raise DerError("bytes are left over", place=f"offset {stop}")
    return start, stop


def elements(data: bytes, at: int, end: int) -> list[tuple[int, int, int, int]]:
    """``(tag, at, start, stop)`` of every element in ``data[at:end]``, which they must fill exactly."""
    found = []
    while at < end:
        tag, start, stop = read(data, at, end)
        found.append((tag, at, start, stop))
        at = stop
    return found


def integer(data: bytes, start: int, stop: int) -> int:
    """The value of an INTEGER's content, which must be in its shortest form."""
    content = data[start:stop]
    if not content or (
        len(content) > 1
        and ((content[0] == 0 and content[1] < 0x80) or (content[0] == 0xFF and content[1] >= 0x80))
    ):
        raise DerError("an INTEGER is empty or not in its shortest form", place=f"offset {start}")
    return int.from_bytes(content, "big", signed=True)


def moment(tag: int, content: bytes) -> datetime:
    """A UTCTime or GeneralizedTime in the one form that DER and RFC 5280 allow: seconds and Z."""
    digits = content[:-1]
    if tag == UTC_TIME and len(digits) == 12:
        digits = (b"19" if digits >= b"50" else b"20") + digits
    elif tag != GENERALIZED_TIME or len(digits) != 14:
        digits = b""
    if content[-1:] != b"Z" or not digits.isdigit() or digits[8:10] > b"23":
        raise DerError("a time is not written YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ")
    try:
        return datetime.fromisoformat(f"{digits[:8].decode()}T{digits[8:].decode()}Z")
    except ValueError:
        raise DerError("a time names no real date") from None


def length(size: int) -> bytes:
    """The shortest length octets for ``size``."""
    if size < 0x80:
        return bytes((size,))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def element(tag: int, *parts: bytes) -> bytes:
    """One element with the concatenated ``parts`` as content."""
    content = b"".join(parts)
    return bytes((tag,)) + length(len(content)) + content


def sequence(*parts: bytes) -> bytes:
    return element(SEQUENCE, *parts)


def set_of(parts: Iterable[bytes], tag: int = SET) -> bytes:
    """A SET OF: DER wants its members sorted by their encodings (X.690 §11.6)."""
    return element(tag, *sorted(parts))


def encode_integer(value: int) -> bytes:
    octets = (value + (value < 0)).bit_length() // 8 + 1
    return element(INTEGER, value.to_bytes(octets, "big", signed=True))


def encode_time(at: datetime) -> bytes:
    """UTCTime from 1950 to 2049, GeneralizedTime otherwise (RFC 5652 §11.3); to the second, in UTC."""
    at = at.astimezone(UTC)
    if 1950 <= at.year < 2050:
        return element(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return element(GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())


def oid(dotted: str) -> bytes:
    """The whole OBJECT IDENTIFIER element of a dotted number."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = bytearray()
    for value in (first * 40 + second, *rest):
        septets = [value & 0x7F]
        while value := value >> 7:
            septets.append(0x80 | value & 0x7F)
        content += bytes(reversed(septets))
    return element(OID, bytes(content))

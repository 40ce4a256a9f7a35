"""Compact keys for what is looked up by text: the text itself is compared after reading."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final
from zlib import crc32


def id_key(sender: str, message_id: str) -> int:
    """63 bits of SHA-256; two ids that share them sit in neighbouring keys and are told apart by reading."""
    return int.from_bytes(sha256(f"{sender}\0{message_id}".encode()).digest()[:8], "big") >> 1


CANDIDATES: Final = 64
"""Documents of one sender that may share a key: more would be made on purpose."""
SAME_ID: Final = 10_000
"""Documents of one key among which the newest that one recipient got is looked for."""
_LATER: Final = 1 << 52


def document_key(document_id: str, business: int = 0) -> int:
    """20 bits of promulgation date, then the CRC-32: documents of the same days lie together. Updates and
    replacements (``business``) have keys of their own, so that no number of them hides the document.
    """
    parts = document_id.split(",", 2)
    high = _day_bits(parts[1]) if len(parts) == 3 else 0
    return (_LATER if business else 0) | high | crc32(document_id.encode())


@lru_cache(maxsize=1024)
def _day_bits(date: str) -> int:
    digits = date[:4] + date[5:7] + date[8:]
    if len(date) != 10 or not (digits.isascii() and digits.isdigit()):
        return 0
    return (((int(date[:4]) * 12 + int(date[5:7])) * 31 + int(date[8:])) & 0xFFFFF) << 32

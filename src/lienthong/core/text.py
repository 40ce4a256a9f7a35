"""Vietnamese text: one normal form at every ingest, one folding for search.

SQLite's ``remove_diacritics`` does not fold đ, so folding is done here and stored.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from lienthong.core.errors import LienthongError

MOST_MARKS = 30
"""Combining marks in a row (UAX #15, Stream-Safe Text Format). Sorting them is quadratic."""
SHORT = 1024
"""Texts up to this many characters are sorted in no time, whatever they hold."""


class UnsafeText(LienthongError):
    code = "too-many-combining-marks"
    title: ClassVar[str] = "The text is not one that people write"


def nfc(text: str) -> str:
    """Unicode normal form C, the form in which text is kept. :class:`UnsafeText` when a long text piles up
    more than :data:`MOST_MARKS` combining marks on one letter.
    """
    if text.isascii():
        return text
    _require_safe(text)
    return unicodedata.normalize("NFC", text)


def _require_safe(text: str) -> None:
    if len(text) <= SHORT:
        return
    run = 0
    for position, character in enumerate(text):
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MOST_MARKS:
            raise UnsafeText(
                f"more than {MOST_MARKS} combining marks follow one letter",
                place=f"character {position + 1}",
                remedy="write the text with the usual Vietnamese letters",
            )


def fold(text: str) -> str:
    """Search key: NFD, combining marks stripped, đ→d, lower case, white space collapsed.

    >>> fold("Đồng  Tháp")
    'dong thap'
    """
    _require_safe(text)
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(bare.replace("đ", "d").replace("Đ", "D").casefold().split())

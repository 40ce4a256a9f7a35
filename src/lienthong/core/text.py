"""Vietnamese text: one normal form at every ingest, one folding for search.

SQLite's ``remove_diacritics`` does not fold đ, so folding is done here and stored.
"""

from __future__ import annotations

import unicodedata


def nfc(text: str) -> str:
    """Unicode normal form C, the form in which text is kept."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Search key: NFD, combining marks stripped, đ→d, lower case, white space collapsed.

    >>> fold("Đồng  Tháp")
    'dong thap'
    """
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(bare.replace("đ", "d").replace("Đ", "D").casefold().split())

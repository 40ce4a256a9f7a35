"""What a report is made of: blocks of plain data that the typst template lays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Block = dict[str, Any]


def heading(words: str, level: int = 1, *, new_page: bool = False, numbered: bool = True) -> Block:
    return {"is": "heading", "words": words, "level": level, "new_page": new_page, "numbered": numbered}


def paragraph(words: str) -> Block:
    """``*bold*`` is set bold."""
    return {"is": "paragraph", "words": words}


def bullets(lines: Sequence[str]) -> Block:
    return {"is": "bullets", "lines": list(lines)}


def boxed(title: str, words: str) -> Block:
    """Words set apart: what a reader must not miss."""
    return {"is": "box", "title": title, "words": words}


def key_figures(figures: Sequence[tuple[str, str]]) -> Block:
    """Large figures with what they are below, in rows of three."""
    return {"is": "figures", "figures": [list(each) for each in figures]}


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str = "",
    align: str = "",
    widths: Sequence[str] = (),
    total: bool = False,
    small: bool = False,
) -> Block:
    """``align`` has a letter a column: l, r or c (else: the first left, others right). ``widths`` are typst
    widths (else: the first takes what is left). The last row is a ``total``, set bold.
    """
    letters = align or "l" + "r" * (len(columns) - 1)
    wide = list(widths) or ["1fr"] + ["auto"] * (len(columns) - 1)
    for row in rows:
        assert len(row) == len(columns), (columns, row)
    return {
        "is": "table",
        "columns": list(columns),
        "rows": [list(row) for row in rows],
        "caption": caption,
        "align": letters,
        "widths": wide,
        "total": total,
        "small": small,
    }


def picture(name: str, *, caption: str = "", alt: str = "", width: str = "100%") -> Block:
    """An SVG of the report's files by its name, without ending."""
    return {
        "is": "picture",
        "name": name,
        "caption": caption,
        "alt": alt or caption,
        "width": width,
    }

"""Cells into values and back. Whatever a file holds comes here as text; a value comes out, or a
:class:`BadCell` that says which message of :data:`.messages.MESSAGES` applies.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime, time
from typing import Any

from lienthong.core.errors import LienthongError
from lienthong.core.spreadsheets import written_day
from lienthong.core.text import fold, nfc
from lienthong.infrastructure.survey.columns import Column, Value

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0{1,2})?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}([.,][0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")
_YES = frozenset({"yes", "y", "true", "1", "co", "x", "✓", "✔"})
_NO = frozenset({"no", "n", "false", "0", "khong", "✗", "✘"})
_UNSHOWN = frozenset({"Cc", "Cs", "Co", "Cn"})
_DANGEROUS = re.compile(r"'*[=+\-@]")
"""What a spreadsheet may take for a formula when it opens a CSV file."""


class BadCell(Exception):
    """Never leaves the package: becomes a :class:`.messages.Problem` with a file, row and column."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values_ = values


def as_text(raw: object) -> str:
    """What a spreadsheet or JSON cell shows, as the text a CSV cell would hold."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() and abs(raw) < 1e15 else repr(raw)
    if isinstance(raw, datetime):
        return raw.date().isoformat() if raw.time() == time() else raw.isoformat(sep=" ")
    if isinstance(raw, date | time):
        return raw.isoformat()
    return str(raw)


def read(column: Column, text: str) -> Value:
    """The value of a cell. Raises :class:`BadCell`."""
    text = text.strip()
    if not text:
        if column.required:
            raise BadCell("empty", label={"vi": column.vi, "en": column.en})
        return None
    if column.kind in ("text", "reference"):
        return _text(column, text)
    if column.kind == "many":
        return tuple(sorted({_choice(column, item) for item in re.split(r"[\s;,|]+", text) if item}))
    short = text if len(text) <= 60 else f"{text[:57]}…"
    if len(text) > 200:
        raise BadCell("too-long", length=len(text), most=200)
    if column.kind == "choice":
        return _choice(column, text)
    if column.kind == "integer":
        return _bounded(column, _whole(text, short), short)
    if column.kind == "decimal":
        return _bounded(column, _number(text, short), short)
    if column.kind == "yes":
        return _flag(text, short)
    return _day(text, short)


def _text(column: Column, text: str) -> str:
    if len(text) > column.length * 4 + 100:
        raise BadCell("too-long", length=len(text), most=column.length)
    try:
        cleaned = " ".join(nfc(text).split())
    except LienthongError:
        raise BadCell("unprintable") from None
    if len(cleaned) > column.length:
        raise BadCell("too-long", length=len(cleaned), most=column.length)
    if any(unicodedata.category(character) in _UNSHOWN for character in cleaned):
        raise BadCell("unprintable")
    return cleaned


def _whole(text: str, short: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise BadCell("not-whole", text=short)
    return int(text.partition(".")[0])


def _number(text: str, short: str) -> float:
    value = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise BadCell("not-number", text=short)
    return round(value, 9) + 0.0  # a spreadsheet keeps 15 digits


def _bounded(column: Column, value: float, short: str) -> float:
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high
    if not low <= value <= high:
        raise BadCell("out-of-range", text=short, low=f"{low:,.10g}", high=f"{high:,.10g}",
                      unit={"vi": column.unit_in("vi"), "en": column.unit_in("en")})  # fmt: skip
    return value


def _flag(text: str, short: str) -> bool:
    folded = fold(text)
    if folded in _YES:
        return True
    if folded in _NO:
        return False
    raise BadCell("not-yes-no", text=short)


def _day(text: str, short: str) -> date:
    try:
        day = written_day(text, _ISO)
    except ValueError:
        day = None
    if day is None:
        raise BadCell("not-a-day", text=short)
    return day


def _choice(column: Column, text: str) -> str:
    folded = fold(text[:200])
    for choice in column.choices:
        if folded in (choice.code, fold(choice.vi), fold(choice.en)):
            return choice.code
    codes = [choice.code for choice in column.choices]
    raise BadCell(
        "not-a-choice",
        text=text[:60],
        choices={
            "vi": ", ".join(f"{choice.code} ({choice.vi})" for choice in column.choices[:12]),
            "en": ", ".join(codes[:12]),
        },
    )


def write(value: Value) -> str:
    """A value as :func:`read` takes it."""
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float):
        return repr(value)
    return as_text(value)


def guard(text: str) -> str:
    """Text for a CSV file, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def unguard(text: str) -> str:
    """The inverse of :func:`guard`."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text[1:]) else text

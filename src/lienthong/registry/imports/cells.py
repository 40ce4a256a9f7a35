"""Cells into values. Each reader takes the text of a cell and answers a value or raises
:class:`CellError`, which says what is wrong and what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

from lienthong.core.identifiers import IdentifierError, organ_code
from lienthong.core.spreadsheets import written_day
from lienthong.core.text import nfc
from lienthong.registry.directory import BUILT_IN_GROUPS, KINDS, LEVELS, Alias, Unit
from lienthong.registry.imports.rows import BETWEEN, CLEAR, CellError
from lienthong.registry.rules import GROUP_NAME

MAX_NAME = 255
_YES = frozenset({"yes", "true", "1", "có"})
_NO = frozenset({"no", "false", "0", "không", CLEAR})
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def code(text: str) -> str:
    try:
        return organ_code(text.upper() if text.isascii() else text)
    except IdentifierError as problem:
        raise CellError(problem.detail, problem.remedy or "") from None


def name(text: str) -> str:
    cleaned = " ".join(nfc(text).split())
    if not cleaned or cleaned == CLEAR:
        raise CellError("the name is empty", "write the full name")
    if len(cleaned) > MAX_NAME:
        raise CellError(f"the name has {len(cleaned)} characters", f"shorten it to {MAX_NAME}")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") for character in cleaned):
        raise CellError("the name holds a character that cannot be shown", "type the name again")
    return cleaned


def item_name(text: str) -> str:
    """A name that stands in a cell of several."""
    if BETWEEN in text:
        raise CellError(f"the name holds {BETWEEN!r}", f"leave {BETWEEN!r} out of it")
    return name(text)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        value = text.lower()
        if value not in allowed:
            raise CellError(
                f"{text[:40]!r} is not known here", f"write one of {', '.join(filter(None, allowed))}"
            )
        return value

    return read


kind = _one_of(KINDS)


def level(text: str) -> str:
    return "" if text == CLEAR else _one_of(LEVELS)(text)


def day(text: str) -> date | None:
    """ISO, or day/month/year as spreadsheets write it in Vietnam; ``-`` for no limit."""
    if text == CLEAR:
        return None
    try:
        found = written_day(text, _DAY)
    except ValueError:
        raise CellError(f"there is no day {text}", "correct it") from None
    if found is None:
        raise CellError(f"{text[:40]!r} is not a day", "write it as 2025-07-01 or 01/07/2025")
    return found


def flag(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise CellError(f"{text[:40]!r} is neither yes nor no", "write yes or no")


def _items(text: str) -> list[str]:
    return [] if text == CLEAR else [item.strip() for item in text.split(BETWEEN) if item.strip()]


def codes(text: str) -> tuple[str, ...]:
    return tuple(sorted({code(item) for item in _items(text)}))


def aliases(text: str) -> tuple[Alias, ...]:
    """``CODE`` or ``CODE@first..last``, either day may be left out."""
    found: list[Alias] = []
    for item in _items(text):
        alias, at, period = item.partition("@")
        first, dots, last = period.partition("..")
        if at and not dots:
            raise CellError(
                f"{period[:40]!r} is not a period",
                "write CODE@2017-01-01..2025-06-30; either day may be left out",
            )
        start = day(first.strip()) if first.strip() else None
        end = day(last.strip()) if last.strip() else None
        found.append(Alias(code(alias), start or date.min, end))
    return tuple(sorted(set(found), key=lambda a: (a.code, a.valid_from, a.valid_to or date.max)))


def units(text: str) -> tuple[Unit, ...]:
    """``CODE=name``."""
    found: dict[str, Unit] = {}
    for item in _items(text):
        unit, equals, title = item.partition("=")
        if not equals:
            raise CellError(f"{item[:40]!r} is not a unit", "write CODE=name")
        found[code(unit)] = Unit(code(unit), name(title))
    return tuple(sorted(found.values(), key=lambda u: u.code))


def group_name(text: str) -> str:
    value = text.removeprefix("group:")
    if not GROUP_NAME.fullmatch(value) or len(value) > 60:
        raise CellError(
            f"{text[:60]!r} is not the name of a group", "use a-z, 0-9 and single hyphens, at most 60"
        )
    if value in BUILT_IN_GROUPS:
        raise CellError(f"every directory has the group {value!r} already", "choose another name")
    return value


def group_names(text: str) -> tuple[str, ...]:
    return tuple(sorted({group_name(item) for item in _items(text)}))


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**53:
        raise CellError(f"{text[:40]!r} is not a positive whole number", "write digits only, at least 1")
    return int(text)


def selector(text: str) -> str:
    if text == "*" or ":" in text:
        return text.lower()
    return code(text)


AGENCY: dict[str, Callable[[str], Any]] = {
    "code": code,
    "name": name,
    "kind": kind,
    "level": level,
    "parent": lambda text: None if text == CLEAR else code(text),
    "valid_from": lambda text: day(text) or date.min,
    "valid_to": day,
    "aliases": aliases,
    "successors": codes,
    "locked": flag,
    "units": units,
    "groups": group_names,
    "illustrative": flag,
}
GROUP: dict[str, Callable[[str], Any]] = {"name": group_name, "title": name}
RIGHT: dict[str, Callable[[str], Any]] = {
    "subject": selector,
    "action": str.lower,
    "object": selector,
}
QUOTA: dict[str, Callable[[str], Any]] = {
    "subject": selector,
    "messages_per_minute": positive,
    "bytes_per_day": positive,
    "concurrent": positive,
}
READERS: dict[str, dict[str, Callable[[str], Any]]] = {
    "agencies": AGENCY,
    "groups": GROUP,
    "rights": RIGHT,
    "quotas": QUOTA,
}

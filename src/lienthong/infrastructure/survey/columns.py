"""How a table of the survey is declared: columns with labels in Vietnamese and English, type, unit, choices
and range. CSV, XLSX and XLSForm are all made from this, and so are the checks of single cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")

Kind = Literal["text", "integer", "decimal", "yes", "date", "choice", "many", "reference"]
Value = str | int | float | bool | date | tuple[str, ...] | None
Record = dict[str, Value]
"""One row: every column of its table, ``None`` where the cell is empty."""

UNITS_EN = {
    "người": "people",
    "chỗ": "seats",
    "máy": "machines",
    "giờ": "hours",
    "phút": "minutes",
    "lần": "times",
    "vụ": "incidents",
    "GB/năm": "GB a year",
}
"""Units of the columns that are words, in English."""

MOST = 2**53
"""Whole numbers beyond this do not survive a spreadsheet."""


@dataclass(frozen=True, slots=True)
class Choice:
    code: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Column:
    """One question. ``low`` and ``high`` bound numbers (inclusive); ``at_most`` names the column of the same
    row that this one may not exceed; ``refers`` names the table whose key a reference holds; ``netbox`` lists
    the names under which NetBox exports the same thing.
    """

    name: str
    vi: str
    en: str
    kind: Kind = "text"
    unit: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    low: float | None = None
    high: float | None = None
    at_most: str = ""
    refers: str = ""
    netbox: tuple[str, ...] = ()
    length: int = 200
    """Most characters of a text."""

    def label(self, language: Language) -> str:
        return self.vi if language == "vi" else self.en

    def unit_in(self, language: Language) -> str:
        return self.unit if language == "vi" else UNITS_EN.get(self.unit, self.unit)

    def asked(self, language: Language) -> str:
        """The label with its unit."""
        return f"{self.label(language)} ({self.unit_in(language)})" if self.unit else self.label(language)

    def full_label(self, language: Language) -> str:
        """The label with its unit, and a star where an answer is required."""
        return f"{self.asked(language)}{' *' if self.required else ''}"


@dataclass(frozen=True, slots=True)
class Table:
    """``key`` names the columns that tell rows apart; ``netbox`` is NetBox's name of the model, if any."""

    name: str
    vi: str
    en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    netbox: str = ""

    def label(self, language: Language) -> str:
        return self.vi if language == "vi" else self.en

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def key_of(self, record: Record) -> tuple[Value, ...]:
        return tuple(record.get(name) for name in self.key)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)


def text(record: Record, name: str) -> str:
    """The text of a cell, empty when there is none."""
    value = record.get(name)
    return value if isinstance(value, str) else ""


def number(record: Record, name: str) -> float | None:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(record: Record, name: str) -> int:
    """A count, 0 when it is not known."""
    value = record.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def yes(record: Record, name: str) -> bool:
    return record.get(name) is True


def day(record: Record, name: str) -> date | None:
    value = record.get(name)
    return value if isinstance(value, date) else None

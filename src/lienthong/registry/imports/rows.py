"""The rows of an import as they were found in a file, and what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass

TABLES: dict[str, tuple[str, ...]] = {
    "agencies": (
        "code",
        "name",
        "kind",
        "level",
        "parent",
        "valid_from",
        "valid_to",
        "aliases",
        "successors",
        "locked",
        "units",
        "groups",
        "illustrative",
    ),
    "groups": ("name", "title"),
    "rights": ("subject", "action", "object"),
    "quotas": ("subject", "messages_per_minute", "bytes_per_day", "concurrent"),
}
"""Table → its columns, in the order in which they are exported."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "agencies": ("code",),
    "groups": ("name", "title"),
    "rights": ("subject", "action"),
    "quotas": ("subject", "messages_per_minute", "bytes_per_day", "concurrent"),
}

CLEAR = "-"
"""A cell that empties what the registry has. An empty cell leaves it as it is."""

BETWEEN = "|"
"""Between the items of a cell that holds several."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of ``table``: its cells by column, all text. ``line`` counts from 1 in the file."""

    file: str
    line: int
    table: str
    cells: dict[str, str]


@dataclass(frozen=True, slots=True, order=True)
class BadRow:
    """Why a row cannot be imported, for the person who made the file."""

    file: str
    line: int
    column: str
    what: str
    remedy: str

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        return f"{self.file}:{self.line}{column}: {self.what}. Remedy: {self.remedy}"


class CellError(ValueError):
    """A cell cannot be read: what is wrong with it, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

"""What spreadsheets write, as text: UTF-8, CSV whose rows keep their lines, days.

What cannot be read is refused with the room's own error, named by the caller.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date

from lienthong.core.errors import LienthongError

MAX_CELL = 100_000
"""Characters in one cell of a CSV file."""

_VIETNAMESE_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")


def decode(data: bytes, file: str, refusal: type[LienthongError], *, encoding: str = "utf-8-sig") -> str:
    """The text of a file, or ``refusal`` with the line of the first byte that is none."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise refusal(
            "is not UTF-8",
            place=f"{file}:{line}",
            remedy="save it as 'CSV UTF-8' (in a spreadsheet: Save as, CSV UTF-8)",
        ) from None


def csv_rows(
    text: str, delimiter: str, file: str, refusal: type[LienthongError]
) -> Iterator[tuple[int, list[str]]]:
    """(line on which the row begins, its cells), or ``refusal`` where the quoting is broken."""
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    end = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise refusal(
                f"is not CSV: {problem}",
                place=f"{file}:{end + 1}",
                remedy='close every double quote, and write a quote inside a cell twice ("")',
            ) from None
        yield end + 1, cells
        end = reader.line_num


def written_day(text: str, iso: re.Pattern[str]) -> date | None:
    """The day of a cell: year, month, day as the groups of ``iso``, or day/month/year as in Vietnam.
    None when the text has neither form, :class:`ValueError` when the calendar has no such day.
    """
    if found := iso.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _VIETNAMESE_DAY.fullmatch(text):
        return date(int(found[3]), int(found[2]), int(found[1]))
    return None

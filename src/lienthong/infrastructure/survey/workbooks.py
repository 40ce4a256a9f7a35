"""XLSX in and out. A workbook from outside is bounded before anything is parsed, formulas are never
evaluated, and what is written as text stays text.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from lienthong.core.files import write_atomically
from lienthong.core.spreadsheets import MAX_CELL
from lienthong.infrastructure.survey.cells import as_text
from lienthong.infrastructure.survey.columns import Column, Language, Table, Value
from lienthong.infrastructure.survey.folder import line_of
from lienthong.infrastructure.survey.messages import SYNTHETIC, BadSurvey, Problem
from lienthong.infrastructure.survey.model import Wave
from lienthong.infrastructure.survey.reading import ERROR, FORMULA
from lienthong.infrastructure.survey.sheets import MAX_COLUMNS, MAX_ROWS, Sheet
from lienthong.infrastructure.survey.tables import TABLES, WAVE

MAX_UNPACKED = 128 * 1024 * 1024
MAX_PARTS = 2_000
MAX_RATIO = 200
GUIDE = "guide"
_NAMES = frozenset(
    name
    for table in (*TABLES.values(), WAVE)
    for column in table.columns
    for name in (column.name, *column.netbox)
)
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile(r"_x005F_(?=x[0-9A-Fa-f]{4}_)", re.I)


# --- in -----------------------------------------------------------------------------------------------


def read_workbook(data: bytes, file: str) -> list[Sheet]:
    """Every sheet with anything in it. :class:`BadSurvey` for what is no workbook, or a hostile one."""
    _require_harmless(data, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            try:
                found = [
                    _sheet(sheet, file)
                    for sheet in book.worksheets
                    if sheet.title.lower() not in (GUIDE, "lists")
                ]
            finally:
                book.close()
    except BadSurvey:
        raise
    except Exception as problem:  # openpyxl raises whatever a broken part leads it to
        raise _refused(f"cannot be read as a workbook: {type(problem).__name__}", file) from problem
    return [sheet for sheet in found if sheet.header]


def _refused(what: str, file: str) -> BadSurvey:
    return BadSurvey(
        what, place=file, remedy="open it in a spreadsheet and save it again as .xlsx, or as CSV UTF-8"
    )


def _require_harmless(data: bytes, file: str) -> None:
    """Bounds on what unpacking would give, and no document types: OOXML has none, entity bombs need one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise _refused(f"has more than {MAX_PARTS} parts", file)
            if sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise _refused(f"unpacks to more than {MAX_UNPACKED // 2**20} MB", file)
            for part in parts:
                if part.file_size > 2**20 and part.file_size > MAX_RATIO * max(part.compress_size, 1):
                    raise _refused(f"{part.filename[:80]!r} is packed more than {MAX_RATIO} times", file)
                if part.flag_bits & 1:
                    raise _refused("is encrypted", file)
                if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _require_plain_xml(archive.read(part), part.filename, file)
    except BadSurvey:
        raise
    except Exception as problem:  # zipfile, zlib and struct each have their own
        raise _refused(f"is not a whole ZIP file: {type(problem).__name__}", file) from problem


def _require_plain_xml(content: bytes, part: str, file: str) -> None:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _refused(f"{part[:80]!r} declares a document type", file)
    if b"\0" in content[:400]:
        raise _refused(f"{part[:80]!r} is not UTF-8", file)


def _sheet(sheet: Any, file: str) -> Sheet:
    """The header is the first row that names columns exactly; rows above it are titles and labels. Where no
    row does, it is the first row.
    """
    sheet.reset_dimensions()
    found = Sheet(file, sheet.title, [], [])
    rows: list[tuple[int, list[str]]] = []
    for at, row in enumerate(sheet.iter_rows(), 1):
        if at > MAX_ROWS:
            found.problems.append(Problem(file, at, "", "too-many-rows", {"most": MAX_ROWS}))
            break
        cells = [_raw(cell) for cell in row[:MAX_COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append((at, cells))
    if not rows:
        return found
    first = next((at for at, (_, cells) in enumerate(rows[:8]) if is_header(cells)), 0)
    found.header = rows[first][1]
    wanted = len(found.header)
    for at, cells in rows[first + 1 :]:
        if len(cells) > wanted:
            found.problems.append(Problem(file, at, "", "cells", {"have": len(cells), "want": wanted}))
        else:
            found.rows.append((at, cells + [""] * (wanted - len(cells))))
    return found


def is_header(cells: list[str]) -> bool:
    """Whether at least half of the cells are names of columns, letter for letter, as no label is."""
    return sum(cell in _NAMES for cell in cells) * 2 >= sum(bool(cell) for cell in cells)


def _raw(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return FORMULA
    if cell.data_type == "e":
        return f"{ERROR}{str(value)[:20]}"
    if isinstance(value, str):
        return _ESCAPED.sub("_", value[:MAX_CELL])
    return as_text(value)


# --- out ----------------------------------------------------------------------------------------------

_HEAD = PatternFill("solid", fgColor="DDE7F0")
_REQUIRED = PatternFill("solid", fgColor="FCE4D6")


def write_workbook(out: Path | io.BytesIO, wave: Wave | None, language: Language) -> None:
    """A sheet a table: labels, then column names, then the rows of ``wave``; without it, an empty template
    with lists and ranges that guide who fills it in.
    """
    book = openpyxl.Workbook(write_only=True)
    synthetic = wave is not None and wave.synthetic
    _guide(book, language, synthetic=synthetic)
    sheets = {name: [] if wave is None else wave.rows(name) for name in TABLES}
    if wave is not None:
        sheets[WAVE.name] = [line_of(wave)]
    for name, rows in sheets.items():
        table = TABLES.get(name, WAVE)
        _table_sheet(book, table, ([record[n] for n in table.names] for record in rows), language,
                     synthetic=synthetic)  # fmt: skip
    book.save(out)


def _table_sheet(
    book: Any, table: Table, rows: Iterable[Iterable[Value]], language: Language, *, synthetic: bool
) -> None:
    sheet = book.create_sheet(table.name)
    for at, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(at)].width = max(12, min(40, len(column.vi) + 4))
    first = 4 if synthetic else 3
    sheet.freeze_panes = f"A{first}"
    for at, column in enumerate(table.columns, 1):
        _validate(sheet, column, f"{get_column_letter(at)}{first}:{get_column_letter(at)}20000", language)
    if synthetic:
        sheet.append([_cell(sheet, SYNTHETIC[language], bold=True)])
    other: Language = "en" if language == "vi" else "vi"
    sheet.append([_label(sheet, column, language, other) for column in table.columns])
    sheet.append([_cell(sheet, name, bold=True, fill=_HEAD) for name in table.names])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Value, *, bold: bool = False, fill: PatternFill | None = None) -> Any:
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, tuple):
        value = " ".join(value)
    elif isinstance(value, date) and value.year < 1901:
        value = value.isoformat()  # before the calendar of spreadsheets begins
    cell = WriteOnlyCell(sheet, value=_ESCAPE.sub("_x005F_", value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"  # or openpyxl makes a formula of what begins with =
        cell.number_format = "@"
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    if bold:
        cell.font = Font(bold=True)
    if fill is not None:
        cell.fill = fill
    return cell


def _label(sheet: Any, column: Column, language: Language, other: Language) -> Any:
    cell = _cell(sheet, column.full_label(language), bold=True, fill=_REQUIRED if column.required else _HEAD)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.comment = Comment(f"{column.full_label(other)}\n{column.name}: {describe(column)}", "Liên Thông")
    return cell


def _validate(sheet: Any, column: Column, area: str, language: Language) -> None:
    rule: DataValidation | None = None
    if column.kind == "choice":
        listed = ",".join(choice.code for choice in column.choices)
        rule = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True)
    elif column.kind == "yes":
        rule = DataValidation(type="list", formula1='"yes,no"', allow_blank=True)
    elif column.kind in ("integer", "decimal") and column.low is not None and column.high is not None:
        rule = DataValidation(
            type="whole" if column.kind == "integer" else "decimal",
            operator="between",
            formula1=f"{column.low:.15g}",
            formula2=f"{column.high:.15g}",
            allow_blank=True,
        )
    if rule is not None:
        rule.errorTitle = column.label(language)[:32]
        rule.error = describe(column)[:220]
        rule.add(area)
        sheet.data_validations.append(rule)


def describe(column: Column) -> str:
    """Type, choices and range of a column in one line that needs no translation; units are in the label."""
    parts: list[str] = [column.kind]
    if column.kind in ("choice", "many"):
        parts.append(" | ".join(choice.code for choice in column.choices))
    if column.low is not None and column.high is not None:
        parts.append(f"{column.low:,.10g} … {column.high:,.10g}")
    if column.at_most:
        parts.append(f"≤ {column.at_most}")
    if column.refers:
        parts.append(f"→ {column.refers}")
    return ", ".join(parts)


_GUIDE_HEAD: dict[Language, tuple[str, ...]] = {
    "vi": ("Bảng", "Cột", "Tiếng Việt", "Tiếng Anh", "Kiểu, lựa chọn, khoảng", "Bắt buộc"),
    "en": ("Table", "Column", "Vietnamese", "English", "Type, choices, range", "Required"),
}


def _guide(book: Any, language: Language, *, synthetic: bool) -> None:
    sheet = book.create_sheet(GUIDE)
    for letter, width in zip("ABCDEF", (18, 20, 40, 40, 60, 10), strict=True):
        sheet.column_dimensions[letter].width = width
    if synthetic:
        sheet.append([_cell(sheet, SYNTHETIC[language], bold=True)])
    sheet.append([_cell(sheet, head, bold=True, fill=_HEAD) for head in _GUIDE_HEAD[language]])
    for table, column in every_column():
        sheet.append(
            [
                _cell(sheet, value)
                for value in (
                    f"{table.name} ({table.label(language)})",
                    column.name,
                    column.full_label("vi"),
                    column.full_label("en"),
                    describe(column),
                    column.required,
                )
            ]
        )


def every_column() -> Iterator[tuple[Table, Column]]:
    for table in (*TABLES.values(), WAVE):
        for column in table.columns:
            yield table, column


def replace_file(path: Path, write: Callable[[io.BytesIO], None]) -> None:
    """Write a file whole or not at all."""
    buffer = io.BytesIO()
    write(buffer)
    write_atomically(path, buffer.getvalue())

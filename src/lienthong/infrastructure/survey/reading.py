"""Sheets into records: which table a sheet is, which column a cell, and what is wrong with the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache

from lienthong.core.errors import LienthongError
from lienthong.core.text import fold
from lienthong.infrastructure.survey.cells import BadCell, read
from lienthong.infrastructure.survey.columns import Column, Record, Table, Value
from lienthong.infrastructure.survey.messages import Problem
from lienthong.infrastructure.survey.netbox import fill
from lienthong.infrastructure.survey.sheets import Sheet

FORMULA = "\ue000formula"
ERROR = "\ue000error:"
"""Marks of spreadsheet cells that hold no value. Accepted text never holds private-use characters."""

_IGNORED = frozenset({
    "id", "url", "display_url", "display", "tags", "created", "last_updated", "comments", "description",
    "actions", "key", "meta_instanceid", "instanceid", "submissiondate", "start", "end", "today", "deviceid",
    "submitterid", "submittername", "attachmentspresent", "attachmentsexpected", "status_", "reviewstate",
    "edits", "formversion", "parent_key",
})  # fmt: skip
"""Columns of NetBox and of form servers that say nothing about the network."""


def plain(header: str) -> str:
    """A header as a name: folded, its words joined by ``_``."""
    try:
        folded = fold(header[:200])
    except LienthongError:
        return ""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[*()°]", " ", folded)).strip("_")


@lru_cache(maxsize=64)
def _names(table: Table) -> dict[str, Column]:
    """Every name under which a column is known. What is declared first wins."""
    found: dict[str, Column] = {}
    for column in table.columns:
        found.setdefault(column.name, column)
    for column in table.columns:
        for name in (*column.netbox, f"cf_{column.name}"):
            found.setdefault(name, column)
    for column in table.columns:
        for language in ("vi", "en"):
            found.setdefault(plain(column.label(language)), column)
            found.setdefault(plain(column.full_label(language)), column)
    return found


def column_of(table: Table, header: str) -> Column | None:
    names = _names(table)
    for candidate in (plain(header), plain(re.split(r"[/:\-]", header)[-1])):
        if candidate in names:
            return names[candidate]
    return None


def parts_of(sheet: Sheet, groups: dict[str, Table]) -> list[Sheet]:
    """A form server puts the groups of a form side by side, as ``group-column`` or ``group/column``: one
    sheet for each of ``groups`` that is there, or the sheet as it is.
    """
    found = []
    for group, table in groups.items():
        own = [
            (at, match[1])
            for at, head in enumerate(sheet.header)
            if (match := re.fullmatch(rf"(?:data[-/])?{group}[-/]([a-z0-9_]+)", head.strip()))
            and match[1] in table.names
        ]
        if len(own) > 1:
            rows = [(row, [cells[at] for at, _ in own]) for row, cells in sheet.rows]
            found.append(Sheet(sheet.file, table.name, [name for _, name in own], rows))
    if found:
        found[0].problems = sheet.problems
    return found or [sheet]


def table_of(sheet: Sheet, tables: dict[str, Table]) -> Table | None:
    """By the sheet's name (``sites``, ``netbox_sites``, ``Địa điểm``, ``sites-2017``), else by its header."""
    name = re.sub(r"^(netbox|lienthong_survey)_|(_[0-9]+)+$", "", plain(sheet.name))
    for table in tables.values():
        if name in (table.name, plain(table.vi), plain(table.en)):
            return table
    matches = sorted(
        ((sum(column_of(table, head) is not None for head in sheet.header), table.name), table)
        for table in tables.values()
        if set(table.required) <= {column.name for head in sheet.header if (column := column_of(table, head))}
    )  # fmt: skip
    if not matches or (len(matches) > 1 and matches[-1][0][0] == matches[-2][0][0]):
        return None
    return matches[-1][1]


def records(sheet: Sheet, table: Table, problems: list[Problem]) -> Iterator[tuple[int, Record]]:
    """(row in the file, record) of each good row; what is wrong with the others goes to ``problems``. The
    record lacks the columns that the file does not have: :func:`complete` it.
    """
    columns = _columns(sheet, table, problems)
    for row, cells in sheet.rows:
        record: Record = {}
        good = True
        present = set()
        for (column, own), text in zip(columns, cells, strict=True):
            if column is None:
                continue
            present.add(column.name)
            try:
                record[column.name] = _value(column, text)
            except BadCell as bad:
                if bad.code in ("not-a-choice", "empty") and not own:
                    present.discard(column.name)  # NetBox's groups are free text
                    continue
                record[column.name] = None
                problems.append(Problem(sheet.file, row, column.name, bad.code, bad.values_))
                good = False
        filled = complete(table, record)
        if "code" in filled:
            record["code"] = filled["code"]
        for name in table.required:
            if name not in present and filled[name] is None:
                column = table.column(name)
                label = {"vi": column.vi, "en": column.en}
                problems.append(Problem(sheet.file, row, name, "empty", {"label": label}))
                good = False
        if good:
            yield row, record


def complete(table: Table, record: Record, existing: Record | None = None) -> Record:
    """All columns of the table: the record's, else those of the row it replaces, else what can be derived."""
    whole: Record = {**dict.fromkeys(table.names), **(existing or {}), **record}
    fill(table, whole, set(record) | {name for name in whole if whole[name] is not None})
    return whole


def _value(column: Column, text: str) -> Value:
    if text.startswith(FORMULA):
        raise BadCell("formula")
    if text.startswith(ERROR):
        raise BadCell("error-value", text=text.removeprefix(ERROR))
    return read(column, text)


def _columns(sheet: Sheet, table: Table, problems: list[Problem]) -> list[tuple[Column | None, bool]]:
    """For each cell its column, and whether that is called by its own name or label and not by NetBox's."""
    columns: list[tuple[Column | None, bool]] = []
    taken: set[str] = set()
    unknown: list[str] = []
    for head in sheet.header:
        column = column_of(table, head)
        if column is None:
            if head.strip() and plain(head) not in _IGNORED:
                near = get_close_matches(plain(head), list(table.names), n=1)
                if near:
                    values = {"text": head[:60], "table": table.name, "near": near[0]}
                    problems.append(Problem(sheet.file, 0, "", "unknown-column", values, "warning"))
                else:
                    unknown.append(head[:60])
        elif column.name in taken:
            values = {"text": head[:60]}
            problems.append(Problem(sheet.file, 0, column.name, "column-twice", values, "warning"))
            column = None
        else:
            taken.add(column.name)
        own = column is not None and plain(head) not in set(column.netbox) - {column.name}
        columns.append((column, own))
    if unknown:
        said = ", ".join(repr(head) for head in unknown[:20]) + (" …" if len(unknown) > 20 else "")
        values = {"texts": said, "table": table.name}
        problems.append(Problem(sheet.file, 0, "", "unknown-columns", values, "warning"))
    return columns

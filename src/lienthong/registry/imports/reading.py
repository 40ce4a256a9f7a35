"""Files into rows. CSV as spreadsheets write it (UTF-8 with or without BOM; comma, semicolon or tab),
JSON as a list of agencies or an object of tables. Every row keeps its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lienthong.core.spreadsheets import csv_rows, decode
from lienthong.core.text import nfc
from lienthong.registry.errors import FileRefused
from lienthong.registry.imports.rows import BETWEEN, CLEAR, REQUIRED, TABLES, BadRow, CellError, Row

MAX_BYTES = 64 * 1024 * 1024


def read_file(path: Path) -> tuple[list[Row], list[BadRow]]:
    """The rows of a file, and those that cannot even be read as rows; :class:`FileRefused` when none can."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileRefused(f"is larger than {MAX_BYTES} bytes", place=str(path), remedy="split it")
        data = path.read_bytes()
    except OSError as problem:
        raise FileRefused(
            f"cannot be read: {problem.strerror or problem}",
            place=str(path),
            remedy="check the path and that you may read it",
        ) from None
    return read_bytes(data, path.name, is_json=path.suffix.lower() == ".json")


def read_bytes(data: bytes, file: str, *, is_json: bool = False) -> tuple[list[Row], list[BadRow]]:
    text = nfc(decode(data, file, FileRefused))
    return _read_json(text, file) if is_json else _read_csv(text, file)


# --- CSV ----------------------------------------------------------------------------------------------


def _read_csv(text: str, file: str) -> tuple[list[Row], list[BadRow]]:
    if "\0" in text:
        raise FileRefused(
            "holds a NUL character: it is not a text file",
            place=f"{file}:{text[: text.index(chr(0))].count(chr(10)) + 1}",
            remedy="export it again as 'CSV UTF-8'",
        )
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv_rows(text, delimiter, file, FileRefused)
    start, header = next(lines, (1, []))
    table = _table_of([name.strip().lower() for name in header], file)
    columns, bad = _columns([name.strip().lower() for name in header], table, file, start)
    rows: list[Row] = []
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            bad.append(
                BadRow(
                    file,
                    line,
                    "",
                    f"the row has {len(cells)} cells, the header {len(columns)}",
                    'put text that holds the separator between double quotes ("…")',
                )
            )
            continue
        named = zip(columns, cells, strict=True)
        rows.append(Row(file, line, table, {name: cell.strip() for name, cell in named if name}))
    return rows, bad


def _table_of(header: list[str], file: str) -> str:
    known = set(header)
    for table, required in REQUIRED.items():
        if set(required) <= known:
            return table
    raise FileRefused(
        "the first line is not a header of a known table",
        place=f"{file}:1",
        remedy="begin with a line of column names; "
        + "; ".join(f"{table}: {', '.join(columns)}" for table, columns in TABLES.items()),
    )


def _columns(header: list[str], table: str, file: str, line: int) -> tuple[list[str], list[BadRow]]:
    """The column of each cell ('' for one without a name that is known), and what is wrong with them."""
    columns: list[str] = []
    bad: list[BadRow] = []
    for name in header:
        what = _column_problem(name, table)
        if what is None and name in columns:
            what = ("this column is there twice", "keep one of the two")
        if what is not None and name:
            bad.append(BadRow(file, line, name, *what))
        columns.append(name if what is None else "")
    return columns, bad


def _column_problem(name: str, table: str) -> tuple[str, str] | None:
    if name in TABLES[table]:
        return None
    near = get_close_matches(name, TABLES[table], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"{name[:40]!r} is not a column of {table}",
        f"{hint}the columns are {', '.join(TABLES[table])}",
    )


# --- JSON ---------------------------------------------------------------------------------------------


def _read_json(text: str, file: str) -> tuple[list[Row], list[BadRow]]:
    rows: list[Row] = []
    bad: list[BadRow] = []
    line, counted = 1, 0
    try:
        for table, position, item in _json_items(text):
            line, counted = line + text.count("\n", counted, position), position
            if not isinstance(item, dict):
                bad.append(BadRow(file, line, "", "this is not an object", 'write {"code": …}'))
                continue
            row, problems = _json_row(item, table, file, line)
            bad.extend(problems)
            if not problems:
                rows.append(row)
    except (ValueError, RecursionError) as problem:
        line = getattr(problem, "lineno", 1)
        raise FileRefused(
            f"is not JSON of a known layout: {getattr(problem, 'msg', problem)}",
            place=f"{file}:{line}",
            remedy='write a list of agencies [{"code": …}, …] or {"agencies": […], "rights": […], …}',
        ) from None
    return rows, bad


def _json_items(text: str) -> Iterator[tuple[str, int, Any]]:
    """(table, position in the text, item) of each item of a list of agencies or of an object of tables."""
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        yield from _json_list(text, start, "agencies")
        return
    for name, position in _json_members(text, start):
        if name not in TABLES:
            raise json.JSONDecodeError(f"{name!r} is not one of {', '.join(TABLES)}", text, position)
        yield from _json_list(text, position, name)


def _json_members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """(name, position of the value) of each member of the object at ``at``."""
    json.JSONDecoder().raw_decode(text, at)
    at = _expect(text, at, "{")
    while text[at] != "}":
        name, at = json.JSONDecoder().raw_decode(text, at)
        at = _expect(text, _skip(text, at), ":")
        yield name, at
        at = _skip(text, json.JSONDecoder().raw_decode(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
    _nothing_after(text, at + 1)


def _json_list(text: str, at: int, table: str) -> Iterator[tuple[str, int, Any]]:
    if text[at : at + 1] != "[":
        raise json.JSONDecodeError("a list is expected here", text, at)
    end = json.JSONDecoder().raw_decode(text, at)[1]
    if table == "agencies" and _skip(text, 0) == at:
        _nothing_after(text, end)
    at = _skip(text, at + 1)
    while text[at] != "]":
        item, after = json.JSONDecoder().raw_decode(text, at)
        yield table, at, item
        at = _skip(text, after)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise json.JSONDecodeError(f"{character!r} is expected here", text, at)
    return _skip(text, at + 1)


def _nothing_after(text: str, at: int) -> None:
    if _skip(text, at) != len(text):
        raise json.JSONDecodeError("nothing may follow", text, at)


def _json_row(item: dict[str, Any], table: str, file: str, line: int) -> tuple[Row, list[BadRow]]:
    cells: dict[str, str] = {}
    bad: list[BadRow] = []
    for name, value in item.items():
        problem = _column_problem(name, table)
        try:
            if problem:
                raise CellError(*problem)
            cells[name] = _cell(value)
        except CellError as error:
            bad.append(BadRow(file, line, name, error.what, error.remedy))
    return Row(file, line, table, cells), bad


def _cell(value: Any) -> str:
    """A JSON value as the text a CSV cell would hold. null leaves, [] empties."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return BETWEEN.join(_item(item) for item in value) or CLEAR
    raise CellError("this value cannot be read", "write a text, a number, true, false or a list")


def _item(item: Any) -> str:
    if isinstance(item, dict) and set(item) == {"code", "name"}:
        text = f"{item['code']}={item['name']}"
    elif isinstance(item, dict) and {"code"} <= set(item) <= {"code", "from", "to"}:
        text = str(item["code"])
        if item.get("from") or item.get("to"):
            text += f"@{item.get('from') or ''}..{item.get('to') or ''}"
    elif isinstance(item, str):
        text = item
    else:
        raise CellError(
            "an item of the list cannot be read",
            'write texts, aliases as {"code", "from", "to"} or units as {"code", "name"}',
        )
    if BETWEEN in text:
        raise CellError(f"an item holds {BETWEEN!r}", f"leave {BETWEEN!r} out of names and codes")
    return text

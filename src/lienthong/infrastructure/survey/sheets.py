"""Files into sheets: a header and rows of raw cells, whose place in the file is kept. CSV as spreadsheets
write it (comma, semicolon or tab; with or without a byte-order mark) and JSON as NetBox's interface gives it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lienthong.core.spreadsheets import csv_rows, decode
from lienthong.infrastructure.survey.cells import as_text, unguard
from lienthong.infrastructure.survey.messages import BadSurvey, Problem

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 500


@dataclass(slots=True)
class Sheet:
    """``name`` is the sheet's, or the file's stem; ``rows`` are (row in the file, cells by the header)."""

    file: str
    name: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    problems: list[Problem] = field(default_factory=list)


def read_file(path: Path) -> list[Sheet]:
    """The sheets of a CSV, JSON or XLSX file; :class:`BadSurvey` when it is none of these or too large."""
    name = path.name.encode("utf-8", "replace").decode()
    try:
        if path.exists() and not path.is_file():
            raise BadSurvey("cannot be read: it is not a file", place=str(path), remedy="name files")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BadSurvey(
                f"is larger than {MAX_BYTES // 2**20} MB", place=str(path), remedy="split the file"
            )
    except OSError as problem:
        raise BadSurvey(
            f"cannot be read: {problem.strerror or problem}",
            place=str(path),
            remedy="check the path and that you may read it",
        ) from None
    if data[:4] == b"PK\x03\x04":
        from lienthong.infrastructure.survey.workbooks import read_workbook

        return read_workbook(data, name)
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise BadSurvey(
            "is an old or password-protected Excel file",
            place=name,
            remedy="save it as .xlsx without a password, or as CSV UTF-8",
        )
    text = _decode(data, name)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        return read_json(text, name)
    return [read_csv(text, name)]


def _decode(data: bytes, file: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = decode(data, file, BadSurvey, encoding=encoding)
    if "\0" in text:
        raise BadSurvey("holds a NUL character: it is not a text file", place=file, remedy="export it again")
    return text


# --- CSV ----------------------------------------------------------------------------------------------


def read_csv(text: str, file: str) -> Sheet:
    """One table. The separator is the one most frequent in the header, or what ``sep=`` says."""
    skipped = 0
    first, _, rest = text.partition("\n")
    if first.strip("\r\n").lower() in ("sep=,", "sep=;", "sep=\t"):
        delimiter, text, skipped = first[4], rest, 1
    else:
        delimiter = max(",;\t", key=first.count)
    sheet = Sheet(file, Path(file).stem, [], [])
    for line, cells in csv_rows(text, delimiter, file, BadSurvey):
        if not any(cell.strip() for cell in cells):
            continue
        cells = [unguard(cell) for cell in cells]
        if not sheet.header:
            sheet.header = cells[:MAX_COLUMNS]
        elif len(sheet.rows) >= MAX_ROWS:
            sheet.problems.append(Problem(file, line + skipped, "", "too-many-rows", {"most": MAX_ROWS}))
            break
        elif len(cells) != len(sheet.header):
            values = {"have": len(cells), "want": len(sheet.header)}
            sheet.problems.append(Problem(file, line + skipped, "", "cells", values))
        else:
            sheet.rows.append((line + skipped, cells))
    return sheet


# --- JSON ---------------------------------------------------------------------------------------------


def read_json(text: str, file: str) -> list[Sheet]:
    """A list of objects, an object of such lists, or pages of NetBox's REST interface (``results``).
    Rows count from 1 in their list.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise BadSurvey(
            f"is not JSON: {getattr(problem, 'msg', problem) or 'nested too deeply'}",
            place=f"{file}:{getattr(problem, 'lineno', 1)}",
            remedy="export it again",
        ) from None
    stem = Path(file).stem
    if isinstance(value, dict) and isinstance(value.get("results"), list):
        value = value["results"]
    if isinstance(value, dict):
        lists = {name: items for name, items in value.items() if isinstance(items, list)}
    else:
        lists = {stem: value} if isinstance(value, list) else {}
    if not lists:
        raise BadSurvey(
            "holds no list of rows",
            place=file,
            remedy='write [{"code": …}, …], {"sites": […]}, or what NetBox\'s interface answers',
        )
    return [_json_sheet(items, file, _model(items) or name) for name, items in lists.items()]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _model(items: Iterable[Any]) -> str:
    """NetBox's name of the model, from the address of the first object: ``/api/dcim/sites/7/`` → sites."""
    url = next((item.get("url") for item in items if isinstance(item, dict)), None)
    parts = url.split("/api/")[-1].split("/") if isinstance(url, str) and "/api/" in url else []
    return parts[1] if len(parts) > 1 else ""


def _json_sheet(items: list[Any], file: str, name: str) -> Sheet:
    sheet = Sheet(file, name, [], [])
    flat: list[tuple[int, dict[str, str]]] = []
    header: dict[str, None] = {}
    for at, item in enumerate(items, 1):
        if at > MAX_ROWS:
            sheet.problems.append(Problem(file, at, "", "too-many-rows", {"most": MAX_ROWS}))
            break
        if not isinstance(item, dict):
            sheet.problems.append(Problem(file, at, "", "not-an-object"))
            continue
        cells = dict(_flatten(item))
        header.update(dict.fromkeys(cells))
        flat.append((at, cells))
    sheet.header = list(header)[:MAX_COLUMNS]
    sheet.rows = [(at, [cells.get(name, "") for name in sheet.header]) for at, cells in flat]
    return sheet


def _flatten(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(column, text); custom fields become ``cf_…`` as in NetBox's CSV."""
    for name, value in item.items():
        if name == "custom_fields" and isinstance(value, dict):
            yield from ((f"cf_{inner}", _json_text(each)) for inner, each in value.items())
        elif name in ("termination_a", "termination_z") and isinstance(value, dict):
            yield name, _json_text(value.get("termination") or value.get("site") or value)
            for speed in ("port_speed", "upstream_speed"):
                if value.get(speed) is not None and name == "termination_a":
                    yield speed, _json_text(value[speed])
        elif name in ("interface_a", "interface_b") and isinstance(value, dict):
            yield f"device_{name[-1]}", _json_text(value.get("device"))
        else:
            yield name, _json_text(value)


def _json_text(value: Any) -> str:
    """Nested objects of NetBox by what identifies them here: the value of a choice, a slug, an id, a name."""
    if isinstance(value, dict):
        for name in ("value", "slug", "cid", "name", "display", "address"):
            if isinstance(value.get(name), str | int):
                return as_text(value[name])
        return ""
    if isinstance(value, list):
        return " ".join(_json_text(each) for each in value if not isinstance(each, list))
    return as_text(value)

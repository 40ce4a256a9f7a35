"""A survey on disk: ``FOLDER/survey/<wave>/<table>.csv``, UTF-8, each file replaced whole or not at all.

A wave's folder is also readable by hand and by spreadsheets; ``wave.csv`` holds the wave's own line.
"""

from __future__ import annotations

import csv
import fcntl
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lienthong.core.files import write_atomically
from lienthong.infrastructure.survey import cells
from lienthong.infrastructure.survey.columns import Record, Table, day, text, yes
from lienthong.infrastructure.survey.messages import BadSurvey, Problem
from lienthong.infrastructure.survey.model import Survey, Wave
from lienthong.infrastructure.survey.reading import complete, records
from lienthong.infrastructure.survey.sheets import read_file
from lienthong.infrastructure.survey.tables import TABLES, WAVE

ROOM = "survey"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def require_code(code: str) -> str:
    """A wave's code is a folder's name: letters, digits, dot, hyphen, underscore."""
    if not _CODE.fullmatch(code) or code.endswith("."):
        raise BadSurvey(
            f"{code[:60]!r} is not the code of a wave",
            place="--wave",
            remedy="use letters, digits, '-', '_' and '.', at most 40, such as 2017 or 2017-q2",
        )
    return code


def csv_bytes(table: Table, rows: Iterable[Record], *, separator: str = ",") -> bytes:
    """A table as CSV with a byte-order mark, so that spreadsheets see UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerow(table.names)
    for row in rows:
        line = []
        for column in table.columns:
            written = cells.write(row.get(column.name))
            line.append(cells.guard(written) if column.kind in ("text", "reference") else written)
        writer.writerow(line)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Two imports into one folder follow each other."""
    room = folder / ROOM
    room.mkdir(parents=True, exist_ok=True)
    with (room / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_wave(folder: Path, wave: Wave) -> Path:
    """Write a wave; tables without rows leave no file. Answers the wave's folder."""
    room = folder / ROOM / require_code(wave.code)
    room.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        path = room / f"{name}.csv"
        if wave.rows(name):
            write_atomically(path, csv_bytes(table, wave.rows(name)))
        else:
            path.unlink(missing_ok=True)
    write_atomically(room / "wave.csv", csv_bytes(WAVE, [line_of(wave)]))
    return room


def line_of(wave: Wave) -> Record:
    """What ``wave.csv`` says of a wave."""
    return {
        "code": wave.code,
        "title": wave.title or None,
        "opens": wave.opens,
        "closes": wave.closes,
        "synthetic": wave.synthetic,
        "source": wave.source or None,
    }


def describe(wave: Wave, line: Record) -> None:
    """The inverse of :func:`line_of`; the wave keeps its code, and what the line leaves open."""
    wave.title = text(line, "title") or wave.title
    wave.opens = day(line, "opens") or wave.opens
    wave.closes = day(line, "closes") or wave.closes
    wave.synthetic = wave.synthetic or yes(line, "synthetic")
    wave.source = text(line, "source") or wave.source


def wave_codes(folder: Path) -> list[str]:
    room = folder / ROOM
    if not room.is_dir():
        return []
    return sorted(each.parent.name for each in room.glob("*/wave.csv") if _CODE.fullmatch(each.parent.name))


def read_survey(folder: Path) -> tuple[Survey, list[Problem]]:
    """Every wave of a planning folder, and the rows that somebody spoiled by hand (they are left out).
    :class:`BadSurvey` when there is no survey.
    """
    codes = wave_codes(folder)
    if not codes:
        raise BadSurvey(
            "holds no survey",
            place=str(folder),
            remedy="import files first: lienthong infrastructure survey import FILES --into … --wave …",
        )
    survey, problems = Survey(), []
    for code in codes:
        wave, bad = read_wave(folder, code)
        survey.waves.append(wave)
        problems.extend(bad)
    survey.waves.sort(key=lambda wave: (wave.opens is None, wave.opens, wave.code))
    return survey, problems


def read_wave(folder: Path, code: str) -> tuple[Wave, list[Problem]]:
    """One wave; a new one when it is not there yet."""
    room = folder / ROOM / require_code(code)
    wave, problems = Wave(code), []
    if (room / "wave.csv").exists():
        lines, bad = _rows(room / "wave.csv", WAVE)
        problems.extend(bad)
        for line in lines[:1]:
            describe(wave, line)
    for name, table in TABLES.items():
        wave.tables[name] = []
        if (room / f"{name}.csv").exists():
            wave.tables[name], bad = _rows(room / f"{name}.csv", table)
            problems.extend(bad)
    return wave, problems


def _rows(path: Path, table: Table) -> tuple[list[Record], list[Problem]]:
    found: list[Record] = []
    problems: list[Problem] = []
    place = f"{ROOM}/{path.parent.name}/{path.name}"
    for sheet in read_file(path):
        sheet.file = place
        problems.extend(sheet.problems)
        found.extend(complete(table, record) for _, record in records(sheet, table, problems))
    return found, problems

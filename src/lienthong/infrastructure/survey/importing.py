"""Files into a wave: every good row is kept, every bad one is reported with file, row, column and remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from lienthong.core.text import fold
from lienthong.infrastructure.survey import folder as on_disk
from lienthong.infrastructure.survey import netbox
from lienthong.infrastructure.survey.columns import Record, Table, text
from lienthong.infrastructure.survey.forms import FORM_GROUPS
from lienthong.infrastructure.survey.messages import BadSurvey, Problem
from lienthong.infrastructure.survey.model import Wave
from lienthong.infrastructure.survey.reading import complete, parts_of, records, table_of
from lienthong.infrastructure.survey.sheets import read_file
from lienthong.infrastructure.survey.tables import TABLES, WAVE

KNOWN: dict[str, Table] = {
    **TABLES,
    netbox.CIRCUIT_TERMINATIONS.name: netbox.CIRCUIT_TERMINATIONS,
    WAVE.name: WAVE,
}


@dataclass(slots=True)
class Counts:
    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class Imported:
    """``tables`` counts by table; ``problems`` are in the order of files and rows."""

    tables: dict[str, Counts] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(each.added + each.changed + each.unchanged for each in self.tables.values())

    @property
    def bad(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)


Placed = tuple[str, int, Record]
"""(file, row, record)"""


def read_files(
    paths: Iterable[Path], *, table: str | None = None
) -> tuple[dict[str, list[Placed]], list[Problem]]:
    """The good rows of files by table, each key once, and what is wrong with the others. ``table`` says what
    the files hold where neither their names nor their headers do. :class:`BadSurvey` when a file cannot be
    read at all.
    """
    if table is not None and table not in KNOWN:
        raise BadSurvey(
            f"there is no table {table[:40]!r}", place="--table", remedy=f"choose one of {', '.join(KNOWN)}"
        )
    found: dict[str, list[Placed]] = {}
    problems: list[Problem] = []
    for path in paths:
        for sheet in (part for whole in read_file(path) for part in parts_of(whole, FORM_GROUPS)):
            which = KNOWN[table] if table is not None else table_of(sheet, KNOWN)
            if which is None:
                problems.append(Problem(sheet.file, 0, "", "unknown-table", {"tables": ", ".join(TABLES)}))
                continue
            problems.extend(sheet.problems)
            rows = found.setdefault(which.name, [])
            rows.extend((sheet.file, row, record) for row, record in records(sheet, which, problems))
    return {name: _once(KNOWN[name], rows, problems) for name, rows in found.items()}, problems


def _once(table: Table, rows: list[Placed], problems: list[Problem]) -> list[Placed]:
    """The first row of each key."""
    first: dict[tuple[Any, ...], Placed] = {}
    for file, row, record in rows:
        key = table.key_of(record)
        if key in first:
            values = {
                "key": " ".join(str(part) for part in key),
                "other": first[key][1],
                "file": first[key][0],
            }
            problems.append(Problem(file, row, table.key[-1], "key-twice", values))
        else:
            first[key] = (file, row, record)
    return list(first.values())


def import_files(
    paths: Iterable[Path],
    folder: Path,
    code: str,
    *,
    table: str | None = None,
    title: str | None = None,
    opens: date | None = None,
    closes: date | None = None,
    synthetic: bool | None = None,
) -> Imported:
    """Read files into the wave ``code`` of a planning folder, which is made when it is not there. A row
    replaces the one with the same key, but for columns that the file does not have. A wave with synthetic
    answers is labelled so unless ``synthetic`` says otherwise. Nothing is written when a file cannot be read
    at all.
    """
    on_disk.require_code(code)
    found, problems = read_files(paths, table=table)
    with on_disk.locked(folder):
        wave, spoiled = on_disk.read_wave(folder, code)
        if spoiled:
            raise BadSurvey(
                f"the wave {code} holds {len(spoiled)} rows that cannot be read; the first: "
                f"{spoiled[0].what('en')}",
                place=f"{spoiled[0].file}:{spoiled[0].row}",
                remedy="correct it there first, so that nothing is lost",
            )
        for _, _, line in found.pop(WAVE.name, []):
            on_disk.describe(wave, line)
        wave.title = wave.title if title is None else title
        wave.opens, wave.closes = opens or wave.opens, closes or wave.closes
        made_up = any(row["quality"] == "synthetic" for _, _, row in found.get("answers", []))
        wave.synthetic = (wave.synthetic or made_up) if synthetic is None else synthetic
        result = Imported(problems=problems)
        _merge(wave, found, result)
        if result.rows or any((title, opens, closes, synthetic is not None)):
            on_disk.write_wave(folder, wave)
    return result


def _merge(wave: Wave, found: dict[str, list[Placed]], result: Imported) -> None:
    before = {name: {TABLES[name].key_of(row): dict(row) for row in wave.rows(name)} for name in TABLES}
    terminations = found.pop(netbox.CIRCUIT_TERMINATIONS.name, [])
    touched: dict[str, list[Record]] = {
        name: [record for _, _, record in rows] for name, rows in found.items()
    }
    if terminations:
        known = [row for row in wave.rows("circuits") if text(row, "cid")]
        named = {text(termination, "circuit") for _, _, termination in terminations}
        again = [dict(row) for row in known if text(row, "cid") in named]
        news = touched.setdefault("circuits", [])
        have = {TABLES["circuits"].key_of(row) for row in news}
        news.extend(row for row in again if TABLES["circuits"].key_of(row) not in have)
        for file, row, cid in netbox.join_terminations(news, terminations):
            result.problems.append(Problem(file, row, "circuit", "unknown-circuit", {"text": cid[:60]}))
    renamed = {
        name: netbox.known_by_name(TABLES[name], rows, wave.rows(name))
        for name, rows in touched.items()
        if "code" in TABLES[name].key
    }
    everything = {name: [*touched.get(name, []), *(row for row in wave.rows(name))] for name in TABLES}
    sites = {text(site, "code") for site in everything["sites"]}
    netbox.sites_of_devices(touched.get("wireless_links", []), everything["devices"], sites)
    for name, rows in touched.items():
        _rename(TABLES[name], rows, renamed)
        resolve(TABLES[name], rows, everything)
    for name in (name for name in TABLES if name in touched):
        rows, table, counts = touched[name], TABLES[name], Counts()
        if name == "sites":
            _place_in_regions(rows, wave.rows("regions"))
        merged = dict(before[name])
        for record in rows:
            key = table.key_of(record)
            whole = complete(table, record, merged.get(key))
            if key not in merged:
                counts.added += 1
            elif merged[key] == whole:
                counts.unchanged += 1
            else:
                counts.changed += 1
            merged[key] = whole
        wave.tables[name] = list(merged.values())
        result.tables[name] = counts


def _rename(table: Table, rows: list[Record], renamed: dict[str, dict[str, str]]) -> None:
    for column in (column for column in table.columns if column.refers in renamed):
        for record in rows:
            code = renamed[column.refers].get(text(record, column.name))
            if code is not None:
                record[column.name] = code


def resolve(table: Table, rows: list[Record], everything: dict[str, list[Record]]) -> None:
    """References written as names become codes, where exactly one row has that name."""
    for column in table.columns:
        if not column.refers:
            continue
        target = TABLES[column.refers]
        key = target.key[-1]
        codes = {text(row, key) for row in everything[column.refers]}
        named: dict[str, set[str]] = {}
        for row in everything[column.refers]:
            named.setdefault(fold(text(row, "name")), set()).add(text(row, key))
        for record in rows:
            value = text(record, column.name)
            if value and value not in codes:
                found = named.get(fold(value), set())
                if len(found) == 1:
                    record[column.name] = next(iter(found))


def _place_in_regions(sites: list[Record], regions: list[Record]) -> None:
    """NetBox has one region a site: a commune also says the district, a district is no commune."""
    by_code = {text(region, "code"): region for region in regions}
    for site in sites:
        region = by_code.get(text(site, "commune"))
        if region is None:
            continue
        if region["kind"] == "district":
            site["commune"], site["district"] = None, site.get("district") or region["code"]
        elif region["kind"] == "commune" and site.get("district") is None:
            site["district"] = region["parent"]

"""The registry's facts as files that :mod:`reading` takes back unchanged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date

from lienthong.registry.directory import Agency, Alias
from lienthong.registry.imports.planning import State
from lienthong.registry.imports.rows import BETWEEN, TABLES

Line = dict[str, str]


def to_csv(state: State, table: str) -> str:
    """One table as CSV, UTF-8 text with commas, every column of :data:`TABLES`."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, TABLES[table], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines(state, table))
    return out.getvalue()


def to_json(state: State) -> str:
    """Every table in one object; empty cells are left out."""
    tables = {
        table: [{name: cell for name, cell in line.items() if cell} for line in lines(state, table)]
        for table in TABLES
    }
    return json.dumps(tables, ensure_ascii=False, indent=1) + "\n"


def lines(state: State, table: str) -> Iterator[Line]:
    """The lines of a table, in the order of their codes or names."""
    if table == "agencies":
        for code in sorted(state.agencies):
            yield _agency(state.agencies[code])
    elif table == "groups":
        for name in sorted(state.groups):
            yield {"name": name, "title": state.groups[name]}
    elif table == "rights":
        for right in sorted(state.rights, key=lambda r: (r.subject, r.action, r.object)):
            yield {"subject": right.subject, "action": right.action, "object": right.object}
    else:
        for subject in sorted(state.quotas):
            quota = state.quotas[subject]
            yield {
                "subject": subject,
                "messages_per_minute": str(quota.messages_per_minute),
                "bytes_per_day": str(quota.bytes_per_day),
                "concurrent": str(quota.concurrent),
            }


def _agency(agency: Agency) -> Line:
    return {
        "code": agency.code,
        "name": agency.name,
        "kind": agency.kind,
        "level": agency.level,
        "parent": agency.parent or "",
        "valid_from": _day(agency.valid_from),
        "valid_to": _day(agency.valid_to),
        "aliases": BETWEEN.join(map(_alias, agency.aliases)),
        "successors": BETWEEN.join(agency.successors),
        "locked": "yes" if agency.locked else "",
        "units": BETWEEN.join(f"{unit.code}={unit.name}" for unit in agency.units),
        "groups": BETWEEN.join(agency.groups),
        "illustrative": "yes" if agency.illustrative else "",
    }


def _alias(alias: Alias) -> str:
    first, last = _day(alias.valid_from), _day(alias.valid_to)
    return f"{alias.code}@{first}..{last}" if first or last else alias.code


def _day(day: date | None) -> str:
    return "" if day is None or day == date.min else day.isoformat()

"""Rows and the registry as it is → the registry as it would be, and every row that cannot be imported.

A row names what it changes: an empty cell leaves what is there, ``-`` empties it. A good row that leans
on a bad one (its parent, its successor) is bad too, so a plan with the bad rows left out holds together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lienthong.registry.directory import Agency, Quota, Right
from lienthong.registry.imports import cells
from lienthong.registry.imports.rows import REQUIRED, BadRow, CellError, Row
from lienthong.registry.rules import Problem, problems, right_problem, selector_problem


@dataclass(frozen=True)
class State:
    """The whole registry as facts: agencies by code, group titles, rights, quotas by selector."""

    agencies: Mapping[str, Agency] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    rights: frozenset[Right] = frozenset()
    quotas: Mapping[str, Quota] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """``after``: the registry once the good rows are in. ``bad``: the rest, in file order."""

    before: State
    after: State
    rows: int
    bad: tuple[BadRow, ...]

    @property
    def created(self) -> list[str]:
        return sorted(set(self.after.agencies) - set(self.before.agencies))

    @property
    def updated(self) -> list[str]:
        old = self.before.agencies
        return sorted(c for c, agency in self.after.agencies.items() if c in old and old[c] != agency)


Values = dict[str, Any]


def plan(state: State, rows: Iterable[Row]) -> Plan:
    rows = list(rows)
    bad: list[BadRow] = []
    read: dict[str, list[tuple[Row, Values]]] = {table: [] for table in REQUIRED}
    for row in rows:
        values, wrong = _values(row)
        bad.extend(wrong)
        if not wrong:
            read[row.table].append((row, values))
    groups = {**state.groups, **{v["name"]: v["title"] for _, v in read["groups"]}}
    agencies, wrong = _plan_agencies(state.agencies, read["agencies"], groups)
    bad.extend(wrong)
    rights, wrong = _plan_rights(state.rights, read["rights"], agencies, groups)
    bad.extend(wrong)
    quotas, wrong = _plan_quotas(state.quotas, read["quotas"], agencies, groups)
    bad.extend(wrong)
    after = State(agencies, groups, rights, quotas)
    return Plan(state, after, len(rows), tuple(sorted(set(bad))))


def _values(row: Row) -> tuple[Values, list[BadRow]]:
    """The values of the cells that are not empty, and every cell that cannot be read."""
    values: Values = {}
    bad: list[BadRow] = []
    for column, text in row.cells.items():
        if not text:
            continue
        try:
            values[column] = cells.READERS[row.table][column](text)
        except CellError as problem:
            bad.append(BadRow(row.file, row.line, column, problem.what, problem.remedy))
    for column in REQUIRED[row.table]:
        if not row.cells.get(column):
            bad.append(BadRow(row.file, row.line, column, "this cell is empty", "fill it in"))
    return values, bad


def _plan_agencies(
    before: Mapping[str, Agency], rows: list[tuple[Row, Values]], groups: Mapping[str, str]
) -> tuple[dict[str, Agency], list[BadRow]]:
    bad: list[BadRow] = []
    good: dict[str, tuple[Row, Values]] = {}
    for row, values in rows:
        wrong = _agency_row_problem(row, values, before, good, groups)
        if wrong:
            bad.append(wrong)
        else:
            good[values["code"]] = (row, values)
    while True:
        after = dict(before)
        for code, (_, values) in good.items():
            known = before.get(code)
            after[code] = replace(known, **values) if known else Agency(**values)
        blamed: dict[tuple[str, str], Problem] = {}
        for problem in problems(after):
            who = _blame(problem, good)
            if who is not None:
                blamed.setdefault(who, problem)
        if not blamed:
            return after, bad
        for (code, column), problem in blamed.items():
            row = good[code][0]
            bad.append(BadRow(row.file, row.line, column, problem.what, problem.remedy))
        for code, _ in blamed:
            good.pop(code, None)


def _blame(problem: Problem, good: Mapping[str, object]) -> tuple[str, str] | None:
    """(code, column) of the row a problem comes from; None when it was there before the import."""
    parties = ((problem.code, problem.field), *problem.others)
    return next(((code, column) for code, column in parties if code in good), None)


def _agency_row_problem(
    row: Row,
    values: Values,
    before: Mapping[str, Agency],
    good: Mapping[str, tuple[Row, Values]],
    groups: Mapping[str, str],
) -> BadRow | None:
    code = values["code"]
    if code in good:
        first = good[code][0]
        return BadRow(
            row.file,
            row.line,
            "code",
            f"{code} is there already, on line {first.line} of {first.file}",
            "put everything about one agency on one row",
        )
    if code not in before:
        for column in ("name", "kind"):
            if column not in values:
                return BadRow(
                    row.file,
                    row.line,
                    column,
                    f"{code} is new and has no {column}",
                    "fill it in; for an agency that is in the registry, check the code",
                )
    unknown = [name for name in values.get("groups", ()) if name not in groups]
    if unknown:
        return BadRow(
            row.file,
            row.line,
            "groups",
            f"there is no group {unknown[0]!r}",
            "import the table of groups (name, title) with this file or before it",
        )
    return None


def _plan_rights(
    before: frozenset[Right],
    rows: list[tuple[Row, Values]],
    agencies: Mapping[str, Agency],
    groups: Mapping[str, str],
) -> tuple[frozenset[Right], list[BadRow]]:
    after = set(before)
    bad: list[BadRow] = []
    for row, values in rows:
        right = Right(**values)
        problem = right_problem(right, agencies, groups)
        if problem:
            bad.append(BadRow(row.file, row.line, problem[0], problem[1], "correct the cell"))
        else:
            after.add(right)
    return frozenset(after), bad


def _plan_quotas(
    before: Mapping[str, Quota],
    rows: list[tuple[Row, Values]],
    agencies: Mapping[str, Agency],
    groups: Mapping[str, str],
) -> tuple[dict[str, Quota], list[BadRow]]:
    after = dict(before)
    bad: list[BadRow] = []
    for row, values in rows:
        what = selector_problem(values["subject"], agencies, groups)
        if what:
            bad.append(BadRow(row.file, row.line, "subject", what, "correct the cell"))
        else:
            subject = values.pop("subject")
            after[subject] = Quota(**values)
    return after, bad

"""Agencies come, change, merge and end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from lienthong.core.clock import VIETNAM, utc_now
from lienthong.registry import models, queries
from lienthong.registry.actions.writing import SYSTEM, carry_out, in_turn, record
from lienthong.registry.directory import Agency, Alias, Unit
from lienthong.registry.errors import RuleBroken
from lienthong.registry.imports import cells
from lienthong.registry.imports.planning import State
from lienthong.registry.imports.rows import CLEAR, CellError
from lienthong.registry.rules import Problem, problems


@in_turn
def name_province(name: str, *, actor: str = SYSTEM) -> None:
    old = queries.province_name()
    if old != name:
        models.Province.objects.update_or_create(id=1, defaults={"name": cells.name(name)})
        record(actor, "name-province", "province", {"name": [old, name]})


@in_turn
def add_agency(agency: Agency, *, actor: str = SYSTEM) -> None:
    before = queries.state()
    agency = _checked(agency, before)
    if agency.code in before.agencies:
        raise RuleBroken(
            f"{agency.code} is in the registry already: {before.agencies[agency.code].name}",
            remedy="choose another code, or change the agency: `lienthong registry set`",
        )
    _write_agencies(before, [agency], actor=actor, verb="add-agency")


@in_turn
def change_agency(code: str, *, actor: str = SYSTEM, verb: str = "change-agency", **fields: Any) -> Agency:
    """Put ``fields`` of ``directory.Agency`` in the place of what the registry has."""
    before = queries.state()
    agency = replace(_known(before, code), **fields)
    _write_agencies(before, [agency], actor=actor, verb=verb)
    return agency


def lock_agency(code: str, *, actor: str = SYSTEM) -> Agency:
    """It receives nothing until it is unlocked (error 23 of the axis interface)."""
    return change_agency(code, locked=True, actor=actor, verb="lock-agency")


def unlock_agency(code: str, *, actor: str = SYSTEM) -> Agency:
    return change_agency(code, locked=False, actor=actor, verb="unlock-agency")


@in_turn
def end_agencies(
    codes: Iterable[str], last_day: date, *, successors: Iterable[str] = (), actor: str = SYSTEM
) -> list[Agency]:
    """The agencies exist until ``last_day``; ``successors`` follow: one after a merger, several after a
    split, none when the work simply ends.
    """
    before = queries.state()
    heirs = tuple(sorted({_known(before, code).code for code in successors}))
    ended = [replace(_known(before, code), valid_to=last_day, successors=heirs) for code in codes]
    _write_agencies(before, ended, actor=actor, verb="end-agency")
    return ended


@in_turn
def add_alias(code: str, alias: Alias, *, actor: str = SYSTEM) -> Agency:
    before = queries.state()
    known = _known(before, code)
    aliases = sorted({*known.aliases, alias}, key=lambda a: (a.code, a.valid_from))
    agency = replace(known, aliases=tuple(aliases))
    _write_agencies(before, [agency], actor=actor, verb="add-alias")
    return agency


@in_turn
def add_unit(code: str, unit: Unit, *, actor: str = SYSTEM) -> Agency:
    """Add a unit, or rename the one that has its code."""
    before = queries.state()
    known = _known(before, code)
    others = [u for u in known.units if u.code != unit.code]
    agency = replace(known, units=tuple(sorted([*others, unit], key=lambda u: u.code)))
    _write_agencies(before, [agency], actor=actor, verb="add-unit")
    return agency


def _known(state: State, code: str) -> Agency:
    agency = state.agencies.get(code)
    if agency is None:
        agency = state.agencies[queries.agency(code, utc_now().astimezone(VIETNAM).date()).code]
    return agency


def _write_agencies(before: State, changed: Iterable[Agency], *, actor: str, verb: str) -> None:
    checked = [_checked(agency, before) for agency in changed]
    agencies = {**before.agencies, **{agency.code: agency for agency in checked}}
    old = set(problems(before.agencies))
    refuse([problem for problem in problems(agencies) if problem not in old])
    carry_out(before, replace(before, agencies=agencies), actor=actor, verb=verb)


def refuse(found: list[Problem]) -> None:
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise RuleBroken(found[0].what + more, place=found[0].code, remedy=found[0].remedy)


def _checked(agency: Agency, state: State) -> Agency:
    """The agency in the form in which it is kept, or :class:`RuleBroken` that names the field."""
    kept: dict[str, Any] = {}
    for name, read in (
        ("code", lambda: cells.code(agency.code)),
        ("name", lambda: cells.name(agency.name)),
        ("kind", lambda: cells.kind(agency.kind)),
        ("level", lambda: cells.level(agency.level or CLEAR)),
        ("aliases", lambda: tuple(replace(a, code=cells.code(a.code)) for a in agency.aliases)),
        ("units", lambda: tuple(Unit(cells.code(u.code), cells.item_name(u.name)) for u in agency.units)),
        ("groups", lambda: _known_groups(agency.groups, state)),
    ):
        try:
            kept[name] = read()
        except CellError as problem:
            raise RuleBroken(problem.what, place=f"{agency.code} {name}", remedy=problem.remedy) from None
    return replace(agency, **kept)


def _known_groups(names: tuple[str, ...], state: State) -> tuple[str, ...]:
    for name in names:
        if name not in state.groups:
            raise CellError(f"there is no group {name!r}", "define it first: `lienthong registry import`")
    return tuple(sorted(set(names)))

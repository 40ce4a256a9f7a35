"""What must hold among agencies through time. Pure: agencies in, problems out.

- Parents form a tree.
- A code means one agency on any day (statistical codes were reused, so not for ever).
- Successor chains end, and a successor is there when its predecessor ends.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from lienthong.core.identifiers import OLD_ORGAN_CODE
from lienthong.registry.directory import ACTIONS, BUILT_IN_GROUPS, KINDS, Agency, Right

GROUP_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the agency ``code``, in which ``field``, and what to do about it.

    ``others``: (code, field) of the agencies that have a part in it.
    """

    code: str
    field: str
    what: str
    remedy: str
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Holding:
    """``holder`` (a canonical code) is meant by ``code`` from ``start`` to ``end``, both included."""

    code: str
    start: date
    end: date
    holder: str
    field: str = "code"

    def overlaps(self, other: Holding) -> bool:
        return self.code == other.code and self.start <= other.end and other.start <= self.end


def problems(agencies: Mapping[str, Agency]) -> list[Problem]:
    """Everything wrong among ``agencies`` (by canonical code), in code order."""
    found = [
        *period_problems(agencies.values()),
        *parent_problems(agencies),
        *code_problems(agencies.values()),
        *succession_problems(agencies),
    ]
    return sorted(found, key=lambda problem: (problem.code, problem.field, problem.what))


def period_problems(agencies: Iterable[Agency]) -> Iterator[Problem]:
    for agency in agencies:
        if agency.valid_to is not None and agency.valid_to < agency.valid_from:
            yield Problem(
                agency.code,
                "valid_to",
                f"it ends on {agency.valid_to}, before it begins on {agency.valid_from}",
                "correct one of the two days",
            )
        for alias in agency.aliases:
            if alias.valid_to is not None and alias.valid_to < alias.valid_from:
                yield Problem(
                    agency.code,
                    "aliases",
                    f"the alias {alias.code} ends on {alias.valid_to}, before it begins on "
                    f"{alias.valid_from}",
                    "correct one of the two days",
                )


def parent_problems(agencies: Mapping[str, Agency]) -> Iterator[Problem]:
    for agency in agencies.values():
        if agency.parent is None:
            continue
        if agency.parent not in agencies:
            yield Problem(
                agency.code,
                "parent",
                f"its parent {agency.parent} is not in the registry",
                "add the parent, or correct its code",
            )
            continue
        path = [agency.code]
        above: str | None = agency.parent
        while above is not None and above in agencies and above not in path:
            path.append(above)
            above = agencies[above].parent
        if above == agency.code:
            yield Problem(
                agency.code,
                "parent",
                f"it is its own ancestor: {' → '.join([*path, above])}",
                "give one of them another parent",
                tuple((code, "parent") for code in path[1:]),
            )


def holdings(agencies: Iterable[Agency]) -> list[Holding]:
    """Every period in which a code means an agency; an alias never outlives its agency."""
    found = []
    for agency in agencies:
        end = agency.valid_to or date.max
        found.append(Holding(agency.code, agency.valid_from, end, agency.code))
        for alias in agency.aliases:
            start = max(alias.valid_from, agency.valid_from)
            stop = min(alias.valid_to or date.max, end)
            found.append(Holding(alias.code, start, stop, agency.code, "aliases"))
    return sorted(found)


def code_problems(agencies: Iterable[Agency]) -> Iterator[Problem]:
    held = holdings(agencies)
    for i, one in enumerate(held):
        for other in held[i + 1 :]:
            if other.code != one.code or other.start > one.end:
                break
            late = other if other.field == "aliases" else one
            first = one if late is other else other
            yield Problem(
                late.holder,
                late.field,
                f"{late.code} already means {first.holder} {_period(first)}",
                f"end one before the other begins, or give {late.holder} another code",
                ((first.holder, first.field),),
            )


def holder_on(held: Iterable[Holding], code: str, day: date) -> str | None:
    """Whom ``code`` means on ``day``."""
    return next((h.holder for h in held if h.code == code and h.start <= day <= h.end), None)


def succession_problems(agencies: Mapping[str, Agency]) -> Iterator[Problem]:
    for agency in agencies.values():
        if not agency.successors:
            continue
        if agency.valid_to is None:
            yield Problem(
                agency.code,
                "successors",
                "it has successors but no last day",
                "say in valid_to when it ends",
            )
            continue
        for code in agency.successors:
            yield from _heir_problems(agencies, agency, code, agency.valid_to)
        if agency.code in _all_heirs(agencies, agency):
            yield Problem(
                agency.code,
                "successors",
                "following its successors leads back to itself",
                "end the chain with an agency that still exists",
                tuple((code, "successors") for code in sorted(_all_heirs(agencies, agency))),
            )


def _heir_problems(
    agencies: Mapping[str, Agency], agency: Agency, code: str, last_day: date
) -> Iterator[Problem]:
    heir = agencies.get(code)
    if heir is None:
        yield Problem(
            agency.code,
            "successors",
            f"its successor {code} is not in the registry",
            "add the successor, or correct its code",
        )
    elif heir is not agency and not heir.active_on(last_day + timedelta(days=1)):
        yield Problem(
            agency.code,
            "successors",
            f"its successor {code} is not there on {last_day + timedelta(days=1)}, the day after it ends",
            "correct the last day, or the days of the successor",
            ((code, "valid_from"),),
        )


def _all_heirs(agencies: Mapping[str, Agency], agency: Agency) -> set[str]:
    seen: set[str] = set()
    waiting = list(agency.successors)
    while waiting:
        code = waiting.pop()
        if code not in seen:
            seen.add(code)
            waiting.extend(agencies[code].successors if code in agencies else ())
    return seen


def children_that_outlive(agencies: Mapping[str, Agency]) -> Iterator[tuple[Agency, Agency]]:
    """(child, parent) where the parent has ended and the child goes on: not wrong, but worth a look."""
    for child in agencies.values():
        parent = agencies.get(child.parent or "")
        if parent is None or parent.valid_to is None:
            continue
        if child.valid_to is None or child.valid_to > parent.valid_to:
            yield child, parent


def selector_problem(selector: str, codes: Collection[str], groups: Collection[str]) -> str | None:
    """Why a selector means nobody, or None. ``codes``: canonical codes; ``groups``: own group names."""
    if selector == "*":
        return None
    prefix, colon, name = selector.partition(":")
    if not colon:
        return None if selector in codes else f"{selector} is not the code of an agency in the registry"
    if prefix == "kind":
        return None if name in KINDS else f"{name!r} is not a kind; the kinds are {', '.join(KINDS)}"
    if prefix == "group":
        known = name in BUILT_IN_GROUPS or name in groups
        return None if known else f"there is no group {name!r}"
    return f"{selector!r} is no selector; write an agency's code, kind:…, group:… or *"


def right_problem(right: Right, codes: Collection[str], groups: Collection[str]) -> tuple[str, str] | None:
    """(field, what) that is wrong with a right, or None."""
    if right.action not in ACTIONS:
        return "action", f"{right.action!r} is not an action; the actions are {', '.join(ACTIONS)}"
    for name, selector in (("subject", right.subject), ("object", right.object)):
        what = selector_problem(selector, codes, groups)
        if what:
            return name, what
    return None


def code_system(code: str) -> str:
    """Which series a code belongs to, by its form: ``organ-2016`` (QCVN 102:2016, 13 characters),
    ``statistical`` (2, 3 or 5 digits), ``business`` (10 or 13 digits), else ``organ-2020``
    (Decision 20/2020).
    """
    if OLD_ORGAN_CODE.fullmatch(code):
        return "organ-2016"
    if code.isdigit() and len(code) in (2, 3, 5):
        return "statistical"
    if code.isdigit() and len(code) in (10, 13):
        return "business"
    return "organ-2020"


def _period(holding: Holding) -> str:
    start = "" if holding.start == date.min else f"from {holding.start} "
    end = "until further notice" if holding.end == date.max else f"until {holding.end}"
    return f"{start}{end}"

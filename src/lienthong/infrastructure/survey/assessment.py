"""The assessment of a wave: what there is, what is missing, how mature; by agency, district and province,
and against an earlier wave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from lienthong.infrastructure.survey.columns import Language, Record, number, text, whole
from lienthong.infrastructure.survey.maturity import (
    Agency,
    Criterion,
    Maturity,
    commit_kbps,
    judge,
    licences_missing,
    link_rank,
)
from lienthong.infrastructure.survey.model import Survey, Wave

PROVINCE_LEVEL = "province"
"""The group of the province's own agencies, beside the districts."""


@dataclass(frozen=True, slots=True)
class State:
    """Sums over the agencies that answered. Rates in kbit/s, storage in GB."""

    agencies: int = 0
    answered: int = 0
    users: int = 0
    seats: int = 0
    pcs: int = 0
    pcs_over_5_years: int = 0
    servers: int = 0
    on_fibre: int = 0
    """Agencies with a fibre circuit in use, in the provincial network or the Internet."""
    on_network: int = 0
    """Agencies with fibre in the provincial network."""
    commit_kbps: int = 0
    storage_total_gb: int = 0
    storage_used_gb: int = 0
    with_ups: int = 0
    with_generator: int = 0
    with_firewall: int = 0
    with_backup: int = 0
    level_approved: int = 0
    antivirus_pcs: int = 0
    licences_missing: int = 0
    doubtful: int = 0
    """Figures that those who answered marked as doubtful."""

    @property
    def storage_free_gb(self) -> int:
        return max(0, self.storage_total_gb - self.storage_used_gb)

    def __add__(self, other: State) -> State:
        return State(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(State)))


@dataclass(frozen=True, slots=True)
class Gap:
    """An agency below the target of a criterion: ``have`` now, ``need`` to reach the target level."""

    agency: str
    criterion: str
    level: int
    target: int
    have: float
    need: float


@dataclass(frozen=True, slots=True)
class Group:
    """A district (its code), the province's own agencies (:data:`PROVINCE_LEVEL`), or the whole province."""

    code: str
    name: dict[str, str]
    state: State
    score: float | None
    """Mean of its agencies' maturity."""
    dimensions: dict[str, float]


@dataclass(frozen=True, slots=True)
class Assessed:
    agency: Agency
    maturity: Maturity
    state: State


@dataclass(frozen=True, slots=True)
class Assessment:
    wave: str
    synthetic: bool
    criteria: tuple[Criterion, ...]
    agencies: tuple[Assessed, ...]
    districts: tuple[Group, ...]
    province: Group
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an agency or group from the earlier wave to the later; None where one has no score."""

    code: str
    name: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before


def agencies_of(wave: Wave) -> list[Agency]:
    """The agencies that must answer or did, with what the wave holds of each."""
    answers = {text(row, "tenant"): row for row in wave.rows("answers")}
    sites = _by(wave.rows("sites"), "tenant")
    circuits, software = _by(wave.rows("circuits"), "tenant"), _by(wave.rows("software"), "tenant")
    by_site: dict[str, list[Record]] = {}
    for row in wave.rows("circuits"):
        if row["tenant"] is None:
            for end in {text(row, "site_a"), text(row, "site_z")}:
                by_site.setdefault(end, []).append(row)
    found = []
    for tenant in wave.rows("tenants"):
        code = text(tenant, "code")
        if tenant["expected"] is not True and code not in answers:
            continue
        own = sites.get(code, [])
        lines = [
            *circuits.get(code, []),
            *(row for site in own for row in by_site.get(text(site, "code"), [])),
        ]
        district = next((text(site, "district") for site in own if site["kind"] != "node"), "")
        found.append(
            Agency(
                code, text(tenant, "name"), text(tenant, "level"), district, answers.get(code), tuple(lines),
                tuple(software.get(code, [])), tuple(own),
            )
        )  # fmt: skip
    return found


def assess(survey: Survey, criteria: Sequence[Criterion], wave: str | None = None) -> Assessment:
    """State, maturity and gaps of a wave (the latest without ``wave``)."""
    asked = survey.wave(wave)
    each = [Assessed(agency, judge(agency, criteria), state_of(agency)) for agency in agencies_of(asked)]
    names = {text(row, "code"): text(row, "name") for row in asked.rows("regions")}
    groups: dict[str, list[Assessed]] = {}
    for one in each:
        code = PROVINCE_LEVEL if one.agency.level == "province" else one.agency.district
        groups.setdefault(code, []).append(one)
    districts = tuple(
        _group(code, _name(code, names), groups[code], criteria)
        for code in sorted(groups, key=lambda code: (code != PROVINCE_LEVEL, code))
    )
    whole_name = {"vi": "Toàn tỉnh", "en": "The whole province"}
    return Assessment(
        asked.code,
        asked.synthetic,
        tuple(criteria),
        tuple(each),
        districts,
        _group("", whole_name, each, criteria),
        tuple(_gaps(each, criteria)),
    )


def compare(before: Assessment, after: Assessment) -> list[Change]:
    """By agency, those that fell most first; agencies of either wave."""
    old = {one.agency.code: one for one in before.agencies}
    new = {one.agency.code: one for one in after.agencies}
    found = []
    for code in {**old, **new}:
        name = (new.get(code) or old[code]).agency.name
        found.append(
            Change(
                code,
                name,
                old[code].maturity.score if code in old else None,
                new[code].maturity.score if code in new else None,
            )
        )
    return sorted(found, key=lambda one: (one.difference is None, one.difference or 0.0, one.code))


def compare_groups(before: Assessment, after: Assessment, language: Language) -> list[Change]:
    """The province first, then the districts."""
    old = {group.code: group.score for group in (before.province, *before.districts)}
    return [
        Change(group.code, group.name[language], old.get(group.code), group.score)
        for group in (after.province, *after.districts)
    ]


def state_of(agency: Agency) -> State:
    answer = agency.answer
    if answer is None:
        return State(agencies=1)
    rank = link_rank(agency)
    return State(
        agencies=1,
        answered=1,
        users=whole(answer, "users"),
        seats=whole(answer, "seats"),
        pcs=whole(answer, "pcs"),
        pcs_over_5_years=whole(answer, "pcs_over_5_years"),
        servers=whole(answer, "servers"),
        on_fibre=int(rank >= 4),
        on_network=int(rank >= 5),
        commit_kbps=int(commit_kbps(agency) or 0),
        storage_total_gb=whole(answer, "storage_total_gb"),
        storage_used_gb=whole(answer, "storage_used_gb"),
        with_ups=int(whole(answer, "ups_minutes") > 0),
        with_generator=int((number(answer, "generator_kva") or 0) > 0),
        with_firewall=int(answer["firewall"] in ("software", "appliance")),
        with_backup=int(answer["backup"] in ("monthly", "weekly", "daily")),
        level_approved=int(answer["level_approved"] is True),
        antivirus_pcs=whole(answer, "antivirus_pcs"),
        licences_missing=licences_missing(agency),
        doubtful=len(answer["doubtful"]) if isinstance(answer["doubtful"], tuple) else 0,
    )


def _gaps(each: Iterable[Assessed], criteria: Sequence[Criterion]) -> Iterable[Gap]:
    """Every criterion below its target; the furthest below first within an agency."""
    for one in each:
        below = [
            Gap(
                one.agency.code, criterion.key, one.maturity.levels[criterion.key], criterion.target,
                one.maturity.values[criterion.key], criterion.thresholds[criterion.target - 1],
            )
            for criterion in criteria
            if criterion.target > one.maturity.levels.get(criterion.key, 5)
        ]  # fmt: skip
        yield from sorted(below, key=lambda gap: (gap.level - gap.target, gap.criterion))


def _group(code: str, name: dict[str, str], each: Sequence[Assessed], criteria: Sequence[Criterion]) -> Group:
    state = sum((one.state for one in each), State())
    scores = [one.maturity.score for one in each if one.maturity.score is not None]
    dimensions = {}
    for dimension in dict.fromkeys(criterion.dimension for criterion in criteria):
        weights, points = 0.0, 0.0
        for criterion in (criterion for criterion in criteria if criterion.dimension == dimension):
            levels = [
                one.maturity.levels[criterion.key] for one in each if criterion.key in one.maturity.levels
            ]
            weights += criterion.weight * len(levels)
            points += criterion.weight * sum(levels)
        if weights:
            dimensions[dimension] = points / weights
    return Group(code, name, state, sum(scores) / len(scores) if scores else None, dimensions)


def _name(code: str, names: dict[str, str]) -> dict[str, str]:
    if code == PROVINCE_LEVEL:
        return {"vi": "Cơ quan cấp tỉnh", "en": "Agencies of the province"}
    name = names.get(code, code)
    return {"vi": name or "Chưa rõ địa bàn", "en": name or "District unknown"}


def _by(rows: Iterable[Record], column: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in rows:
        found.setdefault(text(row, column), []).append(row)
    return found


def state_json(state: State) -> dict[str, Any]:
    read: Callable[[str], int] = lambda name: getattr(state, name)  # noqa: E731
    return {
        **{each.name: read(each.name) for each in fields(State)},
        "storage_free_gb": state.storage_free_gb,
    }

"""Maturity 0–5: what is measured at an agency, and the criteria that turn it into levels.

The criteria are a CSV file (``criteria.csv`` here; ``FOLDER/survey/criteria.csv`` replaces it): measure,
weight, the five thresholds, the target level and the source. A level is reached when the measure is at
least its threshold and so are all below it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lienthong.infrastructure.survey.columns import Language, Record, number, text, whole, yes
from lienthong.infrastructure.survey.messages import BadSurvey
from lienthong.infrastructure.survey.planning_sites import carries

BUILT_IN = Path(__file__).with_name("criteria.csv")
FIELDS = ("key", "dimension", "measure", "unit_vi", "unit_en", "weight", "level_1", "level_2", "level_3",
          "level_4", "level_5", "target", "name_vi", "name_en", "source_vi", "source_en")  # fmt: skip
MAX_CRITERIA_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Agency:
    """What one wave says of an agency; ``answer`` is None when it did not answer."""

    code: str
    name: str
    level: str
    district: str
    answer: Record | None
    circuits: tuple[Record, ...] = ()
    software: tuple[Record, ...] = ()
    sites: tuple[Record, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Criterion:
    key: str
    dimension: str
    measure: str
    weight: float
    thresholds: tuple[float, ...]
    """Five, never falling."""
    target: int
    names: dict[str, str] = field(hash=False)
    units: dict[str, str] = field(hash=False)
    sources: dict[str, str] = field(hash=False)
    """In ``vi`` and ``en``."""

    def name(self, language: Language) -> str:
        return self.names[language]

    def level(self, value: float) -> int:
        return sum(value >= threshold for threshold in self.thresholds)


@dataclass(frozen=True, slots=True)
class Maturity:
    """``score`` 0–5, the weighted mean of the known levels; None when less than half the weight is known."""

    score: float | None
    levels: dict[str, int]
    values: dict[str, float]


def judge(agency: Agency, criteria: Sequence[Criterion]) -> Maturity:
    values = {}
    for criterion in criteria:
        value = MEASURES[criterion.measure](agency) if agency.answer is not None else None
        if value is not None:
            values[criterion.key] = value
    levels = {each.key: each.level(values[each.key]) for each in criteria if each.key in values}
    known = sum(each.weight for each in criteria if each.key in levels)
    if not known or known * 2 < sum(each.weight for each in criteria):
        return Maturity(None, levels, values)
    return Maturity(sum(each.weight * levels.get(each.key, 0) for each in criteria) / known, levels, values)


# --- measures -----------------------------------------------------------------------------------------


def _answered(agency: Agency) -> Record:
    return agency.answer or {}


def _share(part: str, of: str) -> Callable[[Agency], float | None]:
    def measure(agency: Agency) -> float | None:
        some, all_ = number(_answered(agency), part), number(_answered(agency), of)
        return 100 * some / all_ if some is not None and all_ else None

    return measure


def _pcs_per_user(agency: Agency) -> float | None:
    pcs, users = number(_answered(agency), "pcs"), number(_answered(agency), "users")
    return pcs / users if pcs is not None and users else None


def _modern_pcs(agency: Agency) -> float | None:
    old = _share("pcs_over_5_years", "pcs")(agency)
    return None if old is None else 100 - old


def _storage_free(agency: Agency) -> float | None:
    used = _share("storage_used_gb", "storage_total_gb")(agency)
    return None if used is None else 100 - used


_LINKS = {"mobile": 1, "satellite": 1, "copper": 2, "microwave": 3, "fibre": 4}


def link_rank(agency: Agency) -> float:
    ranks = [
        5 if circuit["medium"] == "fibre" and circuit["network"] == "wan"
        else _LINKS.get(text(circuit, "medium"), 0)
        for circuit in agency.circuits
        if carries(circuit)
    ]  # fmt: skip
    return max(ranks, default=0)


def commit_kbps(agency: Agency) -> float | None:
    """Committed rates of the circuits in use; the port speed is no promise and does not count."""
    rates = [number(circuit, "commit_rate") for circuit in agency.circuits if carries(circuit)]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def _commit_per_user(agency: Agency) -> float | None:
    rate, users = commit_kbps(agency), number(_answered(agency), "users")
    return rate / users if rate is not None and users else None


def _backup(agency: Agency) -> float | None:
    ranks = {"none": 0, "irregular": 1, "monthly": 2, "weekly": 3, "daily": 4}
    rank = ranks.get(text(_answered(agency), "backup"))
    return None if rank is None else rank + bool(rank and yes(_answered(agency), "backup_offsite"))


def _firewall(agency: Agency) -> float | None:
    return {"none": 0, "software": 3, "appliance": 5}.get(text(_answered(agency), "firewall"))


def _system_level(agency: Agency) -> float | None:
    level = text(_answered(agency), "system_level")
    if not level:
        return None
    return 0 if level == "none" else 5 if yes(_answered(agency), "level_approved") else 3


MEASURES: dict[str, Callable[[Agency], float | None]] = {
    "pcs_per_user": _pcs_per_user,
    "modern_pcs_share": _modern_pcs,
    "link_rank": link_rank,
    "commit_kbps_per_user": _commit_per_user,
    "documents_share": _share("documents_users", "users"),
    "email_share": _share("email_users", "users"),
    "trained_share": _share("trained_users", "users"),
    "storage_free_share": _storage_free,
    "ups_minutes": lambda agency: number(_answered(agency), "ups_minutes"),
    "backup_rank": _backup,
    "antivirus_share": _share("antivirus_pcs", "pcs"),
    "firewall_rank": _firewall,
    "system_level_rank": _system_level,
}
"""Name → what an agency's answer says, or None where it says nothing. Shares in per cent."""


def licences_missing(agency: Agency) -> int:
    return sum(
        max(0, whole(row, "licences_used") - whole(row, "licences_owned"))
        for row in agency.software
        if row["licence"] not in ("open-source",) and row["licences_owned"] is not None
    )


# --- criteria -----------------------------------------------------------------------------------------


def read_criteria(path: Path = BUILT_IN) -> list[Criterion]:
    """The criteria of a CSV file. :class:`BadSurvey` names row and column of what cannot be used."""
    data = path.read_bytes() if path.stat().st_size <= MAX_CRITERIA_BYTES else b""
    try:
        first = data.decode("utf-8-sig").partition("\n")[0]
        delimiter = ";" if first.count(";") > first.count(",") else ","
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BadSurvey(f"is not CSV: {problem}", place=path.name, remedy="save it as CSV UTF-8") from None
    if not rows or set(FIELDS) - set(rows[0]):
        raise BadSurvey(
            "does not hold criteria",
            place=path.name,
            remedy=f"begin with the columns {', '.join(FIELDS)}; "
            "lienthong infrastructure survey criteria OUT.csv writes an example",
        )
    found = [_criterion(row, at, path.name) for at, row in enumerate(rows, 2)]
    if len({each.key for each in found}) < len(found) or not any(each.weight for each in found):
        raise BadSurvey(
            "names a criterion twice, or gives weight to none",
            place=path.name,
            remedy="give each criterion its own key, and one of them a weight",
        )
    return found


def _criterion(row: dict[str, str], at: int, file: str) -> Criterion:
    def refuse(column: str, what: str, remedy: str) -> BadSurvey:
        return BadSurvey(what, place=f"{file}:{at}, {column}", remedy=remedy)

    def value(column: str) -> float:
        try:
            number = float((row[column] or "").replace(",", "."))
        except ValueError:
            number = math.nan
        if not 0 <= number <= 1e9:
            raise refuse(column, f"{row[column]!r} is not a number from 0", "write a number") from None
        return number

    if row["measure"] not in MEASURES:
        raise refuse(
            "measure", f"there is no measure {row['measure']!r}", f"use one of {', '.join(MEASURES)}"
        )
    if not row["key"]:
        raise refuse("key", "the key is empty", "name the criterion")
    thresholds = tuple(value(f"level_{level}") for level in range(1, 6))
    if list(thresholds) != sorted(thresholds):
        raise refuse("level_1 … level_5", "the thresholds fall", "let each be at least the one before")
    target = value("target")
    if target not in range(6):
        raise refuse("target", f"{row['target']!r} is not a level", "write 0 to 5")
    return Criterion(
        row["key"], row["dimension"] or "", row["measure"], value("weight"), thresholds, int(target),
        {"vi": row["name_vi"] or row["key"], "en": row["name_en"] or row["name_vi"] or row["key"]},
        {"vi": row["unit_vi"] or "", "en": row["unit_en"] or row["unit_vi"] or ""},
        {"vi": row["source_vi"] or "", "en": row["source_en"] or row["source_vi"] or ""},
    )  # fmt: skip

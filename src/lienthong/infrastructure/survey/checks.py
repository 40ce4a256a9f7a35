"""What no single cell shows: figures against each other, positions against communes, days against the wave,
references against their tables, and rows that are there twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lienthong.core.text import fold
from lienthong.infrastructure.survey.columns import Record, day, number, text, whole
from lienthong.infrastructure.survey.messages import Problem, Severity
from lienthong.infrastructure.survey.model import Survey, Wave
from lienthong.infrastructure.survey.tables import TABLES

MEDIUM_LIMITS = {
    "copper": 100_000,
    "mobile": 300_000,
    "microwave": 10_000_000,
    "satellite": 500_000,
    "fibre": 400_000_000,
}
"""kbit/s one circuit can carry: VDSL2 profile 17a (ITU-T G.993.2); LTE category 6 (3GPP TS 36.306); E-band
radio; a Ka-band terminal; 400G Ethernet (IEEE 802.3bs)."""
SLOW_FIBRE = 512
FAR_KM, WRONG_KM = 6.0, 25.0
"""A commune of the delta is some 4 km across and its centre known to about 1 km."""
SAME_PLACE_M = 15.0
EARTH_KM = 6371.0088


def check_survey(survey: Survey) -> list[Problem]:
    """Every finding of every wave, in the order of waves, tables and rows."""
    return [problem for wave in survey.waves for problem in check_wave(wave)]


def check_wave(wave: Wave) -> list[Problem]:
    order = list(TABLES)
    found = [*_wave_days(wave), *_bounds(wave), *_references(wave), *_answers(wave), *_circuits(wave)]
    found += [*_links(wave), *_sites(wave), *_doubles(wave), *_same_positions(wave)]
    tables = {f"survey/{wave.code}/{name}.csv": at for at, name in enumerate(order)}
    return sorted(found, key=lambda problem: (tables.get(problem.file, -1), problem.row))


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Great-circle distance; degrees in, km out."""
    a, b = math.radians(lat), math.radians(other_lat)
    across = math.sin(math.radians(other_lon - lon) / 2) ** 2 * math.cos(a) * math.cos(b)
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, math.sin((b - a) / 2) ** 2 + across)))


def _problem(wave: Wave, table: str, at: int, column: str, code: str, severity: Severity = "error", /,
             **values: Any) -> Problem:  # fmt: skip
    return Problem(f"survey/{wave.code}/{table}.csv", at + 2, column, code, values, severity)


def _wave_days(wave: Wave) -> Iterator[Problem]:
    if wave.opens and wave.closes and wave.closes < wave.opens:
        yield _problem(wave, "wave", 0, "closes", "wave-backwards", opens=wave.opens, closes=wave.closes)


def _bounds(wave: Wave) -> Iterator[Problem]:
    for name, table in TABLES.items():
        for column in table.columns:
            if not column.at_most:
                continue
            other = table.column(column.at_most)
            for at, row in enumerate(wave.rows(name)):
                value, most = number(row, column.name), number(row, other.name)
                if value is not None and most is not None and value > most:
                    yield _problem(
                        wave, name, at, column.name, "more-than",
                        label={"vi": column.vi, "en": column.en}, value=f"{value:,.10g}",
                        other_label={"vi": other.vi, "en": other.en}, other=f"{most:,.10g}",
                    )  # fmt: skip


def _references(wave: Wave) -> Iterator[Problem]:
    keys = {name: {text(row, table.key[-1]) for row in wave.rows(name)} for name, table in TABLES.items()}
    for name, table in TABLES.items():
        for column in (column for column in table.columns if column.refers):
            for at, row in enumerate(wave.rows(name)):
                value = text(row, column.name)
                if value and value not in keys[column.refers]:
                    yield _problem(wave, name, at, column.name, "dangling", text=value[:60],
                                   table=column.refers)  # fmt: skip


def _answers(wave: Wave) -> Iterator[Problem]:
    for at, row in enumerate(wave.rows("answers")):
        users, pcs = whole(row, "users"), whole(row, "pcs")
        if pcs > 2 * users + 10:
            yield _problem(wave, "answers", at, "pcs", "more-pcs", "warning", pcs=pcs, users=users)
        if users >= 5 and pcs * 4 < users:
            yield _problem(wave, "answers", at, "pcs", "few-pcs", "warning", pcs=pcs, users=users)
        answered = day(row, "answered_on")
        bounds: dict[str, Any] = {"opens": wave.opens or "…", "closes": wave.closes or "…"}
        if answered and wave.opens and answered < wave.opens:
            yield _problem(wave, "answers", at, "answered_on", "outside-wave", day=answered, **bounds)
        elif answered and wave.closes and answered > wave.closes:
            yield _problem(wave, "answers", at, "answered_on", "outside-wave", "warning", day=answered,
                           **bounds)  # fmt: skip
        if row["level_approved"] is True and row["system_level"] in (None, "none"):
            yield _problem(wave, "answers", at, "system_level", "no-level")


def _circuits(wave: Wave) -> Iterator[Problem]:
    media = {choice.code: choice for choice in TABLES["circuits"].column("medium").choices}
    for at, row in enumerate(wave.rows("circuits")):
        medium = text(row, "medium")
        most = MEDIUM_LIMITS.get(medium)
        for name in ("port_speed", "upstream_speed", "commit_rate"):
            rate = number(row, name)
            if rate is not None and most is not None and rate > most:
                said = {"vi": media[medium].vi, "en": media[medium].en}
                yield _problem(wave, "circuits", at, name, "beyond-medium", rate=f"{rate:,.0f}", medium=said,
                               most=f"{most:,}")  # fmt: skip
        speed = number(row, "port_speed")
        if medium == "fibre" and speed is not None and 0 < speed < SLOW_FIBRE:
            yield _problem(wave, "circuits", at, "port_speed", "suspicious-unit", "warning",
                           rate=f"{speed:,.0f}")  # fmt: skip
        if text(row, "site_a") and row["site_a"] == row["site_z"]:
            yield _problem(wave, "circuits", at, "site_z", "same-ends", text=text(row, "site_a")[:60])
        installed = day(row, "install_date")
        if installed and wave.closes and installed > wave.closes and row["status"] == "active":
            yield _problem(wave, "circuits", at, "install_date", "after-answer", "warning", day=installed,
                           closes=wave.closes)  # fmt: skip


def _links(wave: Wave) -> Iterator[Problem]:
    for at, row in enumerate(wave.rows("wireless_links")):
        if text(row, "site_a") and row["site_a"] == row["site_b"]:
            yield _problem(wave, "wireless_links", at, "site_b", "same-ends", text=text(row, "site_a")[:60])


def _sites(wave: Wave) -> Iterator[Problem]:
    regions = {text(row, "code"): row for row in wave.rows("regions")}
    for at, row in enumerate(wave.rows("sites")):
        lon, lat = number(row, "longitude"), number(row, "latitude")
        if (lon is None) != (lat is None):
            yield _problem(wave, "sites", at, "longitude" if lon is None else "latitude", "half-position")
        commune = regions.get(text(row, "commune"))
        if commune is None:
            continue
        name = text(commune, "name")
        if row["district"] and commune["parent"] and row["district"] != commune["parent"]:
            yield _problem(wave, "sites", at, "district", "commune-elsewhere", commune=name,
                           parent=text(commune, "parent"), district=text(row, "district")[:60])  # fmt: skip
        centre_lon, centre_lat = number(commune, "longitude"), number(commune, "latitude")
        if lon is None or lat is None or centre_lon is None or centre_lat is None:
            continue
        km = distance_km(lon, lat, centre_lon, centre_lat)
        if km > FAR_KM:
            severity: Severity = "error" if km > WRONG_KM else "warning"
            yield _problem(wave, "sites", at, "longitude", "far-from-commune", severity, km=km, commune=name)


def _doubles(wave: Wave) -> Iterator[Problem]:
    """By code without case and accents, and by folded name among those that belong together."""
    within = {"regions": "parent", "tenants": "parent", "sites": "commune", "providers": ""}
    for name, group in within.items():
        codes: dict[str, int] = {}
        named: dict[tuple[str, str], int] = {}
        for at, row in enumerate(wave.rows(name)):
            first = codes.setdefault(fold(text(row, "code")), at)
            if first != at:
                yield _problem(wave, name, at, "code", "same-code", text=text(row, "code")[:60],
                               other=first + 2)  # fmt: skip
            first = named.setdefault((text(row, group) if group else "", fold(text(row, "name"))), at)
            if first != at and _alike(text(row, "name"), text(wave.rows(name)[first], "name")):
                yield _problem(wave, name, at, "name", "same-name", "warning", text=text(row, "name")[:60],
                               other=first + 2)  # fmt: skip


def _alike(name: str, other: str) -> bool:
    """Whether one may be the other typed without its marks. Thành and Thạnh are two names."""
    bare = " ".join(name.casefold().split()), " ".join(other.casefold().split())
    return bare[0] == bare[1] or any(each == fold(each) for each in bare)


def _same_positions(wave: Wave) -> Iterator[Problem]:
    """Sites of one kind closer than :data:`SAME_PLACE_M`, found through a grid of cells of that size."""
    cells: dict[tuple[int, int, Any], list[tuple[int, Record]]] = {}
    step = SAME_PLACE_M / 1000 / EARTH_KM * 180 / math.pi
    for at, row in enumerate(wave.rows("sites")):
        lon, lat = number(row, "longitude"), number(row, "latitude")
        if lon is None or lat is None:
            continue
        x, y = math.floor(lon / step), math.floor(lat / step)
        near = [
            (metres, other, seen)
            for dx in (-2, -1, 0, 1, 2)
            for dy in (-1, 0, 1)
            for other, seen in cells.get((x + dx, y + dy, row["kind"]), ())
            if (metres := 1000 * _between(lon, lat, seen)) < SAME_PLACE_M
        ]
        if near:
            metres, other, seen = min(near, key=lambda found: found[:2])
            yield _problem(wave, "sites", at, "longitude", "same-position", "warning", metres=metres,
                           other=other + 2, other_name=text(seen, "name")[:60])  # fmt: skip
        cells.setdefault((x, y, row["kind"]), []).append((at, row))


def _between(lon: float, lat: float, row: Record) -> float:
    return distance_km(lon, lat, number(row, "longitude") or 0.0, number(row, "latitude") or 0.0)

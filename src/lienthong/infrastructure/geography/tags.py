"""What a feature's attributes say of a road: OpenStreetMap's tags, and the planning room's own columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lienthong.infrastructure.geography.errors import BadRoads
from lienthong.infrastructure.geography.graph import KIND_NAMES, KINDS

HIGHWAYS = {
    "motorway": "national",
    "trunk": "national",
    "primary": "national",
    "secondary": "provincial",
    "tertiary": "district",
    "unclassified": "rural",
    "residential": "rural",
    "living_street": "rural",
    "service": "rural",
    "road": "unknown",
    "pedestrian": "rural",
    "track": "track",
    "path": "track",
    "cycleway": "track",
    "footway": "track",
    "bridleway": "track",
}
"""OpenStreetMap's highway=* → kind of road; ``…_link`` goes with its road; others are no road yet."""

_YES = {"yes", "true", "1", "t", "có", "co", "x"}
_NO = {"", "no", "false", "0", "f", "không", "khong", "none", "nan"}
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_BY_NAME = {name.casefold(): kind for names in KIND_NAMES.values() for kind, name in names.items()}


@dataclass(frozen=True)
class Tags:
    """``length_m`` is None when the geometry says it. ``known``: the kind was understood."""

    kind: str
    factor: float = 1.0
    crossing: bool = False
    fibre: bool = False
    name: str = ""
    length_m: float | None = None
    known: bool = True


def read(row: Mapping[str, object], place: str) -> Tags | None:
    """The road a feature is, ``None`` when it is no road or ferry (a railway, a river, a planned road).

    Columns: ``kind`` (ours, in English or Vietnamese), else ``highway`` or ``fclass`` with ``bridge`` and
    ``route``; ``length_m``, ``factor``, ``crossing``, ``fibre``, ``name`` or ``ref``. Raises
    :class:`BadRoads` for numbers that are negative or none.
    """
    cells = {key.strip().lower(): _text(value) for key, value in row.items() if key}
    for key, value in _TAG.findall(cells.get("other_tags", "")):
        cells.setdefault(key, value)
    kind, known = _kind(cells)
    if kind is None:
        return None
    length = cells.get("length_m", "")
    return Tags(
        kind,
        _number(cells, "factor", place) if cells.get("factor") else 1.0,
        _flag(cells, "crossing", place),
        _flag(cells, "fibre", place),
        cells.get("name", "") or cells.get("ref", ""),
        _number(cells, "length_m", place) if length else None,
        known,
    )


def _kind(cells: Mapping[str, str]) -> tuple[str | None, bool]:
    own = cells.get("kind", "").casefold()
    if own:
        if own in KINDS:
            return own, True
        return _BY_NAME.get(own, "unknown"), own in _BY_NAME
    highway = (cells.get("highway") or cells.get("fclass") or "").lower().removesuffix("_link")
    if cells.get("route", "").lower() == "ferry" or highway == "ferry":
        return "ferry", True
    if highway:
        if highway not in HIGHWAYS:
            return None, True
        return ("bridge" if cells.get("bridge", "").lower() not in _NO else HIGHWAYS[highway]), True
    told = {"highway", "fclass", "railway", "waterway", "osm_id", "kind"} & cells.keys()
    return (None, True) if told and "kind" not in told else ("unknown", False)


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def _flag(cells: Mapping[str, str], column: str, place: str) -> bool:
    value = cells.get(column, "").casefold()
    if value in _YES or value in _NO:
        return value in _YES
    raise BadRoads(f"{column} is {value!r}", place=place, remedy="write yes or no")


def _number(cells: Mapping[str, str], column: str, place: str) -> float:
    try:
        value = float(cells[column].replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRoads(f"{column} is {cells[column]!r}", place=place, remedy="give a number, or leave it out")
    if value < 0:
        raise BadRoads(
            f"{column} is {value:g}",
            place=place,
            remedy="give a number that is not negative; existing fibre is marked by the column fibre",
        )
    return value

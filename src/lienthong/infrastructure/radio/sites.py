"""Radio sites from a CSV file, brought into the terrain's coordinate system."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lienthong.infrastructure.radio.errors import BadRadioPlan
from lienthong.infrastructure.radio.rasters import Raster

NEEDED = "columns id, lon and lat (or x and y), height_m; eirp_dbm and existing if wanted"


@dataclass(frozen=True)
class Site:
    """``x``, ``y`` in the terrain's system, ``height_m`` of the antenna above ground, ``eirp_dbm`` if
    not the band's.

    ``existing`` marks one that stands already.
    """

    name: str
    x: float
    y: float
    height_m: float
    eirp_dbm: float | None = None
    existing: bool = False


def read_sites(path: Path, terrain: Raster) -> list[Site]:
    """The sites of a CSV file (UTF-8). Raises :class:`BadRadioPlan` naming file, line and column."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRadioPlan(
            f"the sites cannot be read: {error}", place=str(path), remedy="give a CSV in UTF-8"
        ) from error
    rows = csv.DictReader(lines)
    columns = {name.strip().lower() for name in rows.fieldnames or ()}
    degrees = {"lon", "lat"} <= columns
    if not ({"id", "height_m"} <= columns and (degrees or {"x", "y"} <= columns)):
        raise BadRadioPlan(
            f"the columns are {', '.join(sorted(columns)) or 'none'}", place=f"{path}, line 1", remedy=NEEDED
        )
    sites = [
        _site(
            {(key or "").strip().lower(): (value or "") for key, value in row.items() if key}, degrees, place
        )
        for row, place in ((row, f"{path}, line {rows.line_num}") for row in rows)
    ]
    if not sites:
        raise BadRadioPlan("there is no site", place=str(path), remedy=NEEDED)
    return place_sites(sites, terrain, degrees=degrees, source=str(path))


def place_sites(
    sites: Sequence[Site], terrain: Raster, *, degrees: bool, source: str = "sites"
) -> list[Site]:
    """Sites given in degrees or in the terrain's own system, in the latter; each named once and on the
    terrain.
    """
    placed = list(sites)
    if degrees and not terrain.geographic:
        from rasterio.warp import transform

        xs, ys = transform("EPSG:4326", terrain.crs, [s.x for s in sites], [s.y for s in sites])
        placed = [replace(site, x=x, y=y) for site, x, y in zip(sites, xs, ys, strict=True)]
    elif terrain.geographic and not degrees:
        raise BadRadioPlan(
            f"the sites are in x and y, the terrain in degrees ({terrain.crs})",
            place=source,
            remedy="give lon and lat",
        )
    seen: set[str] = set()
    for site in placed:
        if site.name in seen:
            raise BadRadioPlan(
                f"the site {site.name!r} is there twice", place=source, remedy="name each once"
            )
        seen.add(site.name)
        if not bool(terrain.inside(site.x, site.y)):
            raise BadRadioPlan(
                f"the site {site.name!r} at {site.x:g}, {site.y:g} is not on the terrain "
                f"({terrain.west:g}…{terrain.east:g}, {terrain.south:g}…{terrain.north:g})",
                place=source,
                remedy="check its coordinates (longitude first), or give a larger terrain",
            )
    return placed


def _site(row: dict[str, str], degrees: bool, place: str) -> Site:
    name = row["id"].strip()
    if not name:
        raise BadRadioPlan("a site has no id", place=place, remedy="name every site")
    x, y = ("lon", "lat") if degrees else ("x", "y")
    eirp = row.get("eirp_dbm", "").strip()
    existing = row.get("existing", "").strip().lower()
    if existing not in {"", "0", "1", "no", "yes", "false", "true"}:
        raise BadRadioPlan(f"existing is {existing!r}", place=place, remedy="write yes or no")
    height = _number(row, "height_m", place)
    if not 1 <= height <= 3000:
        raise BadRadioPlan(f"height_m is {height:g}", place=place, remedy="1 to 3000 m above ground")
    return Site(
        name,
        _number(row, x, place),
        _number(row, y, place),
        height,
        _number(row, "eirp_dbm", place) if eirp else None,
        existing in {"1", "yes", "true"},
    )


def _number(row: dict[str, str], column: str, place: str) -> float:
    try:
        value = float(row[column].replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRadioPlan(f"{column} is {row[column]!r}", place=place, remedy="give a number")
    return value

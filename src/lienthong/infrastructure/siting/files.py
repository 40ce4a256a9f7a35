"""Siting problems from files: our JSON, or OR-Library's text; solved and given back as plain values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import sparse

from lienthong.infrastructure.siting import covering, maximal, median
from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.instance import Coverage, Floats
from lienthong.infrastructure.siting.orlibrary import read_pmed, read_scp
from lienthong.infrastructure.siting.result import Progress, Siting

Kind = Literal["maximal", "covering", "median"]
EARTH_RADIUS_M = 6_371_000.0


@dataclass(frozen=True)
class Problem:
    """``coverage`` for maximal and set covering, ``distances`` (points, sites) for the median."""

    kind: Kind
    sites: tuple[str, ...]
    points: tuple[str, ...]
    count: int | None
    coverage: Coverage | None = None
    distances: Floats | None = None
    weights: Floats | None = None


def read_problem(path: Path, *, kind: Kind | None = None, count: int | None = None) -> Problem:
    """A ``.json`` file, or an OR-Library text file (scp by default, pmed when ``kind`` is "median").

    ``kind`` and ``count`` override the file's. Raises :class:`BadSitingData` naming file and field.
    """
    if path.suffix.lower() == ".json":
        return _from_json(path, kind, count)
    if kind == "median":
        distances, chosen = read_pmed(path)
        names = tuple(str(at + 1) for at in range(distances.shape[0]))
        return Problem("median", names, names, count or chosen, distances=distances)
    coverage = read_scp(path)
    return _counted(Problem(kind or "covering", coverage.sites, coverage.points, count, coverage), path)


def solve(
    problem: Problem, *, time_limit: float = 60.0, seed: int = 1, progress: Progress | None = None
) -> Siting:
    """Solve whichever kind it is. ``time_limit`` in s of wall-clock."""
    if problem.kind == "median":
        assert problem.distances is not None and problem.count is not None
        weights: Any = 1.0 if problem.weights is None else problem.weights
        return median.solve(
            problem.distances,
            problem.count,
            weights=weights,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
        )
    assert problem.coverage is not None
    if problem.kind == "covering":
        return covering.solve(problem.coverage, time_limit=time_limit, progress=progress)
    assert problem.count is not None
    return maximal.solve(problem.coverage, problem.count, time_limit=time_limit, seed=seed, progress=progress)


def _from_json(path: Path, kind: Kind | None, count: int | None) -> Problem:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadSitingData(
            f"the file cannot be read as JSON: {error}", place=str(path), remedy="see docs/reference/radio.md"
        ) from error
    if not isinstance(data, dict):
        raise BadSitingData("the file is not a JSON object", place=str(path), remedy="begin it with {")
    sites, points = _list(data, "sites", path), _list(data, "points", path)
    asked = kind or data.get("problem", "maximal")
    if asked not in ("maximal", "covering", "median"):
        raise BadSitingData(
            f"the problem is {asked!r}",
            place=f"{path}, problem",
            remedy="ask for maximal, covering or median",
        )
    wanted = count if count is not None else data.get("count")
    if wanted is not None and (not isinstance(wanted, int) or isinstance(wanted, bool)):
        raise BadSitingData(
            f"the count is {wanted!r}", place=f"{path}, count", remedy="give a whole number of new sites"
        )
    names = tuple(str(each.get("id", f"site {at + 1}")) for at, each in enumerate(sites))
    served = tuple(str(each.get("id", f"point {at + 1}")) for at, each in enumerate(points))
    weights = np.asarray(
        [_amount(each, "weight", 1.0, path, name) for each, name in zip(points, served, strict=True)]
    )
    costs = [_amount(each, "cost", 1.0, path, name) for each, name in zip(sites, names, strict=True)]
    existing = [bool(each.get("existing", False)) for each in sites]
    if asked == "median":
        at, where = _places(sites, path, names), _places(points, path, served)
        distances = np.sqrt(((where[:, None, :] - at[None, :, :]) ** 2).sum(axis=2))
        return _counted(Problem("median", names, served, wanted, None, distances, weights), path)
    if "covers" in data:
        covers = _listed(data["covers"], names, served, path)
    else:
        reach = np.asarray(
            [
                _amount(each, "radius", data.get("radius"), path, name)
                for each, name in zip(sites, names, strict=True)
            ]
        )
        at, where = _places(sites, path, names), _places(points, path, served)
        covers = Coverage.within(at, where, reach).covers
    coverage = Coverage.build(
        covers, weights=weights, costs=costs, existing=existing, sites=names, points=served
    )
    return _counted(Problem(asked, names, served, wanted, coverage), path)


def _counted(problem: Problem, path: Path) -> Problem:
    if problem.kind != "covering" and problem.count is None:
        raise BadSitingData(
            "it is not said how many sites to choose", place=f"{path}, count", remedy="give count, or --count"
        )
    return problem


def _list(data: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    value = data.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise BadSitingData(
            f"{key} is no list of objects", place=f"{path}, {key}", remedy="give at least one, as {{'id': …}}"
        )
    return value


def _amount(each: dict[str, Any], key: str, default: Any, path: Path, name: str) -> float:
    value = each.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadSitingData(f"{key} is {value!r}", place=f"{path}, {name}", remedy="give a number")
    return float(value)


def _places(items: list[dict[str, Any]], path: Path, names: tuple[str, ...]) -> Floats:
    """Coordinates in m: x and y as they are, lon and lat as points of the sphere (chords differ from
    arcs by less than 1 m in 50 km).
    """
    degrees = "lon" in items[0]
    keys = ("lon", "lat") if degrees else ("x", "y")
    flat = np.asarray(
        [
            [_amount(each, key, None, path, name) for key in keys]
            for each, name in zip(items, names, strict=True)
        ]
    )
    if not degrees:
        return np.column_stack([flat, np.zeros(len(flat))])
    lon, lat = np.radians(flat[:, 0]), np.radians(flat[:, 1])
    ball = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return np.asarray(EARTH_RADIUS_M * ball)


def _listed(covers: Any, names: tuple[str, ...], served: tuple[str, ...], path: Path) -> sparse.csr_matrix:
    site_at = {name: at for at, name in enumerate(names)}
    point_at = {name: at for at, name in enumerate(served)}
    rows: list[int] = []
    columns: list[int] = []
    if not isinstance(covers, dict):
        raise BadSitingData(
            "covers is no object", place=f"{path}, covers", remedy="give {site: [points]} by their ids"
        )
    for site, points in covers.items():
        if site not in site_at or not isinstance(points, list):
            raise BadSitingData(
                f"{site!r} is no site, or its points are no list", place=f"{path}, covers", remedy="use ids"
            )
        for point in points:
            if point not in point_at:
                raise BadSitingData(
                    f"{point!r} is no point", place=f"{path}, covers, {site}", remedy="use the points' ids"
                )
            rows.append(site_at[site])
            columns.append(point_at[point])
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(names), len(served)))

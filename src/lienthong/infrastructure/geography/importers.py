"""Road graphs from files: GeoJSON, GeoPackage, Shapefile, OpenStreetMap PBF, CSV. Bad data is named,
located and answered with what to do; what can be left out is left out and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from lienthong.infrastructure.geography import checks, tables, tags
from lienthong.infrastructure.geography.errors import BadRoads, WrongProjection
from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.geography.noding import Line, graph_of
from lienthong.infrastructure.geography.projection import DEGREES, METRES, metres, reproject

FORMATS = (".geojson", ".json", ".gpkg", ".pbf", ".osm", ".shp", ".fgb", ".csv")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Imported:
    """A graph, and what the checks found on the way."""

    graph: RoadGraph
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Features:
    """Geometries in degrees (WGS 84), their attributes, and where each was read."""

    geometries: Any
    rows: Sequence[dict[str, object]]
    places: Sequence[str]


def read_roads(
    path: Path,
    *,
    crs: str | None = None,
    layer: str | None = None,
    nodes: Path | None = None,
    box: Box | None = None,
    latitude_first: bool = False,
    snap_m: float = 1.0,
    crossings: bool = False,
    metric: str = METRES,
) -> Imported:
    """The road graph of a file.

    ``crs`` is the coordinate system of a file that does not say its own; ``layer`` one of several (OSM:
    "lines"); ``nodes`` a CSV of positions for a CSV of edges; ``box`` (west, south, east, north in degrees)
    reads only a part; ``latitude_first`` swaps coordinates written the wrong way round; ends within
    ``snap_m`` metres are joined; ``crossings`` joins roads that cross without a common point. Raises
    :class:`BadRoads` or :class:`WrongProjection`.
    """
    if not path.is_file():
        raise BadRoads("there is no such file", place=str(path), remedy="give the path of a road file")
    if path.suffix.lower() not in FORMATS:
        raise BadRoads(
            f"files ending in {path.suffix or 'nothing'} are not read",
            place=str(path),
            remedy="give GeoJSON, GeoPackage, OpenStreetMap PBF, Shapefile or CSV",
        )
    if path.suffix.lower() == ".csv":
        features = Features(*tables.read(path, nodes))
    else:
        features = read_features(path, crs=crs, layer=layer, box=box)
    findings: list[Finding] = []
    features = Features(
        *checks.lines(features.geometries, features.rows, features.places, path, latitude_first, findings)
    )
    lines = _lines(features, metric, findings)
    if not lines:
        raise BadRoads(
            f"none of {len(features.places)} features is a road or ferry",
            place=str(path),
            remedy="give lines with a column kind, highway or fclass; see docs/reference/fibre.md",
        )
    lines = checks.with_length(lines, findings)
    graph = graph_of(lines, crs=metric, source=str(path), snap_m=snap_m, crossings=crossings)
    if not graph.edges:
        raise BadRoads("no road has a length", place=str(path), remedy="check the coordinates")
    findings += checks.parts(graph)
    return Imported(graph, tuple(findings))


def _lines(features: Features, metric: str, findings: list[Finding]) -> list[Line]:
    if not features.places:
        return []
    found, strange = [], []
    sizes = shapely.get_num_coordinates(features.geometries)
    coordinates = shapely.get_coordinates(features.geometries)
    x, y = metres(coordinates[:, 0], coordinates[:, 1], metric)
    points = np.split(np.column_stack([x, y]), np.cumsum(sizes)[:-1])
    for course, row, place in zip(points, features.rows, features.places, strict=True):
        tag = tags.read(row, place)
        if tag is None:
            continue
        if not tag.known:
            strange.append(place)
        found.append(Line(course, tag, place))
    if strange:
        findings.append(checks.unknown_kinds(strange))
    return found


def read_features(
    path: Path, *, crs: str | None = None, layer: str | None = None, box: Box | None = None
) -> Features:
    """Every feature of a vector file with its geometry in degrees. Raises as :func:`read_roads` does."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError

    osm = path.suffix.lower() in (".pbf", ".osm")
    if osm and layer is None:
        layer = "lines"
    try:
        if layer is None:
            layer = _only_layer(path, pyogrio.list_layers(path))
        meta, _, geometry, columns = pyogrio.raw.read(
            path,
            layer=layer,
            force_2d=True,
            bbox=box if osm else None,
            where="highway IS NOT NULL OR other_tags LIKE '%ferry%'" if osm and layer == "lines" else None,
        )
    except (DataSourceError, DataLayerError, FeatureError, FieldError, ValueError, RuntimeError) as error:
        raise BadRoads(
            f"the file cannot be read: {error}",
            place=str(path),
            remedy="open it in a GIS and export it again as GeoJSON or GeoPackage",
        ) from error
    if geometry is None:
        raise BadRoads("the layer has no geometry", place=f"{path}, layer {layer}", remedy="choose another")
    try:
        with np.errstate(invalid="ignore"):  # _finite names what is no number
            shapes = np.asarray(shapely.from_wkb(geometry), dtype=object)
    except shapely.errors.GEOSException as error:
        raise BadRoads(f"a geometry cannot be read: {error}", place=str(path), remedy="repair it") from error
    names = [str(name) for name in meta["fields"]]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    rows = rows or [{} for _ in shapes]
    places = [f"{path.name}, feature {number}" for number in range(1, len(shapes) + 1)]
    system = _system(meta["crs"], crs, path)
    shapes = _in_degrees(shapes, system, path)
    if box is not None and not osm:
        inside = shapely.intersects(shapes, shapely.box(*box))
        kept = np.flatnonzero(inside)
        shapes, rows, places = shapes[kept], [rows[i] for i in kept], [places[i] for i in kept]
    return Features(shapes, rows, places)


def _only_layer(path: Path, layers: Any) -> str:
    spatial = [str(name) for name, kind in layers if kind]
    if len(spatial) != 1:
        listed = ", ".join(spatial) or "none"
        raise BadRoads(
            f"the file has {len(spatial)} layers with geometry: {listed}", place=str(path),
            remedy="name the one with the roads as files.roads_layer in plan.toml"
            if spatial else "give a file with lines",
        )  # fmt: skip
    return spatial[0]


def _system(written: str | None, given: str | None, path: Path) -> str:
    """The coordinate system: the file's own, else the one given."""
    import pyproj

    if written:
        try:
            known = pyproj.CRS.from_user_input(written)
        except pyproj.exceptions.CRSError:
            known = None
        if known is not None and (known.is_geographic or known.is_projected):
            return str(written)
    if given is None:
        raise WrongProjection(
            "the file does not say which coordinate system it is in",
            place=str(path),
            remedy="give it as files.roads_crs in plan.toml: EPSG:4326 (degrees), EPSG:32648 (UTM 48N) or "
            "EPSG:9217 (VN-2000)",
        )
    return given


def _in_degrees(shapes: Any, system: str, path: Path) -> Any:
    full = np.array([shape is not None and not shape.is_empty for shape in shapes], np.bool_)
    if system not in (DEGREES, "OGC:CRS84") and full.any():
        shapes = shapes.copy()
        shapes[full] = shapely.transform(
            shapes[full], lambda c: np.column_stack(reproject(c[:, 0], c[:, 1], system, DEGREES))
        )
    _finite(shapes, path)
    bounds = shapely.bounds(shapes[full]) if full.any() else np.empty((0, 4))
    bad = ~np.isfinite(bounds).all(axis=1) | (np.abs(bounds).max(axis=1, initial=0) > 180)
    if bad.any():
        number = int(np.flatnonzero(full)[int(np.argmax(bad))]) + 1
        raise WrongProjection(
            f"the file says {system}, but coordinates like {_first(shapes[number - 1])} do not fit it",
            place=f"{path.name}, feature {number}",
            remedy="assign the system the numbers are in with a GIS, or export in degrees (EPSG:4326)",
        )
    return shapes


def _finite(shapes: Any, path: Path) -> None:
    """A coordinate that is no number passes for an empty one in bounds; here it is named."""
    coordinates, of = shapely.get_coordinates(shapes, return_index=True)
    bad = np.isnan(coordinates).any(axis=1)
    if bad.any():
        at = int(np.argmax(bad))
        x, y = coordinates[at]
        raise BadRoads(
            f"a coordinate is no number: {x:g}, {y:g}",
            place=f"{path}, feature {int(of[at]) + 1}",
            remedy="give each point its longitude and latitude, or delete the feature",
        )


def _first(shape: Any) -> str:
    x, y = shapely.get_coordinates(shape)[0]
    return f"{x:g}, {y:g}"

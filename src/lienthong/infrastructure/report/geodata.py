"""The plan as map data for other tools: GeoPackage (OGC 12-128) and GeoJSON (RFC 7946), WGS 84."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lienthong.core.files import write_atomically
from lienthong.infrastructure.geography.graph import KINDS, SYNTHETIC
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.facts import Facts

DECIMALS = 6


@dataclass(frozen=True)
class Layer:
    """``shapes`` are shapely geometries in degrees, ``columns`` the values of each by name."""

    name: str
    kind: str
    shapes: tuple[Any, ...]
    columns: dict[str, list[Any]]


def layers(plan: Plan) -> list[Layer]:
    """Sites, fibre, microwave hops, masts and the background; empty layers are left out."""
    from shapely.geometry import LineString, Point

    facts = Facts(plan)
    fibre, graph = facts.fibre, facts.fibre.graph
    rates = {size.code: size.rate for size in plan.links}
    costs = dict(zip((site.code for site in fibre.sites), fibre.node_cost.tolist(), strict=True))
    sites = Layer(
        "sites",
        "Point",
        tuple(Point(site.lon, site.lat) for site in plan.sites),
        {
            "code": [site.code for site in plan.sites],
            "name": [site.name for site in plan.sites],
            "kind": [site.kind for site in plan.sites],
            "district": [site.district for site in plan.sites],
            "people": [site.people for site in plan.sites],
            "users": [site.users for site in plan.sites],
            "connected_today": [site.connected for site in plan.sites],
            "year": [plan.site_year.get(site.code, 0) for site in plan.sites],
            "mbps": [rates.get(site.code, 0) for site in plan.sites],
            "node_cost_vnd": [round(costs.get(site.code, 0.0)) for site in plan.sites],
        },
    )
    edges = fibre.edges.tolist()
    rings = set(fibre.ring_edges.tolist())
    lines = Layer(
        "fibre",
        "LineString",
        tuple(LineString(graph.line(edge)) for edge in edges),
        {
            "edge": edges,
            "road": [KINDS[int(graph.kind[edge])] for edge in edges],
            "length_m": [round(float(graph.length_m[edge]), 1) for edge in edges],
            "existing": [bool(graph.fibre[edge]) for edge in edges],
            "ring": [edge in rings for edge in edges],
            "cost_vnd": [round(cost) for cost in fibre.edge_cost.tolist()],
            "year": [plan.edge_year.get(edge, 0) for edge in edges],
            "mbps": [plan.trunks[str(edge)].rate if str(edge) in plan.trunks else 0 for edge in edges],
        },
    )
    hops = Layer(
        "microwave",
        "LineString",
        tuple(
            LineString(
                [
                    (fibre.sites[hop.from_site].lon, fibre.sites[hop.from_site].lat),
                    (fibre.sites[hop.site].lon, fibre.sites[hop.site].lat),
                ]
            )
            for hop in fibre.wireless
        ),
        {
            "site": [fibre.sites[hop.site].code for hop in fibre.wireless],
            "from_site": [fibre.sites[hop.from_site].code for hop in fibre.wireless],
            "km": [round(hop.km, 3) for hop in fibre.wireless],
            "cost_vnd": [round(hop.cost) for hop in fibre.wireless],
            "line_of_sight_checked": [hop.clear for hop in fibre.wireless],
        },
    )
    masts = plan.radio.towers if plan.radio else ()
    towers = Layer(
        "masts",
        "Point",
        tuple(Point(each.lon, each.lat) for each in masts),
        {
            "code": [each.code for each in masts],
            "height_m": [each.height_m for each in masts],
            "existing": [each.existing for each in masts],
            "chosen": [each.chosen for each in masts],
            "people": [each.people for each in masts],
        },
    )
    background = {
        name: shape
        for name, shape in (graph.boundary or {}).items()
        if "Polygon" in shape.geom_type and not shape.is_empty
    }
    land = Layer(
        "background", "MultiPolygon", tuple(map(_multi, background.values())), {"name": list(background)}
    )
    found = [layer for layer in (sites, lines, hops, towers, land) if layer.shapes]
    if plan.synthetic:
        for layer in found:
            layer.columns["data"] = [SYNTHETIC["en"]] * len(layer.shapes)
    return found


def write_geopackage(plan: Plan, path: Path) -> list[str]:
    """Write every layer into one file, replacing it whole or not at all. Answers the layers' names."""
    import shapely
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
    from pyogrio.raw import write

    label = _label(plan)
    names = []
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as room:
        beside = Path(room) / path.name
        for at, layer in enumerate(layers(plan)):
            try:
                write(
                    str(beside),
                    np.array([shapely.to_wkb(shape) for shape in layer.shapes], dtype=object),
                    [_column(values) for values in layer.columns.values()],
                    fields=np.array(list(layer.columns), dtype=object),
                    geometry_type=layer.kind,
                    crs="EPSG:4326",
                    layer=layer.name,
                    driver="GPKG",
                    append=at > 0,
                    dataset_metadata={"DESCRIPTION": label} if label and not at else None,
                    layer_metadata={"DESCRIPTION": label} if label else None,
                    layer_options={"DESCRIPTION": label} if label else None,
                )
            except (DataSourceError, DataLayerError, FeatureError) as error:
                raise OSError(errno.EIO, f"the GeoPackage cannot be written: {error}", str(path)) from error
            names.append(layer.name)
        beside.replace(path)
    return names


def geojson(plan: Plan) -> dict[str, Any]:
    """All layers as one FeatureCollection; each feature says its ``layer``. Longitude before latitude, rings
    by the right-hand rule, no ``crs`` member.
    """
    import shapely
    from shapely.geometry import mapping

    features = []
    for layer in layers(plan):
        for at, shape in enumerate(layer.shapes):
            turned = shapely.orient_polygons(shapely.set_precision(shape, 1e-6)) if shape.area else shape
            features.append(
                {
                    "type": "Feature",
                    "geometry": _rounded(mapping(turned)),
                    "properties": {
                        "layer": layer.name,
                        **{name: values[at] for name, values in layer.columns.items()},
                    },
                }
            )
    whole: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if plan.synthetic:
        whole["label"] = _label(plan)
    return whole


def _label(plan: Plan) -> str:
    return f"{SYNTHETIC['vi']} / {SYNTHETIC['en']}" if plan.synthetic else ""


def write_geojson(plan: Plan, path: Path) -> None:
    data = json.dumps(geojson(plan), ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, data.encode())


def _multi(shape: Any) -> Any:
    from shapely.geometry import MultiPolygon

    return MultiPolygon([shape]) if shape.geom_type == "Polygon" else shape


def _column(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    if all(isinstance(each, bool) for each in values):
        return np.array(values, dtype=np.bool_)
    if all(isinstance(each, int) for each in values):
        return np.array(values, dtype=np.int64)
    if all(isinstance(each, int | float) for each in values):
        return np.array(values, dtype=np.float64)
    return np.array([str(each) for each in values], dtype=object)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value

"""Sites put on the roads: each at the nearest point of the graph, where an edge is split for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from lienthong.infrastructure.geography.errors import BadRoads
from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.geography.graph import KINDS, Floats, Ints, RoadGraph
from lienthong.infrastructure.geography.projection import degrees, metres
from lienthong.infrastructure.survey.model import Site

FURTHEST_M = 5_000.0
"""A site further from every road is named: its position or the roads are wrong."""
AT_A_VERTEX_M = 1.0
_OVER_WATER = (KINDS.index("ferry"), KINDS.index("bridge"))


@dataclass(frozen=True)
class Attached:
    """``terminals`` (s): the vertex of ``graph`` at which each site joins; ``drop_m`` (s): metres from there
    to the site.
    """

    graph: RoadGraph
    sites: tuple[Site, ...]
    terminals: Ints
    drop_m: Floats
    findings: tuple[Finding, ...]


def attach(graph: RoadGraph, sites: Sequence[Site], *, furthest_m: float = FURTHEST_M) -> Attached:
    """The graph with a vertex for each site at its nearest point of a road (not of a bridge or ferry).

    Raises :class:`BadRoads` when a site's position is no position in degrees; a site further than
    ``furthest_m`` from every road is attached and named in the findings.
    """
    if not graph.edges:
        raise BadRoads("the graph has no edge", place=graph.source or None, remedy="import roads first")
    x, y = _positions(sites, graph.crs)
    lines = edge_lines(graph)
    land = np.flatnonzero(~np.isin(graph.kind, _OVER_WATER))
    if not land.size:
        land = np.arange(graph.edges)
    points = shapely.points(x, y)
    tree = shapely.STRtree(lines[land])
    nearest = land[tree.nearest(points)]
    drop = np.asarray(shapely.distance(points, lines[nearest]), np.float64)
    along = np.asarray(shapely.line_locate_point(lines[nearest], points), np.float64)
    split, terminals = _split(graph, lines, nearest, along)
    findings = [
        _far(site, float(metres_away), furthest_m)
        for site, metres_away in zip(sites, drop, strict=True)
        if metres_away > furthest_m
    ]
    return Attached(split, tuple(sites), terminals, drop, tuple(findings))


def _positions(sites: Sequence[Site], crs: str) -> tuple[Floats, Floats]:
    if not sites:
        raise BadRoads("there is no site", place="sites", remedy="give at least one site to connect")
    lon = np.array([site.lon for site in sites], np.float64)
    lat = np.array([site.lat for site in sites], np.float64)
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    x, y = metres(lon, lat, crs)
    good &= np.isfinite(x) & np.isfinite(y)
    if not good.all():
        site = sites[int(np.argmin(good))]
        raise BadRoads(
            f"the site lies at {site.lon}, {site.lat}",
            place=f"site {site.code} ({site.name})",
            remedy="give longitude and latitude in degrees, longitude first",
        )
    return x, y


def edge_lines(graph: RoadGraph) -> Any:
    """The edges as LineStrings in metres."""
    ends = np.stack(
        [
            np.stack([graph.x[graph.tail], graph.y[graph.tail]], axis=1),
            np.stack([graph.x[graph.head], graph.y[graph.head]], axis=1),
        ],
        axis=1,
    )
    lines = shapely.linestrings(ends)
    if graph.shapes:
        held = np.array([shape is not None for shape in graph.shapes])
        if held.any():
            shapes = np.array(graph.shapes, dtype=object)[held]
            lines[held] = shapely.transform(
                shapes, lambda c: np.column_stack(metres(c[:, 0], c[:, 1], graph.crs))
            )
    return lines


def _split(graph: RoadGraph, lines: Any, edge: Ints, along: Floats) -> tuple[RoadGraph, Ints]:
    """Vertices at ``along`` metres of each of ``edge``'s lines; a cut near an end uses that end."""
    length = np.asarray(shapely.length(lines), np.float64)
    terminals = np.empty(edge.size, np.int64)
    cuts: dict[int, list[tuple[float, int]]] = {}
    for site in np.lexsort((along, edge)).tolist():
        e, position = int(edge[site]), float(along[site])
        if position <= AT_A_VERTEX_M:
            terminals[site] = graph.tail[e]
        elif position >= length[e] - AT_A_VERTEX_M:
            terminals[site] = graph.head[e]
        else:
            made = cuts.setdefault(e, [])
            if not made or position - made[-1][0] > AT_A_VERTEX_M:
                made.append((position, graph.vertices + sum(map(len, cuts.values()))))
            terminals[site] = made[-1][1]
    if not cuts:
        return graph, terminals
    new = [(number, lines[e].interpolate(position)) for e, made in cuts.items() for position, number in made]
    new.sort()
    x = np.array([point.x for _, point in new])
    y = np.array([point.y for _, point in new])
    lon, lat = degrees(x, y, graph.crs)
    whole = np.ones(graph.edges, np.bool_)
    whole[list(cuts)] = False
    kept = np.flatnonzero(whole)
    of, tail, head, share, shapes = [], [], [], [], []
    for e, made in cuts.items():
        stops = [(0.0, int(graph.tail[e])), *made, (float(length[e]), int(graph.head[e]))]
        for (begin, u), (end, v) in pairwise(stops):
            of.append(e)
            tail.append(u)
            head.append(v)
            share.append((end - begin) / length[e])
            shapes.append(_part(graph, lines, e, begin, end))
    source = np.concatenate([kept, np.array(of, np.int64)])
    return replace(
        graph,
        x=np.concatenate([graph.x, x]),
        y=np.concatenate([graph.y, y]),
        lon=np.concatenate([graph.lon, lon]),
        lat=np.concatenate([graph.lat, lat]),
        tail=np.concatenate([graph.tail[kept], np.array(tail, np.int64)]),
        head=np.concatenate([graph.head[kept], np.array(head, np.int64)]),
        length_m=np.concatenate([graph.length_m[kept], graph.length_m[of] * np.array(share)]),
        kind=graph.kind[source],
        factor=graph.factor[source],
        crossing=graph.crossing[source],
        fibre=graph.fibre[source],
        names=tuple(graph.names[e] for e in source) if graph.names else (),
        shapes=(*(graph.shapes[e] for e in kept), *shapes) if graph.shapes else (),
    ), terminals


def _part(graph: RoadGraph, lines: Any, edge: int, begin: float, end: float) -> Any:
    if not graph.shapes or graph.shapes[edge] is None:
        return None
    part = substring(lines[edge], begin, end)
    return shapely.transform(part, lambda c: np.column_stack(degrees(c[:, 0], c[:, 1], graph.crs)))


def _far(site: Site, away_m: float, furthest_m: float) -> Finding:
    return Finding(
        "site-far-from-road",
        "warning",
        f"{site.code} ({site.name})",
        {
            "vi": f"điểm cách tuyến đường gần nhất {away_m:,.0f} m (giới hạn {furthest_m:,.0f} m)",
            "en": f"the site is {away_m:,.0f} m from the nearest road (limit {furthest_m:,.0f} m)",
        },
        {
            "vi": "kiểm tra tọa độ của điểm (kinh độ trước, vĩ độ sau) hoặc bổ sung tuyến đường",
            "en": "check the site's coordinates (longitude first), or add the missing road",
        },
        site.lon,
        site.lat,
    )

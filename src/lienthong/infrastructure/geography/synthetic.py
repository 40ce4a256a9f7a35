"""A made-up road graph of the province to plan over when there is no survey of roads: seeded, labelled.

A Gabriel graph over the sites' positions and random points, cut by rivers that only a few bridges and
ferries cross. Rivers and trunk roads follow their real course only roughly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import Delaunay, cKDTree

from lienthong.infrastructure.geography.errors import BadRoads
from lienthong.infrastructure.geography.graph import KINDS, SYNTHETIC, Floats, Ints, Mask, RoadGraph
from lienthong.infrastructure.geography.projection import METRES, degrees, metres
from lienthong.infrastructure.survey.model import Site

Course = tuple[tuple[float, float], ...]

RIVERS: dict[str, tuple[Course, float, int, str]] = {
    "Sông Tiền": (
        ((105.80, 10.36), (105.86, 10.32), (105.92, 10.315), (105.97, 10.33), (106.02, 10.32),
         (106.07, 10.29), (106.14, 10.26)), 900.0, 0, "ferry",
    ),
    "Sông Cổ Chiên": (
        ((105.86, 10.32), (105.90, 10.29), (105.935, 10.268), (105.97, 10.265), (106.0, 10.26),
         (106.05, 10.25), (106.1, 10.245), (106.15, 10.215), (106.175, 10.18), (106.185, 10.14),
         (106.215, 10.1), (106.225, 10.085), (106.245, 10.05), (106.3, 9.99)), 700.0, 3, "ferry",
    ),
    "Sông Hậu": (
        ((105.66, 10.17), (105.72, 10.1), (105.77, 10.065), (105.8, 10.03), (105.83, 9.995), (105.87, 9.99),
         (105.9, 9.97), (105.935, 9.945), (105.96, 9.925), (105.99, 9.905), (106.06, 9.87)),
        800.0, 2, "ferry",
    ),
    "Sông Măng Thít": (
        ((106.183, 10.157), (106.14, 10.157), (106.11, 10.142), (106.08, 10.12), (106.05, 10.085),
         (106.01, 10.06), (105.985, 10.035), (105.965, 10.01), (105.945, 9.985), (105.905, 9.967)), 150.0, 5,
        "bridge",
    ),
    "Sông Long Hồ": (
        ((105.97, 10.265), (105.983, 10.235), (106.0, 10.2), (106.025, 10.17), (106.055, 10.145),
         (106.075, 10.118)), 80.0, 6, "bridge",
    ),
}  # fmt: skip
"""Name → (course in degrees, width in m, how many crossings, their kind)."""

TRUNKS: dict[str, Course] = {
    "QL1": ((105.91, 10.26), (105.93, 10.22), (105.92, 10.15), (105.88, 10.08), (105.81, 10.07)),
    "QL53": ((105.96, 10.24), (106.01, 10.19), (106.05, 10.16), (106.12, 10.09), (106.19, 10.09),
             (106.21, 10.03)),
    "QL54": ((105.71, 10.15), (105.76, 10.11), (105.81, 10.07), (105.87, 10.01), (105.93, 9.96),
             (106.01, 9.95), (106.09, 9.97)),
    "QL57": ((106.01, 10.24), (106.09, 10.22), (106.13, 10.2)),
}  # fmt: skip
LIT = ("QL1", "QL53")
"""Trunk roads along which fibre lies in the demo."""


def road_graph(sites: Sequence[Site], *, seed: int = 1, nodes: int = 6_000) -> RoadGraph:
    """A connected graph of about ``nodes`` vertices around the sites; the same seed gives the same graph."""
    spots = sorted({(round(site.lon, 6), round(site.lat, 6)) for site in sites})
    if len(spots) < 3 or nodes < len(spots):
        raise BadRoads(
            f"{len(spots)} positions and {nodes} nodes are too few for a made-up graph",
            place="synthetic",
            remedy="give at least three sites apart, and more nodes than sites",
        )
    rng = np.random.default_rng(seed)
    sx, sy = metres([lon for lon, _ in spots], [lat for _, lat in spots])
    waters = {name: shapely.LineString(np.column_stack(metres(*np.array(river[0]).T)))
              for name, river in RIVERS.items()}  # fmt: skip
    x, y = _points(sx, sy, waters, nodes, rng)
    tail, head = gabriel(x, y)
    tail, head, crossing, kind = _bridged(x, y, tail, head, waters, rng)
    straight = np.hypot(x[tail] - x[head], y[tail] - y[head])
    length = np.round(straight * rng.uniform(1.03, 1.25, tail.size), 1)
    lon, lat = degrees(x, y)
    names = _classify(x, y, tail, head, length, kind, sites, rng)
    wet = np.min([shapely.distance(line, shapely.points((x[tail] + x[head]) / 2, (y[tail] + y[head]) / 2))
                  for line in waters.values()], axis=0)  # fmt: skip
    factor = np.round(1.0 + 0.3 * np.exp(-wet / 1_500.0) + 0.1 * rng.random(tail.size), 2)
    fibre = np.array([name.split(" ")[0] in LIT for name in names]) & (kind != KINDS.index("ferry"))
    return RoadGraph(
        x, y, lon, lat, tail, head, length, kind, factor, crossing, fibre,
        names=names, crs=METRES, source=f"synthetic (seed {seed}): {SYNTHETIC['en']}", synthetic=True,
        boundary=_background(sites, sx, sy),
    )  # fmt: skip


def gabriel(x: Floats, y: Floats) -> tuple[Ints, Ints]:
    """The pairs of points whose circle (the pair as diameter) holds no third point."""
    points = np.column_stack([x, y])
    mesh = Delaunay(points).simplices
    pairs = np.vstack([mesh[:, [0, 1]], mesh[:, [1, 2]], mesh[:, [0, 2]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    a, b = points[pairs[:, 0]], points[pairs[:, 1]]
    nearest, _ = cKDTree(points).query((a + b) / 2)
    good = nearest >= np.hypot(*(a - b).T) / 2 * (1 - 1e-9)
    kept = pairs[good].astype(np.int64)
    return kept[:, 0], kept[:, 1]


def _points(
    sx: Floats, sy: Floats, waters: dict[str, Any], nodes: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """A junction near each site first, then random points on land around them."""
    land = shapely.union_all(shapely.buffer(shapely.points(sx, sy), 3_200.0))
    river = shapely.union_all([line.buffer(RIVERS[name][1] / 2) for name, line in waters.items()])
    land = land.difference(river)
    shapely.prepare(land)
    west, south, east, north = land.bounds
    found: list[Floats] = []
    count = len(sx)
    while count < nodes:
        trial = rng.uniform((west, south), (east, north), (nodes, 2))
        good = trial[shapely.contains_xy(land, trial[:, 0], trial[:, 1])][: nodes - count]
        found.append(good)
        count += len(good)
    more = np.vstack(found) if found else np.empty((0, 2))
    away = rng.normal(0.0, 50.0, (2, sx.size))
    x, y = np.concatenate([sx + away[0], more[:, 0]]), np.concatenate([sy + away[1], more[:, 1]])
    return np.round(x, 2), np.round(y, 2)


def _bridged(
    x: Floats, y: Floats, tail: Ints, head: Ints, waters: dict[str, Any], rng: np.random.Generator
) -> tuple[Ints, Ints, Mask, Any]:
    """Without the edges over rivers, but for a few crossings along each; parts left over get a ferry."""
    lines = shapely.linestrings(np.stack([np.column_stack([x[tail], y[tail]]),
                                          np.column_stack([x[head], y[head]])], axis=1))  # fmt: skip
    kind = np.full(tail.size, KINDS.index("rural"), np.int8)
    crossing, kept = np.zeros(tail.size, np.bool_), np.ones(tail.size, np.bool_)
    for name, river in waters.items():
        over = np.flatnonzero(shapely.intersects(lines, river))
        _, _, count, means = RIVERS[name]
        crossing[over], kept[over] = True, False
        at = shapely.line_locate_point(river, shapely.centroid(shapely.intersection(lines[over], river)))
        if over.size:
            for stop in np.quantile(at, (np.arange(count) + rng.uniform(0.3, 0.7, count)) / max(count, 1)):
                chosen = over[int(np.argmin(np.abs(at - stop)))]
                kept[chosen], kind[chosen] = True, KINDS.index(means)
    length = np.hypot(x[tail] - x[head], y[tail] - y[head])
    labels = _labels(x.size, tail[kept], head[kept])
    spare = np.flatnonzero(crossing & ~kept)
    for e in spare[np.argsort(length[spare], kind="stable")].tolist():
        if labels[tail[e]] != labels[head[e]]:
            kept[e], kind[e] = True, KINDS.index("ferry")
            labels[labels == labels[head[e]]] = labels[tail[e]]
    return tail[kept], head[kept], crossing[kept], kind[kept]


def _labels(n: int, tail: Ints, head: Ints) -> Ints:
    _, labels = connected_components(coo_matrix((np.ones(tail.size), (tail, head)), shape=(n, n)), False)
    return np.array(labels, np.int64)


def _classify(
    x: Floats, y: Floats, tail: Ints, head: Ints, length: Floats, kind: Any, sites: Sequence[Site],
    rng: np.random.Generator,
) -> tuple[str, ...]:  # fmt: skip
    """Trunk, provincial and district roads along shortest ways; sets ``kind``, answers the edges' names."""
    n = x.size
    names = [""] * tail.size
    order = {(int(u), int(v)): e for e, (u, v) in enumerate(zip(tail, head, strict=True))}
    weight = coo_matrix((length, (tail, head)), shape=(n, n)).tocsr()
    near = cKDTree(np.column_stack([x, y]))
    rural = KINDS.index("rural")
    kind[(kind == rural) & (rng.random(tail.size) < 0.25)] = KINDS.index("track")
    minor = (rural, KINDS.index("track"))

    def mark(stops: Sequence[int], road: str, name: str) -> None:
        _, before = dijkstra(weight, directed=False, indices=list(stops[:-1]), return_predecessors=True)
        for row, end in zip(before, stops[1:], strict=True):
            v = end
            while row[v] >= 0:
                u = int(row[v])
                e = order.get((u, v), order.get((v, u), -1))
                if not names[e]:
                    names[e] = name
                if kind[e] in minor:
                    kind[e] = KINDS.index(road)
                v = u

    for name, course in TRUNKS.items():
        away, stops = near.query(np.column_stack(metres(*np.array(course).T)))
        mark([int(v) for v, d in zip(stops, away, strict=True) if d < 5_000.0], "national", name)
    centres = _centres(sites)
    where = {code: int(near.query(np.column_stack(metres(*place))[0])[1]) for code, place in centres.items()}
    ends = list(where.values())
    for at, end in enumerate(ends[1:], 1):
        nearest = min(ends[:at], key=lambda o: np.hypot(x[o] - x[end], y[o] - y[end]))
        if nearest != end:
            mark([nearest, end], "provincial", f"ĐT.{900 + at}")
    for site in sites:
        if site.kind == "commune" and site.district in where:
            spot = int(near.query(np.column_stack(metres(site.lon, site.lat))[0])[1])
            if spot != where[site.district]:
                mark([where[site.district], spot], "district", "")
    return tuple(names)


def _centres(sites: Sequence[Site]) -> dict[str, tuple[float, float]]:
    """District code → the mean position of its communes."""
    groups: dict[str, list[Site]] = {}
    for site in sites:
        if site.district and site.kind == "commune":
            groups.setdefault(site.district, []).append(site)
    return {
        code: (float(np.mean([s.lon for s in some])), float(np.mean([s.lat for s in some])))
        for code, some in sorted(groups.items())
    }


def _background(sites: Sequence[Site], sx: Floats, sy: Floats) -> dict[str, Any]:
    """For maps, in degrees: "province", "river:<name>", "district:<code>" (the land nearest its communes)."""
    land = shapely.union_all(shapely.buffer(shapely.points(sx, sy), 3_200.0)).buffer(600.0).buffer(-600.0)

    def back(geometry: Any) -> Any:
        return shapely.transform(
            geometry.simplify(30.0), lambda c: np.column_stack(degrees(c[:, 0], c[:, 1]))
        )

    found = {"province": back(land)}
    for name, (course, width, _, _) in RIVERS.items():
        line = shapely.LineString(np.column_stack(metres(*np.array(course).T)))
        found[f"river:{name}"] = back(line.buffer(width / 2).intersection(land.buffer(1_500.0)))
    communes = [site for site in sites if site.district and site.kind == "commune"]
    spots: dict[tuple[float, float], str] = {}
    for site in communes:
        px, py = metres(site.lon, site.lat)
        spots.setdefault((round(float(px[0]), 1), round(float(py[0]), 1)), site.district)
    if len(spots) >= 3:
        points = list(spots)
        cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=land))
        tree = shapely.STRtree(cells)
        groups: dict[str, list[Any]] = {}
        for point in points:
            cell = cells[tree.query(shapely.Point(point), predicate="intersects")[0]]
            groups.setdefault(spots[point], []).append(cell)
        for district, some in sorted(groups.items()):
            found[f"district:{district}"] = back(shapely.union_all(some).intersection(land))
    return found

"""Lines into a graph: a vertex wherever lines end or share a point, an edge for each stretch between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lienthong.infrastructure.geography.graph import KINDS, Floats, Ints, RoadGraph
from lienthong.infrastructure.geography.projection import degrees
from lienthong.infrastructure.geography.tags import Tags

SAME_M = 0.05
"""Points nearer than this (on a grid) are one."""


@dataclass(frozen=True)
class Line:
    """A road's course in metres (k, 2), what it is, and where it was read."""

    points: Floats
    tags: Tags
    place: str


def graph_of(
    lines: Sequence[Line], *, crs: str, source: str, snap_m: float = 1.0, crossings: bool = False
) -> RoadGraph:
    """The graph of ``lines``. Ends within ``snap_m`` of each other are joined; with ``crossings`` also roads
    that cross without a common point, unless one is a bridge. A loop becomes two edges.
    """
    courses = _with_crossings(lines) if crossings else [line.points for line in lines]
    every = np.vstack(courses)
    keys = np.round(every / SAME_M).astype(np.int64)
    _, first, spot = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    spot, points = spot.ravel(), every[first]
    sizes = np.array([len(course) for course in courses])
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    alongs = [spot[begin : begin + size] for begin, size in zip(begins, sizes, strict=True)]
    ends = np.zeros(first.size, np.bool_)
    ends[spot[np.concatenate([begins, begins + sizes - 1])]] = True
    node = ends | (np.bincount(spot, minlength=first.size) > 1)
    vertex = _snapped(points, node, ends, snap_m)
    for along in alongs:
        for begin, end in _stretches(along, node):
            if vertex[along[begin]] == vertex[along[end]] and end - begin > 1:
                node[along[(begin + end) // 2]] = True
    vertex = _snapped(points, node, ends, snap_m)
    rows = [
        (int(vertex[along[begin]]), int(vertex[along[end]]), at, courses[at][begin : end + 1])
        for at, along in enumerate(alongs)
        for begin, end in _stretches(along, node)
    ]
    rows = [row for row in rows if row[0] != row[1] and _length(row[3]) > 0]
    return _made(lines, rows, points, courses, crs, source)


def _stretches(along: Ints, node: Any) -> list[tuple[int, int]]:
    """First and last position of each stretch between nodes."""
    return list(pairwise(np.flatnonzero(node[along]).tolist()))


def _length(points: Floats) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _snapped(points: Floats, node: Any, ends: Any, snap_m: float) -> Ints:
    """For each point the point that stands for it: ends of lines are joined to nodes within ``snap_m``."""
    vertex = np.arange(len(points), dtype=np.int64)
    if snap_m <= 0:
        return vertex
    places = np.flatnonzero(node)
    pairs = cKDTree(points[places]).query_pairs(snap_m, output_type="ndarray")
    pairs = pairs[ends[places[pairs[:, 0]]] | ends[places[pairs[:, 1]]]] if pairs.size else pairs
    if pairs.size:
        links = coo_matrix(
            (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(places.size, places.size)
        )
        _, labels = connected_components(links, directed=False)
        _, leaders = np.unique(labels, return_index=True)
        vertex[places] = places[leaders[labels]]
    return vertex


def _made(
    lines: Sequence[Line],
    rows: Sequence[tuple[int, int, int, Floats]],
    points: Floats,
    courses: Sequence[Floats],
    crs: str,
    source: str,
) -> RoadGraph:
    used = np.array([[u, v] for u, v, _, _ in rows], np.int64).reshape(-1, 2)
    names, order = np.unique(used, return_inverse=True)
    order = order.reshape(-1, 2)
    x, y = points[names, 0], points[names, 1]
    lon, lat = degrees(x, y, crs)
    length = []
    for _, _, at, way in rows:
        given = lines[at].tags.length_m
        straight = _length(way)
        length.append(straight if given is None else given * straight / _length(courses[at]))
    tags = [lines[at].tags for _, _, at, _ in rows]
    shapes: list[Any] = [None] * len(rows)
    bent = [i for i, (_, _, _, way) in enumerate(rows) if len(way) > 2]
    if bent:
        sizes = [len(rows[i][3]) for i in bent]
        stacked = np.vstack([rows[i][3] for i in bent])
        line = shapely.linestrings(
            np.column_stack(degrees(stacked[:, 0], stacked[:, 1], crs)),
            indices=np.repeat(np.arange(len(bent)), sizes),
        )
        for i, shape in zip(bent, line, strict=True):
            shapes[i] = shape
    return RoadGraph(
        x, y, lon, lat, order[:, 0].astype(np.int64), order[:, 1].astype(np.int64),
        np.array(length, np.float64),
        np.array([KINDS.index(tag.kind) for tag in tags], np.int8),
        np.array([tag.factor for tag in tags], np.float64),
        np.array([tag.crossing or tag.kind in ("bridge", "ferry") for tag in tags], np.bool_),
        np.array([tag.fibre for tag in tags], np.bool_),
        names=tuple(tag.name for tag in tags),
        shapes=tuple(shapes) if bent else (),
        crs=crs,
        source=source,
    )  # fmt: skip


def _with_crossings(lines: Sequence[Line]) -> list[Floats]:
    """The courses with a point of their own wherever they meet another road."""
    geometries = shapely.linestrings(
        np.vstack([line.points for line in lines]),
        indices=np.repeat(np.arange(len(lines)), [len(line.points) for line in lines]),
    )
    ground = np.array([line.tags.kind != "bridge" for line in lines])
    first, second = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    pairs = (first < second) & ground[first] & ground[second]
    first, second = first[pairs], second[pairs]
    meeting = shapely.intersection(geometries[first], geometries[second])
    more: dict[int, list[Floats]] = {}
    for i, j, where in zip(first.tolist(), second.tolist(), meeting, strict=True):
        spots = shapely.get_coordinates(where)
        more.setdefault(i, []).append(spots)
        more.setdefault(j, []).append(spots)
    courses = []
    for at, line in enumerate(lines):
        if at not in more:
            courses.append(line.points)
            continue
        every = np.vstack([line.points, *more[at]])
        own = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line.points, axis=0).T))])
        new = shapely.line_locate_point(geometries[at], shapely.points(every[len(line.points) :]))
        every = every[np.argsort(np.concatenate([own, new]), kind="stable")]
        fresh = np.concatenate([[True], np.hypot(*np.diff(every, axis=0).T) > SAME_M / 2])
        courses.append(every[fresh])
    return courses

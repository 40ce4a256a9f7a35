"""What other maps say of the roads: where fibre lies already, and which roads cross a river."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from lienthong.infrastructure.geography.attaching import edge_lines
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.geography.importers import read_features
from lienthong.infrastructure.geography.projection import metres


def read_geometries(path: Path, *, crs: str | None = None, layer: str | None = None) -> Any:
    """The geometries of a file in degrees, empty ones left out; raises as the importers do."""
    shapes = read_features(path, crs=crs, layer=layer).geometries
    return shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]


def with_fibre(graph: RoadGraph, cables: Any, *, within_m: float = 25.0, share: float = 0.8) -> RoadGraph:
    """Edges marked as having fibre where at least ``share`` of them runs within ``within_m`` of ``cables``
    (geometries in degrees).
    """
    near = _in_metres(graph, cables).buffer(within_m)
    shapely.prepare(near)
    lines = edge_lines(graph)
    touching = np.flatnonzero(shapely.intersects(lines, near))
    inside = shapely.length(shapely.intersection(lines[touching], near))
    total = np.maximum(shapely.length(lines[touching]), 1e-9)
    fibre = graph.fibre.copy()
    fibre[touching[inside / total >= share]] = True
    return replace(graph, fibre=fibre)


def with_rivers(graph: RoadGraph, rivers: Any) -> RoadGraph:
    """Edges marked as crossings where they meet ``rivers`` (lines or areas in degrees)."""
    water = _in_metres(graph, rivers)
    shapely.prepare(water)
    return replace(graph, crossing=graph.crossing | shapely.intersects(edge_lines(graph), water))


def _in_metres(graph: RoadGraph, geometries: Any) -> Any:
    return shapely.transform(
        shapely.union_all(np.atleast_1d(np.asarray(geometries, dtype=object))),
        lambda c: np.column_stack(metres(c[:, 0], c[:, 1], graph.crs)),
    )

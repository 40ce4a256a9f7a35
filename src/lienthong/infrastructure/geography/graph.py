"""The road graph that every plan is laid along: positions in metres and degrees, edges with what they cost
to trench.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

KINDS = ("national", "provincial", "district", "rural", "track", "ferry", "bridge", "unknown")
"""Kinds of road; ``RoadGraph.kind`` holds indexes into this."""

KIND_NAMES = {
    "vi": {
        "national": "Quốc lộ",
        "provincial": "Đường tỉnh",
        "district": "Đường huyện",
        "rural": "Đường xã, thôn, ấp",
        "track": "Đường mòn, bờ kênh",
        "ferry": "Bến phà",
        "bridge": "Cầu",
        "unknown": "Chưa phân loại",
    },
    "en": {
        "national": "National road",
        "provincial": "Provincial road",
        "district": "District road",
        "rural": "Rural road",
        "track": "Track, canal bank",
        "ferry": "Ferry",
        "bridge": "Bridge",
        "unknown": "Not classified",
    },
}

SYNTHETIC = {
    "vi": "Dữ liệu mô phỏng, gần đúng, không dùng để mua sắm",
    "en": "Synthetic, approximate, not for procurement",
}


@dataclass(frozen=True)
class RoadGraph:
    """``n`` vertices and ``m`` undirected edges. Loops are left out; parallel edges may occur.

    ``x``, ``y`` are metres in ``crs``, ``lon``, ``lat`` degrees (WGS 84). ``length_m`` is the length along
    the road, which may be more than the straight line. ``kind`` indexes :data:`KINDS`; ``factor`` multiplies
    the cost of trenching (1.0: a plain); ``crossing`` marks edges over a river, ``fibre`` those along which
    fibre lies already. ``names`` (empty or m) name edges in messages; ``shapes`` (empty or m) are shapely
    LineStrings in degrees from tail to head, ``None`` or () for straight lines. ``boundary`` maps names to
    shapely geometries in degrees for the background of maps ("rivers", "districts").
    """

    x: Floats
    y: Floats
    lon: Floats
    lat: Floats
    tail: Ints
    head: Ints
    length_m: Floats
    kind: NDArray[np.int8]
    factor: Floats
    crossing: Mask
    fibre: Mask
    names: tuple[str, ...] = ()
    shapes: tuple[Any, ...] = ()
    crs: str = "EPSG:32648"
    source: str = ""
    synthetic: bool = False
    boundary: Any = None

    @property
    def vertices(self) -> int:
        return int(self.x.size)

    @property
    def edges(self) -> int:
        return int(self.tail.size)

    def kind_of(self, edge: int) -> str:
        """The name of an edge's kind."""
        return KINDS[int(self.kind[edge])]

    def name_of(self, edge: int) -> str:
        """How messages speak of an edge: its own name, or its position in degrees."""
        if self.names and self.names[edge]:
            return self.names[edge]
        u, v = int(self.tail[edge]), int(self.head[edge])
        lon, lat = (self.lon[u] + self.lon[v]) / 2, (self.lat[u] + self.lat[v]) / 2
        return f"edge {edge + 1} near {lon:.5f}, {lat:.5f}"

    def line(self, edge: int) -> Sequence[tuple[float, float]]:
        """An edge's course in degrees, from tail to head."""
        if self.shapes and self.shapes[edge] is not None:
            return [(float(p[0]), float(p[1])) for p in self.shapes[edge].coords]
        u, v = int(self.tail[edge]), int(self.head[edge])
        return [
            (float(self.lon[u]), float(self.lat[u])),
            (float(self.lon[v]), float(self.lat[v])),
        ]

    def parts(self) -> Ints:
        """The number of the connected part each vertex lies in (n), the largest being 0."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        n = self.vertices
        links = coo_matrix((np.ones(self.edges), (self.tail, self.head)), shape=(n, n))
        _, labels = connected_components(links, directed=False)
        order = np.argsort(-np.bincount(labels), kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        found: Ints = rank[labels].astype(np.int64)
        return found

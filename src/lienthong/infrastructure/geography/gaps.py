"""Sites that the root cannot reach: which, how far they are from the rest, and what would join them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.findings import several
from lienthong.infrastructure.geography.graph import KINDS, Ints, RoadGraph
from lienthong.infrastructure.survey.model import Site


@dataclass(frozen=True)
class Gap:
    """A part of the graph apart from the root's: its ``sites`` (positions), and the nearest two vertices:
    ``inside`` it and ``outside``, where the root's network is, ``metres`` apart.
    """

    sites: tuple[int, ...]
    inside: int
    outside: int
    metres: float
    where: tuple[float, float]
    towards: tuple[float, float]

    def text(self, sites: Sequence[Site], language: str = "vi") -> str:
        """Who is cut off, by how much, and between which points (longitude, latitude) a link is missing."""
        names = several([f"{sites[i].code} ({sites[i].name})" for i in self.sites])
        ends = (
            f"{self.where[0]:.5f}, {self.where[1]:.5f}",
            f"{self.towards[0]:.5f}, {self.towards[1]:.5f}",
        )
        if language == "vi":
            return f"{names}: cách mạng chính {self.metres:,.0f} m, cần nối {ends[0]} với {ends[1]}"
        return f"{names}: {self.metres:,.0f} m from the network, to be joined from {ends[0]} to {ends[1]}"


def gaps(
    attached: Attached, root: int, tail: Ints | None = None, head: Ints | None = None
) -> tuple[Gap, ...]:
    """The parts with sites that the root's site does not reach, the most sites first.

    ``tail`` and ``head`` may hold further edges, with site ``i`` as vertex ``n + i``; else the graph's own.
    """
    graph = attached.graph
    n, s = graph.vertices, len(attached.sites)
    if tail is None or head is None:
        own = n + np.arange(s, dtype=np.int64)
        tail, head = np.concatenate([graph.tail, own]), np.concatenate([graph.head, attached.terminals])
    links = coo_matrix((np.ones(tail.size), (tail, head)), shape=(n + s, n + s))
    _, labels = connected_components(links, directed=False)
    home = labels[n + root]
    lost: dict[int, list[int]] = {}
    for i in range(s):
        if labels[n + i] != home:
            lost.setdefault(int(labels[n + i]), []).append(i)
    if not lost:
        return ()
    reached = np.flatnonzero(labels[:n] == home)
    tree = cKDTree(np.column_stack([graph.x[reached], graph.y[reached]]))
    found = []
    for label, sites in lost.items():
        part = np.flatnonzero(labels[:n] == label)
        away, nearest = tree.query(np.column_stack([graph.x[part], graph.y[part]]))
        at = int(np.argmin(away))
        u, v = int(part[at]), int(reached[nearest[at]])
        places = ((float(graph.lon[u]), float(graph.lat[u])), (float(graph.lon[v]), float(graph.lat[v])))
        found.append(Gap(tuple(sites), u, v, float(away[at]), *places))
    return tuple(sorted(found, key=lambda gap: (-len(gap.sites), gap.metres)))


def joined(graph: RoadGraph, missing: Sequence[Gap], *, kind: str = "unknown") -> RoadGraph:
    """The graph with a straight edge of ``kind`` across each gap, marked as a crossing: to be surveyed."""
    if not missing:
        return graph
    u = np.array([gap.inside for gap in missing], np.int64)
    v = np.array([gap.outside for gap in missing], np.int64)
    count = u.size
    return replace(
        graph,
        tail=np.concatenate([graph.tail, u]),
        head=np.concatenate([graph.head, v]),
        length_m=np.concatenate([graph.length_m, np.maximum([gap.metres for gap in missing], 1.0)]),
        kind=np.concatenate([graph.kind, np.full(count, KINDS.index(kind), np.int8)]),
        factor=np.concatenate([graph.factor, np.ones(count)]),
        crossing=np.concatenate([graph.crossing, np.ones(count, np.bool_)]),
        fibre=np.concatenate([graph.fibre, np.zeros(count, np.bool_)]),
        names=(*graph.names, *(f"missing link {i}" for i in range(1, count + 1))) if graph.names else (),
        shapes=(*graph.shapes, *(None for _ in missing)) if graph.shapes else (),
    )

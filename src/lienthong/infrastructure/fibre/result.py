"""What the planning of fibre answers: the chosen edges, their costs and how far from optimal they can be."""

from __future__ import annotations

from dataclasses import dataclass

from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.geography.graph import Floats, Ints, RoadGraph
from lienthong.infrastructure.survey.model import Site


@dataclass(frozen=True)
class WirelessHop:
    """A site backhauled by microwave: ``site`` and ``from_site`` are positions in the plan's sites,
    ``from_vertex`` the vertex of the sending site.

    ``km`` is the length of the hop, ``cost`` its equipment, masts and first licence, VND. ``clear``: the
    first Fresnel zone was checked to be clear over terrain; False: only the distance was.
    """

    site: int
    from_site: int
    from_vertex: int
    km: float
    cost: float
    clear: bool


@dataclass(frozen=True)
class FibrePlan:
    """A network over ``sites``: all money in VND, whole numbers.

    ``terminals`` (s) is the vertex at which each site joins the graph, sites in order; ``root`` the vertex
    of the data centre. ``edges`` are positions of chosen edges, existing fibre that is used among them at
    ``edge_cost`` 0 or reduced. ``node_cost`` (s): splice, node equipment and drop cable. ``cost`` is the
    sum of edges, nodes and hops; ``lower_bound`` ≤ optimum ≤ ``cost``.

    ``parent`` and ``parent_edge`` (n) lead to the root: -1 at the root and outside the plan. Where
    ``parent`` is set and ``parent_edge`` is -1, the way is a microwave hop, or fibre in use today that the
    graph does not hold (sites marked connected). ``ring_edges`` close rings; they are in ``edges`` but not on
    the way of ``parent``. ``findings`` say in both languages what to look at; ``notes`` are their lines in
    Vietnamese.
    """

    graph: RoadGraph
    terminals: Ints
    sites: tuple[Site, ...]
    root: int
    edges: Ints
    edge_cost: Floats
    node_cost: Floats
    cost: float
    lower_bound: float
    seconds: float
    proved: bool
    parent: Ints
    parent_edge: Ints
    ring_edges: Ints
    wireless: tuple[WirelessHop, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def gap(self) -> float:
        """(cost − bound) ÷ cost; 0 when proved."""
        return 0.0 if self.proved or self.cost <= 0 else (self.cost - self.lower_bound) / self.cost

    @property
    def length_m(self) -> float:
        """Metres of new trench: chosen edges without existing fibre."""
        new = self.edges[~self.graph.fibre[self.edges]]
        return float(self.graph.length_m[new].sum())

    def way_of(self, site: int) -> list[int]:
        """The graph's edges from a site towards the root, in order."""
        vertex, edges = int(self.terminals[site]), []
        while self.parent[vertex] >= 0:
            if self.parent_edge[vertex] >= 0:
                edges.append(int(self.parent_edge[vertex]))
            vertex = int(self.parent[vertex])
        return edges

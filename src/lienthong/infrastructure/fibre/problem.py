"""A plan as a Steiner tree problem, and a tree as a plan.

Beside the graph's vertices each site has a vertex of its own, joined to the road by its drop, to other
sites by microwave hops, and, when it is connected today, to the root at no cost. So one problem holds fibre
and microwave, and one bound goes for both. Costs are in thousands of VND.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.errors import Disconnected
from lienthong.infrastructure.fibre.costs import (
    UNIT,
    FibreCosts,
    drop_costs,
    edge_costs,
    hop_price,
    node_price,
)
from lienthong.infrastructure.fibre.errors import BadCosts
from lienthong.infrastructure.fibre.result import FibrePlan, WirelessHop
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.geography.gaps import gaps
from lienthong.infrastructure.geography.graph import Floats, Ints
from lienthong.infrastructure.steiner.instance import Instance


@dataclass(frozen=True)
class Link:
    """A microwave hop that could be built between two sites (positions), ``km`` long."""

    first: int
    second: int
    km: float
    clear: bool = False


@dataclass(frozen=True)
class Problem:
    """``tail``, ``head``, ``cost`` (VND): the graph's edges, then a drop by site, then ``links``, then ways
    in use today. Vertex ``n + i`` is site ``i``.
    """

    attached: Attached
    root: int
    links: tuple[Link, ...]
    tail: Ints
    head: Ints
    cost: Floats
    equipment: Floats

    @property
    def first_site(self) -> int:
        return self.attached.graph.vertices

    @property
    def first_drop(self) -> int:
        return self.attached.graph.edges

    @property
    def first_link(self) -> int:
        return self.first_drop + len(self.attached.sites)

    @property
    def first_today(self) -> int:
        return self.first_link + len(self.links)

    @property
    def vertices(self) -> int:
        return self.first_site + len(self.attached.sites)

    def instance(self, name: str = "fibre") -> Instance:
        """Checked for connection by :func:`state`; in thousands of VND."""
        terminals = self.first_site + np.arange(len(self.attached.sites), dtype=np.int64)
        return Instance(self.vertices, self.tail, self.head, self.cost / UNIT, terminals, name)


def root_of(attached: Attached, root: int | None) -> int:
    """The position of the site that all lead to: as wished, else the first node, else the first site."""
    if root is not None:
        if not 0 <= root < len(attached.sites):
            raise BadCosts(
                f"the root is site {root} of {len(attached.sites)}", place="root", remedy="name a site"
            )
        return root
    return next((i for i, site in enumerate(attached.sites) if site.kind == "node"), 0)


def state(
    attached: Attached, costs: FibreCosts, *, root: int | None = None, links: Sequence[Link] = ()
) -> Problem:
    """The problem, checked. Raises :class:`Disconnected` naming the sites that nothing reaches, how far
    they are from the rest and where a link would join them.
    """
    graph, sites = attached.graph, attached.sites
    hub = root_of(attached, root)
    s = len(sites)
    own = graph.vertices + np.arange(s, dtype=np.int64)
    today = [i for i, site in enumerate(sites) if site.connected and i != hub]
    tail = [graph.tail, own, graph.vertices + _ints(link.first for link in links)]
    head = [graph.head, attached.terminals, graph.vertices + _ints(link.second for link in links)]
    tail.append(own[today])
    head.append(np.full(len(today), own[hub], np.int64))
    hops = np.array([hop_price(sites[link.first], sites[link.second], costs) for link in links], np.float64)
    drops = drop_costs(attached, costs)
    drops[hub] = 0.0
    cost = np.concatenate([edge_costs(graph, costs), drops, hops, np.zeros(len(today))])
    equipment = np.array([node_price(site, costs) for site in sites], np.float64)
    equipment[hub] = 0.0
    problem = Problem(
        attached, hub, tuple(links), np.concatenate(tail), np.concatenate(head), cost, equipment
    )
    _check_connected(problem)
    return problem


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), np.int64)


def _check_connected(problem: Problem) -> None:
    lost = gaps(problem.attached, problem.root, problem.tail, problem.head)
    if lost:
        sites = [i for gap in lost for i in gap.sites]
        raise Disconnected(
            f"{len(sites)} of {len(problem.attached.sites)} sites cannot be reached: "
            + "; ".join(gap.text(problem.attached.sites, "en") for gap in lost[:5])
            + (f"; … ({len(lost) - 5} more)" if len(lost) > 5 else ""),
            place=problem.attached.graph.source or "road graph",
            remedy="add the missing roads or ferries (geography.gaps.joined adds the shortest), give "
            "microwave links to these sites, or plan them apart",
        )


def plan_of(
    problem: Problem,
    edges: Iterable[int],
    *,
    lower_bound: float,
    seconds: float,
    proved: bool,
    findings: Sequence[Finding] = (),
) -> FibrePlan:
    """A plan from chosen edges of the problem (a tree, or more than a tree where rings close).

    ``lower_bound`` is that of the chosen edges' cost, VND; equipment is added to both.
    """
    attached, graph = problem.attached, problem.attached.graph
    chosen = np.array(sorted(set(edges)), np.int64)
    roads = chosen[chosen < problem.first_drop]
    drops = chosen[(chosen >= problem.first_drop) & (chosen < problem.first_link)] - problem.first_drop
    way, by = _ways(problem, chosen)
    node_cost = problem.equipment.copy()
    node_cost[drops] += problem.cost[problem.first_drop + drops]
    parent, parent_edge = np.full(graph.vertices, -1, np.int64), np.full(graph.vertices, -1, np.int64)
    hops: list[WirelessHop] = []
    for v in range(graph.vertices):
        if way[v] >= 0:
            parent[v] = way[v]
            parent_edge[v] = by[v] if by[v] < problem.first_drop else -1
    for i in range(len(attached.sites)):
        e = int(by[problem.first_site + i])
        if problem.first_link <= e < problem.first_today:
            link = problem.links[e - problem.first_link]
            sender = int(way[problem.first_site + i]) - problem.first_site
            vertex = int(attached.terminals[sender])
            hops.append(WirelessHop(i, sender, vertex, link.km, float(problem.cost[e]), link.clear))
    root = int(attached.terminals[problem.root])
    _collapse(problem, way, by, parent, root)
    spanned = set(by[by >= 0].tolist())
    rings = np.array([e for e in roads.tolist() if e not in spanned], np.int64)
    edge_cost = problem.cost[roads]
    cost = float(edge_cost.sum() + node_cost.sum() + sum(hop.cost for hop in hops))
    bound = cost if proved else min(cost, lower_bound + float(problem.equipment.sum()))
    return FibrePlan(
        graph, attached.terminals, attached.sites, root, roads, edge_cost, node_cost, cost, bound, seconds,
        proved, parent, parent_edge, rings, tuple(hops),
        tuple(finding.text("vi") for finding in findings), tuple(findings),
    )  # fmt: skip


def _ways(problem: Problem, chosen: Ints) -> tuple[Ints, Ints]:
    """By vertex of the problem: the next vertex towards the root along chosen edges, and the edge there."""
    near: dict[int, list[tuple[int, int]]] = {}
    for e in chosen.tolist():
        u, v = int(problem.tail[e]), int(problem.head[e])
        near.setdefault(u, []).append((v, e))
        near.setdefault(v, []).append((u, e))
    way, by = np.full(problem.vertices, -1, np.int64), np.full(problem.vertices, -1, np.int64)
    start = problem.first_site + problem.root
    seen, queue = {start}, deque([start])
    while queue:
        v = queue.popleft()
        for w, e in near.get(v, ()):
            if w not in seen:
                seen.add(w)
                way[w], by[w] = v, e
                queue.append(w)
    return way, by


def _collapse(problem: Problem, way: Ints, by: Ints, parent: Ints, root: int) -> None:
    """Lead the graph's vertices past the sites' own vertices, to where a hop or today's fibre comes from."""
    terminals, first = problem.attached.terminals, problem.first_site
    for i in range(len(problem.attached.sites)):
        at, v = int(terminals[i]), first + i
        if by[v] < problem.first_link and way[at] != v:
            continue
        if 0 <= way[at] < first:
            continue
        up = int(way[v])
        while up >= first and int(terminals[up - first]) == at:
            up = int(way[up])
        if up >= first:
            up = int(terminals[up - first])
        parent[at] = -1 if at == root else up
    parent[root] = -1

"""The tree of a fibre plan in segments: new cable between sites, branching points and the root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.phasing.errors import BadPhasingData


@dataclass(frozen=True)
class Segment:
    """Cable that is laid at once: ``edges`` of the graph that still cost something, ``costs`` VND of each.

    ``vertex`` is its end away from the root, ``site`` the first site that joins there.
    """

    key: str
    vertex: int
    site: int | None
    edges: tuple[int, ...]
    costs: tuple[float, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Ways:
    """``segments`` from the root outwards; ``last``: what must be done for cable to reach a vertex."""

    plan: FibrePlan
    segments: tuple[Segment, ...]
    last: dict[int, tuple[str, ...]]

    def reached(self, vertex: int) -> tuple[str, ...]:
        return self.last.get(vertex, ())

    def reached_by(self, site: int) -> tuple[str, ...]:
        """What must be done before a site's own drop and node."""
        if any(hop.site == site for hop in self.plan.wireless):
            return (f"microwave-{self.plan.sites[site].code}",)
        return self.reached(int(self.plan.terminals[site]))


def tree_segments(plan: FibrePlan) -> Ways:
    """Cut the tree at sites, branching points and hops. Raises :class:`BadPhasingData` when it is no tree."""
    order = _outwards(plan)
    used = set(order)
    children: dict[int, int] = {}
    for vertex in order:
        above = int(plan.parent[vertex])
        if above >= 0:
            children[above] = children.get(above, 0) + 1
    site_at: dict[int, int] = {}
    for at, terminal in enumerate(plan.terminals):
        site_at.setdefault(int(terminal), at)
    senders = {hop.from_vertex for hop in plan.wireless}
    cost = {int(edge): float(money) for edge, money in zip(plan.edges, plan.edge_cost, strict=True)}
    hop_to = {int(plan.terminals[hop.site]): plan.sites[hop.site].code for hop in plan.wireless}
    segments: list[Segment] = []
    last: dict[int, tuple[str, ...]] = {plan.root: ()}
    open_edges: dict[int, tuple[int, ...]] = {}
    for vertex in order:
        above, edge = int(plan.parent[vertex]), int(plan.parent_edge[vertex])
        if above < 0:
            last[vertex] = ()
            continue
        if edge < 0:
            last[vertex] = (f"microwave-{hop_to[vertex]}",) if vertex in hop_to else ()
            continue
        edges = (*open_edges.get(above, ()), edge)
        through = children.get(vertex, 0) == 1 and vertex not in site_at and vertex not in senders
        last[vertex] = last[above]
        if through:
            open_edges[vertex] = edges
            continue
        paid = tuple(each for each in edges if cost.get(each, 0.0) > 0)
        if paid:
            key = f"trunk-{vertex}"
            segments.append(
                Segment(
                    key, vertex, site_at.get(vertex), paid, tuple(cost[each] for each in paid), last[above]
                )
            )
            last[vertex] = (key,)
    return Ways(plan, tuple(segments), {vertex: keys for vertex, keys in last.items() if vertex in used})


def ring_segments(plan: FibrePlan, ways: Ways) -> list[Segment]:
    """All that is laid beside the ways of the sites, joined where it touches: the edges that close rings, and
    those that lead from the last site of a ring to them. Each after the cable at its ends.
    """
    cost = {int(edge): float(money) for edge, money in zip(plan.edges, plan.edge_cost, strict=True)}
    laid = {edge for segment in ways.segments for edge in segment.edges}
    edges = [edge for edge in map(int, plan.edges) if cost[edge] > 0 and edge not in laid]
    result = []
    for at, group in enumerate(_touching(plan, edges), 1):
        ends = sorted(
            {int(vertex) for edge in group for vertex in (plan.graph.tail[edge], plan.graph.head[edge])}
        )
        after = tuple(dict.fromkeys(key for vertex in ends for key in ways.reached(vertex)))
        result.append(
            Segment(f"ring-{at}", ends[-1], None, tuple(group), tuple(cost[each] for each in group), after)
        )
    return result


def _outwards(plan: FibrePlan) -> list[int]:
    """Vertices on some site's way, those nearer to the root first."""
    depth: dict[int, int] = {plan.root: 0}
    for at, terminal in enumerate(plan.terminals):
        way: list[int] = []
        vertex = int(terminal)
        while vertex not in depth:
            if len(way) > len(plan.parent):
                raise BadPhasingData(
                    "the way to the root goes in a circle",
                    place=f"site {plan.sites[at].code}",
                    remedy="design the network again",
                )
            way.append(vertex)
            above = int(plan.parent[vertex])
            if above < 0:
                depth[vertex] = 0
                break
            vertex = above
        for each in reversed(way):
            if each not in depth:
                depth[each] = depth[int(plan.parent[each])] + 1
    return sorted(depth, key=lambda vertex: (depth[vertex], vertex))


def _touching(plan: FibrePlan, edges: Sequence[int]) -> list[list[int]]:
    group_of: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    for edge in edges:
        ends = (int(plan.graph.tail[edge]), int(plan.graph.head[edge]))
        mine = [edge]
        vertices = set(ends)
        for number in {group_of[vertex] for vertex in ends if vertex in group_of}:
            mine += groups.pop(number)
            vertices |= {vertex for vertex, group in group_of.items() if group == number}
        groups[edge] = mine
        group_of.update(dict.fromkeys(vertices, edge))
    return [sorted(group) for group in groups.values()]

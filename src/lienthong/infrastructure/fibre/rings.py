"""A backbone that survives any one cut: two ways between chosen sites, and a tree to all others.

Upper bounds come from rings routed where trees run anyway, trees grown on rings, and deletion of what is not
needed; the lower bound from the directed cut relaxation (:mod:`.relaxation`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from lienthong.infrastructure.fibre import running
from lienthong.infrastructure.fibre.blocks import bridges, two_connected
from lienthong.infrastructure.fibre.costs import UNIT, FibreCosts
from lienthong.infrastructure.fibre.design import CANCELLED
from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.problem import Link, Problem, plan_of, state
from lienthong.infrastructure.fibre.relaxation import Needs, Relaxation, raise_bound
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.findings import several
from lienthong.infrastructure.geography.graph import Floats, Ints
from lienthong.infrastructure.steiner.solver import Progress

Edges = frozenset[int]

LARGE = 5_000
"""With more edges than this the LP does not catch up with dual ascent in minutes: better look for rings."""


def design_rings(
    attached: Attached,
    costs: FibreCosts,
    backbone: Sequence[int],
    *,
    root: int | None = None,
    links: Sequence[Link] = (),
    time_limit: float = 120.0,
    seed: int = 1,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> FibrePlan:
    """The cheapest network found in which the sites ``backbone`` (positions; the root joins them) stay
    connected after the loss of any one edge of the graph, and all others are connected.

    Each site's drop is single, and microwave never closes a ring. ``lower_bound`` holds for the best such
    network. Raises :class:`Infeasible` naming the backbone sites that only one road reaches.
    """
    began = time.monotonic()
    problem = state(attached, costs, root=root, links=links)
    work = _Rings(problem, backbone, began + time_limit, seed, progress, stop)
    work.check()
    try:
        work.run()
    except KeyboardInterrupt:
        work.cancelled = True
        if work.best is None:
            raise
    assert work.best is not None
    proved = work.lower >= work.cost - UNIT / 2
    return plan_of(
        problem,
        work.best,
        lower_bound=work.cost if proved else work.lower,
        seconds=time.monotonic() - began,
        proved=proved,
        findings=[*attached.findings, *([CANCELLED] if work.stopped() else [])],
    )


@dataclass
class _Rings:
    problem: Problem
    backbone: Sequence[int]
    deadline: float
    seed: int
    progress: Progress | None
    stop: threading.Event | None

    def __post_init__(self) -> None:
        graph = self.problem.attached.graph
        terminals = self.problem.attached.terminals
        self.rng = np.random.default_rng(self.seed)
        self.hub = int(terminals[self.problem.root])
        chosen = {int(terminals[i]) for i in self.backbone} - {self.hub}
        self.twos: Ints = np.array(sorted(chosen), np.int64)
        self.roads = range(graph.edges)
        self.cost, self.lower = float("inf"), 0.0
        self.best: Edges | None = None
        self.cancelled = False

    def check(self) -> None:
        """Two ways must exist at all."""
        graph, attached = self.problem.attached.graph, self.problem.attached
        _, strong = two_connected(graph.vertices, graph.tail, graph.head, self.roads, self.hub)
        weak = [i for i in self.backbone if not strong[attached.terminals[i]]]
        if weak:
            _, cuts = bridges(graph.vertices, graph.tail, graph.head, self.roads, self.hub)
            way = self._only_way(int(attached.terminals[weak[0]]), cuts)
            raise Infeasible(
                f"{len(weak)} sites of the backbone can be reached in one way only: "
                + several([f"{attached.sites[i].code} ({attached.sites[i].name})" for i in weak]),
                place=graph.name_of(way),
                remedy="add a second road, bridge or ferry beside this one, or take these sites out of the "
                "backbone",
            )

    def _only_way(self, vertex: int, cuts: set[int]) -> int:
        """The first edge on the way to ``vertex`` that has no other way round."""
        graph = self.problem.attached.graph
        weight = coo_matrix((np.ones(graph.edges), (graph.tail, graph.head)), shape=(graph.vertices,) * 2)
        _, before = dijkstra(weight.tocsr(), directed=False, indices=self.hub, return_predecessors=True)
        pairs = {(int(graph.tail[e]), int(graph.head[e])): e for e in cuts}
        found, v = min(cuts), vertex
        while before[v] >= 0:
            u = int(before[v])
            found = pairs.get((u, v), pairs.get((v, u), found))
            v = u
        return found

    def left(self, share: float) -> float:
        return max(0.2, (self.deadline - time.monotonic()) * share)

    def run(self) -> None:
        problem = self.problem
        tree = self._tree(problem.cost, self.left(0.1))
        self.lower = tree.lower_bound * UNIT
        self._attempt(problem.cost, frozenset(tree.edges), 0.35, self.left(0.1))
        if not self.twos.size:
            return
        self._relax(time.monotonic() + self.left(0.35))
        while self.cost - self.lower > UNIT / 2 and time.monotonic() < self.deadline and not self.stopped():
            assert self.best is not None
            share = float(self.rng.choice([0.02, 0.1, 0.2, 0.35, 0.6]))
            start = self.best if self.rng.random() < 0.5 else frozenset(tree.edges)
            self._attempt(problem.cost, start, share, self.left(0.08))

    def stopped(self) -> bool:
        return self.cancelled or (self.stop is not None and self.stop.is_set())

    def _relax(self, deadline: float) -> None:
        problem = self.problem
        sites = problem.first_site + np.arange(len(problem.attached.sites), dtype=np.int64)
        needs = Needs(
            problem.vertices, problem.tail, problem.head, problem.cost / UNIT, self.hub, sites, self.twos
        )
        relaxation = Relaxation(needs)
        self._told("dual ascent", relaxation.bound * UNIT)
        if problem.tail.size > LARGE:
            return
        calls = 0

        def upper(x: Floats) -> float:
            nonlocal calls
            calls += 1
            if self.stopped():
                raise KeyboardInterrupt
            if calls % 8 == 0 and self.best is not None:
                used = np.minimum(x[0::2] + x[1::2], 1.0)
                self._attempt(problem.cost * (1.0 - 0.9 * used), self.best, 0.35, self.left(0.03))
            return self.cost / UNIT

        raise_bound(
            relaxation, upper=upper, deadline=deadline, enough=0.999, rng=self.rng,
            told=lambda bound: self._told("relaxation", bound * UNIT),
        )  # fmt: skip
        self._told("relaxation", relaxation.bound * UNIT)

    def _told(self, stage: str, bound: float) -> None:
        # costs are whole units, so a bound may be rounded up to the next
        bound = float(np.ceil(bound / UNIT - 1e-3)) * UNIT
        self.lower = max(self.lower, min(bound, self.cost))
        if self.progress is not None:
            self.progress(stage, self.lower, self.cost)

    def _tree(self, cost: Floats, seconds: float) -> running.Found:
        instance = self.problem.instance()
        instance = replace(instance, cost=np.rint(cost / UNIT))
        # even when stopped a first network is finished, in a hurry
        stopped = self.stopped()
        found = running.solve(
            instance, time_limit=min(seconds, 1.0) if stopped else seconds, seed=self.seed,
            stop=None if stopped else self.stop,
        )  # fmt: skip
        self.cancelled = self.cancelled or found.cancelled
        return found

    def _attempt(self, guide: Floats, tree: Edges, share: float, seconds: float) -> None:
        """Rings at ``share`` of the price where ``tree`` runs, a tree on them, what is not needed deleted."""
        deadline = time.monotonic() + seconds
        # rings lie on roads, trees begin at the root's site: its drop joins both
        door = self.problem.first_drop + self.problem.root
        for turn in range(2):
            price = guide[: self.problem.first_drop].copy()
            price[[e for e in tree if e < price.size]] *= share if turn == 0 else 0.15
            ring = self._ring(price * self.rng.uniform(1.0, 1.08, price.size))
            cost = guide.copy()
            cost[list(ring)] = 0.0
            grown = self._tree(cost, max(0.2, (deadline - time.monotonic()) * 0.5))
            tree = self._pruned(frozenset(grown.edges) | ring | {door}, min(deadline + 2.0, self.deadline))
            total = float(self.problem.cost[list(tree)].sum())
            if total < self.cost:
                self.cost, self.best = total, tree
                self._told("rings", self.lower)
            if time.monotonic() > deadline or self.stopped():
                return

    def _ring(self, price: Floats) -> Edges:
        """Two-edge-connected edges over the backbone: legs of a short tour, each on roads still free; where
        that fails, and now and then, two ways from the hub to each station instead.
        """
        if not self.twos.size:
            return frozenset()
        stops = np.concatenate([[self.hub], self.twos])
        free = np.ones(price.size, np.bool_)
        if self.best is not None and self.rng.random() < 0.3:
            return self._pairs(price)
        apart, _ = self._ways(price, free, stops)
        tour = shortest_tour(apart[:, stops])
        chosen: set[int] = set()
        for a, b in zip(tour, [*tour[1:], tour[0]], strict=True):
            _, before = self._ways(price, free, stops[[a]])
            leg = self._leg(before[0], int(stops[b]))
            if not leg:
                return self._pairs(price)
            chosen.update(leg)
            free[leg] = False
        return frozenset(chosen)

    def _pairs(self, price: Floats) -> Edges:
        """Two ways from the hub to each station that share no edge, the cheapest (Suurballe 1974); what is
        chosen is free for the next.
        """
        n = self.problem.attached.graph.vertices
        price, chosen = price.copy(), set[int]()
        everywhere = np.ones(price.size, np.bool_)
        for station in self.rng.permutation(self.twos).tolist():
            far, before = self._ways(price, everywhere, np.array([self.hub]))
            edges = np.array(list(self._edge_at.values()), np.int64)
            first = self._arcs(before[0], station)
            graph = self.problem.attached.graph
            u = np.concatenate([graph.tail[edges], graph.head[edges]])
            v = np.concatenate([graph.head[edges], graph.tail[edges]])
            cost = np.maximum(np.tile(price[edges] + 1.0, 2) + far[0][u] - far[0][v], 0.0) + 1e-6
            taken = np.isin(u * n + v, [a * n + b for a, b in first])
            weight = coo_matrix((cost[~taken], (u[~taken], v[~taken])), shape=(n, n)).tocsr()
            _, again = dijkstra(weight, indices=self.hub, return_predecessors=True)
            second = self._arcs(again, station)
            if not second:
                return self._all_strong()
            both = first ^ {(b, a) for a, b in second if (b, a) in first}
            both |= {(a, b) for a, b in second if (b, a) not in first}
            found = [self._edge_at[min(a, b) * n + max(a, b)] for a, b in both]
            chosen.update(found)
            price[found] = 0.0
        return frozenset(chosen)

    def _arcs(self, before: Ints, end: int) -> set[tuple[int, int]]:
        found, v = set(), end
        while before[v] >= 0:
            found.add((int(before[v]), v))
            v = int(before[v])
        return found

    def _all_strong(self) -> Edges:
        """Every edge of the hub's two-edge-connected part: always enough, for deletion to thin out."""
        graph = self.problem.attached.graph
        _, strong = two_connected(graph.vertices, graph.tail, graph.head, self.roads, self.hub)
        return frozenset(np.flatnonzero(strong[graph.tail] & strong[graph.head]).tolist())

    def _ways(self, price: Floats, free: np.ndarray, starts: Ints) -> tuple[Floats, Ints]:
        graph = self.problem.attached.graph
        edges = np.flatnonzero(free)
        edges = edges[np.argsort(-price[edges], kind="stable")]
        # of parallel edges the last, cheapest one is kept: scipy would add them up
        key = np.minimum(graph.tail, graph.head) * graph.vertices + np.maximum(graph.tail, graph.head)
        _, last = np.unique(key[edges][::-1], return_index=True)
        edges = edges[::-1][last]
        weight = coo_matrix(
            (price[edges] + 1.0, (graph.tail[edges], graph.head[edges])), shape=(graph.vertices,) * 2
        ).tocsr()
        far, before = dijkstra(weight, directed=False, indices=starts, return_predecessors=True)
        self._edge_at = dict(zip(key[edges].tolist(), edges.tolist(), strict=True))
        return np.atleast_2d(far), np.atleast_2d(before)

    def _leg(self, before: Ints, end: int) -> list[int]:
        n = self.problem.attached.graph.vertices
        return [self._edge_at[min(u, v) * n + max(u, v)] for u, v in self._arcs(before, end)]

    def _pruned(self, edges: Edges, deadline: float) -> Edges:
        """Without edges that nothing needs, the dearest first."""
        problem = self.problem
        n, tail, head = problem.vertices, problem.tail, problem.head
        wanted = problem.first_site + np.arange(len(problem.attached.sites))

        def enough(some: Edges) -> bool:
            seen, _ = bridges(n, tail, head, some, self.hub)
            if not seen[wanted].all():
                return False
            _, strong = two_connected(
                problem.attached.graph.vertices,
                tail,
                head,
                [e for e in some if e < problem.first_drop],
                self.hub,
            )
            return bool(strong[self.twos].all())

        kept = edges
        _, weak = bridges(n, tail, head, kept, self.hub)
        for e in sorted(kept, key=lambda e: (-problem.cost[e], e)):
            if e in weak or e not in kept:
                continue
            if time.monotonic() > deadline:
                break
            trial = kept - {e}
            if enough(trial):
                kept = trial
                _, weak = bridges(n, tail, head, kept, self.hub)
        return self._without_leaves(kept)

    def _without_leaves(self, edges: Edges) -> Edges:
        problem = self.problem
        keep = {problem.first_site + i for i in range(len(problem.attached.sites))}
        keep |= {self.hub, *self.twos.tolist()}
        near: dict[int, set[int]] = {}
        seen, _ = bridges(problem.vertices, problem.tail, problem.head, edges, self.hub)
        left = {e for e in edges if seen[problem.tail[e]]}
        for e in left:
            near.setdefault(int(problem.tail[e]), set()).add(e)
            near.setdefault(int(problem.head[e]), set()).add(e)
        leaves = [v for v, some in near.items() if len(some) == 1 and v not in keep]
        while leaves:
            v = leaves.pop()
            if len(near[v]) != 1:
                continue
            e = near[v].pop()
            left.discard(e)
            u = int(problem.tail[e]) + int(problem.head[e]) - v
            near[u].discard(e)
            if len(near[u]) == 1 and u not in keep:
                leaves.append(u)
        return frozenset(left)


def shortest_tour(apart: Floats) -> list[int]:
    """A short closed tour over all positions of a distance matrix, from 0: nearest first, then 2-opt."""
    k = len(apart)
    tour, rest = [0], set(range(1, k))
    while rest:
        nearest = min(rest, key=lambda j: (apart[tour[-1], j], j))
        rest.discard(nearest)
        tour.append(nearest)
    better = True
    while better:
        better = False
        for i in range(1, k - 1):
            for j in range(i + 1, k):
                a, b, c, d = tour[i - 1], tour[i], tour[j], tour[(j + 1) % k]
                if apart[a, c] + apart[b, d] < apart[a, b] + apart[c, d] - 1e-6:
                    tour[i : j + 1] = reversed(tour[i : j + 1])
                    better = True
    return tour

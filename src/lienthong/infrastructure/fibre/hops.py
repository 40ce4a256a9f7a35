"""Limits on the way to the root: at most so many switches in a row, at most so many sites to a splitter.

A site's switch sits where its drop meets the road; a way to the root passes the switches of the sites at
whose vertices it comes through, its own included. The bound comes from dual ascent on a graph in layers, one
for each number of switches passed.
"""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import replace

import numpy as np

from lienthong.infrastructure.fibre import running
from lienthong.infrastructure.fibre.costs import UNIT, FibreCosts
from lienthong.infrastructure.fibre.design import CANCELLED
from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.problem import Problem, plan_of, state
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.findings import several
from lienthong.infrastructure.geography.graph import Floats, Ints
from lienthong.infrastructure.steiner.kernels import ascent, paths
from lienthong.infrastructure.steiner.solver import Progress

FAR = 1 << 30


def switches_passed(plan: FibrePlan) -> Ints:
    """By site: how many switches its way to the root passes, its own included; the root's counts 0."""
    at = {int(v) for v in plan.terminals} - {plan.root}
    count = np.zeros(len(plan.sites), np.int64)
    for i, vertex in enumerate(plan.terminals.tolist()):
        v = vertex
        while v >= 0:
            count[i] += v in at
            v = int(plan.parent[v])
    return count


def design_hops(
    attached: Attached,
    costs: FibreCosts,
    most: int,
    *,
    root: int | None = None,
    time_limit: float = 90.0,
    seed: int = 1,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> FibrePlan:
    """The cheapest tree found in which every site's way to the root passes at most ``most`` switches.

    Fibre only, and sites connected today pass one. ``lower_bound`` holds for the best such tree. Raises
    :class:`Infeasible` naming the sites that lie behind more switches than that whatever is built.
    """
    began = time.monotonic()
    problem = state(attached, costs, root=root)
    work = _Layers(problem, most)
    work.check()
    best, cost = frozenset[int](), float("inf")

    def told(stage: str, lower: float) -> None:
        if progress is not None:
            progress(stage, min(lower, cost), cost)

    found = _tree(problem, problem.cost, time_limit * 0.45, seed, stop)
    lower = found.lower_bound * UNIT
    plain = frozenset(found.edges)
    passes = np.zeros(problem.cost.size)
    for v in work.sites:
        passes[work.incident(v)] += 0.5
    plain_cost = float(problem.cost[list(plain)].sum())
    step = plain_cost / max(len(plain), 1)
    left = time_limit * 0.45
    cancelled = found.cancelled
    try:
        for weight in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0):
            tree = plain
            if weight:
                guided = np.rint((problem.cost + passes * weight * step) / UNIT) * UNIT
                other = _tree(problem, guided, left / 10, seed, stop)
                tree, cancelled = frozenset(other.edges), other.cancelled
            tree = work.repaired(tree)
            total = float(problem.cost[list(tree)].sum())
            if total < cost:
                best, cost = tree, total
            told("hops", lower)
            if weight == 0.0 and cost == plain_cost and found.proved:
                lower = cost
                break
            if cancelled:
                break
    except KeyboardInterrupt:
        if not best:
            raise
        cancelled = True
    if lower < cost and not cancelled:
        bound = float(np.ceil(work.bound() / UNIT - 1e-3)) * UNIT
        lower = min(cost, max(lower, bound))
        told("layers", lower)
    return plan_of(
        problem,
        best,
        lower_bound=lower,
        seconds=time.monotonic() - began,
        proved=lower >= cost - UNIT / 2,
        findings=[*attached.findings, *([CANCELLED] if cancelled else [])],
    )


def _tree(
    problem: Problem, cost: Floats, seconds: float, seed: int, stop: threading.Event | None
) -> running.Found:
    instance = replace(problem.instance(), cost=cost / UNIT)
    return running.solve(instance, time_limit=max(0.3, seconds), seed=seed, stop=stop)


class _Layers:
    """Ways counted by the switches they pass."""

    def __init__(self, problem: Problem, most: int) -> None:
        if most < 1:
            raise Infeasible(f"at most {most} switches", place="hops", remedy="allow at least one")
        self.problem, self.most = problem, most
        self.start, self.near, self.leaving = paths.adjacency(problem.vertices, problem.tail, problem.head)
        self.origin = problem.first_site + problem.root
        self.hub = int(problem.attached.terminals[problem.root])
        self.sites = sorted({int(v) for v in problem.attached.terminals} - {self.hub})
        self.counts = np.zeros(problem.vertices, np.int64)
        self.counts[self.sites] = 1
        self.goals = problem.first_site + np.arange(len(problem.attached.sites), dtype=np.int64)

    def incident(self, vertex: int) -> Ints:
        found: Ints = self.leaving[self.start[vertex] : self.start[vertex + 1]] >> 1
        return found

    def check(self) -> None:
        fewest = self.fewest(None)[0]
        lost = [i for i, v in enumerate(self.goals.tolist()) if fewest[v] > self.most]
        if lost:
            sites = self.problem.attached.sites
            raise Infeasible(
                f"{len(lost)} sites lie behind more than {self.most} switches whatever is built: "
                + several([f"{sites[i].code} ({sites[i].name})" for i in lost]),
                place="hops",
                remedy=f"allow {int(max(fewest[self.goals]))} switches, or let the cable pass some sites by",
            )

    def fewest(self, edges: frozenset[int] | None) -> tuple[Ints, Ints]:
        """Fewest switches, then least cost, from the root to each vertex along ``edges``; the edge there."""
        cost = self.problem.cost
        count = np.full(self.problem.vertices, FAR, np.int64)
        by = np.full(self.problem.vertices, -1, np.int64)
        far = np.full(self.problem.vertices, np.inf)
        count[self.origin], far[self.origin] = 0, 0.0
        heap = [(0, 0.0, self.origin)]
        while heap:
            passed, length, v = heapq.heappop(heap)
            if (passed, length) > (count[v], far[v]):
                continue
            for k in range(self.start[v], self.start[v + 1]):
                e = int(self.leaving[k]) >> 1
                if edges is not None and e not in edges:
                    continue
                w = int(self.near[k])
                step = (passed + int(self.counts[w]), length + float(cost[e]), w)
                if step[:2] < (count[w], far[w]):
                    count[w], far[w], by[w] = step[0], step[1], e
                    heapq.heappush(heap, step)
        return count, by

    def repaired(self, tree: frozenset[int]) -> frozenset[int]:
        """A tree within the limit: sites beyond it get the cheapest way that is, what exists being free."""
        edges = set(tree)
        while True:
            count, _ = self.fewest(frozenset(edges))
            beyond = [v for v in self.goals.tolist() if count[v] > self.most]
            if not beyond:
                return self._spanned(frozenset(edges))
            new = self._way(edges, min(beyond, key=lambda v: (count[v], v)))
            edges |= new

    def _way(self, edges: set[int], goal: int) -> set[int]:
        """Edges of the cheapest way from the root to ``goal`` within the limit."""
        best: dict[tuple[int, int], float] = {(self.origin, 0): 0.0}
        came: dict[tuple[int, int], tuple[tuple[int, int], int]] = {}
        heap = [(0.0, self.origin, 0)]
        while heap:
            length, v, passed = heapq.heappop(heap)
            if length > best[v, passed]:
                continue
            if v == goal:
                found, at = set(), (v, passed)
                while at in came:
                    at, e = came[at]
                    found.add(e)
                return found
            for k in range(self.start[v], self.start[v + 1]):
                w, e = int(self.near[k]), int(self.leaving[k]) >> 1
                there = (w, passed + int(self.counts[w]))
                if there[1] > self.most:
                    continue
                reached = length + (1e-3 if e in edges else float(self.problem.cost[e]) + 1e-3)
                if reached < best.get(there, np.inf):
                    best[there] = reached
                    came[there] = ((v, passed), e)
                    heapq.heappush(heap, (reached, *there))
        raise AssertionError("checked to be reachable")

    def _spanned(self, edges: frozenset[int]) -> frozenset[int]:
        """Of ``edges`` the ways with the fewest switches, as far as sites need them."""
        _, by = self.fewest(edges)
        tail, head = self.problem.tail, self.problem.head
        kept: set[int] = set()
        for v in self.goals.tolist():
            while by[v] >= 0 and int(by[v]) not in kept:
                kept.add(int(by[v]))
                v = int(tail[by[v]]) + int(head[by[v]]) - v
        return frozenset(kept)

    def bound(self) -> float:
        """Dual ascent over the layers: each site is reached in one of them. VND."""
        problem, most = self.problem, self.most
        fewest, _ = self.fewest(None)
        n = problem.vertices
        number = np.full((n, most + 1), -1, np.int64)
        real = np.flatnonzero((fewest <= most) & (np.arange(n) < problem.first_site))
        total = 0
        for layer in range(most + 1):
            here = real[fewest[real] <= layer]
            number[here, layer] = total + np.arange(here.size)
            total += here.size
        goal = total + np.arange(len(self.goals), dtype=np.int64)
        tails, heads, costs = [], [], []

        def arcs(u: Ints, v: Ints, cost: Floats) -> None:
            for layer in range(most + 1):
                to = layer + self.counts[v]
                good = to <= most
                a, b = number[u[good], layer], number[v[good], to[good]]
                held = (a >= 0) & (b >= 0)
                tails.append(a[held])
                heads.append(b[held])
                costs.append(cost[good][held])

        roads = np.arange(problem.first_drop)
        u, v, cost = problem.tail[roads], problem.head[roads], problem.cost[roads] / UNIT
        arcs(u, v, cost)
        arcs(v, u, cost)
        drops = problem.cost[problem.first_drop : problem.first_link] / UNIT
        at = problem.attached.terminals
        for layer in range(most + 1):
            a = number[at, layer]
            held = a >= 0
            tails.append(a[held])
            heads.append(goal[held])
            costs.append(drops[held])
        root = int(number[self.hub, 0])
        today = [i for i, site in enumerate(problem.attached.sites) if site.connected]
        for i in today:
            # what is in use today counts its own switch only
            tails.append(np.array([root, root]))
            heads.append(np.array([goal[i], number[at[i], 1] if number[at[i], 1] >= 0 else goal[i]]))
            costs.append(np.zeros(2))
        tail, head = np.concatenate(tails), np.concatenate(heads)
        arc_cost = np.full(2 * tail.size, np.inf)
        arc_cost[0::2] = np.concatenate(costs)
        start, near, leaving = paths.adjacency(total + goal.size, tail, head)
        lower, *_ = ascent.dual_ascent(
            total + goal.size, start, near, leaving, arc_cost, np.append(goal, root), root, 8
        )
        return float(lower) * UNIT if np.isfinite(lower) else 0.0

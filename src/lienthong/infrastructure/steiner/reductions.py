"""Reductions: make the graph small without losing an optimal tree.

Each edge of the reduced graph remembers the original edges it stands for. Tests after Duin & Volgenant
(1989) and Polzin & Vahdati Daneshmand (2001): degrees, short terminal links, special (bottleneck)
distances, non-terminals of small degree, and reduced-cost fixing against an upper bound.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable
from itertools import combinations

import numpy as np

from lienthong.infrastructure.steiner.instance import Floats, Instance, Ints
from lienthong.infrastructure.steiner.kernels import paths

History = int | tuple["History", "History"]
"""An original edge, or two histories joined."""


def originals(history: History) -> list[int]:
    """The original edges a history stands for."""
    found, stack = [], [history]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(item)
        else:
            found.append(item)
    return found


class Reduced:
    """A graph that shrinks. ``near[u][v] = (cost, history)``; ``fixed`` are edges in every solution."""

    def __init__(self, instance: Instance) -> None:
        self.near: dict[int, dict[int, tuple[float, History]]] = {}
        self.terminals: set[int] = {int(t) for t in instance.terminals}
        self.fixed: list[History] = []
        self.fixed_cost = 0.0
        rows = zip(instance.tail.tolist(), instance.head.tolist(), instance.cost.tolist(), strict=True)
        for edge, (u, v, cost) in enumerate(rows):
            self._link(u, v, cost, edge)
        for t in self.terminals:
            self.near.setdefault(t, {})

    @classmethod
    def empty(cls, terminals: Iterable[int]) -> Reduced:
        """No edge yet, and nothing fixed."""
        made = cls.__new__(cls)
        made.terminals = set(terminals)
        made.near = {t: {} for t in made.terminals}
        made.fixed, made.fixed_cost = [], 0.0
        return made

    def _link(self, u: int, v: int, cost: float, history: History) -> bool:
        if u == v:
            return False
        known = self.near.setdefault(u, {}).get(v)
        if known is not None and known[0] <= cost:
            return False
        self.near[u][v] = (cost, history)
        self.near.setdefault(v, {})[u] = (cost, history)
        return True

    def _cut(self, u: int, v: int) -> None:
        del self.near[u][v]
        del self.near[v][u]

    def remove_vertex(self, v: int) -> None:
        for u in list(self.near[v]):
            self._cut(u, v)
        del self.near[v]

    def contract(self, keep: int, gone: int) -> None:
        """Take the edge keep–gone into the solution and merge ``gone`` into ``keep``, a terminal."""
        cost, history = self.near[keep][gone]
        self.fixed.append(history)
        self.fixed_cost += cost
        for w, (c, h) in list(self.near[gone].items()):
            if w != keep:
                self._link(keep, w, c, h)
        self.remove_vertex(gone)
        self.terminals.discard(gone)
        self.terminals.add(keep)

    @property
    def edges(self) -> int:
        return sum(map(len, self.near.values())) // 2

    def degrees(self, touched: Iterable[int] | None = None) -> bool:
        """Leaves, chains, and terminals with a forced edge; to a fixed point."""
        changed = False
        work = list(self.near if touched is None else touched)
        while work:
            v = work.pop()
            if v not in self.near:
                continue
            around = self.near[v]
            if v in self.terminals:
                if len(self.terminals) == 1:
                    continue
                if len(around) == 1:
                    u = next(iter(around))
                    work.extend([u, *self.near[u]])
                    self.contract(u, v)
                    changed = True
                elif around:
                    u, _ = min(around.items(), key=lambda item: item[1][0])
                    if u in self.terminals:
                        work.extend([v, *around, *self.near[u]])
                        self.contract(v, u)
                        changed = True
            elif len(around) <= 1:
                work.extend(around)
                self.remove_vertex(v)
                changed = True
            elif len(around) == 2:
                (a, (ca, ha)), (b, (cb, hb)) = around.items()
                self.remove_vertex(v)
                self._link(a, b, ca + cb, (ha, hb))
                work.extend([a, b])
                changed = True
        if len(self.terminals) <= 1:
            keep = set(self.terminals)
            changed = changed or len(self.near) > len(keep)
            self.near = {t: {} for t in keep}
        return changed

    def arrays(self) -> Arrays:
        return Arrays(self)

    def special_distances(self) -> bool:
        """Delete edges longer than a detour whose longest hop between terminals is shorter."""
        if len(self.terminals) < 2:
            return False
        changed = False
        bound = Bottlenecks(self)
        for u, v, cost in [(u, v, c) for u, m in self.near.items() for v, (c, _) in m.items() if u < v]:
            if bound.between(u, v) < cost - 1e-9 or self._detour(u, v, cost):
                self._cut(u, v)
                changed = True
        return changed

    def _detour(self, u: int, v: int, cost: float, most: int = 24) -> bool:
        """Whether a path avoiding the edge is no longer than it (bounded search)."""
        far = {u: 0.0}
        heap = [(0.0, u)]
        settled = 0
        while heap and settled < most:
            d, w = heapq.heappop(heap)
            if d > far[w]:
                continue
            settled += 1
            for x, (c, _) in self.near[w].items():
                if w == u and x == v:
                    continue
                reached = d + c
                if reached <= cost and reached < far.get(x, cost + 1e-12):
                    if x == v:
                        return True
                    far[x] = reached
                    heapq.heappush(heap, (reached, x))
        return False

    def small_degrees(self) -> bool:
        """Non-terminals of degree 3 and 4 that some optimal tree uses with degree ≤ 2: split them."""
        if len(self.terminals) < 2:
            return False
        changed = False
        bound = Bottlenecks(self)
        for v in list(self.near):
            if v in self.terminals or v not in self.near or len(self.near[v]) not in (3, 4):
                continue
            around = list(self.near[v].items())
            if any(bound.stale(w) for w, _ in around):
                continue
            apart = {(a[0], b[0]): bound.between(a[0], b[0]) for a, b in combinations(around, 2)}
            if not all(
                _spanning_cost([w for w, _ in some], apart) <= sum(c for _, (c, _) in some) + 1e-9
                for size in range(3, len(around) + 1)
                for some in combinations(around, size)
            ):
                continue
            self.remove_vertex(v)
            for (a, (ca, ha)), (b, (cb, hb)) in combinations(around, 2):
                if ca + cb <= apart[a, b] + 1e-9:
                    self._link(a, b, ca + cb, (ha, hb))
            bound.touch(w for w, _ in around)
            bound.touch([v])
            changed = True
        return changed

    def to_fixed_point(self, deadline: float = float("inf"), rounds: int = 12) -> None:
        """All tests in turn until they hardly bite, or until ``deadline`` (monotonic seconds)."""
        self.degrees()
        for _ in range(rounds):
            before = (len(self.near), self.edges)
            for test in (self.special_distances, self.small_degrees):
                if time.monotonic() > deadline:
                    return
                test()
                self.degrees()
            after = (len(self.near), self.edges)
            if after[1] > before[1] * 0.995:
                break


def _spanning_cost(vertices: list[int], apart: dict[tuple[int, int], float]) -> float:
    """Cost of a minimum spanning tree over ``vertices`` under the distances ``apart``."""
    joined = {vertices[0]}
    total = 0.0
    while len(joined) < len(vertices):
        step, new = min(
            (apart[(a, b)] if (a, b) in apart else apart[(b, a)], b)
            for a in joined
            for b in vertices
            if b not in joined
        )
        total += step
        joined.add(new)
    return total


class Bottlenecks:
    """Upper bounds on special distances from each vertex's nearest terminals (valid for this graph).

    ``between`` answers the smallest over near-terminal pairs of the longest of: way to the terminal,
    longest hop of the terminals' minimum spanning tree between them, way on.
    """

    nearest = 3

    def __init__(self, graph: Reduced) -> None:
        arrays = graph.arrays()
        self.index = arrays.index
        self.changed: set[int] = set()
        which, far = paths.nearest_terminals(
            arrays.n, arrays.start, arrays.near, arrays.leaving, arrays.cost, arrays.terminals, self.nearest
        )
        self.which, self.far = which.tolist(), far.tolist()
        self._link_terminals(arrays)

    def _link_terminals(self, arrays: Arrays) -> None:
        """The minimum spanning tree of the terminals' distances, through Voronoi boundaries (Mehlhorn)."""
        base = np.array([row[0] for row in self.which])
        near = np.array([row[0] for row in self.far])
        tail, head = arrays.tail, arrays.head
        length = near[tail] + arrays.cost + near[head]
        cross = (base[tail] != base[head]) & (base[tail] >= 0) & (base[head] >= 0)
        links = np.flatnonzero(cross)
        parent = {int(t): int(t) for t in arrays.terminals}
        rank: dict[int, int] = dict.fromkeys(parent, 0)
        self.up: dict[int, int] = {}
        self.hop: dict[int, float] = {}

        def root(t: int) -> int:
            while parent[t] != t:
                t = parent[t]
            return t

        # union by rank without path compression: the links themselves answer bottleneck queries
        for e in links[np.argsort(length[links], kind="stable")].tolist():
            a, b = root(int(base[tail[e]])), root(int(base[head[e]]))
            if a == b:
                continue
            if rank[a] > rank[b]:
                a, b = b, a
            parent[a] = b
            self.hop[a] = float(length[e])
            rank[b] = max(rank[b], rank[a] + 1)
        self.up = parent

    def bottleneck(self, a: int, b: int) -> float:
        longest = 0.0
        way: dict[int, float] = {a: 0.0}
        t = a
        while self.up[t] != t:
            longest = max(longest, self.hop[t])
            t = self.up[t]
            way[t] = longest
        longest, t = 0.0, b
        while t not in way:
            if self.up[t] == t:
                return float("inf")
            longest = max(longest, self.hop[t])
            t = self.up[t]
        return max(longest, way[t])

    def touch(self, vertices: Iterable[int]) -> None:
        self.changed.update(vertices)

    def stale(self, v: int) -> bool:
        return v in self.changed

    def between(self, u: int, v: int) -> float:
        best = float("inf")
        i, j = self.index.get(u), self.index.get(v)
        if i is None or j is None:
            return best
        for a, da in zip(self.which[i], self.far[i], strict=True):
            if a < 0 or da >= best:
                continue
            for b, db in zip(self.which[j], self.far[j], strict=True):
                if b < 0 or db >= best:
                    continue
                way = max(da, db) if a == b else max(da, db, self.bottleneck(a, b))
                if a == b:
                    way = max(da, db)
                best = min(best, way)
        return best


class Arrays:
    """A reduced graph as arrays for the kernels: ``names[i]`` is the vertex behind index ``i``."""

    def __init__(self, graph: Reduced) -> None:
        self.names = sorted(graph.near)
        self.index = {v: i for i, v in enumerate(self.names)}
        rows = [
            (self.index[u], self.index[v], c, h)
            for u in self.names
            for v, (c, h) in graph.near[u].items()
            if u < v
        ]
        self.n = len(self.names)
        self.tail: Ints = np.array([r[0] for r in rows], np.int64)
        self.head: Ints = np.array([r[1] for r in rows], np.int64)
        self.cost: Floats = np.array([r[2] for r in rows], np.float64)
        self.histories: list[History] = [r[3] for r in rows]
        self.terminals: Ints = np.array(sorted(self.index[t] for t in graph.terminals), np.int64)
        self.is_terminal = np.zeros(self.n, np.bool_)
        self.is_terminal[self.terminals] = True
        self.order: Ints = np.argsort(self.cost, kind="stable")
        self.start, self.near, self.leaving = paths.adjacency(self.n, self.tail, self.head)
        self.arc_cost: Floats = np.repeat(self.cost, 2)

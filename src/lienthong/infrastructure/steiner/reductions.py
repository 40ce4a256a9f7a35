"""Reductions: make the graph small without losing an optimal tree.

Each edge of the reduced graph remembers the input edges it stands for. Tests after Duin & Volgenant
(1989) and Polzin & Vahdati Daneshmand (2001): degrees, nearest vertices, special (bottleneck) distances,
non-terminals of small degree; and what dual ascent excludes (see ``solver``).
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.steiner.instance import Floats, Ints
from lienthong.infrastructure.steiner.kernels import excluding, paths, shrinking

Mask = NDArray[np.bool_]


class Arrays:
    """A problem as arrays for the kernels; ``edges`` and ``names`` are its edges and vertices in the
    shrinking graph that it was taken from, ``fixed`` the histories (``fixed_cost``) in every solution.
    """

    def __init__(self, n: int, tail: Ints, head: Ints, cost: Floats, terminals: Ints) -> None:
        self.n, self.tail, self.head, self.cost = n, tail, head, cost
        self.terminals = terminals
        self.is_terminal = np.zeros(n, np.bool_)
        self.is_terminal[terminals] = True
        self.order: Ints = np.argsort(cost, kind="stable")
        self.start, self.near, self.leaving = paths.adjacency(n, tail, head)
        self.arc_cost: Floats = np.repeat(cost, 2)
        self.edges: Ints = np.arange(tail.size)
        self.names: Ints = np.arange(n)
        self.histories: Ints = np.arange(tail.size)
        self.fixed: Ints = np.empty(0, np.int64)
        self.fixed_cost = 0.0


class Reduced:
    """A graph that shrinks, and how its edges lead back to the input's."""

    def __init__(self, n: int, tail: Ints, head: Ints, cost: Floats, terminals: Ints) -> None:
        m = tail.size
        room = m + m // 4 + 64
        self.fixed_cost = 0.0
        self.graph = shrinking.Shrinking(
            first=np.full(n, -1),
            after=np.full(2 * room, -1),
            before=np.full(2 * room, -1),
            end=np.full(2 * room, -1),
            cost=np.zeros(room),
            history=np.zeros(room, np.int64),
            degree=np.zeros(n, np.int64),
            terminal=np.zeros(n, np.bool_),
            left=np.empty(m + 11 * n + 1, np.int64),
            right=np.empty(m + 11 * n + 1, np.int64),
            fixed=np.empty(n + 1, np.int64),
            free=np.arange(room)[::-1].copy(),
            counts=np.array([room, m, 0, terminals.size, m]),
        )
        self.graph.terminal[terminals] = True
        shrinking.fill(self.graph, tail, head, cost)

    @property
    def edges(self) -> int:
        return int(self.graph.cost.size - self.graph.counts[shrinking.FREE])

    @property
    def terminals(self) -> int:
        return int(self.graph.counts[shrinking.TERMINALS])

    def degrees(self) -> None:
        """Leaves, chains, and terminals with a forced edge."""
        n = self.graph.first.size
        waiting = np.ones(n, np.bool_)
        self.fixed_cost += shrinking.degrees(self.graph, np.arange(n), n, waiting)
        if self.terminals <= 1:
            for v in np.flatnonzero(self.graph.degree).tolist():
                shrinking.remove_vertex(self.graph, v)

    def arrays(self) -> Arrays:
        g = self.graph
        edges = np.flatnonzero(g.end[0::2] >= 0)
        names = np.flatnonzero((g.degree > 0) | g.terminal)
        index = np.full(g.first.size, -1)
        index[names] = np.arange(names.size)
        made = Arrays(
            names.size,
            index[g.end[2 * edges]],
            index[g.end[2 * edges + 1]],
            g.cost[edges],
            index[np.flatnonzero(g.terminal)],
        )
        made.edges, made.names, made.histories = edges, names, g.history[edges]
        made.fixed, made.fixed_cost = g.fixed[: g.counts[shrinking.FIXED]].copy(), self.fixed_cost
        return made

    def originals(self, arrays: Arrays, chosen: Mask) -> Ints:
        """The input edges of a tree in ``arrays``, and those that were fixed by then."""
        taken = shrinking.originals(self.graph, np.concatenate([arrays.histories[chosen], arrays.fixed]))
        return np.flatnonzero(taken)

    def within(self, arrays: Arrays, chosen: Mask) -> Mask:
        """The edges of ``arrays`` whose input edges are all ``chosen``."""
        inside: Mask = shrinking.covered(self.graph, chosen)[arrays.histories]
        return inside

    def keep(self, arrays: Arrays, edges: Mask, vertices: Mask) -> bool:
        """Delete the other edges and vertices; False when this parts the terminals."""
        for e in arrays.edges[~edges].tolist():
            shrinking.cut(self.graph, e)
        for v in arrays.names[~vertices & ~arrays.is_terminal].tolist():
            shrinking.remove_vertex(self.graph, v)
        first = int(np.flatnonzero(self.graph.terminal)[0])
        if shrinking.clear_unreached(self.graph, first) < self.terminals:
            return False
        self.degrees()
        return True

    def bottlenecks(self, arrays: Arrays) -> excluding.Bottlenecks:
        """In the shrinking graph's own numbers."""
        a, n = arrays, self.graph.first.size
        which, far = paths.nearest_terminals(a.n, a.start, a.near, a.leaving, a.cost, a.terminals, 3)
        length = far[a.tail, 0] + a.cost + far[a.head, 0]
        up, hop = excluding.link_terminals(
            a.n, a.tail, a.head, which, length, np.argsort(length, kind="stable")
        )
        all_which, all_far = np.full((n, 3), -1), np.full((n, 3), np.inf)
        all_up, all_hop = np.arange(n), np.zeros(n)
        all_which[a.names] = np.where(which >= 0, a.names[which], -1)
        all_far[a.names] = far
        all_up[a.names] = a.names[up]
        all_hop[a.names] = hop
        return excluding.Bottlenecks(all_which, all_far, all_up, all_hop)

    def to_fixed_point(self, deadline: float = float("inf"), rounds: int = 12) -> None:
        """All tests in turn until they hardly bite, or until ``deadline`` (monotonic seconds)."""
        self.degrees()
        for _ in range(rounds):
            before = self.edges
            for test in ("edges", "vertices", "contractions"):
                if self.terminals < 2 or time.monotonic() > deadline:
                    return
                bounds = self.bottlenecks(self.arrays())
                if test == "edges":
                    excluding.long_edges(self.graph, bounds, 60)
                elif test == "vertices":
                    changed = np.zeros(self.graph.first.size, np.bool_)
                    excluding.small_degrees(self.graph, bounds, 5, changed)
                else:
                    self.fixed_cost += excluding.nearest_vertices(self.graph, bounds)
                self.degrees()
            if self.edges > before * 0.995:
                break

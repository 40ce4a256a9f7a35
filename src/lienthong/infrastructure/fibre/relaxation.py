"""A lower bound on networks with needs of one or two ways: the directed cut relaxation.

Arcs are an edge's two directions. A site that must be reached has an arc into every set of vertices that
holds it and not the root; a site of the backbone has also an arc out of it, and no edge is used in both
directions (an orientation of two-edge-connected networks: Robbins 1939; Balakrishnan, Magnanti &
Mirchandani 2004). The LP holds only arcs that pay and cuts that bite: arcs are priced in, cuts are found by
maximum flow, first ones come from dual ascent. The bound is computed from the duals over all arcs, so it
holds whatever the LP's tolerance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from lienthong.infrastructure.geography.graph import Floats, Ints, Mask
from lienthong.infrastructure.steiner.kernels import ascent, flow, paths

CLOSE = 1e-6


@dataclass(frozen=True)
class Needs:
    """``n`` vertices; edges ``tail``, ``head``, ``cost``; ``root``; ``ones`` must be reached from it,
    ``twos`` in two ways that share no edge (the root then too). Neither holds the root.
    """

    n: int
    tail: Ints
    head: Ints
    cost: Floats
    root: int
    ones: Ints
    twos: Ints

    @property
    def all(self) -> Ints:
        return np.unique(np.concatenate([self.ones, self.twos]))


class Relaxation:
    """The LP, its cuts and its priced arcs. ``x`` by arc after :meth:`solve`; ``bound`` only ever rises."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.start, self.near, self.leaving = paths.adjacency(needs.n, needs.tail, needs.head)
        self.arc_cost: Floats = np.repeat(needs.cost, 2)
        self.tails, self.heads = np.empty((2, self.arc_cost.size), np.int64)
        self.tails[0::2], self.tails[1::2] = needs.tail, needs.head
        self.heads[0::2], self.heads[1::2] = needs.head, needs.tail
        self.alive: Mask = (
            self.heads != needs.root if not needs.twos.size else np.ones(self.arc_cost.size, np.bool_)
        )
        self.bound = 0.0
        self.reduced: Floats = self.arc_cost.copy()
        self.x: Floats = np.zeros(self.arc_cost.size)
        self.rows: list[Ints] = []
        self.signs: list[Floats] = []
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.balanced: set[int] = set()
        self.pairs: set[int] = set()
        self.idle: list[int] = []
        self.known: set[bytes] = set()
        self.column = np.full(self.arc_cost.size, -1, np.int64)
        self.columns: list[int] = []
        self.model = highspy.Highs()
        self.model.setOptionValue("output_flag", False)
        self.model.setOptionValue("threads", 1)
        self._begin()

    def _begin(self) -> None:
        """Dual ascent: towards the sites, then on what is left of the costs from the backbone back."""
        n, root = self.needs.n, self.needs.root
        swap = np.arange(self.arc_cost.size) ^ 1
        lower, reduced, bounds, arcs = ascent.dual_ascent(
            n, self.start, self.near, self.leaving, self.arc_cost, self.needs.all, root, 4_000_000
        )
        seeds = [arcs[bounds[i] : bounds[i + 1]] for i in range(bounds.size - 1)]
        if self.needs.twos.size:
            more, back, bounds, arcs = ascent.dual_ascent(
                n, self.start, self.near, self.leaving, reduced[swap], self.needs.twos, root, 4_000_000
            )
            seeds += [swap[arcs[bounds[i] : bounds[i + 1]]] for i in range(bounds.size - 1)]
            lower, reduced = lower + more, back[swap]
        self.bound, self.reduced = float(lower), reduced
        worth = np.partition(reduced, min(reduced.size - 1, reduced.size // 6))[
            min(reduced.size - 1, reduced.size // 6)
        ]
        self.enter(np.flatnonzero((reduced <= worth) & self.alive))
        for cut in seeds:
            self.add_cut(cut)

    def enter(self, arcs: Ints) -> None:
        """Columns for ``arcs``, with their places in the rows there are."""
        arcs = arcs[self.column[arcs] < 0]
        if not arcs.size:
            return
        self.column[arcs] = len(self.columns) + np.arange(arcs.size)
        self.columns += arcs.tolist()
        zeros = np.zeros(arcs.size)
        starts, index, value = zeros[:0].astype(np.int32), zeros[:0].astype(np.int32), zeros[:0]
        if self.rows:
            part = self._matrix()[:, arcs].tocsc()
            starts, index, value = part.indptr[:-1].astype(np.int32), part.indices, part.data
        self.model.addCols(
            arcs.size, self.arc_cost[arcs], zeros, np.ones(arcs.size), len(index),
            starts if len(starts) else np.zeros(arcs.size, np.int32), index.astype(np.int32), value,
        )  # fmt: skip

    def _matrix(self) -> sparse.csr_matrix:
        if not self.rows:
            return sparse.csr_matrix((0, self.arc_cost.size))
        sizes = [len(row) for row in self.rows]
        return sparse.csr_matrix(
            (np.concatenate(self.signs), np.concatenate(self.rows), np.concatenate([[0], np.cumsum(sizes)])),
            shape=(len(self.rows), self.arc_cost.size),
        )

    def add_cut(self, arcs: Ints) -> bool:
        """At least one of ``arcs``."""
        arcs = np.sort(arcs[self.alive[arcs]])
        key = arcs.astype(np.int32).tobytes()
        if key in self.known:
            return False
        self.known.add(key)
        self._row(arcs, 1.0, highspy.kHighsInf)
        return True

    def _row(self, arcs: Ints, lower: float, upper: float, signs: Floats | None = None) -> None:
        signs = np.ones(arcs.size) if signs is None else signs
        inside = self.column[arcs]
        held = inside >= 0
        columns = inside[held].astype(np.int32)
        self.model.addRow(lower, upper, columns.size, columns, signs[held])
        self.rows.append(arcs)
        self.signs.append(signs)
        self.lower.append(lower)
        self.upper.append(upper)
        self.idle.append(0)

    def solve(self, deadline: float) -> bool:
        """The LP over all arcs: solved, priced, solved again. False when time ran out before an answer."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.model.setOptionValue("time_limit", self.model.getRunTime() + left)
            self.model.run()
            status = self.model.getModelStatus()
            if status == highspy.HighsModelStatus.kInfeasible:
                # a cut without a priced arc: let in every arc of the rows
                before = len(self.columns)
                self.enter(np.flatnonzero(self.alive & (self.column < 0)))
                if len(self.columns) == before:
                    return False
                continue
            if status != highspy.HighsModelStatus.kOptimal:
                return False
            solution = self.model.getSolution()
            duals = np.array(solution.row_dual)
            lower, upper = np.array(self.lower), np.array(self.upper)
            duals = np.where(np.isinf(lower), np.minimum(duals, 0.0), np.maximum(duals, 0.0))
            right = np.where(np.isinf(lower), upper, lower)
            reduced = self.arc_cost - self._matrix().T @ duals
            bound = float(duals @ right + np.minimum(reduced, 0.0)[self.alive].sum())
            if bound > self.bound:
                self.bound, self.reduced = bound, reduced
            self._idle(duals)
            missing = np.flatnonzero((reduced < -CLOSE) & self.alive & (self.column < 0))
            if not missing.size:
                self.x[:] = 0.0
                self.x[self.columns] = np.clip(np.array(solution.col_value), 0.0, 1.0)
                return True
            self.enter(missing)

    def _idle(self, duals: Floats) -> None:
        for at, dual in enumerate(duals.tolist()):
            self.idle[at] = self.idle[at] + 1 if dual == 0.0 and self.lower[at] == 1.0 else 0

    def forget(self, rounds: int = 6) -> None:
        """Drop cuts that have not bitten for some rounds; they may be found again."""
        gone = [at for at, idle in enumerate(self.idle) if idle >= rounds]
        if len(gone) < 200:
            return
        self.model.deleteRows(len(gone), np.array(gone, np.int32))
        drop = set(gone)
        for at in gone:
            self.known.discard(self.rows[at].astype(np.int32).tobytes())
        kept = [at for at in range(len(self.rows)) if at not in drop]
        self.rows = [self.rows[at] for at in kept]
        self.signs = [self.signs[at] for at in kept]
        self.lower = [self.lower[at] for at in kept]
        self.upper = [self.upper[at] for at in kept]
        self.idle = [self.idle[at] for at in kept]

    def fix(self, upper: float) -> int:
        """Strike out arcs that no network below ``upper`` uses, by the best bound's reduced costs."""
        dead = self.alive & (self.bound + self.reduced > upper + CLOSE * max(1.0, upper))
        self.alive &= ~dead
        inside = self.column[dead]
        inside = inside[inside >= 0].astype(np.int32)
        if inside.size:
            zeros = np.zeros(inside.size)
            self.model.changeColsBounds(inside.size, inside, zeros, zeros)
        return int(dead.sum())

    def separate(self, rng: np.random.Generator, deadline: float, nested: int = 6) -> int:
        """Cuts that ``x`` breaks, towards each site and back from the backbone; and edges used both ways."""
        added = 0
        if self.needs.twos.size:
            both = np.flatnonzero(self.x[0::2] + self.x[1::2] > 1 + 1e-5)
            for e in both.tolist():
                if e not in self.pairs:
                    self.pairs.add(e)
                    self._row(np.array([2 * e, 2 * e + 1], np.int64), -highspy.kHighsInf, 1.0)
                    added += 1
        added += self._balance()
        support = _Support(self)
        goals = [(int(t), False) for t in self.needs.all] + [(int(t), True) for t in self.needs.twos]
        for at in rng.permutation(len(goals)):
            if time.monotonic() > deadline:
                break
            goal, back = goals[int(at)]
            work = support.capacity.copy()
            for _ in range(nested):
                sides = support.sides(work, goal, back)
                if not sides:
                    break
                for side in sides:
                    crossing = side[self.heads] & ~side[self.tails] & self.alive
                    added += self.add_cut(np.flatnonzero(crossing))
                    work[support.slot[np.flatnonzero(crossing & support.used)]] = 1.0
        return added

    def _balance(self) -> int:
        """What arrives at a vertex without a site goes on: rows where ``x`` breaks that. In a tree no more
        arrives than leaves; with two ways, what one edge brings leaves by the others.
        """
        n = self.needs.n
        free = np.ones(n, np.bool_)
        free[self.needs.all] = free[self.needs.root] = False
        outgoing = np.bincount(self.tails, self.x, n)
        added = 0
        if not self.needs.twos.size:
            surplus = np.bincount(self.heads, self.x, n) - outgoing
            for v in np.flatnonzero(free & (surplus > 1e-5)).tolist():
                if v not in self.balanced:
                    self.balanced.add(v)
                    out = self.leaving[self.start[v] : self.start[v + 1]]
                    self._onward(out ^ 1, out)
                    added += 1
            return added
        back = self.x.reshape(-1, 2)[:, ::-1].ravel()
        broken = self.x > outgoing[self.heads] - back + 1e-4
        for arc in np.flatnonzero(broken & free[self.heads]).tolist():
            if arc not in self.balanced:
                self.balanced.add(arc)
                v = int(self.heads[arc])
                out = self.leaving[self.start[v] : self.start[v + 1]]
                self._onward(np.array([arc], np.int64), out[out != arc ^ 1])
                added += 1
        return added

    def _onward(self, into: Ints, out: Ints) -> None:
        arcs = np.concatenate([into, out])
        signs = np.concatenate([np.ones(into.size), -np.ones(out.size)])
        order = np.argsort(arcs)
        self._row(arcs[order], -highspy.kHighsInf, 0.0, signs[order])


class _Support:
    """The arcs with a positive value as a small graph of its own."""

    def __init__(self, relaxation: Relaxation) -> None:
        needs = relaxation.needs
        self.n, self.root = needs.n, needs.root
        self.used = relaxation.x > 1e-7
        arcs = np.flatnonzero(self.used)
        edges = np.unique(arcs >> 1)
        ends = np.concatenate([needs.tail[edges], needs.head[edges], needs.all, [needs.root]])
        self.vertices = np.unique(ends)
        self.place = np.full(needs.n, -1, np.int64)
        self.place[self.vertices] = np.arange(self.vertices.size)
        self.graph = paths.adjacency(
            self.vertices.size, self.place[needs.tail[edges]], self.place[needs.head[edges]]
        )
        self.slot = np.full(relaxation.x.size, -1, np.int64)
        self.slot[arcs] = 2 * np.searchsorted(edges, arcs >> 1) + (arcs & 1)
        self.capacity = np.zeros(2 * edges.size)
        self.capacity[self.slot[arcs]] = relaxation.x[arcs]

    def sides(self, capacity: Floats, goal: int, back: bool) -> list[Mask]:
        """Vertex sets that too little enters: around the goal, or (``back``) around the root."""
        count = self.vertices.size
        source, sink = int(self.place[self.root]), int(self.place[goal])
        if back:
            source, sink = sink, source
        value, residual = flow.maximum_flow(count, *self.graph, capacity, source, sink, 1.0)
        if value >= 1.0 - 1e-4:
            return []
        near_sink = np.zeros(self.n, np.bool_)
        near_sink[self.vertices] = flow.reachable(count, *self.graph, residual, sink, True)
        near_source = np.ones(self.n, np.bool_)
        near_source[self.vertices] = ~flow.reachable(count, *self.graph, residual, source, False)
        if not back:
            near_source[:] = False
            near_source[self.vertices] = ~flow.reachable(count, *self.graph, residual, source, False)
        return [near_sink, near_source]


Told = Callable[[float], None]


def raise_bound(
    relaxation: Relaxation,
    *,
    upper: Callable[[Floats], float],
    deadline: float,
    enough: float,
    rng: np.random.Generator,
    told: Told | None = None,
) -> float:
    """Cut and price until no cut is broken, the gap to ``upper`` is at most ``enough``, or time is over.

    ``upper`` is asked with each ``x`` for the best cost known, and may use ``x`` to find a better network.
    """
    stalled, before = 0, relaxation.bound
    while relaxation.solve(deadline):
        best = upper(relaxation.x)
        if told is not None:
            told(min(relaxation.bound, best))
        if best - relaxation.bound <= enough or time.monotonic() > deadline:
            break
        relaxation.fix(best - enough)
        relaxation.forget()
        stalled = stalled + 1 if relaxation.bound < before * (1 + 1e-7) else 0
        before = max(before, relaxation.bound)
        if not relaxation.separate(rng, deadline) or stalled > 40:
            break
    return relaxation.bound

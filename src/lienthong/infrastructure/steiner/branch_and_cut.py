"""The directed cut formulation, cut by cut, in HiGHS (Koch & Martin 1998).

Variables are arcs of the bidirected graph, directed away from a root terminal. Cuts come first from
dual ascent, then from minimum cuts towards each terminal. HiGHS's default relative gap of 1e-4 once
gave a false proof here, so it is set to 0 and the absolute gap below one unit of cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.steiner.heuristics import Mask, Tree, grown, improved
from lienthong.infrastructure.steiner.instance import Floats
from lienthong.infrastructure.steiner.kernels import flow, paths, trees
from lienthong.infrastructure.steiner.reductions import Arrays

Cut = NDArray[np.int64]


@dataclass
class Outcome:
    """``lower``: proved for this graph; ``tree``: the best found (cost inf when none better)."""

    lower: float
    tree: Tree
    proved: bool
    cuts: int = 0
    log: list[str] = field(default_factory=list)


class CutModel:
    """One LP/MIP over the arcs that are still possible."""

    def __init__(self, arrays: Arrays, root: int, possible: Mask) -> None:
        self.a, self.root = arrays, root
        self.arcs = np.flatnonzero(possible)
        self.column = np.full(2 * arrays.tail.size, -1, np.int64)
        self.column[self.arcs] = np.arange(self.arcs.size)
        self.model = highspy.Highs()
        self.model.setOptionValue("output_flag", False)
        self.model.setOptionValue("threads", 1)
        count = self.arcs.size
        zeros, ones = np.zeros(count), np.ones(count)
        self.model.addVars(count, zeros, ones)
        self.model.changeColsCost(count, np.arange(count, dtype=np.int32), arrays.arc_cost[self.arcs])
        self.rows: set[bytes] = set()
        self.balanced: set[int] = set()
        self.tails = np.where(self.arcs & 1 == 0, arrays.tail[self.arcs >> 1], arrays.head[self.arcs >> 1])
        self.heads = np.where(self.arcs & 1 == 0, arrays.head[self.arcs >> 1], arrays.tail[self.arcs >> 1])
        for t in arrays.terminals.tolist():
            if t != root:
                self.add_cut(self.arcs[self.heads == t])

    def balance(self, x: Floats) -> int:
        """Rows "no more arrives than leaves" for the Steiner vertices where ``x`` (by column) breaks them."""
        n = self.a.n
        surplus = np.bincount(self.heads, x, n) - np.bincount(self.tails, x, n)
        added = 0
        for v in np.flatnonzero((surplus > 1e-4) & ~self.a.is_terminal).tolist():
            if v in self.balanced:
                continue
            self.balanced.add(v)
            into, out = np.flatnonzero(self.heads == v), np.flatnonzero(self.tails == v)
            columns = np.concatenate([into, out]).astype(np.int32)
            signs = np.concatenate([np.ones(into.size), -np.ones(out.size)])
            self.model.addRow(-highspy.kHighsInf, 0.0, columns.size, columns, signs)
            added += 1
        return added

    def add_cut(self, arcs: Cut) -> bool:
        columns = self.column[arcs]
        columns = np.unique(columns[columns >= 0]).astype(np.int32)
        key = columns.tobytes()
        if key in self.rows:
            return False
        self.rows.add(key)
        self.model.addRow(1.0, highspy.kHighsInf, columns.size, columns, np.ones(columns.size))
        return True

    def values(self) -> Floats:
        """The solution by column."""
        found: Floats = np.maximum(np.array(self.model.getSolution().col_value), 0.0)
        return found

    def separate(self, x: Floats, order: NDArray[np.int64], deadline: float, nested: int = 8) -> int:
        """Cuts that ``x`` violates towards each terminal: next to it, next to the root, and nested ones.

        Flows run on the arcs that ``x`` uses; a cut takes in every possible arc across it.
        """
        support = Support(self, x)
        added = 0
        for t in order.tolist():
            if t == self.root:
                continue
            if time.monotonic() > deadline:
                break
            work = support.capacity.copy()
            for _ in range(nested):
                near_end, near_root = support.cut_sides(work, t)
                if near_end is None or near_root is None:
                    break
                for side in (near_end, near_root):
                    crossing = side[self.heads] & ~side[self.tails]
                    added += self.add_cut(self.arcs[crossing])
                    work[support.slot[np.flatnonzero(crossing & support.used)]] = 1.0
        return added


class Support:
    """The arcs with a positive value, as a small graph of its own."""

    def __init__(self, model: CutModel, x: Floats) -> None:
        a = model.a
        self.n, self.root = a.n, model.root
        self.used = x > 1e-7
        arcs = model.arcs[self.used]
        edges = np.unique(arcs >> 1)
        self.vertices = np.unique(np.concatenate([a.tail[edges], a.head[edges], a.terminals]))
        self.place = np.full(a.n, -1, np.int64)
        self.place[self.vertices] = np.arange(self.vertices.size)
        self.graph = paths.adjacency(self.vertices.size, self.place[a.tail[edges]], self.place[a.head[edges]])
        self.slot = np.full(x.size, -1, np.int64)
        self.slot[self.used] = 2 * np.searchsorted(edges, arcs >> 1) + (arcs & 1)
        self.capacity = np.zeros(2 * edges.size)
        self.capacity[self.slot[self.used]] = x[self.used]

    def cut_sides(self, capacity: Floats, terminal: int) -> tuple[Mask, Mask] | tuple[None, None]:
        """Terminal sides of the minimum cuts nearest ``terminal`` and nearest the root, when below 1."""
        count, source, sink = self.vertices.size, int(self.place[self.root]), int(self.place[terminal])
        value, residual = flow.maximum_flow(count, *self.graph, capacity, source, sink, 1.0)
        if value >= 1.0 - 1e-4:
            return None, None
        near_end, near_root = np.zeros(self.n, np.bool_), np.zeros(self.n, np.bool_)
        near_end[self.vertices] = flow.reachable(count, *self.graph, residual, sink, True)
        near_root[self.vertices] = ~flow.reachable(count, *self.graph, residual, source, False)
        return near_end, near_root


def solve(
    arrays: Arrays,
    *,
    root: int,
    possible: Mask,
    seeds: list[Cut],
    upper: float,
    unit: float,
    deadline: float,
    rng: np.random.Generator,
    progress: Callable[[float, float], None] | None = None,
) -> Outcome:
    """Bound and, when time allows, prove. ``upper`` is a known tree's cost; ``unit`` is the least
    improvement that counts (1 when costs are whole numbers, else 0).
    """
    model = CutModel(arrays, root, possible)
    for cut in seeds:
        model.add_cut(cut)
    best = Tree(np.zeros(arrays.tail.size, np.bool_), float("inf"))
    lower = 0.0
    target = enough(upper, unit)
    stalled = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return Outcome(lower, best, False, len(model.rows))
        model.model.setOptionValue("time_limit", model.model.getRunTime() + left)
        model.model.run()
        status = model.model.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Outcome(upper, best, True, len(model.rows))
        if status != highspy.HighsModelStatus.kOptimal:
            return Outcome(lower, best, False, len(model.rows))
        value = model.model.getObjectiveValue()
        stalled = stalled + 1 if value < lower + 1e-4 * max(1.0, abs(lower)) * 0.01 else 0
        lower = max(lower, value - 1e-6 * max(1.0, abs(value)) * 1e-3)
        if progress is not None:
            progress(lower, min(upper, best.cost))
        if lower >= target:
            return Outcome(min(lower, upper), best, True, len(model.rows))
        x = model.values()
        guided = _guided(model, x, root, rng, deadline)
        if guided.cost < min(best.cost, upper) - 1e-9:
            best = guided
            target = enough(best.cost, unit)
        added = model.balance(x) + model.separate(x, rng.permutation(arrays.terminals), deadline)
        if not added or stalled > 30:
            break
    return _integer(model, best, lower, upper, unit, deadline, progress)


def enough(cost: float, unit: float) -> float:
    """A lower bound from here on proves ``cost``, with room for the LP's rounding."""
    return cost - unit + min(0.5 * unit, 1e-3 + 1e-8 * cost) if unit else cost - 1e-9 * max(1.0, cost)


def _guided(model: CutModel, x: Floats, root: int, rng: np.random.Generator, deadline: float) -> Tree:
    arrays = model.a
    used = np.zeros(arrays.tail.size)
    np.maximum.at(used, model.arcs >> 1, x)
    guide = arrays.cost * np.maximum(1.0 - used, 1e-3)
    tree = grown(arrays, guide, root)
    return improved(arrays, tree, rng, deadline, 2) if np.isfinite(tree.cost) else tree


def _integer(
    model: CutModel,
    best: Tree,
    lower: float,
    upper: float,
    unit: float,
    deadline: float,
    progress: Callable[[float, float], None] | None,
) -> Outcome:
    """Branch: the MIP over the cuts so far; a disconnected answer names the cuts it lacks; again."""
    a, highs = model.a, model.model
    count = model.arcs.size
    kinds = np.full(count, highspy.HighsVarType.kInteger)
    highs.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.999 * unit if unit else 1e-6)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return Outcome(lower, best, False, len(model.rows))
        known = min(upper, best.cost)
        highs.setOptionValue("objective_bound", known)
        highs.setOptionValue("time_limit", highs.getRunTime() + left)
        highs.run()
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Outcome(known, best, True, len(model.rows))
        info = highs.getInfo()
        if np.isfinite(info.mip_dual_bound):
            lower = max(lower, min(known, float(info.mip_dual_bound)))
        if progress is not None:
            progress(lower, known)
        if lower >= enough(known, unit):
            return Outcome(known, best, True, len(model.rows))
        if status != highspy.HighsModelStatus.kOptimal:
            return Outcome(lower, best, False, len(model.rows))
        x = np.round(model.values())
        if not model.separate(x, a.terminals, float("inf")):
            chosen = np.zeros(a.tail.size, np.bool_)
            chosen[model.arcs[x > 0.5] >> 1] = True
            trees.prune(a.n, a.tail, a.head, a.start, a.near, a.leaving, a.is_terminal, chosen)
            cost = float(a.cost[chosen].sum())
            if cost < best.cost:
                best = Tree(chosen, cost)
            return Outcome(min(known, best.cost), best, True, len(model.rows))

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
from lienthong.infrastructure.steiner.kernels import flow, trees
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
        self._balance()

    def arc_ends(self, arc: int) -> tuple[int, int]:
        u, v = int(self.a.tail[arc >> 1]), int(self.a.head[arc >> 1])
        return (u, v) if arc & 1 == 0 else (v, u)

    def _row(self, lower: float, upper: float, columns: list[int], values: list[float]) -> None:
        self.model.addRow(
            lower, upper, len(columns), np.array(columns, np.int32), np.array(values, np.float64)
        )

    def _balance(self) -> None:
        entering: list[list[int]] = [[] for _ in range(self.a.n)]
        leaving: list[list[int]] = [[] for _ in range(self.a.n)]
        for column, arc in enumerate(self.arcs.tolist()):
            u, v = self.arc_ends(arc)
            leaving[u].append(column)
            entering[v].append(column)
        infinity = highspy.kHighsInf
        for v in range(self.a.n):
            if v == self.root:
                if leaving[v]:
                    self._row(1.0, infinity, leaving[v], [1.0] * len(leaving[v]))
                continue
            into = entering[v]
            if self.a.is_terminal[v]:
                self._row(1.0, 1.0, into, [1.0] * len(into))
                continue
            if not into:
                continue
            self._row(-infinity, 1.0, into, [1.0] * len(into))
            out = leaving[v]
            self._row(-infinity, 0.0, into + out, [1.0] * len(into) + [-1.0] * len(out))
            back = {int(self.arcs[c]) ^ 1: c for c in out}
            for column in out:
                others = [c for c in into if int(self.arcs[c]) != int(self.arcs[column]) ^ 1]
                self._row(-infinity, 0.0, [column, *others], [1.0] + [-1.0] * len(others))
            del back

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
        x = np.zeros(self.column.size)
        x[self.arcs] = np.maximum(np.array(self.model.getSolution().col_value), 0.0)
        return x

    def separate(self, x: Floats, terminals: NDArray[np.int64], creep: float) -> int:
        """Cuts that ``x`` violates towards each terminal, nearest the terminal and nearest the root."""
        a = self.a
        added = 0
        capacity = x + creep
        capacity[self.column < 0] = 0.0
        for t in terminals.tolist():
            if t == self.root:
                continue
            work = capacity.copy()
            for _ in range(6):
                value, residual = flow.maximum_flow(
                    a.n, a.start, a.near, a.leaving, work, self.root, t, 1.0 + creep * a.n
                )
                if value >= 1.0 - 1e-4:
                    break
                side = flow.reachable(a.n, a.start, a.near, a.leaving, residual, t, True)
                behind = self._entering(side)
                if x[behind].sum() > 1.0 - 1e-4:
                    break
                added += self.add_cut(behind)
                front = self._entering(
                    ~flow.reachable(a.n, a.start, a.near, a.leaving, residual, self.root, False)
                )
                if x[front].sum() < 1.0 - 1e-4:
                    added += self.add_cut(front)
                work[behind] = 1.0
        return added

    def _entering(self, side: Mask) -> Cut:
        """Possible arcs that run into the vertex set ``side``."""
        forward = side[self.a.head] & ~side[self.a.tail]
        backward = side[self.a.tail] & ~side[self.a.head]
        arcs: Cut = np.concatenate([2 * np.flatnonzero(forward), 2 * np.flatnonzero(backward) + 1])
        possible: Cut = arcs[self.column[arcs] >= 0]
        return possible


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
    target = upper - unit + 1e-6 * max(1.0, unit)
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
        if lower >= min(target, best.cost - unit + 1e-6):
            return Outcome(min(lower, upper), best, True, len(model.rows))
        x = model.values()
        guided = _guided(arrays, x, root, rng, deadline)
        if guided.cost < min(best.cost, upper) - 1e-9:
            best = guided
            target = best.cost - unit + 1e-6 * max(1.0, unit)
        terminals = rng.permutation(arrays.terminals)
        if not model.separate(x, terminals, 1e-6) or stalled > 30:
            break
    return _integer(model, best, lower, upper, unit, deadline, progress)


def _guided(arrays: Arrays, x: Floats, root: int, rng: np.random.Generator, deadline: float) -> Tree:
    used = np.maximum(x[0::2], x[1::2])
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
        if lower > known - unit + 1e-6 * max(1.0, unit):
            return Outcome(known, best, True, len(model.rows))
        if status != highspy.HighsModelStatus.kOptimal:
            return Outcome(lower, best, False, len(model.rows))
        x = np.round(model.values())
        if not model.separate(x, a.terminals, 0.0):
            chosen = (x[0::2] + x[1::2]) > 0.5
            trees.prune(a.n, a.tail, a.head, a.start, a.near, a.leaving, a.is_terminal, chosen)
            cost = float(a.cost[chosen].sum())
            if cost < best.cost:
                best = Tree(chosen, cost)
            return Outcome(min(known, best.cost), best, True, len(model.rows))

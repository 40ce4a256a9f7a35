"""The directed cut formulation, cut by cut, in HiGHS (Koch & Martin 1998).

Variables are arcs of the bidirected graph, directed away from a root terminal. Cuts come first from
dual ascent, then from minimum cuts towards each terminal. HiGHS's default relative gap of 1e-4 once
gave a false proof here, so it is set to 0 and the absolute gap below one unit of cost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np

from lienthong.infrastructure.steiner.heuristics import Tree, grown, improved
from lienthong.infrastructure.steiner.instance import Floats, Ints
from lienthong.infrastructure.steiner.kernels import cuts, trees
from lienthong.infrastructure.steiner.reductions import Arrays, Mask

Told = Callable[[float, Tree], float]
"""Called with (lower bound, a tree just found); answers the best cost known by now."""

SLICE_S = 2.0
"""Longest run of the LP before it looks whether to stop."""
ROOM = 4_000_000
"""Most arcs in the cuts of one separation."""


@dataclass
class Outcome:
    """``lower``: proved for these arrays; ``tree``: the best found (cost inf when none better);
    ``possible``: arcs that a better tree may still use, as the LP's reduced costs tell.
    """

    lower: float
    tree: Tree
    proved: bool
    possible: Mask


class CutModel:
    """One LP/MIP over the arcs that are still possible."""

    def __init__(self, arrays: Arrays, root: int, possible: Mask) -> None:
        self.a, self.root = arrays, root
        self.arcs = np.flatnonzero(possible)
        self.possible = possible.copy()
        self.column = np.full(2 * arrays.tail.size, -1, np.int64)
        self.column[self.arcs] = np.arange(self.arcs.size)
        self.highs = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self.highs.setOptionValue(option, value)
        count = self.arcs.size
        self.highs.addVars(count, np.zeros(count), np.ones(count))
        self.highs.changeColsCost(count, np.arange(count, dtype=np.int32), arrays.arc_cost[self.arcs])
        self.rows: set[bytes] = set()
        self.keys: list[bytes] = []
        self.purged = 0
        self.unbalanced = ~arrays.is_terminal
        odd = self.arcs & 1 == 1
        self.tails = np.where(odd, arrays.head[self.arcs >> 1], arrays.tail[self.arcs >> 1])
        self.heads = np.where(odd, arrays.tail[self.arcs >> 1], arrays.head[self.arcs >> 1])
        self.gone = np.zeros(count, np.bool_)

    def balance(self, x: Floats) -> int:
        """Rows "no more arrives than leaves" for the Steiner vertices where ``x`` (by column) breaks them."""
        n = self.a.n
        surplus = np.bincount(self.heads, x, n) - np.bincount(self.tails, x, n)
        broken = (surplus > 1e-4) & self.unbalanced
        self.unbalanced &= ~broken
        into, out = np.flatnonzero(broken[self.heads]), np.flatnonzero(broken[self.tails])
        vertex = np.concatenate([self.heads[into], self.tails[out]])
        by_vertex = np.argsort(vertex, kind="stable")
        columns = np.concatenate([into, out])[by_vertex]
        signs = np.concatenate([np.ones(into.size), -np.ones(out.size)])[by_vertex]
        starts = np.searchsorted(vertex[by_vertex], np.flatnonzero(broken))
        self._rows(starts, columns, signs, -highspy.kHighsInf, 0.0)
        self.keys += [b""] * starts.size
        return int(starts.size)

    def add_cuts(self, bounds: Ints, arcs: Ints) -> int:
        """The cuts ``arcs[bounds[i]:bounds[i+1]]`` that are new, as rows: how many."""
        starts, columns, filled = [], [], 0
        for i in range(bounds.size - 1):
            cut = self.column[arcs[bounds[i] : bounds[i + 1]]]
            cut = np.sort(cut[cut >= 0])
            key = cut.tobytes()
            if key not in self.rows:
                self.rows.add(key)
                self.keys.append(key)
                starts.append(filled)
                columns.append(cut)
                filled += cut.size
        if starts:
            self._rows(np.array(starts), np.concatenate(columns), np.ones(filled), 1.0, highspy.kHighsInf)
        return len(starts)

    def _rows(self, starts: Ints, columns: Ints, values: Floats, low: float, high: float) -> None:
        if starts.size:
            lows, highs = np.full(starts.size, low), np.full(starts.size, high)
            self.highs.addRows(
                starts.size, lows, highs, columns.size, starts.astype(np.int32), columns.astype(np.int32),
                values,
            )  # fmt: skip

    def values(self) -> Floats:
        """The solution by column."""
        found: Floats = np.maximum(np.array(self.highs.getSolution().col_value), 0.0)
        return found

    def separate(self, x: Floats, order: Ints, nested: int = 5) -> int:
        """Add the cuts that ``x`` violates towards the terminals ``order``: how many are new."""
        a = self.a
        capacity = np.zeros(2 * a.tail.size)
        capacity[self.arcs] = x
        return self.add_cuts(
            *cuts.violated(
                a.n, a.start, a.near, a.leaving, capacity, order, self.root, self.possible, nested, ROOM
            )
        )

    def purge(self) -> None:
        """Drop the cuts that do not bind, once the rows have grown by half; the basis stays."""
        if len(self.keys) < 1.5 * self.purged + 1000:
            return
        basis = self.highs.getBasis()
        solution = self.highs.getSolution()
        slack = np.array(solution.row_value) - 1.0
        idle = np.array([s == highspy.HighsBasisStatus.kBasic for s in basis.row_status], np.bool_)
        idle &= (slack > 0.01) & np.array([bool(key) for key in self.keys], np.bool_)
        rows = np.flatnonzero(idle)
        if rows.size:
            self.highs.deleteRows(rows.size, rows.astype(np.int32))
            basis.row_status = [s for s, gone in zip(basis.row_status, idle, strict=True) if not gone]
            self.highs.setBasis(basis)
            self.rows.difference_update(self.keys[row] for row in rows.tolist())
            self.keys = [key for key, gone in zip(self.keys, idle, strict=True) if not gone]
        self.purged = len(self.keys)

    def exclude(self, spare: float) -> None:
        """Fix at 0 the arcs whose reduced cost exceeds ``spare``."""
        duals = np.array(self.highs.getSolution().col_dual)
        new = (duals > spare) & ~self.gone
        if new.sum() > 0.02 * new.size:
            columns = np.flatnonzero(new)
            self.gone |= new
            self.possible[self.arcs[columns]] = False
            zeros = np.zeros(columns.size)
            self.highs.changeColsBounds(columns.size, columns.astype(np.int32), zeros, zeros)


def solve(
    arrays: Arrays,
    *,
    root: int,
    possible: Mask,
    seeds: tuple[Ints, Ints],
    upper: float,
    unit: float,
    deadline: float,
    late: Callable[[], bool],
    rng: np.random.Generator,
    told: Told,
) -> Outcome:
    """Bound and, when time allows, prove. ``upper`` is a known tree's cost; ``unit`` is the least
    improvement that counts (1 when costs are whole numbers, else 0). ``seeds``: bounds, arcs of cuts.
    """
    model = CutModel(arrays, root, possible)
    others = arrays.terminals[arrays.terminals != root]
    ends = np.cumsum([0, *(arrays.start[others + 1] - arrays.start[others])])
    slots = [np.arange(arrays.start[t], arrays.start[t + 1]) for t in others.tolist()]
    model.add_cuts(ends, arrays.leaving[np.concatenate(slots)] ^ 1)
    model.add_cuts(*seeds)
    best = Tree(np.zeros(arrays.tail.size, np.bool_), float("inf"))
    lower = 0.0
    stalled = 0

    def outcome(bound: float, proved: bool) -> Outcome:
        return Outcome(bound, best, proved, model.possible)

    while True:
        left = deadline - time.monotonic()
        if left <= 0 or late():
            return outcome(lower, False)
        # in short runs, so that a call to stop is heard; each goes on from the basis of the last
        model.highs.setOptionValue("time_limit", model.highs.getRunTime() + min(left, SLICE_S))
        model.highs.run()
        status = model.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit and left > SLICE_S:
            continue
        if status == highspy.HighsModelStatus.kInfeasible:
            return outcome(upper, True)
        if status != highspy.HighsModelStatus.kOptimal:
            return outcome(lower, False)
        value = model.highs.getObjectiveValue()
        stalled = stalled + 1 if value < lower + 1e-6 * max(1.0, abs(lower)) else 0
        lower = max(lower, value - 1e-9 * max(1.0, abs(value)))
        x = model.values()
        guided = _guided(model, x, root, rng, deadline)
        if guided.cost < min(best.cost, upper) - 1e-9:
            best = guided
        upper = min(told(min(lower, upper), best), best.cost)
        target = enough(upper, unit)
        if lower >= target:
            return outcome(min(lower, upper), True)
        model.exclude(target - value + 1e-6 * max(1.0, abs(value)) * 1e-3)
        model.purge()
        order = rng.permutation(arrays.terminals)
        added = model.balance(x) + model.separate(x, order)
        if not added or stalled > 30:
            break
    return (
        outcome(lower, False)
        if not added and model.gone.mean() > 0.3
        else _integer(model, best, lower, upper, unit, deadline, told)
    )


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


def _ended(highs: highspy.Highs, left: float) -> bool:
    """Run ``highs``; False when it goes on after ``left`` seconds and is left to itself: its own time limit
    is looked at only now and then.
    """
    worker = threading.Thread(target=highs.run, name="branch and cut")
    worker.start()
    worker.join(left)
    return not worker.is_alive()


def _integer(
    model: CutModel, best: Tree, lower: float, upper: float, unit: float, deadline: float, told: Told
) -> Outcome:
    """Branch: the MIP over the cuts so far; a disconnected answer names the cuts it lacks; again."""
    a, highs = model.a, model.highs
    count = model.arcs.size
    kinds = np.full(count, highspy.HighsVarType.kInteger)
    highs.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
    highs.setOptionValue("presolve", "choose")
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.999 * unit if unit else 1e-6)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return Outcome(lower, best, False, model.possible)
        known = min(upper, best.cost)
        highs.setOptionValue("objective_bound", known)
        highs.setOptionValue("time_limit", highs.getRunTime() + 0.95 * left)
        if not _ended(highs, left):
            return Outcome(lower, best, False, model.possible)
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Outcome(known, best, True, model.possible)
        info = highs.getInfo()
        if np.isfinite(info.mip_dual_bound):
            lower = max(lower, min(known, float(info.mip_dual_bound)))
        upper = known = min(told(lower, best), known)
        if lower >= enough(known, unit):
            return Outcome(known, best, True, model.possible)
        if status != highspy.HighsModelStatus.kOptimal:
            return Outcome(lower, best, False, model.possible)
        x = np.round(model.values())
        if not model.separate(x, a.terminals):
            chosen = np.zeros(a.tail.size, np.bool_)
            chosen[model.arcs[x > 0.5] >> 1] = True
            trees.prune(a.n, a.tail, a.head, a.start, a.near, a.leaving, a.is_terminal, chosen)
            cost = float(a.cost[chosen].sum())
            if cost < best.cost:
                best = Tree(chosen, cost)
            return Outcome(min(known, best.cost), best, True, model.possible)

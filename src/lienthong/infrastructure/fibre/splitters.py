"""Passive optical splitters on a plan's tree: at most so many sites behind each, each fed by its own fibre.

Feeders share the trench, so the tree stays as it is; what is chosen is where splitters hang. The bound adds
to the tree's own: sites ÷ ratio splitters, rounded up, and of every site's shortest way to the root the
share of a feeder that it cannot do without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from lienthong.infrastructure.fibre.costs import UNIT, FibreCosts
from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.result import FibrePlan


@dataclass(frozen=True)
class Splitter:
    """``vertex`` where it hangs, the ``sites`` (positions) behind it, ``feeder_m`` from the root to it."""

    vertex: int
    sites: tuple[int, ...]
    feeder_m: float


@dataclass(frozen=True)
class SplitPlan:
    """``cost`` and ``lower_bound`` (VND) are of the whole: the plan, its splitters and their strands."""

    plan: FibrePlan
    ratio: int
    splitters: tuple[Splitter, ...]
    extra: float
    cost: float
    lower_bound: float

    @property
    def gap(self) -> float:
        """(cost − bound) ÷ cost."""
        return (self.cost - self.lower_bound) / self.cost if self.cost > 0 else 0.0


def split(plan: FibrePlan, ratio: int, costs: FibreCosts) -> SplitPlan:
    """Splitters of at most ``ratio`` sites each for the sites that the plan newly connects by fibre.

    Groups are packed from the leaves towards the root, so that a splitter hangs where its branches meet.
    """
    if ratio < 1:
        raise Infeasible(f"the split ratio is {ratio}", place="split", remedy="allow at least one site")
    away = _metres(plan)
    wireless = {hop.site for hop in plan.wireless}
    served = [
        i for i, site in enumerate(plan.sites)
        if not site.connected and i not in wireless and plan.terminals[i] != plan.root
        and np.isfinite(away[plan.terminals[i]])
    ]  # fmt: skip
    at: dict[int, list[int]] = {}
    for i in served:
        at.setdefault(int(plan.terminals[i]), []).append(i)
    below: dict[int, list[list[int]]] = {}
    found: list[Splitter] = []
    strands = 0.0
    for v in _leaves_first(plan):
        groups = [[i] for i in at.get(v, [])] + below.pop(v, [])
        bins = _packed(groups, ratio)
        up = int(plan.parent[v])
        keep = [] if up < 0 or v == plan.root else [bins.pop()] if bins and len(bins[-1]) < ratio else []
        for group in bins:
            found.append(Splitter(v, tuple(sorted(group)), float(away[v])))
            strands += away[v] + sum(float(away[plan.terminals[i]] - away[v]) for i in group)
        if keep:
            below.setdefault(up, []).extend(keep)
    extra = _whole(len(found) * costs.splitter + strands * costs.strand_per_m)
    nearest = _shortest(plan)
    least = math.ceil(len(served) / ratio) * costs.splitter + sum(
        float(nearest[plan.terminals[i]]) * costs.strand_per_m / ratio for i in served
    )
    bound = plan.lower_bound + min(extra, math.floor(least / UNIT) * UNIT)
    return SplitPlan(plan, ratio, tuple(found), extra, plan.cost + extra, bound)


def _packed(groups: list[list[int]], ratio: int) -> list[list[int]]:
    """Groups joined first-fit, the largest first, into as few as may be; the smallest is last."""
    bins: list[list[int]] = []
    for group in sorted(groups, key=len, reverse=True):
        for some in bins:
            if len(some) + len(group) <= ratio:
                some.extend(group)
                break
        else:
            bins.append(list(group))
    return sorted(bins, key=len, reverse=True)


def _leaves_first(plan: FibrePlan) -> list[int]:
    depth: dict[int, int] = {plan.root: 0}
    for v in np.flatnonzero(plan.parent >= 0).tolist():
        trail = []
        while v not in depth:
            trail.append(v)
            v = int(plan.parent[v])
            if v < 0:
                break
        base = depth.get(v, 0)
        for step, w in enumerate(reversed(trail), 1):
            depth[w] = base + step
    return sorted(depth, key=lambda v: (-depth[v], v))


def _metres(plan: FibrePlan) -> np.ndarray:
    """Metres of cable from the root to each vertex of the plan along its tree; infinite outside."""
    away = np.full(plan.parent.size, np.inf)
    away[plan.root] = 0.0
    for v in reversed(_leaves_first(plan)):
        if v != plan.root and plan.parent[v] >= 0:
            e = int(plan.parent_edge[v])
            away[v] = away[plan.parent[v]] + (float(plan.graph.length_m[e]) if e >= 0 else 0.0)
    return away


def _shortest(plan: FibrePlan) -> np.ndarray:
    """Metres from the root over any roads; ways in use today or by radio are free."""
    g = plan.graph
    jumps = np.flatnonzero((plan.parent >= 0) & (plan.parent_edge < 0))
    tail = np.concatenate([g.tail, jumps])
    head = np.concatenate([g.head, plan.parent[jumps]])
    length = np.concatenate([g.length_m, np.zeros(jumps.size)]) + 1e-6
    order = np.argsort(length, kind="stable")
    key = np.minimum(tail, head) * g.vertices + np.maximum(tail, head)
    _, first = np.unique(key[order], return_index=True)
    kept = order[first]
    weight = coo_matrix((length[kept], (tail[kept], head[kept])), shape=(g.vertices, g.vertices)).tocsr()
    found: np.ndarray = np.maximum(
        dijkstra(weight, directed=False, indices=plan.root) - 1e-6 * g.vertices, 0.0
    )
    return found


def _whole(price: float) -> float:
    return float(round(price / UNIT) * UNIT)

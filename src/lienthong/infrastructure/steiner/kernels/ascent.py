"""Lower bounds by dual ascent."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, compiled
from lienthong.infrastructure.steiner.kernels.paths import pop, push

SATURATED = 1e-9
"""A reduced cost below this counts as zero."""


@compiled
def dual_ascent(
    n: int,
    start: Ints,
    near: Ints,
    leaving: Ints,
    arc_cost: Floats,
    terminals: Ints,
    root: int,
    cut_limit: int,
) -> tuple[float, Floats, Ints, Ints]:
    """Wong's dual ascent on the bidirected graph (Wong 1984; components by size after Pajor et al. 2018).

    Answers (lower bound, reduced cost by arc, cut boundaries, arcs of the cuts): cut ``i`` are the arcs
    ``arcs[bounds[i]:bounds[i+1]]`` into one component, kept while they fit in ``cut_limit`` arcs.
    """
    reduced = arc_cost.copy()
    active = np.zeros(n, np.bool_)
    keys = np.empty(terminals.size + 1)
    items = np.empty(terminals.size + 1, np.int64)
    size = 0
    for t in terminals:
        if t != root:
            active[t] = True
            size = push(keys, items, size, float(start[t + 1] - start[t]), t)
    mark = np.full(n, -1, np.int64)
    queue = np.empty(n, np.int64)
    cut = np.empty(near.size, np.int64)
    bounds = np.empty(cut_limit // 4 + 2, np.int64)
    arcs = np.empty(cut_limit, np.int64)
    bounds[0] = 0
    cuts = 0
    lower = 0.0
    stamp = 0
    while size:
        t = items[0]
        size = pop(keys, items, size)
        while True:
            stamp += 1
            mark[t] = stamp
            queue[0] = t
            filled = 1
            at = 0
            joined = False
            while at < filled and not joined:
                v = queue[at]
                at += 1
                for k in range(start[v], start[v + 1]):
                    u = near[k]
                    if mark[u] != stamp and reduced[leaving[k] ^ 1] <= SATURATED:
                        if u == root or active[u]:
                            joined = True
                            break
                        mark[u] = stamp
                        queue[filled] = u
                        filled += 1
            if joined:
                active[t] = False
                break
            count = 0
            least = INFINITY
            for at in range(filled):
                v = queue[at]
                for k in range(start[v], start[v + 1]):
                    if mark[near[k]] != stamp:
                        arc = leaving[k] ^ 1
                        cut[count] = arc
                        count += 1
                        if reduced[arc] < least:
                            least = reduced[arc]
            if count == 0:
                return INFINITY, reduced, bounds[: cuts + 1], arcs[: bounds[cuts]]
            if size and count > keys[0] * 1.25 + 1:
                size = push(keys, items, size, float(count), t)
                break
            lower += least
            for j in range(count):
                reduced[cut[j]] -= least
            if cuts + 1 < bounds.size and bounds[cuts] + count <= cut_limit:
                for j in range(count):
                    arcs[bounds[cuts] + j] = cut[j]
                bounds[cuts + 1] = bounds[cuts] + count
                cuts += 1
    return lower, reduced, bounds[: cuts + 1], arcs[: bounds[cuts]]

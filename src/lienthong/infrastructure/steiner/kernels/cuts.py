"""Directed cuts that an LP solution violates, by maximum flow from the root to each terminal."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, Mask, compiled

ENOUGH = 1.0 - 1e-4
"""A flow from here on leaves no cut worth adding."""
NOTHING = 1e-6
"""A residual capacity up to here counts as none."""


@compiled
def _levels(
    start: Ints,
    near: Ints,
    leaving: Ints,
    residual: Floats,
    root: int,
    sink: int,
    level: Ints,
    slot: Ints,
    queue: Ints,
) -> tuple[int, bool]:
    """Breadth first from ``sink`` against the arcs: (vertices reached, whether ``root`` is among them)."""
    queue[0] = sink
    level[sink] = 0
    filled, at = 1, 0
    while at < filled:
        v = queue[at]
        at += 1
        for k in range(start[v], start[v + 1]):
            u = near[k]
            if level[u] < 0 and residual[leaving[k] ^ 1] > NOTHING:
                level[u] = level[v] + 1
                slot[u] = start[u]
                queue[filled] = u
                filled += 1
                if u == root:
                    return filled, True
    return filled, False


@compiled
def _blocking(
    start: Ints,
    near: Ints,
    leaving: Ints,
    residual: Floats,
    root: int,
    sink: int,
    level: Ints,
    slot: Ints,
    trail: Ints,
    touched: Ints,
    count: int,
    value: float,
) -> tuple[int, float]:
    """A blocking flow in the level graph (Dinic): (arcs touched so far, flow so far)."""
    v, depth = root, 0
    while value < ENOUGH:
        if v == sink:
            push = INFINITY
            for j in range(depth):
                push = min(push, residual[leaving[trail[j]]])
            back = depth
            for j in range(depth - 1, -1, -1):
                arc = leaving[trail[j]]
                residual[arc] -= push
                residual[arc ^ 1] += push
                if count < touched.size:
                    touched[count] = arc
                count += 1
                if residual[arc] <= NOTHING:
                    back = j
            value += push
            depth = back
            v = near[trail[depth - 1]] if depth else root
            continue
        moved = False
        while slot[v] < start[v + 1]:
            k = slot[v]
            if level[near[k]] == level[v] - 1 and residual[leaving[k]] > NOTHING:
                trail[depth] = k
                depth += 1
                v = near[k]
                moved = True
                break
            slot[v] += 1
        if not moved:
            if depth == 0:
                break
            depth -= 1
            v = near[trail[depth - 1]] if depth else root
            slot[v] += 1
    return count, value


@compiled
def violated(
    n: int,
    start: Ints,
    near: Ints,
    leaving: Ints,
    capacity: Floats,
    order: Ints,
    root: int,
    possible: Mask,
    nested: int,
    room: int,
) -> tuple[Ints, Ints]:
    """Cuts below 1 towards each terminal of ``order``: (bounds, arcs), cut ``i`` in
    ``arcs[bounds[i]:bounds[i+1]]``, of the ``possible`` arcs.

    Next to the terminal and next to the root ("back cuts"), then again with their arcs raised to 1, up
    to ``nested`` times (Koch & Martin 1998, "Solving Steiner tree problems in graphs to optimality").
    """
    bounds = np.zeros(2 * order.size * nested + 2, np.int64)
    arcs = np.empty(room, np.int64)
    cuts = 0
    raised = capacity.copy()
    residual = capacity.copy()
    level = np.full(n, -1, np.int64)
    slot = np.empty(n, np.int64)
    queue = np.empty(n, np.int64)
    trail = np.empty(n + 1, np.int64)
    touched = np.empty(capacity.size, np.int64)
    for t in order:
        if t == root:
            continue
        first = bounds[cuts]
        for _ in range(nested):
            count, value, filled = 0, 0.0, 0
            while True:
                filled, found = _levels(start, near, leaving, residual, root, t, level, slot, queue)
                if not found:
                    break
                slot[root] = start[root]
                count, value = _blocking(
                    start, near, leaving, residual, root, t, level, slot, trail, touched, count, value
                )
                for j in range(filled):
                    level[queue[j]] = -1
                if value >= ENOUGH:
                    break
            enough = value >= ENOUGH
            begun = bounds[cuts]
            for side in range(0 if enough else 2):
                if side == 1:
                    for j in range(filled):
                        level[queue[j]] = -1
                    queue[0] = root
                    level[root] = 0
                    filled, at = 1, 0
                    while at < filled:
                        v = queue[at]
                        at += 1
                        for k in range(start[v], start[v + 1]):
                            if level[near[k]] < 0 and residual[leaving[k]] > NOTHING:
                                level[near[k]] = 0
                                queue[filled] = near[k]
                                filled += 1
                size = bounds[cuts]
                for j in range(filled):
                    v = queue[j]
                    for k in range(start[v], start[v + 1]):
                        arc = leaving[k] if side else leaving[k] ^ 1
                        if level[near[k]] < 0 and possible[arc] and size < room:
                            arcs[size] = arc
                            size += 1
                if size < room:
                    cuts += 1
                    bounds[cuts] = size
            for j in range(0 if enough else filled):
                level[queue[j]] = -1
            for j in range(min(count, touched.size)):
                residual[touched[j]] = raised[touched[j]]
                residual[touched[j] ^ 1] = raised[touched[j] ^ 1]
            if count > touched.size:
                residual[:] = raised
            if enough or bounds[cuts] == begun:
                break
            for j in range(begun, bounds[cuts]):
                raised[arcs[j]] = 1.0
                residual[arcs[j]] = 1.0
        for j in range(first, bounds[cuts]):
            raised[arcs[j]] = capacity[arcs[j]]
            residual[arcs[j]] = capacity[arcs[j]]
        if bounds[cuts] > 0.9 * room:
            break
    return bounds[: cuts + 1], arcs[: bounds[cuts]]

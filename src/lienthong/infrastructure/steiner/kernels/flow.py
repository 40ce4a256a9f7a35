"""Maximum flow and minimum cuts."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, Mask, compiled


@compiled
def maximum_flow(
    n: int, start: Ints, near: Ints, leaving: Ints, capacity: Floats, source: int, sink: int, limit: float
) -> tuple[float, Floats]:
    """Dinic's maximum flow, stopped at ``limit``: (value, residual capacity by arc).

    ``capacity`` is by arc; an edge's two arcs are each other's residuals.
    """
    residual = capacity.copy()
    level = np.empty(n, np.int64)
    slot = np.empty(n, np.int64)
    queue = np.empty(n, np.int64)
    trail = np.empty(n + 1, np.int64)
    value = 0.0
    while value < limit:
        level[:] = -1
        level[source] = 0
        queue[0] = source
        filled = 1
        at = 0
        while at < filled and level[sink] < 0:
            v = queue[at]
            at += 1
            for k in range(start[v], start[v + 1]):
                if level[near[k]] < 0 and residual[leaving[k]] > 1e-7:
                    level[near[k]] = level[v] + 1
                    queue[filled] = near[k]
                    filled += 1
        if level[sink] < 0:
            break
        for v in range(n):
            slot[v] = start[v]
        v = source
        depth = 0
        while True:
            if v == sink:
                push = INFINITY
                for j in range(depth):
                    push = min(push, residual[leaving[trail[j]]])
                back = depth
                for j in range(depth - 1, -1, -1):
                    arc = leaving[trail[j]]
                    residual[arc] -= push
                    residual[arc ^ 1] += push
                    if residual[arc] <= 1e-7:
                        back = j
                value += push
                if value >= limit:
                    break
                depth = back
                v = near[trail[depth - 1]] if depth else source
                continue
            moved = False
            while slot[v] < start[v + 1]:
                k = slot[v]
                if level[near[k]] == level[v] + 1 and residual[leaving[k]] > 1e-7:
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
                v = near[trail[depth - 1]] if depth else source
                slot[v] += 1
    return value, residual


@compiled
def reachable(
    n: int, start: Ints, near: Ints, leaving: Ints, residual: Floats, origin: int, entering: bool
) -> Mask:
    """Vertices that ``origin`` reaches along positive residual arcs (or that reach it, ``entering``)."""
    seen = np.zeros(n, np.bool_)
    seen[origin] = True
    queue = np.empty(n, np.int64)
    queue[0] = origin
    filled = 1
    at = 0
    while at < filled:
        v = queue[at]
        at += 1
        for k in range(start[v], start[v + 1]):
            arc = leaving[k] ^ 1 if entering else leaving[k]
            if not seen[near[k]] and residual[arc] > 1e-7:
                seen[near[k]] = True
                queue[filled] = near[k]
                filled += 1
    return seen

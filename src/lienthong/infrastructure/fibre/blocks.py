"""Which vertices stay connected when any one edge is cut: two-edge-connected parts and bridges."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lienthong.infrastructure.geography.graph import Ints, Mask
from lienthong.infrastructure.steiner.kernels.compiling import compiled
from lienthong.infrastructure.steiner.kernels.paths import adjacency


@compiled
def _search(n: int, start: Ints, near: Ints, leaving: Ints, origin: int, count: int) -> tuple[Mask, Mask]:
    """(vertices reached, edges that are bridges) by one depth-first search (Tarjan 1974)."""
    order = np.full(n, -1, np.int64)
    low = np.zeros(n, np.int64)
    slot = start[:-1].copy()
    by = np.full(n, -1, np.int64)
    up = np.full(n, -1, np.int64)
    bridge = np.zeros(count, np.bool_)
    order[origin] = 0
    seen = 1
    v = origin
    while v >= 0:
        if slot[v] < start[v + 1]:
            k = slot[v]
            slot[v] += 1
            e, w = leaving[k] >> 1, near[k]
            if e == by[v]:
                continue
            if order[w] >= 0:
                low[v] = min(low[v], order[w])
            else:
                order[w] = low[w] = seen
                seen += 1
                by[w] = e
                up[w] = v
                v = w
        else:
            above = up[v]
            if above >= 0:
                low[above] = min(low[above], low[v])
                if low[v] > order[above]:
                    bridge[by[v]] = True
            v = above
    return order >= 0, bridge


def bridges(n: int, tail: Ints, head: Ints, edges: Iterable[int], origin: int) -> tuple[Mask, set[int]]:
    """(vertices that ``origin`` reaches along ``edges``, the edges among them whose loss parts them)."""
    some = np.array(list(edges), np.int64)
    start, near, leaving = adjacency(n, tail[some], head[some])
    seen, weak = _search(n, start, near, leaving, origin, some.size)
    return seen, set(some[weak].tolist())


def two_connected(n: int, tail: Ints, head: Ints, edges: Iterable[int], origin: int) -> tuple[Mask, Mask]:
    """(vertices that ``origin`` reaches, those it still reaches when any one edge is cut)."""
    some = np.array(list(edges), np.int64)
    start, near, leaving = adjacency(n, tail[some], head[some])
    seen, weak = _search(n, start, near, leaving, origin, some.size)
    rest = some[~weak]
    start, near, leaving = adjacency(n, tail[rest], head[rest])
    strong, _ = _search(n, start, near, leaving, origin, rest.size)
    return seen, strong

"""Adjacency, heaps and shortest paths."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, compiled


@compiled
def adjacency(n: int, tail: Ints, head: Ints) -> tuple[Ints, Ints, Ints]:
    """(start, near, leaving) of the undirected graph."""
    start = np.zeros(n + 1, np.int64)
    for e in range(tail.size):
        start[tail[e] + 1] += 1
        start[head[e] + 1] += 1
    for v in range(n):
        start[v + 1] += start[v]
    fill = start[:-1].copy()
    near = np.empty(2 * tail.size, np.int64)
    leaving = np.empty(2 * tail.size, np.int64)
    for e in range(tail.size):
        u, v = tail[e], head[e]
        near[fill[u]] = v
        leaving[fill[u]] = 2 * e
        fill[u] += 1
        near[fill[v]] = u
        leaving[fill[v]] = 2 * e + 1
        fill[v] += 1
    return start, near, leaving


@compiled
def push(keys: Floats, items: Ints, size: int, key: float, item: int) -> int:
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at] = keys[above]
        items[at] = items[above]
        at = above
    keys[at] = key
    items[at] = item
    return size + 1


@compiled
def pop(keys: Floats, items: Ints, size: int) -> int:
    """Remove the top; the caller has read ``keys[0]`` and ``items[0]``. Answers the new size."""
    size -= 1
    key, item = keys[size], items[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at] = keys[below]
        items[at] = items[below]
        at = below
    keys[at] = key
    items[at] = item
    return size


@compiled
def distances(
    n: int, start: Ints, near: Ints, leaving: Ints, arc_cost: Floats, sources: Ints, entering: bool
) -> tuple[Floats, Ints, Ints]:
    """Shortest distance from any of ``sources`` to each vertex, its predecessor arc and source.

    ``arc_cost`` is by arc. ``entering``: follow arcs backwards (distance *to* the sources).
    """
    far = np.full(n, INFINITY)
    by = np.full(n, -1, np.int64)
    base = np.full(n, -1, np.int64)
    keys = np.empty(2 * near.size + sources.size + 1)
    items = np.empty(2 * near.size + sources.size + 1, np.int64)
    size = 0
    for s in sources:
        far[s] = 0.0
        base[s] = s
        size = push(keys, items, size, 0.0, s)
    while size:
        d, v = keys[0], items[0]
        size = pop(keys, items, size)
        if d > far[v]:
            continue
        for k in range(start[v], start[v + 1]):
            arc = leaving[k] ^ 1 if entering else leaving[k]
            w = near[k]
            reached = d + arc_cost[arc]
            if reached < far[w]:
                far[w] = reached
                by[w] = arc
                base[w] = base[v]
                size = push(keys, items, size, reached, w)
    return far, by, base


@compiled
def nearest_terminals(
    n: int, start: Ints, near: Ints, leaving: Ints, cost: Floats, terminals: Ints, k: int
) -> tuple[Ints, Floats]:
    """For each vertex its ``k`` nearest terminals: (terminal or -1) and distance, shapes (n, k).

    Paths do not run through other terminals' settled cells more than k times, which is what the
    bottleneck tests need (Polzin & Vahdati Daneshmand 2001).
    """
    which = np.full((n, k), -1, np.int64)
    far = np.full((n, k), INFINITY)
    count = np.zeros(n, np.int64)
    room = k * near.size + terminals.size + 1
    keys = np.empty(room)
    items = np.empty(room, np.int64)
    size = 0
    for position in range(terminals.size):
        size = push(keys, items, size, 0.0, terminals[position] * terminals.size + position)
    while size:
        d, item = keys[0], items[0]
        size = pop(keys, items, size)
        v, position = item // terminals.size, item % terminals.size
        if count[v] == k:
            continue
        t = terminals[position]
        seen = False
        for j in range(count[v]):
            if which[v, j] == t:
                seen = True
                break
        if seen:
            continue
        which[v, count[v]] = t
        far[v, count[v]] = d
        count[v] += 1
        for slot in range(start[v], start[v + 1]):
            w = near[slot]
            if count[w] < k and size < room:
                size = push(keys, items, size, d + cost[leaving[slot] >> 1], w * terminals.size + position)
    return which, far


@compiled
def ball(n: int, start: Ints, near: Ints, origin: int, most: int) -> Ints:
    """The ``most`` vertices nearest ``origin`` by number of edges."""
    seen = np.zeros(n, np.bool_)
    queue = np.empty(n, np.int64)
    queue[0] = origin
    seen[origin] = True
    filled, at = 1, 0
    while at < filled and filled < most:
        v = queue[at]
        at += 1
        for k in range(start[v], start[v + 1]):
            w = near[k]
            if not seen[w]:
                seen[w] = True
                queue[filled] = w
                filled += 1
    return queue[:filled]

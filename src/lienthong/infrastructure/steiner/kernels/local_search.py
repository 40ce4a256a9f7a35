"""Local search: Steiner vertices and key paths."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, Mask, compiled
from lienthong.infrastructure.steiner.kernels.paths import pop, push
from lienthong.infrastructure.steiner.kernels.trees import tree_over


@compiled
def improve_by_vertices(
    n: int,
    tail: Ints,
    head: Ints,
    cost: Floats,
    order: Ints,
    start: Ints,
    near: Ints,
    leaving: Ints,
    terminal: Mask,
    chosen: Mask,
    best: float,
    sweep: Ints,
) -> tuple[Mask, float]:
    """Steiner vertex insertion and elimination, first improvement, vertices in the order ``sweep``.

    Each trial re-spans the vertices of the tree with one vertex more or less. Answers (mask, cost).
    """
    inside = np.zeros(n, np.bool_)
    for e in range(tail.size):
        if chosen[e]:
            inside[tail[e]] = True
            inside[head[e]] = True
    for v in range(n):
        if terminal[v]:
            inside[v] = True
    for v in sweep:
        if terminal[v]:
            continue
        if inside[v]:
            inside[v] = False
        else:
            touching = 0
            for k in range(start[v], start[v + 1]):
                if inside[near[k]]:
                    touching += 1
            if touching < 2:
                continue
            inside[v] = True
        trial, total = tree_over(n, tail, head, cost, order, start, near, leaving, terminal, inside)
        if total < best - 1e-9:
            best = total
            chosen = trial
            inside[:] = False
            for e in range(tail.size):
                if chosen[e]:
                    inside[tail[e]] = True
                    inside[head[e]] = True
            for u in range(n):
                if terminal[u]:
                    inside[u] = True
        else:
            inside[v] = not inside[v]
    return chosen, best


@compiled
def exchange_paths(
    n: int,
    tail: Ints,
    head: Ints,
    cost: Floats,
    start: Ints,
    near: Ints,
    leaving: Ints,
    terminal: Mask,
    chosen: Mask,
    best: float,
) -> float:
    """Key-path exchange: drop each path between key vertices, rejoin the two parts by a shortest path."""
    degree = np.zeros(n, np.int64)
    inside = np.zeros(n, np.bool_)
    for e in range(tail.size):
        if chosen[e]:
            degree[tail[e]] += 1
            degree[head[e]] += 1
            inside[tail[e]] = True
            inside[head[e]] = True
    room = 2 * near.size + n + 1
    keys = np.empty(room)
    items = np.empty(room, np.int64)
    side = np.empty(n, np.int64)
    far = np.empty(n)
    by = np.empty(n, np.int64)
    stack = np.empty(n, np.int64)
    path = np.empty(n + 1, np.int64)
    for first in range(tail.size):
        if not chosen[first]:
            continue
        # the key path through this edge, walked both ways; only from its smallest edge
        length = 0
        path[length] = first
        length += 1
        total = cost[first]
        smallest = True
        for end in (tail[first], head[first]):
            v = end
            e = first
            while degree[v] == 2 and not terminal[v]:
                for k in range(start[v], start[v + 1]):
                    f = leaving[k] >> 1
                    if chosen[f] and f != e:
                        if f < first:
                            smallest = False
                        path[length] = f
                        length += 1
                        total += cost[f]
                        e = f
                        v = near[k]
                        break
        if not smallest or total <= 0.0:
            continue
        for j in range(length):
            chosen[path[j]] = False
        # colour the two parts
        side[:] = -1
        a, b = -1, -1
        for j in range(length):
            for v in (tail[path[j]], head[path[j]]):
                if degree[v] != 2 or terminal[v]:
                    if a < 0:
                        a = v
                    elif v != a:
                        b = v
        for colour in range(2):
            v = a if colour == 0 else b
            stack[0] = v
            top = 1
            side[v] = colour
            while top:
                top -= 1
                v = stack[top]
                for k in range(start[v], start[v + 1]):
                    if chosen[leaving[k] >> 1] and side[near[k]] < 0:
                        side[near[k]] = colour
                        stack[top] = near[k]
                        top += 1
        far[:] = INFINITY
        size = 0
        for v in range(n):
            if side[v] == 0:
                far[v] = 0.0
                by[v] = -1
                size = push(keys, items, size, 0.0, v)
        found = -1
        while size:
            d, v = keys[0], items[0]
            size = pop(keys, items, size)
            if d > far[v]:
                continue
            if d >= total - 1e-9:
                break
            if side[v] == 1:
                found = v
                break
            for k in range(start[v], start[v + 1]):
                w = near[k]
                reached = d + cost[leaving[k] >> 1]
                if reached < far[w] and side[w] != 0:
                    far[w] = reached
                    by[w] = leaving[k]
                    size = push(keys, items, size, reached, w)
        if found >= 0 and far[found] < total - 1e-9:
            best += far[found] - total
            for j in range(length):
                degree[tail[path[j]]] -= 1
                degree[head[path[j]]] -= 1
            v = found
            while side[v] != 0:
                arc = by[v]
                chosen[arc >> 1] = True
                degree[tail[arc >> 1]] += 1
                degree[head[arc >> 1]] += 1
                v = tail[arc >> 1] if arc & 1 == 0 else head[arc >> 1]
        else:
            for j in range(length):
                chosen[path[j]] = True
    return best

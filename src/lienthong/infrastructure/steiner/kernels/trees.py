"""Trees: spanning, pruned, grown from a vertex."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, Mask, compiled
from lienthong.infrastructure.steiner.kernels.paths import pop, push


@compiled
def root_of(link: Ints, v: int) -> int:
    while link[v] != v:
        link[v] = link[link[v]]
        v = link[v]
    return v


@compiled
def spanning_tree(n: int, tail: Ints, head: Ints, cost: Floats, order: Ints, allowed: Mask) -> Mask:
    """Kruskal over the edges ``order`` (sorted by cost) whose both ends are ``allowed``: edge mask."""
    link = np.arange(n)
    chosen = np.zeros(tail.size, np.bool_)
    for e in order:
        u, v = tail[e], head[e]
        if not (allowed[u] and allowed[v]):
            continue
        a, b = root_of(link, u), root_of(link, v)
        if a != b:
            link[a] = b
            chosen[e] = True
    return chosen


@compiled
def prune(
    n: int, tail: Ints, head: Ints, start: Ints, near: Ints, leaving: Ints, terminal: Mask, chosen: Mask
) -> None:
    """Drop leaves that are no terminals, in place, until there are none. Answers nothing."""
    degree = np.zeros(n, np.int64)
    for e in range(tail.size):
        if chosen[e]:
            degree[tail[e]] += 1
            degree[head[e]] += 1
    stack = np.empty(n, np.int64)
    top = 0
    for v in range(n):
        if degree[v] == 1 and not terminal[v]:
            stack[top] = v
            top += 1
    while top:
        top -= 1
        v = stack[top]
        if degree[v] != 1:
            continue
        for k in range(start[v], start[v + 1]):
            e = leaving[k] >> 1
            if chosen[e]:
                chosen[e] = False
                w = near[k]
                degree[v] -= 1
                degree[w] -= 1
                if degree[w] == 1 and not terminal[w]:
                    stack[top] = w
                    top += 1
                break


@compiled
def tree_over(
    n: int,
    tail: Ints,
    head: Ints,
    cost: Floats,
    order: Ints,
    start: Ints,
    near: Ints,
    leaving: Ints,
    terminal: Mask,
    inside: Mask,
) -> tuple[Mask, float]:
    """Minimum spanning tree of the vertices ``inside``, pruned: (edge mask, cost or inf)."""
    chosen = spanning_tree(n, tail, head, cost, order, inside)
    prune(n, tail, head, start, near, leaving, terminal, chosen)
    total = 0.0
    edges = 0
    touched = np.zeros(n, np.bool_)
    vertices = 0
    terminals = 0
    for v in range(n):
        if terminal[v]:
            terminals += 1
    for e in range(tail.size):
        if chosen[e]:
            total += cost[e]
            edges += 1
            for v in (tail[e], head[e]):
                if not touched[v]:
                    touched[v] = True
                    vertices += 1
    for v in range(n):
        if terminal[v] and not touched[v] and terminals > 1:
            return chosen, INFINITY
    if vertices and edges != vertices - 1:
        return chosen, INFINITY
    return chosen, total


@compiled
def grow(n: int, start: Ints, near: Ints, leaving: Ints, guide: Floats, terminal: Mask, first: int) -> Mask:
    """Takahashi–Matsuyama: from ``first``, join the nearest terminal by a path, again and again.

    ``guide`` is the cost by edge that steers (true, perturbed or reduced). Answers the vertices joined,
    or an empty mask when some terminal cannot be reached.
    """
    inside = np.zeros(n, np.bool_)
    far = np.full(n, INFINITY)
    by = np.full(n, -1, np.int64)
    room = 8 * near.size + n + 1
    keys = np.empty(room)
    items = np.empty(room, np.int64)
    inside[first] = True
    far[first] = 0.0
    size = push(keys, items, 0, 0.0, first)
    left = 0
    for v in range(n):
        if terminal[v] and v != first:
            left += 1
    while size and left:
        d, v = keys[0], items[0]
        size = pop(keys, items, size)
        if d > far[v]:
            continue
        if terminal[v] and not inside[v]:
            u = v
            while not inside[u]:
                inside[u] = True
                if terminal[u]:
                    left -= 1
                far[u] = 0.0
                if size + 1 >= room:
                    return np.zeros(n, np.bool_)
                size = push(keys, items, size, 0.0, u)
                u = by[u]
            continue
        for k in range(start[v], start[v + 1]):
            w = near[k]
            reached = d + guide[leaving[k] >> 1]
            if reached < far[w]:
                far[w] = reached
                by[w] = v
                if size + 1 >= room:
                    return np.zeros(n, np.bool_)
                size = push(keys, items, size, reached, w)
    if left:
        return np.zeros(n, np.bool_)
    return inside


@compiled
def tidied(
    n: int,
    tail: Ints,
    head: Ints,
    cost: Floats,
    start: Ints,
    near: Ints,
    leaving: Ints,
    terminal: Mask,
    edges: Ints,
) -> tuple[Mask, float]:
    """``edges``, by cost, without cycles and useless ends: (mask, cost or inf when terminals are apart)."""
    chosen = spanning_tree(n, tail, head, cost, edges, np.ones(n, np.bool_))
    prune(n, tail, head, start, near, leaving, terminal, chosen)
    touched = np.zeros(n, np.bool_)
    vertices, links, total = 0, 0, 0.0
    for e in edges:
        if chosen[e]:
            total += cost[e]
            links += 1
            touched[tail[e]] = True
            touched[head[e]] = True
    for v in range(n):
        vertices += touched[v] or terminal[v]
    return chosen, total if links == vertices - 1 else INFINITY


@compiled
def cut_out(
    n: int, tail: Ints, head: Ints, terminal: Mask, chosen: Mask, region: Ints
) -> tuple[Ints, Ints, Ints, Mask]:
    """The problem of ``region`` when the tree ``chosen`` stays as it is elsewhere: what the tree joins
    outside is one terminal. Answers (edges, their tails, their heads, which vertices are terminals).
    """
    inside = np.zeros(n, np.bool_)
    inside[region] = True
    link = np.arange(n)
    for e in range(tail.size):
        if chosen[e] and not (inside[tail[e]] and inside[head[e]]):
            a, b = root_of(link, tail[e]), root_of(link, head[e])
            link[a] = b
    name = np.full(n, -1, np.int64)
    wanted = np.zeros(region.size, np.bool_)
    count = 0
    for v in region:
        r = root_of(link, v)
        if name[r] < 0:
            name[r] = count
            count += 1
        if terminal[v] or link[v] != v:
            wanted[name[r]] = True
    # a root that others hang on is no longer alone either
    for v in range(n):
        r = root_of(link, v)
        if r != v and name[r] >= 0:
            wanted[name[r]] = True
    edges = np.empty(tail.size, np.int64)
    filled = 0
    for e in range(tail.size):
        if inside[tail[e]] and inside[head[e]] and root_of(link, tail[e]) != root_of(link, head[e]):
            edges[filled] = e
            filled += 1
    tails = np.empty(filled, np.int64)
    heads = np.empty(filled, np.int64)
    for j in range(filled):
        tails[j] = name[root_of(link, tail[edges[j]])]
        heads[j] = name[root_of(link, head[edges[j]])]
    return edges[:filled], tails, heads, wanted[:count]

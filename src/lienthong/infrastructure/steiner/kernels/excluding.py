"""Reduction tests on a shrinking graph: special distances, small degrees, nearest vertices.

After Duin & Volgenant (1989), "Reduction tests for the Steiner problem in graphs", and Polzin & Vahdati
Daneshmand (2001), "Improved algorithms for the Steiner problem in networks".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, Mask, compiled
from lienthong.infrastructure.steiner.kernels.paths import pop, push
from lienthong.infrastructure.steiner.kernels.shrinking import (
    Shrinking,
    contract,
    cut,
    joined,
    link,
    remove_vertex,
)


class Bottlenecks(NamedTuple):
    """``which``, ``far`` (n, k): each vertex's nearest terminals; ``up``, ``hop``: by terminal, the longest
    hops of the terminals' minimum spanning tree as a union-by-rank forest.
    """

    which: Ints
    far: Floats
    up: Ints
    hop: Floats


@compiled
def link_terminals(
    n: int, tail: Ints, head: Ints, which: Ints, length: Floats, order: Ints
) -> tuple[Ints, Floats]:
    """(up, hop) of the terminals' distances, through Voronoi boundaries (Mehlhorn 1988).

    ``length``: of the way over each edge between the terminals of its ends; ``order`` sorts it.
    """
    up = np.arange(n)
    hop = np.zeros(n)
    rank = np.zeros(n, np.int64)
    # union by rank without path compression: the links themselves answer bottleneck queries
    for e in order:
        a, b = which[tail[e], 0], which[head[e], 0]
        if a < 0 or b < 0:
            continue
        while up[a] != a:
            a = up[a]
        while up[b] != b:
            b = up[b]
        if a == b:
            continue
        if rank[a] > rank[b]:
            a, b = b, a
        up[a] = b
        hop[a] = length[e]
        rank[b] = max(rank[b], rank[a] + 1)
    return up, hop


@compiled
def _depth(up: Ints, v: int) -> int:
    depth = 0
    while up[v] != v:
        v = up[v]
        depth += 1
    return depth


@compiled
def bottleneck(b: Bottlenecks, s: int, t: int) -> float:
    """The longest hop on the terminals' tree between ``s`` and ``t``."""
    longest = 0.0
    one, two = _depth(b.up, s), _depth(b.up, t)
    while s != t:
        if one < two:
            s, t = t, s
            one, two = two, one
        if one == 0:
            return INFINITY
        longest = max(longest, b.hop[s])
        s = b.up[s]
        one -= 1
    return longest


@compiled
def special(b: Bottlenecks, u: int, v: int) -> float:
    """An upper bound on the special distance of ``u`` and ``v`` through their nearest terminals."""
    best = INFINITY
    for i in range(b.which.shape[1]):
        s, ds = b.which[u, i], b.far[u, i]
        if s < 0 or ds >= best:
            continue
        for j in range(b.which.shape[1]):
            t, dt = b.which[v, j], b.far[v, j]
            if t < 0 or dt >= best:
                continue
            way = max(ds, dt)
            if s != t:
                way = max(way, bottleneck(b, s, t))
            if way < best:
                best = way
    return best


@compiled
def detour(g: Shrinking, e: int, most: int, far: Floats, reached: Ints, keys: Floats, items: Ints) -> bool:
    """Whether a way around edge ``e`` is no longer than it (``most`` vertices searched)."""
    u, v, limit = g.end[2 * e], g.end[2 * e + 1], g.cost[e]
    count, settled, found = 1, 0, False
    far[u] = 0.0
    reached[0] = u
    size = push(keys, items, 0, 0.0, u)
    while size and settled < most and not found:
        d, w = keys[0], items[0]
        size = pop(keys, items, size)
        if d > far[w]:
            continue
        settled += 1
        half = g.first[w]
        while half >= 0 and not found:
            x = g.end[half ^ 1]
            c = d + g.cost[half >> 1]
            if half >> 1 != e and c <= limit and c < far[x]:
                found = x == v
                if far[x] == INFINITY:
                    reached[count] = x
                    count += 1
                far[x] = c
                size = push(keys, items, size, c, x)
            half = g.after[half]
    for j in range(count):
        far[reached[j]] = INFINITY
    return found


@compiled
def long_edges(g: Shrinking, b: Bottlenecks, most: int) -> int:
    """Delete edges longer than their ends' special distance, or no shorter than a way around."""
    n, removed = g.first.size, 0
    far = np.full(n, INFINITY)
    reached = np.empty(n, np.int64)
    keys = np.empty(g.end.size + 1)
    items = np.empty(g.end.size + 1, np.int64)
    for e in range(g.cost.size):
        if g.end[2 * e] < 0:
            continue
        u, v = g.end[2 * e], g.end[2 * e + 1]
        if special(b, u, v) < g.cost[e] - 1e-9 or detour(g, e, most, far, reached, keys, items):
            cut(g, e)
            removed += 1
    return removed


@compiled
def _spanning(apart: Floats, some: int, count: int) -> float:
    """Cost of a minimum spanning tree of the members of the bit set ``some`` under ``apart``."""
    first = 0
    while not some >> first & 1:
        first += 1
    joined_, total = 1 << first, 0.0
    while joined_ != some:
        least, new = INFINITY, -1
        for i in range(count):
            if joined_ >> i & 1:
                for j in range(count):
                    if some >> j & 1 and not joined_ >> j & 1 and apart[i, j] < least:
                        least, new = apart[i, j], j
        if new < 0:
            return INFINITY
        total += least
        joined_ |= 1 << new
    return total


@compiled
def small_degrees(g: Shrinking, b: Bottlenecks, most: int, changed: Mask) -> int:
    """Split Steiner vertices of degree 3 to ``most`` that some optimal tree uses with degree ≤ 2."""
    n, removed = g.first.size, 0
    around = np.empty(most, np.int64)
    price = np.empty(most)
    story = np.empty(most, np.int64)
    apart = np.empty((most, most))
    for v in range(n):
        count = g.degree[v]
        if g.terminal[v] or count < 3 or count > most or g.counts[0] < most * most:
            continue
        half, stale = g.first[v], changed[v]
        for i in range(count):
            around[i] = g.end[half ^ 1]
            price[i] = g.cost[half >> 1]
            story[i] = g.history[half >> 1]
            stale = stale or changed[around[i]]
            half = g.after[half]
        if stale:
            continue
        for i in range(count):
            for j in range(i):
                apart[i, j] = special(b, around[i], around[j])
                apart[j, i] = apart[i, j]
        splits = True
        for some in range(7, 1 << count):
            members, star = 0, 0.0
            for i in range(count):
                if some >> i & 1:
                    members += 1
                    star += price[i]
            if members >= 3 and _spanning(apart, some, count) > star + 1e-9:
                splits = False
                break
        if not splits:
            continue
        remove_vertex(g, v)
        changed[v] = True
        removed += 1
        for i in range(count):
            changed[around[i]] = True
            for j in range(i):
                if price[i] + price[j] <= apart[i, j] + 1e-9:
                    link(g, around[i], around[j], price[i] + price[j], joined(g, story[i], story[j]))
    return removed


@compiled
def nearest_vertices(g: Shrinking, b: Bottlenecks) -> float:
    """Contract a terminal's shortest edge when its far end reaches another terminal before the second
    shortest could: the cost fixed. ``b`` is of this graph; contractions only shorten its ways.
    """
    n, spent = g.first.size, 0.0
    merged = np.arange(n)
    for t in range(n):
        if not g.terminal[t] or g.degree[t] < 2 or g.counts[3] < 2 or merged[t] != t:
            continue
        least, second = -1, INFINITY
        half = g.first[t]
        while half >= 0:
            c = g.cost[half >> 1]
            if least < 0 or c < g.cost[least >> 1]:
                if least >= 0:
                    second = g.cost[least >> 1]
                least = half
            elif c < second:
                second = c
            half = g.after[half]
        v = g.end[least ^ 1]
        if g.terminal[v] or merged[v] != v:
            continue
        for j in range(b.which.shape[1]):
            s = b.which[v, j]
            if s < 0:
                break
            while merged[s] != s:
                s = merged[s]
            if s != t:
                if g.cost[least >> 1] + b.far[v, j] <= second:
                    spent += contract(g, t, least >> 1)
                    merged[v] = t
                break
    return spent

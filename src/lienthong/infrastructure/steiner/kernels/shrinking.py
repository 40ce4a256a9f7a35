"""A graph that shrinks in place: links, contractions and the tests on degrees.

Edges sit in doubly linked lists by vertex: half ``2e`` at the tail of edge ``e`` and ``2e+1`` at its head.
A history is an edge of the input (``< inputs``) or two histories joined (``left``, ``right``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import Floats, Ints, Mask, compiled

FREE, HISTORIES, FIXED, TERMINALS, INPUTS = range(5)
"""Places in ``Shrinking.counts``: free edges, histories, fixed histories, terminals, input edges."""


class Shrinking(NamedTuple):
    """``end[h]``: vertex of half ``h``, -1 when its edge is free; ``after``, ``before``: its list."""

    first: Ints
    after: Ints
    before: Ints
    end: Ints
    cost: Floats
    history: Ints
    degree: Ints
    terminal: Mask
    left: Ints
    right: Ints
    fixed: Ints
    free: Ints
    counts: Ints


@compiled
def _hang(g: Shrinking, half: int, v: int) -> None:
    g.end[half] = v
    head = g.first[v]
    g.after[half] = head
    g.before[half] = -1
    if head >= 0:
        g.before[head] = half
    g.first[v] = half
    g.degree[v] += 1


@compiled
def _unhang(g: Shrinking, half: int) -> None:
    v = g.end[half]
    if g.before[half] >= 0:
        g.after[g.before[half]] = g.after[half]
    else:
        g.first[v] = g.after[half]
    if g.after[half] >= 0:
        g.before[g.after[half]] = g.before[half]
    g.degree[v] -= 1


@compiled
def cut(g: Shrinking, e: int) -> None:
    """Delete edge ``e``."""
    _unhang(g, 2 * e)
    _unhang(g, 2 * e + 1)
    g.end[2 * e] = -1
    g.end[2 * e + 1] = -1
    g.free[g.counts[0]] = e
    g.counts[0] += 1


@compiled
def between(g: Shrinking, u: int, v: int) -> int:
    """The edge that joins ``u`` and ``v``, or -1."""
    if g.degree[u] > g.degree[v]:
        u, v = v, u
    half = g.first[u]
    while half >= 0:
        if g.end[half ^ 1] == v:
            return int(half >> 1)
        half = g.after[half]
    return -1


@compiled
def link(g: Shrinking, u: int, v: int, cost: float, history: int) -> None:
    """Join ``u`` and ``v``; of parallel edges the cheaper stays."""
    if u == v:
        return
    e = between(g, u, v)
    if e >= 0:
        if cost < g.cost[e]:
            g.cost[e] = cost
            g.history[e] = history
        return
    g.counts[0] -= 1
    e = g.free[g.counts[0]]
    g.cost[e] = cost
    g.history[e] = history
    _hang(g, 2 * e, u)
    _hang(g, 2 * e + 1, v)


@compiled
def fill(g: Shrinking, tail: Ints, head: Ints, cost: Floats) -> None:
    """Link the input's edges; each is its own history."""
    for e in range(tail.size):
        link(g, tail[e], head[e], cost[e], e)


@compiled
def joined(g: Shrinking, a: int, b: int) -> int:
    """The history of ``a`` and ``b`` together."""
    made = g.counts[1]
    g.left[made] = a
    g.right[made] = b
    g.counts[1] += 1
    return int(made)


@compiled
def remove_vertex(g: Shrinking, v: int) -> None:
    while g.first[v] >= 0:
        cut(g, g.first[v] >> 1)


@compiled
def contract(g: Shrinking, keep: int, e: int) -> float:
    """Take edge ``e`` into the solution and merge its other end into ``keep``, a terminal from now on."""
    half = 2 * e if g.end[2 * e] == keep else 2 * e + 1
    gone = g.end[half ^ 1]
    cost = g.cost[e]
    g.fixed[g.counts[2]] = g.history[e]
    g.counts[2] += 1
    cut(g, e)
    half = g.first[gone]
    while half >= 0:
        f = half >> 1
        w, c, h = g.end[half ^ 1], g.cost[f], g.history[f]
        cut(g, f)
        link(g, keep, w, c, h)
        half = g.first[gone]
    if g.terminal[gone] and g.terminal[keep]:
        g.counts[3] -= 1
    g.terminal[gone] = False
    g.terminal[keep] = True
    return float(cost)


@compiled
def degrees(g: Shrinking, stack: Ints, top: int, waiting: Mask) -> float:
    """Leaves, chains, and terminals with a forced edge, to a fixed point: the cost fixed.

    ``stack[:top]`` are the vertices to look at, marked ``waiting``.
    """
    spent = 0.0
    while top:
        top -= 1
        v = stack[top]
        waiting[v] = False
        if g.degree[v] == 0:
            continue
        touched = -1
        if g.terminal[v]:
            if g.counts[3] == 1:
                continue
            # an edge to the nearest neighbour is forced when that is a terminal, or the only one
            least = g.first[v]
            half = least
            while half >= 0:
                c, d = g.cost[half >> 1], g.cost[least >> 1]
                if c < d or (c == d and g.terminal[g.end[half ^ 1]]):
                    least = half
                half = g.after[half]
            u = g.end[least ^ 1]
            if g.degree[v] > 1 and not g.terminal[u]:
                continue
            spent += contract(g, u, least >> 1)
            touched = u
        elif g.degree[v] == 1:
            touched = g.end[g.first[v] ^ 1]
            remove_vertex(g, v)
        elif g.degree[v] == 2:
            one = g.first[v]
            two = g.after[one]
            a, b = g.end[one ^ 1], g.end[two ^ 1]
            c = g.cost[one >> 1] + g.cost[two >> 1]
            h = joined(g, g.history[one >> 1], g.history[two >> 1])
            remove_vertex(g, v)
            link(g, a, b, c, h)
            touched = a
            if not waiting[b]:
                waiting[b] = True
                stack[top] = b
                top += 1
        if touched >= 0:
            if not waiting[touched]:
                waiting[touched] = True
                stack[top] = touched
                top += 1
            if g.terminal[touched]:
                half = g.first[touched]
                while half >= 0:
                    w = g.end[half ^ 1]
                    if not waiting[w]:
                        waiting[w] = True
                        stack[top] = w
                        top += 1
                    half = g.after[half]
    return spent


@compiled
def clear_unreached(g: Shrinking, origin: int) -> int:
    """Drop every vertex that ``origin`` cannot reach: the number of terminals it does reach."""
    n = g.first.size
    seen = np.zeros(n, np.bool_)
    queue = np.empty(n, np.int64)
    queue[0] = origin
    seen[origin] = True
    filled, at, terminals = 1, 0, 0
    while at < filled:
        v = queue[at]
        at += 1
        terminals += g.terminal[v]
        half = g.first[v]
        while half >= 0:
            w = g.end[half ^ 1]
            if not seen[w]:
                seen[w] = True
                queue[filled] = w
                filled += 1
            half = g.after[half]
    for v in range(n):
        if not seen[v]:
            remove_vertex(g, v)
    return terminals


@compiled
def originals(g: Shrinking, histories: Ints) -> Mask:
    """By input edge: whether it is behind one of ``histories``."""
    inputs = g.counts[4]
    taken = np.zeros(inputs, np.bool_)
    stack = np.empty(g.counts[1] + 1, np.int64)
    for h in histories:
        stack[0] = h
        top = 1
        while top:
            top -= 1
            at = stack[top]
            if at < inputs:
                taken[at] = True
            else:
                stack[top] = g.left[at]
                stack[top + 1] = g.right[at]
                top += 2
    return taken


@compiled
def covered(g: Shrinking, chosen: Mask) -> Mask:
    """By history: whether all input edges behind it are ``chosen``."""
    found = np.zeros(g.counts[1], np.bool_)
    for h in range(g.counts[1]):
        found[h] = chosen[h] if h < g.counts[4] else found[g.left[h]] and found[g.right[h]]
    return found

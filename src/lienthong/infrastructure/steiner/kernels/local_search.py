"""Local search on a tree: key-path exchange, key-vertex elimination, Steiner vertex insertion.

The neighbourhoods are those of Uchoa & Werneck (2010). A *key vertex* is a terminal or a Steiner vertex of
degree three or more in the tree; a *key path* joins two of them through others.
"""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner.kernels.compiling import INFINITY, Floats, Ints, Mask, compiled
from lienthong.infrastructure.steiner.kernels.paths import pop, push


@compiled
def _walk(
    start: Ints,
    near: Ints,
    leaving: Ints,
    terminal: Mask,
    chosen: Mask,
    degree: Ints,
    v: int,
    slot: int,
    path: Ints,
) -> tuple[int, int]:
    """The key path that leaves ``v`` by ``slot``, into ``path``: (its end, number of edges)."""
    e = leaving[slot] >> 1
    path[0] = e
    length = 1
    v = near[slot]
    while degree[v] == 2 and not terminal[v]:
        for k in range(start[v], start[v + 1]):
            f = leaving[k] >> 1
            if chosen[f] and f != e:
                path[length] = f
                length += 1
                e = f
                v = near[k]
                break
    return v, length


@compiled
def _flip(tail: Ints, head: Ints, chosen: Mask, degree: Ints, e: int, step: int | np.int64) -> None:
    """Edge ``e`` into the tree (``step`` 1) or out of it (-1)."""
    chosen[e] = step > 0
    degree[tail[e]] += step
    degree[head[e]] += step


@compiled
def _reconnect(
    tail: Ints, head: Ints, cost: Floats, start: Ints, near: Ints, leaving: Ints, chosen: Mask, degree: Ints,
    seeds: Ints, parts: int | np.int64, removed: float, label: Ints, seen: Ints, far: Floats, by: Ints,
    queue: Ints, follow: Ints, keys: Floats, items: Ints, stamp: int | np.int64,
) -> float:  # fmt: skip
    """Join the tree's ``parts`` (one seed vertex each) again for less than ``removed``: the saving, or 0.

    Shortest paths grow from all parts but the largest (met as what has a degree and no label); the joins
    are a minimum spanning tree of the parts.
    """
    # search the parts in turns, so that the largest is never searched whole; ``follow`` links their queues
    at = np.empty(parts, np.int64)
    last = np.empty(parts, np.int64)
    for part in range(parts):
        s = seeds[part]
        at[part], last[part] = s, s
        follow[s] = -1
        seen[s], label[s], far[s], by[s] = stamp, part, 0.0, -1
    left = parts
    while left > 1:
        for part in range(parts):
            v = at[part]
            if v < 0:
                continue
            for k in range(start[v], start[v + 1]):
                w = near[k]
                if chosen[leaving[k] >> 1] and seen[w] != stamp:
                    seen[w], label[w], far[w], by[w] = stamp, part, 0.0, -1
                    follow[w] = -1
                    follow[last[part]] = w
                    last[part] = w
            at[part] = follow[v]
            if at[part] < 0:
                left -= 1
                if left == 1:
                    break
    largest = 0
    for part in range(parts):
        if at[part] >= 0:
            largest = part
    size = 0
    for part in range(parts):
        if part != largest:
            v = seeds[part]
            while v >= 0:
                size = push(keys, items, size, 0.0, v)
                v = follow[v]
    between = np.full((parts, parts), INFINITY)
    arc_of = np.full((parts, parts), -1, np.int64)
    while size:
        d, v = keys[0], items[0]
        size = pop(keys, items, size)
        if d > far[v]:
            continue
        if d >= removed or (parts == 2 and d >= between[0, 1]):
            break
        mine = label[v]
        for k in range(start[v], start[v + 1]):
            w = near[k]
            reached = d + cost[leaving[k] >> 1]
            if seen[w] != stamp and degree[w] > 0:
                seen[w], label[w], far[w], by[w] = stamp, largest, 0.0, -1
            known = seen[w] == stamp
            if known and label[w] != mine:
                joined = reached + far[w]
                other = label[w]
                if joined < between[mine, other]:
                    between[mine, other] = joined
                    between[other, mine] = joined
                    arc_of[mine, other] = leaving[k]
                    arc_of[other, mine] = leaving[k]
            if not known or reached < far[w]:
                seen[w] = stamp
                label[w] = mine
                far[w] = reached
                by[w] = leaving[k]
                size = push(keys, items, size, reached, w)
    inside = np.zeros(parts, np.bool_)
    inside[0] = True
    spent = 0.0
    joins = np.empty(parts, np.int64)
    for step in range(parts - 1):
        least, a, b = INFINITY, -1, -1
        for i in range(parts):
            if inside[i]:
                for j in range(parts):
                    if not inside[j] and between[i, j] < least:
                        least, a, b = between[i, j], i, j
        if a < 0:
            return 0.0
        spent += least
        if spent >= removed - 1e-9:
            return 0.0
        inside[b] = True
        joins[step] = arc_of[a, b]
    off, on = np.int64(-1), np.int64(1)
    # a join's ends may have been relabelled since it was found: add paths, then count what was added
    spent = 0.0
    added = 0
    for step in range(parts - 1):
        arc = joins[step]
        e = arc >> 1
        if not chosen[e]:
            _flip(tail, head, chosen, degree, e, on)
            spent += cost[e]
            queue[added] = e
            added += 1
        for v in (tail[e], head[e]):
            while by[v] >= 0:
                f = by[v] >> 1
                if not chosen[f]:
                    _flip(tail, head, chosen, degree, f, on)
                    spent += cost[f]
                    queue[added] = f
                    added += 1
                v = tail[f] if by[v] & 1 == 0 else head[f]
    if spent >= removed - 1e-9 or not _joined(
        start, near, leaving, chosen, seeds, parts, label, queue[added:], stamp
    ):
        for j in range(added):
            _flip(tail, head, chosen, degree, queue[j], off)
        return 0.0
    return removed - spent


@compiled
def _joined(
    start: Ints,
    near: Ints,
    leaving: Ints,
    chosen: Mask,
    seeds: Ints,
    parts: int | np.int64,
    label: Ints,
    queue: Ints,
    stamp: int | np.int64,
) -> bool:
    """Whether the tree's parts hang together without a cycle; spends ``label`` where it looks."""
    mark = -2 - stamp
    queue[0] = seeds[0]
    label[seeds[0]] = mark
    filled, at, ends = 1, 0, 0
    while at < filled:
        v = queue[at]
        at += 1
        for k in range(start[v], start[v + 1]):
            if chosen[leaving[k] >> 1]:
                ends += 1
                w = near[k]
                if label[w] != mark:
                    label[w] = mark
                    queue[filled] = w
                    filled += 1
    for part in range(parts):
        if label[seeds[part]] != mark:
            return False
    return ends == 2 * (filled - 1)


@compiled
def exchange_keys(
    n: int, tail: Ints, head: Ints, cost: Floats, start: Ints, near: Ints, leaving: Ints, terminal: Mask,
    chosen: Mask, total: float, sweep: Ints,
) -> float:  # fmt: skip
    """One sweep over ``sweep``: take out a key vertex with its key paths, or one key path, and join again
    for less. Changes ``chosen`` in place and answers the new cost.
    """
    degree = np.zeros(n, np.int64)
    for e in range(tail.size):
        if chosen[e]:
            degree[tail[e]] += 1
            degree[head[e]] += 1
    label = np.full(n, -1, np.int64)
    seen = np.full(n, -1, np.int64)
    far = np.empty(n)
    by = np.full(n, -1, np.int64)
    queue = np.empty(2 * n + 2, np.int64)
    follow = np.empty(n, np.int64)
    keys = np.empty(near.size + n + 1)
    items = np.empty(near.size + n + 1, np.int64)
    path = np.empty(n + 1, np.int64)
    taken = np.empty(n + 1, np.int64)
    seeds = np.empty(n + 1, np.int64)
    # one call of each part, with one type of arguments: each further one is compiled again
    stamp = np.int64(0)
    off, on = np.int64(-1), np.int64(1)
    for v in sweep:
        # first the vertex with all its key paths (slot before the first), then each key path alone
        for slot in range(start[v] - 1, start[v + 1]):
            whole = slot < start[v]
            if degree[v] < 3 and (whole or not terminal[v]):
                continue
            if whole and terminal[v]:
                continue
            count = 0
            parts = np.int64(0)
            removed = 0.0
            for k in range(start[v] if whole else slot, start[v + 1] if whole else slot + 1):
                if not chosen[leaving[k] >> 1]:
                    continue
                end, length = _walk(start, near, leaving, terminal, chosen, degree, v, k, path)
                if not whole and end < v:
                    continue
                seeds[parts] = end
                parts += 1
                for j in range(length):
                    taken[count] = path[j]
                    removed += cost[path[j]]
                    count += 1
            if count == 0:
                continue
            if not whole:
                seeds[parts] = v
                parts += 1
            for j in range(count):
                _flip(tail, head, chosen, degree, taken[j], off)
            stamp += 1
            saved = _reconnect(
                tail, head, cost, start, near, leaving, chosen, degree, seeds, parts, removed, label, seen,
                far, by, queue, follow, keys, items, stamp,
            )  # fmt: skip
            if saved > 0.0:
                total -= saved
            else:
                for j in range(count):
                    _flip(tail, head, chosen, degree, taken[j], on)
    return total


@compiled
def _make_root(up: Ints, edge: Ints, v: int) -> None:
    """Turn the parent pointers on the way from ``v`` to its root."""
    above, link = up[v], edge[v]
    up[v], edge[v] = -1, -1
    while above >= 0:
        next_up, next_edge = up[above], edge[above]
        up[above], edge[above] = v, link
        v, above, link = above, next_up, next_edge


@compiled
def insert_vertices(
    n: int, tail: Ints, head: Ints, cost: Floats, start: Ints, near: Ints, leaving: Ints, terminal: Mask,
    chosen: Mask, total: float, sweep: Ints,
) -> float:  # fmt: skip
    """One sweep of Steiner vertex insertion: hang ``v`` on the tree, and let each further edge of ``v`` drive
    out the dearest edge of the cycle it closes. Changes ``chosen`` in place and answers the new cost.
    """
    up = np.full(n, -1, np.int64)
    edge = np.full(n, -1, np.int64)
    inside = np.zeros(n, np.bool_)
    queue = np.empty(n, np.int64)
    for e in range(tail.size):
        if chosen[e]:
            inside[tail[e]] = True
            inside[head[e]] = True
    for s in range(n):
        if inside[s]:
            filled, at = 1, 0
            queue[0] = s
            while at < filled:
                v = queue[at]
                at += 1
                for k in range(start[v], start[v + 1]):
                    e = leaving[k] >> 1
                    if chosen[e] and e != edge[v]:
                        up[near[k]] = v
                        edge[near[k]] = e
                        queue[filled] = near[k]
                        filled += 1
            break
    ins = np.empty(n + 1, np.int64)
    outs = np.empty(n + 1, np.int64)
    for v in sweep:
        if inside[v] or terminal[v]:
            continue
        first, touching = -1, 0
        for k in range(start[v], start[v + 1]):
            if inside[near[k]]:
                touching += 1
                if first < 0 or cost[leaving[k] >> 1] < cost[leaving[first] >> 1]:
                    first = k
        if touching < 2:
            continue
        e = leaving[first] >> 1
        w = near[first]
        change = cost[e]
        # v becomes the root: every way from a neighbour upwards ends in v
        _make_root(up, edge, w)
        up[w], edge[w] = v, e
        inside[v] = True
        added, dropped = 1, 0
        ins[0] = e
        for k in range(start[v], start[v + 1]):
            if k == first or not inside[near[k]]:
                continue
            e = leaving[k] >> 1
            worst, at = -1, near[k]
            while at != v:
                if worst < 0 or cost[edge[at]] > cost[edge[worst]]:
                    worst = at
                at = up[at]
            if cost[edge[worst]] <= cost[e]:
                continue
            change += cost[e] - cost[edge[worst]]
            outs[dropped] = edge[worst]
            dropped += 1
            ins[added] = e
            added += 1
            up[worst], edge[worst] = -1, -1
            _make_root(up, edge, near[k])
            up[near[k]], edge[near[k]] = v, e
        if change < -1e-9:
            total += change
            for j in range(added):
                chosen[ins[j]] = True
            for j in range(dropped):
                chosen[outs[j]] = False
            continue
        # undo in the opposite order
        for j in range(added - 1, 0, -1):
            e = ins[j]
            w = tail[e] if head[e] == v else head[e]
            up[w], edge[w] = -1, -1
            f = outs[j - 1]
            _make_root(up, edge, w)
            # the dropped edge joins w's part with v's: hang the end that is in w's part on the other
            a, b = tail[f], head[f]
            at = a
            while up[at] >= 0:
                at = up[at]
            if at != w:
                a, b = b, a
            _make_root(up, edge, a)
            up[a], edge[a] = b, f
        w = near[first]
        up[w], edge[w] = -1, -1
        inside[v] = False
    return total

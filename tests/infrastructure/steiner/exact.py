"""An exact Steiner tree by dynamic programming (Dreyfus & Wagner 1971): slow, simple, independent."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

Edge = tuple[int, int, float]


def optimum(vertices: int, edges: Sequence[Edge], terminals: Sequence[int]) -> float:
    """The least cost of a tree over ``terminals``; inf when they are apart. For ≤ 8 terminals."""
    near: list[list[tuple[int, float]]] = [[] for _ in range(vertices)]
    for u, v, cost in edges:
        near[u].append((v, cost))
        near[v].append((u, cost))
    wanted = sorted(set(terminals))
    *others, root = wanted
    full = (1 << len(others)) - 1
    if not full:
        return 0.0
    best = [[float("inf")] * vertices for _ in range(full + 1)]
    for position, t in enumerate(others):
        best[1 << position][t] = 0.0
    for subset in range(1, full + 1):
        row = best[subset]
        part = (subset - 1) & subset
        while part:
            for v in range(vertices):
                row[v] = min(row[v], best[part][v] + best[subset ^ part][v])
            part = (part - 1) & subset
        heap = [(cost, v) for v, cost in enumerate(row) if cost < float("inf")]
        heapq.heapify(heap)
        while heap:
            cost, v = heapq.heappop(heap)
            if cost > row[v]:
                continue
            for w, step in near[v]:
                if cost + step < row[w]:
                    row[w] = cost + step
                    heapq.heappush(heap, (row[w], w))
    return best[full][root]

"""Small made-up towns: a grid of streets with some missing, and sites beside them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from lienthong.infrastructure.geography.attaching import Attached, attach
from lienthong.infrastructure.geography.graph import KINDS, RoadGraph
from lienthong.infrastructure.geography.projection import degrees, metres
from lienthong.infrastructure.survey.model import Site

WEST, SOUTH, BLOCK_M = 105.97, 10.25, 400.0


def grid(side: int, seed: int = 1, missing: float = 0.0, lit: float = 0.0) -> RoadGraph:
    """A connected ``side`` × ``side`` grid; ``missing`` and ``lit`` are shares of its edges."""
    rng = np.random.default_rng(seed)
    x0, y0 = metres(WEST, SOUTH)
    x = x0 + BLOCK_M * np.tile(np.arange(side), side) + rng.normal(0, 20, side * side)
    y = y0 + BLOCK_M * np.repeat(np.arange(side), side) + rng.normal(0, 20, side * side)
    pairs = [(v, v + 1) for v in range(side * side) if (v + 1) % side]
    pairs += [(v, v + side) for v in range(side * (side - 1))]
    # the first row and the columns always stay, so that nothing is cut off
    kept = [p for p in pairs if p[1] - p[0] == side or p[1] < side or rng.random() >= missing]
    tail, head = np.array(kept, np.int64).T
    lon, lat = degrees(x, y)
    m = tail.size
    return RoadGraph(
        x, y, lon, lat, tail, head, np.hypot(x[tail] - x[head], y[tail] - y[head]),
        rng.integers(0, len(KINDS), m).astype(np.int8), np.round(rng.uniform(1, 2, m), 2),
        rng.random(m) < 0.1, rng.random(m) < lit,
    )  # fmt: skip


def sites_beside(graph: RoadGraph, count: int, seed: int = 1, connected: int = 0) -> list[Site]:
    """``count`` sites near random vertices, the first a node; the next ``connected`` ones are connected."""
    rng = np.random.default_rng(seed)
    kinds = ("commune", "agency", "tower")
    found = []
    for i, v in enumerate(rng.choice(graph.vertices, count, replace=False).tolist()):
        lon, lat = degrees(graph.x[v] + rng.normal(0, 60), graph.y[v] + rng.normal(0, 60))
        kind = "node" if i == 0 else kinds[i % 3]
        found.append(
            Site(f"S{i}", f"Điểm {i}", kind, float(lon[0]), float(lat[0]), connected=0 < i <= connected)
        )
    return found


def town(
    side: int, count: int, seed: int, missing: float = 0.0, lit: float = 0.0, connected: int = 0
) -> Attached:
    graph = grid(side, seed, missing, lit)
    return attach(graph, sites_beside(graph, count, seed, connected))


@st.composite
def towns(draw: st.DrawFn, missing: float = 0.5) -> Attached:
    side = draw(st.integers(3, 6))
    return town(
        side,
        draw(st.integers(2, min(9, side * side))),
        draw(st.integers(0, 10_000)),
        draw(st.floats(0, missing)),
        draw(st.sampled_from([0.0, 0.3])),
        draw(st.integers(0, 1)),
    )

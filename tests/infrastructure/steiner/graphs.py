"""Random Steiner tree problems: connected, with zero costs, parallel edges, loops and fractions."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from lienthong.infrastructure.steiner.instance import Instance

from .exact import Edge

Problem = tuple[int, list[Edge], list[int]]


@st.composite
def problems(draw: st.DrawFn, most: int = 14) -> Problem:
    """A connected graph (a random tree and more edges) with one to eight terminals."""
    vertices = draw(st.integers(2, most))
    fractions = draw(st.booleans())
    cost = (
        st.floats(0, 50, allow_nan=False, allow_subnormal=False).map(lambda c: round(c, 3))
        if fractions
        else st.integers(0, draw(st.sampled_from([1, 3, 20]))).map(float)
    )
    edges = [(draw(st.integers(0, v - 1)), v, draw(cost)) for v in range(1, vertices)]
    end = st.integers(0, vertices - 1)
    edges += draw(st.lists(st.tuples(end, end, cost), max_size=3 * vertices))
    terminals = draw(st.lists(end, min_size=1, max_size=min(8, vertices), unique=True))
    return vertices, edges, terminals


def street_grid(side: int, terminals: int, seed: int) -> Instance:
    """A ``side`` × ``side`` grid with costs 1…40 and terminals at random crossings."""
    rng = np.random.default_rng(seed)
    edges: list[Edge] = []
    for row in range(side):
        for column in range(side):
            here = row * side + column
            if row + 1 < side:
                edges.append((here, here + side, float(rng.integers(1, 41))))
            if column + 1 < side:
                edges.append((here, here + 1, float(rng.integers(1, 41))))
    wanted = rng.choice(side * side, terminals, replace=False).tolist()
    return Instance.of(side * side, edges, wanted, f"grid-{side}")

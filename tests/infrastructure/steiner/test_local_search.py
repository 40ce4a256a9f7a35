"""Local search keeps a tree over the terminals, and never makes it dearer."""

from __future__ import annotations

import time

import numpy as np
import pytest

from lienthong.infrastructure.steiner import heuristics
from lienthong.infrastructure.steiner.reductions import Arrays, Reduced

from .graphs import street_grid


def is_tree(arrays: Arrays, tree: heuristics.Tree) -> bool:
    """Acyclic, spanning the terminals, and at the cost it says."""
    link = list(range(arrays.n))

    def root(v: int) -> int:
        while link[v] != v:
            v = link[v]
        return v

    for e in np.flatnonzero(tree.chosen):
        a, b = root(int(arrays.tail[e])), root(int(arrays.head[e]))
        if a == b:
            return False
        link[a] = b
    together = len({root(int(t)) for t in arrays.terminals}) == 1
    return together and tree.cost == pytest.approx(float(arrays.cost[tree.chosen].sum()))


@pytest.mark.parametrize("seed", range(8))
def test_every_descent_ends_in_a_tree_that_is_no_dearer(seed: int) -> None:
    i = street_grid(25, 60, seed)
    arrays = Reduced(i.vertices, i.tail, i.head, i.cost, i.terminals).arrays()
    rng = np.random.default_rng(seed)
    never = time.monotonic() + 3600
    start = heuristics.grown(arrays, arrays.cost, int(arrays.terminals[0]))
    better = heuristics.improved(arrays, start, rng, never)
    assert is_tree(arrays, start)
    assert is_tree(arrays, better)
    assert better.cost < start.cost
    # nothing is left over from one move to the next: a second descent finds next to nothing
    again = heuristics.improved(arrays, better, rng, never)
    assert is_tree(arrays, again)
    assert 0.99 * better.cost <= again.cost <= better.cost

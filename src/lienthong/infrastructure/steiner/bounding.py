"""What dual ascent tells of a problem: a bound, what a better tree cannot use, and where trees lie."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.steiner import heuristics
from lienthong.infrastructure.steiner.heuristics import Tree
from lienthong.infrastructure.steiner.instance import Floats, Ints
from lienthong.infrastructure.steiner.kernels import ascent, paths
from lienthong.infrastructure.steiner.reductions import Arrays, Mask


def ascent_from(arrays: Arrays, root: int, room: int = 4) -> tuple[float, Floats, Ints, Ints]:
    """Dual ascent from ``root``: (bound, reduced cost by arc, bounds and arcs of cuts that fit ``room``)."""
    a = arrays
    lower, reduced, bounds, arcs = ascent.dual_ascent(
        a.n, a.start, a.near, a.leaving, a.arc_cost, a.terminals, root, room
    )
    return float(lower), reduced, bounds, arcs


def possible(arrays: Arrays, root: int, spare: float, reduced: Floats) -> tuple[Mask, Mask]:
    """Arcs and vertices of trees that cost at most ``spare`` more than the ascent's bound."""
    a = arrays
    if not np.isfinite(spare):
        return np.ones(2 * a.tail.size, np.bool_), np.ones(a.n, np.bool_)
    others = a.terminals[a.terminals != root]
    out, _, _ = paths.distances(a.n, a.start, a.near, a.leaving, reduced, np.array([root]), False)
    into, _, _ = paths.distances(a.n, a.start, a.near, a.leaving, reduced, others, True)
    tails = np.empty(2 * a.tail.size, np.int64)
    heads = np.empty_like(tails)
    tails[0::2], tails[1::2] = a.tail, a.head
    heads[0::2], heads[1::2] = a.head, a.tail
    arcs = out[tails] + reduced + into[heads] <= spare
    arcs &= heads != root
    vertices = (out + into <= spare) | a.is_terminal
    return arcs, vertices


def pruned(arrays: Arrays, reduced: Floats, root: int, rng: np.random.Generator, deadline: float) -> Tree:
    """A tree among the arcs that the ascent from ``root`` saturates, improved ("ascend and prune")."""
    least = np.minimum(reduced[0::2], reduced[1::2])
    tree = heuristics.grown(arrays, least + 0.02 * arrays.cost, root)
    return heuristics.improved(arrays, tree, rng, deadline) if np.isfinite(tree.cost) else tree

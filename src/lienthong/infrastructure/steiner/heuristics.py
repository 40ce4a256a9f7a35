"""Good trees fast: grown from many vertices under many guides, then improved by local search."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.steiner.instance import Floats, Ints
from lienthong.infrastructure.steiner.kernels import local_search, trees
from lienthong.infrastructure.steiner.reductions import Arrays

Mask = NDArray[np.bool_]


@dataclass
class Tree:
    """``chosen``: edge mask over the arrays it was found in; ``cost``: inf when there is no tree."""

    chosen: Mask
    cost: float


def grown(arrays: Arrays, guide: Floats, first: int) -> Tree:
    """A tree grown from ``first`` along ``guide`` (by edge), re-spanned and pruned at true cost."""
    a = arrays
    inside = trees.grow(a.n, a.start, a.near, a.leaving, guide, a.is_terminal, first)
    chosen, cost = trees.tree_over(
        a.n, a.tail, a.head, a.cost, a.order, a.start, a.near, a.leaving, a.is_terminal, inside
    )
    return Tree(chosen, float(cost))


def improved(
    arrays: Arrays,
    tree: Tree,
    rng: np.random.Generator,
    deadline: float,
    rounds: int = 12,
    guide: Floats | None = None,
    within: Ints | None = None,
) -> Tree:
    """Key exchanges and Steiner vertex insertion in turn until neither helps, at ``guide`` or true costs.

    ``within``: only the moves of these vertices.
    """
    a = arrays
    cost = a.cost if guide is None else guide
    chosen = tree.chosen.copy()
    total = float(cost[chosen].sum())
    for _ in range(rounds):
        before = total
        if time.monotonic() > deadline:
            break
        total = local_search.insert_vertices(
            a.n, a.tail, a.head, cost, a.start, a.near, a.leaving, a.is_terminal, chosen, total,
            rng.permutation(a.n if within is None else within),
        )  # fmt: skip
        trees.prune(a.n, a.tail, a.head, a.start, a.near, a.leaving, a.is_terminal, chosen)
        total = float(cost[chosen].sum())
        total = local_search.exchange_keys(
            a.n, a.tail, a.head, cost, a.start, a.near, a.leaving, a.is_terminal, chosen, total,
            rng.permutation(a.n if within is None else within),
        )  # fmt: skip
        if total > before - 1e-9 * max(1.0, before):
            break
    return Tree(chosen, float(a.cost[chosen].sum()))


def tidied(arrays: Arrays, wanted: Mask) -> Tree:
    """The tree within the edges ``wanted``: no cycle, no useless end; cost inf when terminals are apart."""
    a = arrays
    edges = np.flatnonzero(wanted)
    edges = edges[np.argsort(a.cost[edges], kind="stable")]
    chosen, cost = trees.tidied(a.n, a.tail, a.head, a.cost, a.start, a.near, a.leaving, a.is_terminal, edges)
    return Tree(chosen, float(a.cost[chosen].sum()) if np.isfinite(cost) else float("inf"))


def restored(arrays: Arrays, wanted: Mask) -> Tree:
    """A tree along the edges ``wanted`` wherever they still lead to the terminals."""
    guide = np.where(wanted, 1e-3 * arrays.cost, arrays.cost)
    return grown(arrays, guide, int(arrays.terminals[0]))


def guides(arrays: Arrays, reduced: Floats | None, rng: np.random.Generator) -> Iterator[Floats]:
    """Edge costs that steer the growth: true, near-saturated in the dual, and perturbed ones."""
    yield arrays.cost
    if reduced is not None:
        least = np.minimum(reduced[0::2], reduced[1::2])
        yield least + 1e-4 * arrays.cost
        yield least + 0.05 * arrays.cost
    while True:
        spread = rng.choice([0.1, 0.25, 0.5])
        base = arrays.cost if reduced is None or rng.random() < 0.5 else least + 0.1 * arrays.cost
        yield base * rng.uniform(1.0, 1.0 + 2 * spread, arrays.cost.size)


def search(
    arrays: Arrays,
    rng: np.random.Generator,
    deadline: float,
    *,
    reduced: Floats | None = None,
    starts: int = 12,
    tries: int = 4,
    kept: int = 2,
) -> list[Tree]:
    """Distinct good trees, the best first: of each guide's ``starts`` trees the ``kept`` best, improved."""
    found: dict[bytes, Tree] = {}
    for _, guide in zip(range(tries), guides(arrays, reduced, rng), strict=False):
        firsts = rng.choice(arrays.terminals, min(starts, arrays.terminals.size), replace=False)
        candidates = []
        for first in firsts.tolist():
            candidates.append(grown(arrays, guide, first))
            if time.monotonic() > deadline:
                break
        candidates = sorted((t for t in candidates if np.isfinite(t.cost)), key=lambda t: t.cost)
        for tree in candidates[:kept]:
            better = improved(arrays, tree, rng, deadline)
            found[np.packbits(better.chosen).tobytes()] = better
            if time.monotonic() > deadline:
                break
        if time.monotonic() > deadline:
            break
    return sorted(found.values(), key=lambda t: t.cost)

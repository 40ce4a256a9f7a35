"""Good trees fast: grown from many vertices under many guides, then improved by local search."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.steiner.instance import Floats
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


def improved(arrays: Arrays, tree: Tree, rng: np.random.Generator, deadline: float, rounds: int = 6) -> Tree:
    """Key-path exchange and Steiner vertex moves in turn until neither helps."""
    a = arrays
    chosen, cost = tree.chosen.copy(), tree.cost
    for _ in range(rounds):
        before = cost
        cost = float(
            local_search.exchange_paths(
                a.n, a.tail, a.head, a.cost, a.start, a.near, a.leaving, a.is_terminal, chosen, cost
            )
        )
        if time.monotonic() > deadline:
            break
        if a.n * a.tail.size < 4e7:
            chosen, cost = local_search.improve_by_vertices(
                a.n, a.tail, a.head, a.cost, a.order, a.start, a.near, a.leaving, a.is_terminal,
                chosen, cost, rng.permutation(a.n),
            )  # fmt: skip
        if cost > before - 1e-9 or time.monotonic() > deadline:
            break
    return Tree(chosen, float(cost))


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
) -> list[Tree]:
    """Distinct good trees, the best first."""
    found: dict[bytes, Tree] = {}
    for _, guide in zip(range(tries), guides(arrays, reduced, rng), strict=False):
        firsts = rng.choice(arrays.terminals, min(starts, arrays.terminals.size), replace=False)
        candidates = []
        for first in firsts.tolist():
            candidates.append(grown(arrays, guide, first))
            if time.monotonic() > deadline:
                break
        candidates = sorted((t for t in candidates if np.isfinite(t.cost)), key=lambda t: t.cost)
        for tree in candidates[:2]:
            better = improved(arrays, tree, rng, deadline)
            found[np.packbits(better.chosen).tobytes()] = better
        if time.monotonic() > deadline:
            break
    return sorted(found.values(), key=lambda t: t.cost)

"""Bounds for maximal covering: subgradient steps, the linear relaxation, and what they fix.

For multipliers λ in [0, w] of the points, no siting is worth more than L(λ) = base + Σ(w - λ) + the ``count``
largest sums of λ over a site's points, however λ was found: so every bound here is safe.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lienthong.infrastructure.highs import minimise
from lienthong.infrastructure.siting.core import Core
from lienthong.infrastructure.siting.instance import Floats, Mask


@dataclass(frozen=True)
class Relaxed:
    """``usage`` (sites,) says how much the relaxation opens each site, 0 … 1; ``multipliers`` (points,) are
    λ.
    """

    usage: Floats
    multipliers: Floats
    bound: float


def bound(core: Core, multipliers: Floats) -> float:
    """L(λ), for at least as many sites as are to be chosen."""
    sums = core.covers @ multipliers
    largest = np.partition(sums, sums.size - core.count)[sums.size - core.count :]
    return core.base + float((core.weights - multipliers).sum() + largest.sum())


def subgradient(core: Core, known: float, deadline: float, steps: int = 1500) -> Relaxed:
    """Multipliers by deflected subgradient steps; ``known`` is the value of some siting."""
    by_point = sparse.csr_matrix(core.covers.T)
    weights, count = core.weights, core.count
    current = best = weights / 2.0
    lowest = bound(core, best)
    usage = np.full(core.sites.size, count / core.sites.size)
    direction = np.zeros(weights.size)
    length, idle = 1.0, 0
    for _ in range(steps):
        sums = core.covers @ current
        top = np.argpartition(-sums, count - 1)[:count]
        here = core.base + float((weights - current).sum() + sums[top].sum())
        opened = np.zeros(core.sites.size)
        opened[top] = 1.0
        if here < lowest - 1e-7 * abs(lowest):
            lowest, best, idle = here, current, 0
        else:
            idle += 1
        usage = 0.98 * usage + 0.02 * opened
        if length < 2e-3 or lowest <= known or time.monotonic() > deadline:
            break
        if idle >= 20:
            length, idle, current = length * 0.7, 0, best
        direction = 0.7 * (by_point @ opened - 1.0) + 0.3 * direction
        stride = length * (lowest - 0.999 * known) / max(float(direction @ direction), 1e-9)
        current = np.clip(current - stride * direction, 0.0, weights)
    return Relaxed(usage, best, lowest)


def linear(core: Core, deadline: float) -> Relaxed | None:
    """The linear relaxation by interior point; ``None`` when time ran out."""
    found = minimise(*model(core), deadline=deadline)
    sites, points = core.covers.shape
    if found.status != "optimal" or not found.duals.size:
        return None
    multipliers = np.clip(np.abs(found.duals[:points]), 0.0, core.weights)
    return Relaxed(found.values[:sites], multipliers, bound(core, multipliers))


def model(core: Core) -> tuple[Floats, sparse.csr_matrix, Floats, Floats]:
    """Minus the weight served, as a minimum: a column a site, then a column a point."""
    sites, points = core.covers.shape
    costs = np.concatenate([np.zeros(sites), -core.weights])
    served = sparse.hstack([core.covers.T, -sparse.identity(points)])
    few = sparse.csr_matrix((np.ones(sites), (np.zeros(sites), np.arange(sites))), shape=(1, sites + points))
    rows = sparse.csr_matrix(sparse.vstack([served, few]))
    return costs, rows, np.zeros(points + 1), np.append(np.full(points, np.inf), core.count)


def fixed(core: Core, relaxed: Relaxed, value: float) -> tuple[Mask, Mask]:
    """Sites that are shut, and sites that are open, in every siting worth at least ``value`` (reduced
    costs).
    """
    sums = core.covers @ relaxed.multipliers
    order = np.argsort(-sums)
    last_in, first_out = sums[order[core.count - 1]], sums[order[core.count]]
    slack = bound(core, relaxed.multipliers) - value + 1e-6 * max(1.0, abs(value))
    inside, outside = order[: core.count], order[core.count :]
    shut = np.zeros(core.sites.size, dtype=np.bool_)
    forced = np.zeros(core.sites.size, dtype=np.bool_)
    shut[outside[last_in - sums[outside] > slack]] = True
    forced[inside[sums[inside] - first_out > slack]] = True
    return shut, forced

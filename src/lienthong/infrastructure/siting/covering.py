"""Set covering: the cheapest sites that serve every point (Toregas et al., 1971), with proof."""

from __future__ import annotations

import time

import numpy as np
from scipy import sparse

from lienthong.infrastructure.highs import minimise
from lienthong.infrastructure.siting.errors import Uncoverable
from lienthong.infrastructure.siting.instance import Coverage, Floats, Integers
from lienthong.infrastructure.siting.reductions import dominated_sites, implied_points, join_identical
from lienthong.infrastructure.siting.result import Progress, Siting, whole

PAIRS_AT_MOST = 2e7


def solve(
    coverage: Coverage,
    *,
    time_limit: float = 60.0,
    progress: Progress | None = None,
    leave_unreachable: bool = False,
) -> Siting:
    """Choose new sites of the least cost that serve, with the existing ones, every point.

    ``time_limit`` in s of wall-clock. Points no site can serve raise :class:`Uncoverable`, which names
    them, unless ``leave_unreachable`` leaves them out.
    """
    begin = time.monotonic()
    tell = progress or (lambda stage, lower, upper: None)
    reachable = np.asarray(coverage.covers.sum(axis=0)).ravel() > 0
    if not reachable.all() and not leave_unreachable:
        missing = [coverage.points[at] for at in np.flatnonzero(~reachable)]
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise Uncoverable(
            f"{len(missing)} of {len(coverage.points)} points are within reach of no site",
            place=", ".join(missing[:5]) + more,
            remedy="add a candidate site near them, enlarge the radius, or leave them out on purpose",
        )
    needed = np.flatnonzero(reachable & ~coverage.served(np.empty(0, dtype=np.int64)))
    sites = np.flatnonzero(~coverage.existing)
    sites, covers = _reduced(coverage, sites, needed)
    costs = coverage.costs[sites]
    step = 1.0 if whole(costs) else 0.0
    chosen, bound = np.empty(0, dtype=np.int64), 0.0
    if covers.shape[1]:
        start = _greedy(covers, costs)
        tell("greedy", 0.0, float(costs[start].sum()))
        opened = np.zeros(sites.size)
        opened[start] = 1.0
        outcome = minimise(
            costs,
            sparse.csr_matrix(covers.T),
            np.ones(covers.shape[1]),
            np.full(covers.shape[1], np.inf),
            integer=np.ones(sites.size, dtype=np.bool_),
            start=opened,
            absolute_gap=0.999 * step if step else 1e-9,
            deadline=begin + time_limit,
        )
        chosen = start
        if outcome.values.size:
            found = np.flatnonzero(outcome.values > 0.5)
            served = np.asarray(covers[found].sum(axis=0)).ravel() > 0
            if served.all() and costs[found].sum() <= costs[start].sum():
                chosen = found
        value = float(costs[chosen].sum())
        bound = min(value, max(0.0, outcome.bound)) if np.isfinite(outcome.bound) else 0.0
        if value - bound < (0.999 * step if step else 1e-9 * max(value, 1.0)):
            bound = value
        elif step:
            bound = float(np.ceil(bound - 1e-6))
    picked = np.sort(sites[chosen])
    value = float(coverage.costs[picked].sum())
    tell("done", bound, value)
    return Siting("covering", picked, value, bound, coverage.served(picked), time.monotonic() - begin)


def _reduced(coverage: Coverage, sites: Integers, points: Integers) -> tuple[Integers, sparse.csr_matrix]:
    """Drop points served whenever another is, and sites another replaces for no more cost, until none is
    left.
    """
    covers = sparse.csr_matrix(coverage.covers[sites][:, points])
    while True:
        shape = covers.shape
        covers.sort_indices()
        by_point = sparse.csr_matrix(covers.T)
        by_point.sort_indices()
        by_point = by_point[join_identical(by_point)[0]]
        if _pairs(by_point) <= PAIRS_AT_MOST:
            by_point = by_point[np.flatnonzero(~implied_points(by_point))]
        covers = sparse.csr_matrix(by_point.T)
        if _pairs(covers) <= PAIRS_AT_MOST:
            kept = np.flatnonzero(~dominated_sites(covers, coverage.costs[sites]))
            sites, covers = sites[kept], sparse.csr_matrix(covers[kept])
        if covers.shape == shape:
            return sites, covers


def _pairs(matrix: sparse.csr_matrix) -> float:
    """How much work comparing all rows with each other is: the squares of the columns' sizes."""
    return float((np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float64) ** 2).sum())


def _greedy(covers: sparse.csr_matrix, costs: Floats) -> Integers:
    """Sites by most new points for the cost, then without those that turned out superfluous."""
    left = np.ones(covers.shape[1])
    chosen: list[int] = []
    while left.any():
        gain = (covers @ left) / np.maximum(costs, 1e-9)
        best = int(gain.argmax())
        chosen.append(best)
        left[covers.indices[covers.indptr[best] : covers.indptr[best + 1]]] = 0.0
    times = np.asarray(covers[chosen].sum(axis=0)).ravel()
    for site in sorted(chosen, key=lambda each: -costs[each]):
        points = covers.indices[covers.indptr[site] : covers.indptr[site + 1]]
        if (times[points] > 1).all():
            times[points] -= 1
            chosen.remove(site)
    return np.asarray(chosen, dtype=np.int64)

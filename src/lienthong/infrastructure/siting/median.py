"""The p-median: which ``count`` sites have the least weighted distance to their points, with proof."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from lienthong.infrastructure.highs import minimise
from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.instance import Floats, Integers, Mask
from lienthong.infrastructure.siting.result import Progress, Siting, whole


def solve(
    distances: ArrayLike,
    count: int,
    *,
    weights: ArrayLike = 1.0,
    time_limit: float = 60.0,
    seed: int = 1,
    progress: Progress | None = None,
) -> Siting:
    """Choose ``count`` sites; every point goes to the nearest. ``distances`` (points, sites), finite,
    any unit.

    ``time_limit`` in s of wall-clock. Raises :class:`BadSitingData`.
    """
    begin = time.monotonic()
    deadline = begin + time_limit
    tell = progress or (lambda stage, lower, upper: None)
    far = _checked(distances, weights, count)
    step = 1.0 if whole(far) else 0.0
    random = np.random.default_rng(seed)
    best = _interchange(far, np.argsort(far.sum(axis=0))[:count])
    value = _cost(far, best)
    for _ in range(20):
        if time.monotonic() > deadline:
            break
        found = _interchange(far, random.choice(far.shape[1], count, replace=False))
        if _cost(far, found) < value:
            best, value = found, _cost(far, found)
    enough = 0.999 * step if step else 1e-9 * max(value, 1.0)
    prices, bound = _subgradient(far, count, value, enough, deadline)
    tell("subgradient", bound, value)
    if value - bound >= enough and time.monotonic() < deadline:
        best, value, bound = _prove(far, count, best, value, prices, bound, enough, deadline)
    bound = value if value - bound < enough else bound
    if step:
        bound = float(np.ceil(bound - 1e-6))
    chosen = np.sort(best)
    tell("done", bound, value)
    served = np.ones(far.shape[0], dtype=np.bool_)
    return Siting("median", chosen, value, bound, served, time.monotonic() - begin)


def _checked(distances: ArrayLike, weights: ArrayLike, count: int) -> Floats:
    far = np.asarray(distances, dtype=np.float64)
    if far.ndim != 2 or not far.size:
        raise BadSitingData(
            f"the distances have the shape {far.shape}", place="distances", remedy="give (points, sites)"
        )
    bad = ~(np.isfinite(far) & (far >= 0))
    if bad.any():
        point, site = np.argwhere(bad)[0]
        raise BadSitingData(
            f"the distance is {far[point, site]}",
            place=f"point {point + 1}, site {site + 1}",
            remedy="give a finite distance for each pair: join the network, or leave the point out",
        )
    if not 1 <= count <= far.shape[1]:
        raise BadSitingData(
            f"{count} sites are asked for of {far.shape[1]}",
            place="count",
            remedy=f"ask for 1 to {far.shape[1]}",
        )
    heavy = np.broadcast_to(np.asarray(weights, dtype=np.float64), (far.shape[0],))
    if not (np.isfinite(heavy) & (heavy >= 0)).all():
        raise BadSitingData("a weight is negative or no number", place="weights", remedy="give 0 or more")
    return far * heavy[:, None]


def _cost(far: Floats, chosen: Integers) -> float:
    return float(far[:, chosen].min(axis=1).sum())


def _interchange(far: Floats, start: Integers) -> Integers:
    """Exchange one site at a time while that helps (Teitz and Bart, all exchanges evaluated at once)."""
    chosen = np.asarray(start, dtype=np.int64).copy()
    points, count = np.arange(far.shape[0]), chosen.size
    while True:
        here = far[:, chosen]
        near = here.argmin(axis=1)
        first = here[points, near]
        here[points, near] = np.inf
        second = here.min(axis=1) if count > 1 else np.full(points.size, np.inf)
        joined = np.minimum(first[:, None], far)
        gain = (joined - first[:, None]).sum(axis=0)
        worse = np.minimum(second[:, None], far) - joined
        owner = sparse.csr_matrix((np.ones(points.size), (near, points)), shape=(count, points.size))
        change = owner @ worse + gain
        change[:, chosen] = np.inf
        slot, site = divmod(int(change.argmin()), far.shape[1])
        if not change[slot, site] < -1e-9 * max(float(first.sum()), 1.0):
            return chosen
        chosen[slot] = site


def _subgradient(
    far: Floats, count: int, known: float, enough: float, deadline: float, steps: int = 2000
) -> tuple[Floats, float]:
    """Prices of the points and the bound they prove: Σ prices + the ``count`` least sums of min(0, d -
    price).
    """
    current = best = np.partition(far, min(1, far.shape[1] - 1), axis=1)[:, min(1, far.shape[1] - 1)]
    highest, length, idle = -np.inf, 1.0, 0
    direction = np.zeros(far.shape[0])
    for _ in range(steps):
        sums = np.minimum(far - current[:, None], 0.0).sum(axis=0)
        top = np.argpartition(sums, count - 1)[:count]
        here = float(current.sum() + sums[top].sum())
        if here > highest:
            highest, best, idle = here, current, 0
        else:
            idle += 1
        if known - highest < enough or length < 1e-3 or time.monotonic() > deadline:
            break
        if idle >= 20:
            length, idle, current = length * 0.7, 0, best
        direction = 0.7 * (1.0 - (far[:, top] < current[:, None]).sum(axis=1)) + 0.3 * direction
        norm = max(float(direction @ direction), 1e-9)
        current = np.maximum(current + length * (1.001 * known - highest) / norm * direction, 0.0)
    return best, highest


def _prove(
    far: Floats,
    count: int,
    best: Integers,
    value: float,
    prices: Floats,
    bound: float,
    enough: float,
    deadline: float,
) -> tuple[Integers, float, float]:
    """Leave out the sites, and the points' ways to sites, that no better choice has; HiGHS decides the
    rest.
    """
    sums = np.minimum(far - prices[:, None], 0.0).sum(axis=0)
    order = np.argsort(sums)
    slack = value - bound + 1e-6 * max(1.0, value)
    shut: Mask = np.zeros(far.shape[1], dtype=np.bool_)
    outside = order[count:]
    shut[outside[sums[outside] - sums[order[count - 1]] > slack]] = True
    free = np.flatnonzero(~shut)
    point, site = np.nonzero(far[:, free] - prices[:, None] <= slack)
    points, sites, pairs = far.shape[0], free.size, point.size
    columns = sites + pairs
    pair = sites + np.arange(pairs)
    ones = np.ones(pairs)
    once = sparse.csr_matrix((ones, (point, pair)), shape=(points, columns))
    only_open = sparse.csr_matrix(
        (np.concatenate([ones, -ones]), (np.tile(np.arange(pairs), 2), np.concatenate([site, pair]))),
        shape=(pairs, columns),
    )
    few = sparse.csr_matrix((np.ones(sites), (np.zeros(sites), np.arange(sites))), shape=(1, columns))
    start = np.zeros(columns)
    start[:sites][np.isin(free, best)] = 1.0
    near = (far[:, free] + np.where(start[:sites] > 0, 0.0, np.inf)).argmin(axis=1)
    start[sites:] = near[point] == site
    outcome = minimise(
        np.concatenate([np.zeros(sites), far[point, free[site]]]),
        sparse.csr_matrix(sparse.vstack([once, only_open, few])),
        np.concatenate([np.ones(points), np.zeros(pairs), [count]]),
        np.concatenate([np.ones(points), np.full(pairs, np.inf), [count]]),
        integer=np.arange(columns) < sites,
        start=start,
        absolute_gap=enough,
        deadline=deadline,
    )
    if outcome.values.size:
        found = free[np.argsort(-outcome.values[:sites])[:count]]
        if _cost(far, found) < value:
            best, value = found, _cost(far, found)
    if np.isfinite(outcome.bound):
        bound = max(bound, min(outcome.bound, value))
    return best, value, bound

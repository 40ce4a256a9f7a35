"""Maximal covering to proven optimality: ours beside spopt with CBC on the same sites and points.

Villages and scattered houses, 1,000 sites × 10,000 points, 40 to choose. The peer's solver is bounded by a
time limit; when it is reached, the ratio is a lower bound.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import numpy as np

from benchmarks.figure import Figure
from lienthong.infrastructure.siting import maximal
from lienthong.infrastructure.siting.instance import Coverage

PEER_SECONDS = 300
RADIUS = 5.0


def measure(*, quick: bool = False) -> Iterator[Figure]:
    sites, points, count = (200, 1500, 15) if quick else (1000, 10_000, 40)
    site_xy, point_xy, weights = _villages(sites, points)
    start = time.perf_counter()
    found = maximal.solve(
        Coverage.within(site_xy, point_xy, RADIUS, weights=weights), count, time_limit=PEER_SECONDS
    )
    ours = time.perf_counter() - start
    peer, solver, value, optimal = _peer(site_xy, point_xy, weights, count)
    if optimal and found.proved and abs(value - found.value) > 0.5:
        raise AssertionError(f"the optima differ: {found.value} and {value}")
    yield Figure(
        name="MCLP proved, times faster than spopt with CBC",
        value=peer / ours if found.proved else 0.0,
        target=">= 8",
        unit="s",
        measured=ours,
        baseline=peer,
        baseline_name="spopt with CBC, model and solution",
        parts={"CBC alone (s)": solver, "times faster than CBC alone": solver / ours},
        note=f"{sites} x {points}, p = {count}: {found.value:.0f} of {weights.sum()}, gap {found.gap:.2g}"
        + ("" if optimal else "; the peer ran out of time"),
    )


def _villages(sites: int, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(2017)
    centres = random.uniform(0, 100, (60, 2))
    near = centres[random.integers(0, 60, points)] + random.normal(0, 6, (points, 2))
    alone = random.random(points) < 0.4
    near[alone] = random.uniform(0, 100, (int(alone.sum()), 2))
    weights = random.integers(1, 100, points)
    return random.uniform(0, 100, (sites, 2)), np.clip(near, 0, 100), weights


def _peer(
    site_xy: np.ndarray, point_xy: np.ndarray, weights: np.ndarray, count: int
) -> tuple[float, float, float, bool]:
    """Seconds in all, seconds of the solver, what is served, whether that is proved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pulp
        from scipy.spatial.distance import cdist
        from spopt.locate import MCLP

        start = time.perf_counter()
        model = MCLP.from_cost_matrix(cdist(point_xy, site_xy), weights, RADIUS, p_facilities=count)
        built = time.perf_counter()
        model = model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=PEER_SECONDS, threads=1), results=False)
        end = time.perf_counter()
    proved = model.problem.sol_status == pulp.LpSolutionOptimal and end - built < PEER_SECONDS
    return end - start, end - built, float(pulp.value(model.problem.objective) or 0.0), proved

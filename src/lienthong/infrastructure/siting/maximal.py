"""Maximal covering: which ``count`` sites serve the most (Church and ReVelle, 1974), with proof.

Identical points are joined and dominated sites dropped. A relaxation gives a bound, and says among which
sites to look; a tabu search looks there. Bound and siting together fix sites open or shut for good,
which makes the problem smaller; what is left goes through the same with a sharper relaxation, and then
to HiGHS.
"""

from __future__ import annotations

import time

import numpy as np

from lienthong.infrastructure.highs import minimise
from lienthong.infrastructure.siting.core import Core, first_core, narrowed, restricted
from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.instance import Coverage, Floats, Integers
from lienthong.infrastructure.siting.relaxation import Relaxed, fixed, linear, model, subgradient
from lienthong.infrastructure.siting.result import Progress, Siting, whole
from lienthong.infrastructure.siting.swaps import greedy, improve

SMALL_ROWS = 400
CLOSE = 3e-4


def solve(
    coverage: Coverage,
    count: int,
    *,
    time_limit: float = 60.0,
    seed: int = 1,
    progress: Progress | None = None,
) -> Siting:
    """Choose at most ``count`` new sites to serve the most weight beside the existing ones.

    ``time_limit`` in s of wall-clock. Raises :class:`BadSitingData` for a count that cannot be.
    """
    begin = time.monotonic()
    if count < 1:
        raise BadSitingData(f"{count} sites are asked for", place="count", remedy="ask for one or more")
    step = 1.0 if whole(coverage.weights) else 0.0
    search = _Search(first_core(coverage, count), step, seed, begin + time_limit, progress)
    search.run()
    chosen = search.best
    served = coverage.served(chosen)
    value = float(coverage.weights[served].sum())
    limit = max(search.bound, value)
    if search.closed():
        limit = value
    elif step:
        limit = float(np.floor(limit + 1e-6))
    search.tell("done", value, limit)
    return Siting("maximal", chosen, value, limit, served, time.monotonic() - begin)


class _Search:
    """The best siting so far (indices of the whole problem's sites), its value, and a bound on all."""

    def __init__(
        self, core: Core, step: float, seed: int, deadline: float, progress: Progress | None
    ) -> None:
        self.core, self.step, self.seed, self.deadline = core, step, seed, deadline
        self.tell = progress or (lambda stage, lower, upper: None)
        self.bound = core.everything
        start = greedy(core.covers, core.weights, core.count)
        self.best, self.value = core.original(start), core.worth(start)

    def closed(self) -> bool:
        enough = 0.999 * self.step if self.step else 1e-9 * max(abs(self.value), 1.0)
        return self.bound - self.value < enough

    def run(self) -> None:
        self.tell("greedy", self.value, self.bound)
        if self._settled():
            return
        self._use("subgradient", subgradient(self.core, self.value, self.deadline), (0.05, 1e-3))
        if self._settled():
            return
        if self.core.covers.shape[1] > SMALL_ROWS:
            relaxed = linear(self.core, self.deadline)
            if relaxed is not None:
                self._use("relaxation", relaxed, (1e-2, 1e-4, -1.0))
                if self._settled():
                    return
        self._prove()

    def _settled(self) -> bool:
        """Proved, or out of time, or so few sites are left that all of them open."""
        core = self.core
        if core.sites.size <= core.count:
            everything = np.arange(core.sites.size)
            self._offer(everything)
            self.bound = min(self.bound, max(self.value, core.everything))
            return True
        return self.closed() or time.monotonic() > self.deadline

    def _offer(self, chosen: Integers) -> None:
        worth = self.core.worth(chosen)
        if worth > self.value:
            self.best, self.value = self.core.original(chosen), worth

    def _use(self, stage: str, relaxed: Relaxed, shares: tuple[float, ...]) -> None:
        """Take a bound, search where the relaxation points, and fix what both together decide."""
        self.bound = max(self.value, min(self.bound, relaxed.bound))
        self.tell(stage, self.value, self.bound)
        for turn, share in enumerate(shares):
            if self.closed() or time.monotonic() > self.deadline:
                return
            self._look(relaxed.usage, share, self.seed + turn)
            self.tell("search", self.value, self.bound)
            if self.bound - self.value < CLOSE * abs(self.value):
                break
        self.core = narrowed(self.core, *fixed(self.core, relaxed, self.value))
        self.tell(f"{self.core.sites.size} sites left", self.value, self.bound)

    def _look(self, usage: Floats, share: float, seed: int) -> None:
        """Tabu search among the sites opened by more than ``share``; below 0, among all, from the best
        known.
        """
        core = self.core
        sites = np.union1d(np.flatnonzero(usage > share), np.argsort(-usage)[: core.count])
        start = np.argsort(-usage[sites])[: core.count]
        if share < 0:
            known = core.positions(self.best)
            more = np.setdiff1d(np.argsort(-usage), known, assume_unique=True)
            start = np.concatenate([known, more])[: core.count]
        covers, weights = restricted(core, sites)
        patience = int(min(1500, max(50, 3e7 / (covers.nnz + sites.size * core.count))))
        target = self.bound - core.base
        self._offer(
            sites[improve(covers, weights, start, patience, seed=seed, target=target, deadline=self.deadline)]
        )

    def _prove(self) -> None:
        """Let HiGHS decide what is left."""
        core = self.core
        sites, points = core.covers.shape
        costs, rows, lower, upper = model(core)
        start = np.zeros(sites + points)
        start[core.positions(self.best)] = 1.0
        start[sites:] = core.covers.T @ start[:sites] > 0
        self.tell(f"proof over {sites} sites", self.value, self.bound)
        outcome = minimise(
            costs,
            rows,
            lower,
            upper,
            integer=np.arange(sites + points) < sites,
            start=start,
            absolute_gap=0.999 * self.step if self.step else 1e-9 * max(abs(self.value), 1.0),
            deadline=self.deadline,
        )
        if outcome.values.size:
            self._offer(np.flatnonzero(outcome.values[:sites] > 0.5))
        if np.isfinite(outcome.bound):
            self.bound = max(self.value, min(self.bound, core.base - outcome.bound))

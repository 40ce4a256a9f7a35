"""Solve or bound a Steiner tree problem: reduce, search, ascend, fix, cut, prove."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.steiner import bounding, branch_and_cut, heuristics
from lienthong.infrastructure.steiner.heuristics import Tree
from lienthong.infrastructure.steiner.instance import Instance, Ints
from lienthong.infrastructure.steiner.neighbourhoods import Improver
from lienthong.infrastructure.steiner.preparing import prepare
from lienthong.infrastructure.steiner.reductions import Arrays, Mask, Reduced

Progress = Callable[[str, float, float], None]
"""Called with (stage, lower bound, best cost)."""

SMALL = 1500
"""With no more edges than this after the reductions, cuts come before any search."""
GRACE_S = 0.5
"""How long to wait for the other thread to put down its region; what it still finds then counts."""
BROAD = 1000
"""Regions of so many vertices are searched before the bound is looked after."""


@dataclass(frozen=True)
class Solution:
    """``edges``: indexes into the instance's edges, a tree that spans the terminals.

    ``lower_bound`` ≤ optimum ≤ ``cost``; ``proved`` when they meet. ``seconds`` is wall time;
    ``compiling_seconds`` went before it, once in this process, to load or compile the kernels.
    """

    cost: float
    lower_bound: float
    edges: tuple[int, ...]
    seconds: float
    proved: bool
    compiling_seconds: float = 0.0

    @property
    def gap(self) -> float:
        """(cost − bound) ÷ cost; 0 when proved."""
        return 0.0 if self.proved or self.cost == 0 else (self.cost - self.lower_bound) / self.cost


class Solver:
    """One run, for callers that end it early: :meth:`stop` from another thread, then :meth:`solution`.

    ``deadline`` is on :func:`time.monotonic`.
    """

    def __init__(
        self,
        instance: Instance,
        deadline: float,
        seed: int,
        progress: Progress | None,
        unit: float | None = None,
    ) -> None:
        i = self.instance = instance
        self.deadline = deadline
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.progress = progress
        self.unit = (1.0 if instance.integral else 0.0) if unit is None else unit
        self.graph = Reduced(i.vertices, i.tail, i.head, i.cost, i.terminals)
        self.plain: Arrays | None = None
        self.upper = float("inf")
        self.lower = 0.0
        self.best: list[int] = []
        self.lock = threading.RLock()
        self.above: Solver | None = None

    def late(self) -> bool:
        above = self.above
        return time.monotonic() > self.deadline or (above is not None and (above.done or above.late()))

    def tell(self, stage: str) -> None:
        if self.progress is not None:
            self.progress(stage, min(self.lower, self.upper), self.upper)

    @property
    def done(self) -> bool:
        return bool(np.isfinite(self.upper)) and self.lower >= branch_and_cut.enough(self.upper, self.unit)

    def bound(self, lower: float) -> None:
        self.lower = max(self.lower, min(self.upper, lower))

    def offer(self, arrays: Arrays, tree: Tree) -> None:
        """Keep a tree of the reduced graph when it is better, expanded to the instance's edges."""
        with self.lock:
            if tree.cost + arrays.fixed_cost >= self.upper - 1e-9:
                return
            self.take(self.graph.originals(arrays, tree.chosen))

    def take(self, edges: Ints) -> None:
        """Keep a tree of the instance when it is better; tidied, for expansion may meet itself."""
        if self.plain is None:
            i = self.instance
            self.plain = Arrays(i.vertices, i.tail, i.head, i.cost, i.terminals)
        a = self.plain
        wanted = np.zeros(a.tail.size, np.bool_)
        wanted[edges] = True
        tree = heuristics.tidied(a, wanted)
        with self.lock:
            if tree.cost < self.upper - 1e-9:
                self.upper, self.best = tree.cost, np.flatnonzero(tree.chosen).tolist()

    def known(self, arrays: Arrays) -> Tree:
        """The best tree so far, as far as it still lies in the reduced graph."""
        chosen = np.zeros(self.instance.tail.size, np.bool_)
        chosen[self.best] = True
        return heuristics.restored(arrays, self.graph.within(arrays, chosen))

    def run(self) -> None:
        """Until the best tree is proved or the time is over."""
        self.first_tree()
        self.graph.to_fixed_point(self._within(0.3))
        self.tell("reduced")
        if self.graph.edges <= SMALL:
            self._rounds(self._within(0.3))
            if not self._over():
                self.prove(self._within(0.3))
        if self._over():
            return
        size = self._search(self._within(0.35))
        while not self._over():
            self._rounds(self._within(0.5))
            if not self._over():
                size = self._prove_beside(size)

    def stop(self) -> None:
        """End the run soon, from any thread; the best tree so far stays."""
        self.deadline = 0.0

    def solution(self, seconds: float, *, compiling_seconds: float = 0.0) -> Solution:
        """The best tree so far (cost inf before there is any) and its bound; ``seconds`` is what it took."""
        with self.lock:
            upper, best, done = self.upper, tuple(sorted(self.best)), self.done
        lower = min(self.lower, upper)
        if self.instance.integral:
            lower = upper if done else min(float(np.ceil(lower - 1e-3 - 1e-8 * lower)), upper)
        return Solution(
            cost=upper,
            lower_bound=lower,
            edges=best,
            seconds=seconds,
            proved=done or lower >= upper - 1e-9 * max(1.0, upper),
            compiling_seconds=compiling_seconds,
        )

    def run_part(self) -> None:
        """As ``run`` for a small problem inside another, in one thread."""
        self.graph.to_fixed_point(self.deadline)
        self._rounds(self.deadline)
        while not self._over():
            before = self.graph.edges
            if self.prove(self.deadline) or self.graph.edges > 0.9 * before:
                return
            self._rounds(self.deadline)

    def _over(self) -> bool:
        return self.done or self.late() or self._trivial()

    def _within(self, share: float) -> float:
        """The moment when ``share`` of the time left will be over."""
        now = time.monotonic()
        return now + max(0.0, self.deadline - now) * share

    def first_tree(self) -> None:
        """Something to give back however short the time: a tree of the whole graph."""
        arrays = self.graph.arrays()
        tree = heuristics.grown(arrays, arrays.cost, int(arrays.terminals[0]))
        self.offer(arrays, tree)

    def _trivial(self) -> bool:
        if self.graph.terminals > 1 and self.graph.edges:
            return False
        if self.graph.terminals <= 1:
            arrays = self.graph.arrays()
            self.take(self.graph.originals(arrays, np.zeros(arrays.tail.size, np.bool_)))
        self.lower = self.upper
        return True

    def _rounds(self, deadline: float) -> None:
        """Trees and bounds in turn while what they exclude makes the graph smaller."""
        for round_ in range(10):
            if self._over() or time.monotonic() > deadline:
                return
            before = self.graph.edges
            self._round(round_, deadline)
            self.tell("dual ascent")
            if self._over() or self.graph.edges > 0.92 * before:
                return
            self.graph.to_fixed_point(deadline)

    def _round(self, round_: int, deadline: float) -> None:
        """A few trees, bounds from several roots, and what they let us delete."""
        arrays = self.graph.arrays()
        if round_ == 0 and arrays.n > 200:
            for tree in heuristics.search(arrays, self.rng, deadline, starts=10, tries=1):
                self.offer(arrays, tree)
        elif round_ == 0:
            tree = heuristics.grown(arrays, arrays.cost, int(arrays.terminals[0]))
            self.offer(arrays, heuristics.improved(arrays, tree, self.rng, deadline))
        roots = self.rng.choice(arrays.terminals, min(8, arrays.terminals.size), replace=False)
        keep, vertices = np.ones(arrays.tail.size, np.bool_), np.ones(arrays.n, np.bool_)
        for position, root in enumerate(roots.tolist()):
            lower, reduced, _, _ = bounding.ascent_from(arrays, root)
            self.bound(lower + arrays.fixed_cost)
            if position < 2:
                self.offer(arrays, bounding.pruned(arrays, reduced, root, self.rng, deadline))
            spare = self._spare(arrays, lower)
            arcs, seen = bounding.possible(arrays, root, spare, reduced)
            keep &= arcs[0::2] | arcs[1::2]
            vertices &= seen
            if self.done or time.monotonic() > deadline:
                break
        self._keep(arrays, keep, vertices)

    def _spare(self, arrays: Arrays, lower: float) -> float:
        """How far above ``lower``, a bound for ``arrays``, a better tree may be."""
        with self.lock:
            upper = self.upper
        return branch_and_cut.enough(upper, self.unit) + 1e-9 * abs(upper) - arrays.fixed_cost - lower

    def _keep(self, arrays: Arrays, edges: Mask, vertices: Mask) -> None:
        if not self.graph.keep(arrays, edges, vertices):
            # nothing better exists
            self.lower = self.upper

    def _improver(self) -> Improver:
        arrays = self.graph.arrays()
        return Improver(arrays, self.known(arrays), self.exact, lambda tree: self.offer(arrays, tree))

    def _search(self, deadline: float) -> int:
        """Two threads look for trees until regions get large: the size that they reached."""
        improver = self._improver()
        beside = threading.Thread(target=self._improve, args=(improver, 1, deadline, BROAD))
        beside.start()
        try:
            self._improve(improver, 0, deadline, BROAD)
        finally:
            improver.stop = True
            beside.join(GRACE_S)
        self.tell("regions")
        return improver.size

    def _prove_beside(self, size: int) -> int:
        """Bounds in this thread and trees in another, on one graph, until that can be made smaller."""
        improver = self._improver()
        improver.size = min(size, improver.a.n)
        beside = threading.Thread(target=self._improve, args=(improver, 2, self.deadline))
        beside.start()
        try:
            self.prove(self.deadline)
        finally:
            improver.stop = True
            beside.join(GRACE_S)
        return improver.size

    def _improve(self, improver: Improver, worker: int, deadline: float, most: int | None = None) -> None:
        """Trees from many beginnings, their union, then region after region of up to ``most`` vertices."""
        arrays = improver.a
        rng = np.random.default_rng([self.seed, arrays.tail.size, worker])
        deadline, spent = min(deadline, self.deadline), 0.0
        reduced = bounding.ascent_from(arrays, int(rng.choice(arrays.terminals)))[1]
        if most is not None and worker == 0:
            now = time.monotonic()
            found = improver.starts(reduced, rng, 4, now + 0.2 * (deadline - now))
            if len(found) > 1 and not improver.stop:
                improver.union(found, now + 0.4 * (deadline - now))
        while not improver.stop and time.monotonic() < deadline and not self.late():
            if most is not None and improver.size > most:
                break
            began = time.monotonic()
            if not improver.finished:
                improver.region(rng, deadline)
            if most is None and (improver.finished or improver.size > BROAD):
                # large regions rarely help any more: as much time again for trees of another kind
                spent += time.monotonic() - began
                while spent > 0 and not improver.stop and time.monotonic() < deadline:
                    began = time.monotonic()
                    improver.again(reduced, rng, deadline)
                    spent -= time.monotonic() - began
                spent += 0.01 if improver.finished else 0.0
            if worker == 0:
                self.tell("regions")

    def exact(self, part: Instance, known: Ints, deadline: float) -> tuple[Ints, bool]:
        solver = Solver(part, min(deadline, self.deadline), self.seed, None, self.unit)
        solver.above = self
        solver.take(known)
        solver.run_part()
        return np.array(solver.best, np.int64), solver.done

    def prove(self, deadline: float) -> bool:
        """Branch and cut on what is left, from the root whose ascent bounds best: whether all is done.

        What the LP excludes is deleted.
        """
        arrays = self.graph.arrays()
        offset = arrays.fixed_cost
        best = (-1.0, 0)
        for root in self.rng.choice(arrays.terminals, min(8, arrays.terminals.size), replace=False).tolist():
            lower = bounding.ascent_from(arrays, root)[0]
            best = max(best, (lower, root))
        root = best[1]
        lower, reduced, bounds, arcs = bounding.ascent_from(arrays, root, 4_000_000)
        possible, _ = bounding.possible(arrays, root, self._spare(arrays, lower), reduced)

        def told(bound: float, tree: Tree) -> float:
            self.offer(arrays, tree)
            self.bound(bound + offset)
            self.tell("branch and cut")
            return self.upper - offset

        outcome = branch_and_cut.solve(
            arrays,
            root=root,
            possible=possible,
            seeds=(bounds, arcs),
            upper=self.upper - offset,
            unit=self.unit,
            deadline=min(deadline, self.deadline),
            late=self.late,
            rng=self.rng,
            told=told,
        )
        if np.isfinite(outcome.tree.cost):
            self.offer(arrays, outcome.tree)
        self.bound(self.upper if outcome.proved else outcome.lower + offset)
        if not self.done:
            keep = outcome.possible[0::2] | outcome.possible[1::2]
            if not keep.all():
                self._keep(arrays, keep, np.ones(arrays.n, np.bool_))
                self.graph.to_fixed_point(self.deadline)
        return self.done


def solve(
    instance: Instance, *, time_limit: float = 60.0, seed: int = 1, progress: Progress | None = None
) -> Solution:
    """The best tree found within ``time_limit`` seconds and a lower bound on the optimum.

    The kernels are loaded, and compiled if need be, before the clock starts.
    """
    compiling = prepare()
    began = time.monotonic()
    solver = Solver(instance, began + time_limit, seed, progress)
    solver.run()
    return solver.solution(time.monotonic() - began, compiling_seconds=compiling)

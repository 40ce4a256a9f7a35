"""Solve or bound a Steiner tree problem: reduce, search, ascend, fix, cut, prove."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.steiner import branch_and_cut, heuristics
from lienthong.infrastructure.steiner.instance import Floats, Instance, Ints
from lienthong.infrastructure.steiner.kernels import ascent, paths, trees
from lienthong.infrastructure.steiner.reductions import Arrays, Reduced, originals

Progress = Callable[[str, float, float], None]
"""Called with (stage, lower bound, best cost)."""

LARGE = 8000
"""With more edges than this after the reductions, time goes to local search rather than to cuts."""


@dataclass(frozen=True)
class Solution:
    """``edges``: indexes into the instance's edges, a tree that spans the terminals.

    ``lower_bound`` ≤ optimum ≤ ``cost``; ``proved`` when they meet. ``seconds`` is wall time.
    """

    cost: float
    lower_bound: float
    edges: tuple[int, ...]
    seconds: float
    proved: bool

    @property
    def gap(self) -> float:
        """(cost − bound) ÷ cost; 0 when proved."""
        return 0.0 if self.proved or self.cost == 0 else (self.cost - self.lower_bound) / self.cost


class _Solver:
    def __init__(self, instance: Instance, deadline: float, seed: int, progress: Progress | None) -> None:
        self.instance = instance
        self.deadline = deadline
        self.rng = np.random.default_rng(seed)
        self.progress = progress
        self.unit = 1.0 if instance.integral else 0.0
        self.graph = Reduced(instance)
        self.upper = float("inf")
        self.lower = 0.0
        self.best: list[int] = []

    def late(self) -> bool:
        return time.monotonic() > self.deadline

    def tell(self, stage: str) -> None:
        if self.progress is not None:
            self.progress(stage, min(self.lower, self.upper), self.upper)

    @property
    def done(self) -> bool:
        return bool(np.isfinite(self.upper)) and self.lower >= branch_and_cut.enough(self.upper, self.unit)

    def offer(self, arrays: Arrays, tree: heuristics.Tree) -> None:
        """Keep a tree of the reduced graph when it is better, expanded to the instance's edges."""
        if tree.cost + self.graph.fixed_cost >= self.upper - 1e-9:
            return
        histories = [arrays.histories[e] for e in np.flatnonzero(tree.chosen)]
        edges = [e for h in [*histories, *self.graph.fixed] for e in originals(h)]
        edges = self._tidied(edges)
        cost = float(self.instance.cost[edges].sum())
        if cost < self.upper - 1e-9:
            self.upper, self.best = cost, edges

    def _tidied(self, edges: list[int]) -> list[int]:
        """Spanning tree and pruning on the instance itself: expansion may meet itself."""
        i = self.instance
        mask = np.zeros(i.tail.size, np.bool_)
        mask[edges] = True
        chosen = np.flatnonzero(mask)
        tail, head, cost = i.tail[chosen], i.head[chosen], i.cost[chosen]
        terminal = np.zeros(i.vertices, np.bool_)
        terminal[i.terminals] = True
        start, near, leaving = paths.adjacency(i.vertices, tail, head)
        tree = trees.spanning_tree(
            i.vertices, tail, head, cost, np.argsort(cost, kind="stable"), np.ones(i.vertices, np.bool_)
        )
        trees.prune(i.vertices, tail, head, start, near, leaving, terminal, tree)
        return [int(e) for e in chosen[tree]]

    def run(self) -> None:
        self._first_tree()
        self.graph.to_fixed_point(self.deadline)
        self.tell("reduced")
        for round_ in range(8):
            if self._trivial() or self.done or self.late():
                return
            before = self.graph.edges
            self._round(round_)
            self.tell("dual ascent")
            if self.done or self.late() or self._trivial():
                return
            if self.graph.edges > 0.9 * before:
                break
            self.graph.to_fixed_point(self.deadline)
        small = self.graph.edges <= LARGE
        if small:
            self._prove(self._within(0.5))
        if self.done or self.late():
            return
        self._unions()
        if self.done or self.late() or self._trivial():
            return
        if small:
            self._prove(self.deadline)
        while not (self.done or self.late()):
            self._polish(self._within(0.3))
            self._unions()

    def _first_tree(self) -> None:
        """Something to give back however short the time: a tree of the whole graph."""
        arrays = self.graph.arrays()
        self.offer(arrays, heuristics.grown(arrays, arrays.cost, int(arrays.terminals[0])))

    def _within(self, share: float) -> float:
        """The moment when ``share`` of the time left will be over."""
        now = time.monotonic()
        return now + max(0.0, self.deadline - now) * share

    def _known(self, arrays: Arrays) -> heuristics.Tree:
        """The best tree so far, as far as it still lies in the reduced graph."""
        best = set(self.best)
        wanted = np.array([best.issuperset(originals(h)) for h in arrays.histories], np.bool_)
        return heuristics.restored(arrays, wanted)

    def _polish(self, deadline: float) -> None:
        arrays = self.graph.arrays()
        tree = heuristics.improved(arrays, self._known(arrays), self.rng, deadline)

        def told(better: heuristics.Tree) -> None:
            self.offer(arrays, better)
            self.tell("local search")

        told(tree)
        told(heuristics.polished(arrays, tree, self.rng, deadline, told))

    def _trivial(self) -> bool:
        if len(self.graph.terminals) > 1 and self.graph.edges:
            return False
        if len(self.graph.terminals) <= 1:
            arrays = self.graph.arrays()
            self.offer(arrays, heuristics.Tree(np.zeros(arrays.tail.size, np.bool_), 0.0))
        self.lower = self.upper
        return True

    def _round(self, round_: int) -> None:
        """Trees, bounds from several roots, and what they let us delete."""
        arrays = self.graph.arrays()
        share = self._within(0.35 if round_ == 0 else 0.15)
        if round_ == 0:
            for tree in heuristics.search(arrays, self.rng, share, starts=10, tries=1):
                self.offer(arrays, tree)
        self._polish(share)
        share = self._within(0.15)
        roots = self.rng.choice(arrays.terminals, min(6, arrays.terminals.size), replace=False)
        keep = np.ones(arrays.tail.size, np.bool_)
        vertices = np.ones(arrays.n, np.bool_)
        for position, root in enumerate(roots.tolist()):
            lower, reduced, _, _ = self._ascent(arrays, root)
            self.lower = max(self.lower, min(self.upper, lower + self.graph.fixed_cost))
            if position < 3 and arrays.tail.size < LARGE:
                for tree in heuristics.search(arrays, self.rng, share, reduced=reduced, starts=6, tries=4)[
                    :1
                ]:
                    self.offer(arrays, tree)
            edges, seen = self._possible(arrays, root, lower, reduced)
            keep &= edges[0::2] | edges[1::2]
            vertices &= seen
            if self.done or time.monotonic() > share:
                break
        if not np.isfinite(self.upper):
            return
        for e in np.flatnonzero(~keep):
            u, v = arrays.names[arrays.tail[e]], arrays.names[arrays.head[e]]
            if v in self.graph.near.get(u, {}):
                self.graph._cut(u, v)
        for i in np.flatnonzero(~vertices):
            if arrays.names[i] in self.graph.near and arrays.names[i] not in self.graph.terminals:
                self.graph.remove_vertex(arrays.names[i])
        self._keep_reachable()
        self.graph.degrees()

    def _keep_reachable(self) -> None:
        """Drop what the terminals cannot reach; when terminals are cut off, nothing better exists."""
        first = next(iter(self.graph.terminals))
        seen, stack = {first}, [first]
        while stack:
            for w in self.graph.near[stack.pop()]:
                if w not in seen:
                    seen.add(w)
                    stack.append(w)
        if not self.graph.terminals <= seen:
            self.lower = self.upper
            return
        for v in [v for v in self.graph.near if v not in seen]:
            self.graph.remove_vertex(v)

    def _possible(
        self, arrays: Arrays, root: int, lower: float, reduced: Floats
    ) -> tuple[np.ndarray, np.ndarray]:
        """Arcs and vertices that a better tree may still use (reduced-cost fixing)."""
        a = arrays
        if not np.isfinite(self.upper):
            return np.ones(2 * a.tail.size, np.bool_), np.ones(a.n, np.bool_)
        spare = (
            branch_and_cut.enough(self.upper, self.unit) + 1e-9 * self.upper - self.graph.fixed_cost - lower
        )
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

    def _unions(self) -> None:
        """Solve exactly the small graph that the edges of many good trees make together."""
        for _ in range(3):
            arrays = self.graph.arrays()
            share = self._within(0.2)
            trees = [self._known(arrays), *self._varied(arrays, share)]
            if self.done or self.late():
                return
            union = np.logical_or.reduce([tree.chosen for tree in trees])
            if union.all() or len(trees) < 2:
                return
            part = Reduced.empty(self.graph.terminals)
            for e in np.flatnonzero(union):
                part._link(
                    arrays.names[arrays.tail[e]], arrays.names[arrays.head[e]], float(arrays.cost[e]),
                    arrays.histories[e],
                )  # fmt: skip
            part.to_fixed_point(self.deadline)
            before = self.upper
            self._solve_part(part, self._within(0.2))
            if self.upper >= before or self.late():
                return

    def _varied(self, arrays: Arrays, deadline: float, most: int = 6) -> list[heuristics.Tree]:
        """Polished trees from different beginnings, each with its part of the time."""
        reduced = self._ascent(arrays, int(self.rng.choice(arrays.terminals)))[1]
        found: list[heuristics.Tree] = []
        while len(found) < most and time.monotonic() < deadline:
            part = (deadline - time.monotonic()) / min(3, most - len(found))
            guide = reduced if len(found) % 2 == 0 else None
            for tree in heuristics.search(
                arrays, self.rng, deadline, reduced=guide, starts=3, tries=1 + len(found), kept=1
            )[:1]:
                tree = heuristics.polished(arrays, tree, self.rng, min(deadline, time.monotonic() + part))
                self.offer(arrays, tree)
                self.tell("unions")
                found.append(tree)
        return found

    def _ascent(self, arrays: Arrays, root: int, room: int = 4) -> tuple[float, Floats, Ints, Ints]:
        """Dual ascent from ``root``; cuts are kept while they fit in ``room`` arcs."""
        return ascent.dual_ascent(
            arrays.n, arrays.start, arrays.near, arrays.leaving, arrays.arc_cost, arrays.terminals, root, room
        )

    def _solve_part(self, part: Reduced, deadline: float) -> None:
        whole, self.graph = self.graph, part
        try:
            part.fixed = [*whole.fixed, *part.fixed]
            part.fixed_cost += whole.fixed_cost
            lower = self.lower
            if len(part.terminals) <= 1:
                self._trivial()
            elif part.edges:
                self._prove(deadline, part_only=True)
            self.lower = min(lower, self.upper)
        finally:
            self.graph = whole

    def _prove(self, deadline: float, *, part_only: bool = False) -> None:
        """Branch and cut on what is left, from the root whose ascent bounds best."""
        arrays = self.graph.arrays()
        best = (-1.0, 0)
        for root in self.rng.choice(arrays.terminals, min(8, arrays.terminals.size), replace=False).tolist():
            lower, *_ = self._ascent(arrays, root)
            best = max(best, (float(lower), root))
        root = best[1]
        lower, reduced, bounds, arcs = self._ascent(arrays, root, 4_000_000)
        possible, _ = self._possible(arrays, root, float(lower), reduced)
        seeds = [arcs[bounds[i] : bounds[i + 1]] for i in range(bounds.size - 1)]
        offset = self.graph.fixed_cost

        def told(bound: float, cost: float) -> None:
            if not part_only:
                self.lower = max(self.lower, min(self.upper, bound + offset))
                self.tell("branch and cut")

        outcome = branch_and_cut.solve(
            arrays,
            root=root,
            possible=possible,
            seeds=seeds,
            upper=self.upper - offset,
            unit=self.unit,
            deadline=deadline,
            rng=self.rng,
            progress=told,
        )
        if np.isfinite(outcome.tree.cost):
            self.offer(arrays, outcome.tree)
        if not part_only:
            proved = self.upper if outcome.proved else outcome.lower + offset
            self.lower = max(self.lower, min(self.upper, proved))


def solve(
    instance: Instance, *, time_limit: float = 60.0, seed: int = 1, progress: Progress | None = None
) -> Solution:
    """The best tree found within ``time_limit`` seconds and a lower bound on the optimum."""
    began = time.monotonic()
    solver = _Solver(instance, began + time_limit, seed, progress)
    solver.run()
    if not np.isfinite(solver.upper):
        arrays = solver.graph.arrays()
        solver.offer(arrays, heuristics.grown(arrays, arrays.cost, int(arrays.terminals[0])))
    lower = min(solver.lower, solver.upper)
    if instance.integral:
        lower = (
            solver.upper if solver.done else min(float(np.ceil(lower - 1e-3 - 1e-8 * lower)), solver.upper)
        )
    return Solution(
        cost=solver.upper,
        lower_bound=lower,
        edges=tuple(sorted(solver.best)),
        seconds=time.monotonic() - began,
        proved=solver.done or lower >= solver.upper - 1e-9 * max(1.0, solver.upper),
    )

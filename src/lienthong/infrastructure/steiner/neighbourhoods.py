"""Large neighbourhoods of a tree, each solved exactly: regions of the graph, and unions of good trees.

A region is all of the graph within some steps of a vertex, while the tree outside stays as it is: a small
Steiner problem. Local branching of that kind finds what key exchanges cannot. Unions are tour merging
(Cook & Seymour 2003) for trees, as in Polzin & Vahdati Daneshmand (2001).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.steiner import heuristics
from lienthong.infrastructure.steiner.heuristics import Tree
from lienthong.infrastructure.steiner.instance import Floats, Instance, Ints
from lienthong.infrastructure.steiner.kernels import paths, trees
from lienthong.infrastructure.steiner.reductions import Arrays

FIRST_REGION = 150
"""Vertices in the first regions."""
AGAIN_REGION = 350
"""Vertices in the largest regions of a fresh descent."""
PATIENCE_S = 4.0
"""Longest time for one region."""

Exact = Callable[[Instance, Ints, float], tuple[Ints, bool]]
"""Solve a problem, of which these edges are a tree, by this moment: (edges of the best tree, proved)."""


@dataclass
class _Task:
    size: int
    region: Ints


class Improver:
    """The best tree of one graph, improved by any number of threads at once."""

    def __init__(self, arrays: Arrays, tree: Tree, exact: Exact, offer: Callable[[Tree], None]) -> None:
        self.a, self.tree, self.exact, self.offer = arrays, tree, exact, offer
        self.lock = threading.Lock()
        self.size = min(FIRST_REGION, arrays.n)
        self.checked = np.zeros(arrays.n, np.int64)
        self.slow = 0
        self.solved = 0
        self.stop = False
        self.others: list[Tree] = []

    @property
    def finished(self) -> bool:
        """Whether regions as large as can be solved hold no better tree."""
        return self.stop or self.slow > 6

    def accept(self, tree: Tree) -> bool:
        """Keep ``tree`` when it is better."""
        with self.lock:
            if tree.cost >= self.tree.cost - 1e-9:
                return False
            changed = np.flatnonzero(tree.chosen != self.tree.chosen)
            self.checked[self.a.tail[changed]] = 0
            self.checked[self.a.head[changed]] = 0
            self.tree = tree
        self.offer(tree)
        return True

    def union(self, found: list[Tree], deadline: float) -> bool:
        """Solve the graph that the edges of many trees make together: whether that gave a better one."""
        a = self.a
        wanted = np.logical_or.reduce([self.tree.chosen, *(tree.chosen for tree in found)])
        edges = np.flatnonzero(wanted)
        known = np.flatnonzero(self.tree.chosen[edges])
        part = Instance(a.n, a.tail[edges], a.head[edges], a.cost[edges], a.terminals)
        best, _ = self.exact(part, known, deadline)
        chosen = np.zeros(a.tail.size, np.bool_)
        chosen[edges[best]] = True
        return self.accept(heuristics.tidied(a, chosen))

    def starts(
        self,
        reduced: Floats,
        rng: np.random.Generator,
        count: int,
        deadline: float,
        spreads: tuple[float, ...] = (1.0, 1.2, 1.5),
    ) -> list[Tree]:
        """Trees from many beginnings under many guides, each improved by local search.

        ``spreads``: by how much at most a guide makes edges dearer at random.
        """
        a = self.a
        found: list[Tree] = []
        least = np.minimum(reduced[0::2], reduced[1::2])
        while len(found) < count and time.monotonic() < deadline and not self.stop:
            guide = a.cost if rng.random() < 0.5 else least + rng.choice([0.05, 0.2]) * a.cost
            guide = guide * rng.uniform(1.0, rng.choice(spreads), a.cost.size)
            tree = heuristics.grown(a, guide, int(rng.choice(a.terminals)))
            if np.isfinite(tree.cost):
                tree = heuristics.improved(a, tree, rng, deadline)
                found.append(tree)
                self.accept(tree)
        return found

    def _next(self, rng: np.random.Generator) -> _Task:
        a = self.a
        with self.lock:
            waiting = np.flatnonzero(self.checked < self.size)
            if not waiting.size:
                if self.size >= a.n:
                    self.slow = 99
                self.size = min(a.n, self.size + self.size // 2)
                waiting = np.arange(a.n)
            size = self.size
            region = paths.ball(a.n, a.start, a.near, int(rng.choice(waiting)), size)
            self.checked[region[: size // 2]] = size
        return _Task(size, region)

    def region(self, rng: np.random.Generator, deadline: float) -> bool:
        """One region, solved: whether that gave a better tree."""
        a = self.a
        task = self._next(rng)
        chosen = self.tree.chosen
        edges, tails, heads, wanted = trees.cut_out(a.n, a.tail, a.head, a.is_terminal, chosen, task.region)
        terminals = np.flatnonzero(wanted)
        if terminals.size < 2 or edges.size < 2:
            return False
        part = Instance(wanted.size, tails, heads, a.cost[edges], terminals)
        until = min(deadline, time.monotonic() + PATIENCE_S)
        best, proved = self.exact(part, np.flatnonzero(chosen[edges]), until)
        with self.lock:
            self.slow = max(0, self.slow - 1) if proved else self.slow + 1
            self.solved += 1
        after = chosen.copy()
        after[edges] = False
        after[edges[best]] = True
        if float(a.cost[after].sum()) >= float(a.cost[chosen].sum()) - 1e-9:
            return False
        now = self.tree.chosen.copy()
        now[edges] = False
        now[edges[best]] = True
        better = heuristics.tidied(a, now)
        return self.accept(better)

    def again(self, reduced: Floats, rng: np.random.Generator, deadline: float) -> bool:
        """A fresh descent through small regions, then the union of what such descents found with the best
        tree: whether that gave a better one.
        """
        start = self.starts(reduced, rng, 1, deadline, (1.5, 2.5, 4.0))
        if not start:
            return False
        fresh = Improver(self.a, start[0], self.exact, lambda _: None)
        while fresh.size < min(AGAIN_REGION, self.a.n) and time.monotonic() < deadline and not self.stop:
            fresh.region(rng, deadline)
        if self.stop:
            return False
        self.others = [*self.others[-4:], fresh.tree]
        better = self.accept(fresh.tree)
        return self.union(self.others, min(deadline, time.monotonic() + PATIENCE_S)) or better

"""The kernels compiled ahead, so that no time limit pays for it."""

from __future__ import annotations

import functools
import time

import numpy as np

from lienthong.infrastructure.steiner import bounding, heuristics
from lienthong.infrastructure.steiner.instance import Instance
from lienthong.infrastructure.steiner.kernels import shrinking
from lienthong.infrastructure.steiner.neighbourhoods import Improver


@functools.cache
def prepare() -> float:
    """Load the kernels, compiling those that are not on disk: wall-clock seconds. Once a process."""
    from lienthong.infrastructure.steiner.solver import Solver  # the solver prepares itself

    began = time.monotonic()
    streets = _streets(12, 20)
    never = began + 3600.0
    solver = Solver(streets, never, 1, None)
    solver.first_tree()
    arrays = solver.graph.arrays()
    rng = np.random.default_rng(1)
    improver = Improver(arrays, solver.known(arrays), solver.exact, lambda _: None)
    improver.union(improver.starts(bounding.ascent_from(arrays, 0)[1], rng, 2, never), never)
    improver.size = 60
    improver.region(rng, never)
    heuristics.search(arrays, rng, never, starts=1, tries=1)
    solver.run_part()
    solver.prove(never)
    shrinking.remove_vertex(solver.graph.graph, 0)
    return time.monotonic() - began


def _streets(side: int, terminals: int) -> Instance:
    rng = np.random.default_rng(side)
    here = np.arange(side * side)
    across, down = here[here % side < side - 1], here[: side * (side - 1)]
    tail, head = np.concatenate([across, down]), np.concatenate([across + 1, down + side])
    cost = rng.integers(1, 100, tail.size).astype(np.float64)
    wanted = np.sort(rng.choice(side * side, terminals, replace=False))
    return Instance(side * side, tail, head, cost, wanted)

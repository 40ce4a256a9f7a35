"""Regions and unions solved exactly keep a tree over the terminals, and never make it dearer."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from lienthong.infrastructure.steiner import heuristics, solver
from lienthong.infrastructure.steiner.neighbourhoods import Improver

from .graphs import street_grid


def improver_of(seed: int) -> tuple[Improver, solver.Solver]:
    state = solver.Solver(street_grid(22, 50, seed), time.monotonic() + 3600, seed, None)
    state.first_tree()
    arrays = state.graph.arrays()
    return Improver(arrays, state.known(arrays), state.exact, lambda t: state.offer(arrays, t)), state


@pytest.mark.parametrize("seed", range(4))
def test_regions_lead_to_the_optimum_and_every_tree_on_the_way_spans_the_terminals(seed: int) -> None:
    improver, state = improver_of(seed)
    rng = np.random.default_rng(seed)
    never = time.monotonic() + 3600
    best = improver.tree.cost
    for _ in range(400):
        if improver.size >= improver.a.n:
            break
        better = improver.region(rng, never)
        assert better == (improver.tree.cost < best)
        best = improver.tree.cost
        again = heuristics.tidied(improver.a, improver.tree.chosen)
        assert again.cost == pytest.approx(best)
        assert np.array_equal(again.chosen, improver.tree.chosen)
    assert state.upper == solver.solve(street_grid(22, 50, seed), time_limit=60).cost


def test_a_union_is_no_dearer_than_the_trees_in_it() -> None:
    improver, _ = improver_of(9)
    rng = np.random.default_rng(9)
    never = time.monotonic() + 3600
    reduced = np.repeat(improver.a.cost, 2)
    found = improver.starts(reduced, rng, 4, never)
    improver.union(found, never)
    assert improver.tree.cost <= min(tree.cost for tree in found) + 1e-9


def test_two_threads_improve_one_tree() -> None:
    improver, state = improver_of(5)
    never = time.monotonic() + 3600

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(60):
            improver.region(rng, never)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = heuristics.tidied(improver.a, improver.tree.chosen)
    assert again.cost == pytest.approx(improver.tree.cost)
    assert state.upper == pytest.approx(improver.tree.cost + improver.a.fixed_cost)

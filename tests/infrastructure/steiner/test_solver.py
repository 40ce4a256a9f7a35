"""What a Steiner solution promises: a tree over the terminals, and a bound that holds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.steiner.instance import Instance
from lienthong.infrastructure.steiner.solver import Solution, solve

from .exact import optimum
from .graphs import Problem, problems, street_grid

TOLERANCE = 1e-6


def is_tree_over_terminals(instance: Instance, solution: Solution) -> bool:
    link = list(range(instance.vertices))

    def root(v: int) -> int:
        while link[v] != v:
            v = link[v]
        return v

    for e in solution.edges:
        a, b = root(int(instance.tail[e])), root(int(instance.head[e]))
        if a == b:
            return False
        link[a] = b
    return len({root(int(t)) for t in instance.terminals}) == 1


@settings(max_examples=300, deadline=None)
@given(problems())
def test_a_proof_is_the_true_optimum(problem: Problem) -> None:
    instance = Instance.of(*problem)
    solution = solve(instance, time_limit=20.0)
    best = optimum(*problem)
    assert is_tree_over_terminals(instance, solution)
    assert solution.cost == pytest.approx(float(instance.cost[list(solution.edges)].sum()))
    assert solution.lower_bound <= best + TOLERANCE
    assert best <= solution.cost + TOLERANCE
    assert solution.proved
    assert solution.cost == pytest.approx(best, abs=TOLERANCE)


@settings(max_examples=60, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_a_cheaper_edge_never_makes_the_tree_dearer(problem: Problem, random: object) -> None:
    vertices, edges, terminals = problem
    before = solve(Instance.of(*problem), time_limit=20.0)
    at = random.randrange(len(edges))  # type: ignore[attr-defined]
    u, v, cost = edges[at]
    cheaper = [*edges[:at], (u, v, cost / 2), *edges[at + 1 :]]
    after = solve(Instance.of(vertices, cheaper, terminals), time_limit=20.0)
    assert after.cost <= before.cost + TOLERANCE
    assert after.cost >= before.cost - cost / 2 - TOLERANCE


@pytest.mark.parametrize("seed", range(3))
def test_the_same_optimum_is_proved_from_any_seed(seed: int) -> None:
    instance = street_grid(16, 24, 7)
    solution = solve(instance, time_limit=60.0, seed=seed)
    assert solution.proved
    assert is_tree_over_terminals(instance, solution)
    assert solution.cost == solve(instance, time_limit=60.0, seed=11).cost


def test_a_bound_holds_when_time_runs_out() -> None:
    instance = street_grid(30, 60, 3)
    hurried = solve(instance, time_limit=0.05)
    patient = solve(instance, time_limit=60.0)
    assert is_tree_over_terminals(instance, hurried)
    assert patient.proved
    assert hurried.lower_bound <= patient.cost <= hurried.cost


def test_progress_brackets_the_optimum_more_and_more_closely() -> None:
    told: list[tuple[float, float]] = []
    solution = solve(street_grid(20, 30, 5), progress=lambda _, low, high: told.append((low, high)))
    assert told
    for (low, high), (next_low, next_high) in pairwise(told):
        assert low <= next_low <= solution.cost <= next_high <= high
    assert all(low <= solution.cost <= high for low, high in told)


def test_existing_fibre_at_no_cost_is_used() -> None:
    instance = Instance.of(4, [(0, 1, 5), (0, 2, 0), (2, 3, 0), (3, 1, 0), (0, 3, 1)], [0, 1])
    solution = solve(instance)
    assert solution.cost == 0
    assert solution.proved


def test_one_terminal_needs_no_edge() -> None:
    solution = solve(Instance.of(3, [(0, 1, 1), (1, 2, 1)], [1]))
    assert (solution.cost, solution.lower_bound, solution.edges) == (0, 0, ())
    assert solution.proved

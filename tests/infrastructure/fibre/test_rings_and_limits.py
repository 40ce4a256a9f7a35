"""Rings survive any one cut; chains stay short; splitters stay small; each with a bound that holds."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.fibre.blocks import bridges
from lienthong.infrastructure.fibre.costs import FibreCosts
from lienthong.infrastructure.fibre.design import design
from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.hops import switches_passed
from lienthong.infrastructure.fibre.planning import Wishes, plan_fibre
from lienthong.infrastructure.fibre.problem import state
from lienthong.infrastructure.fibre.relaxation import Needs, Relaxation, raise_bound
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.fibre.splitters import split
from lienthong.infrastructure.geography.attaching import Attached

from .test_design import adds_up, reaches_every_site
from .towns import town, towns

COSTS = FibreCosts()


def together(plan: FibrePlan, edges: set[int], vertices: set[int]) -> bool:
    """Whether ``edges`` of the graph join ``vertices``."""
    reached, _ = bridges(plan.graph.vertices, plan.graph.tail, plan.graph.head, edges, plan.root)
    return all(bool(reached[v]) for v in vertices)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns(missing=0.0), st.integers(1, 4))
def test_a_backbone_stays_connected_after_any_edge_is_cut(attached: Attached, count: int) -> None:
    backbone = tuple(range(min(count, len(attached.sites) - 1) + 1))
    plan = plan_fibre(attached, COSTS, Wishes(backbone=backbone), time_limit=0.8)
    stations = {int(attached.terminals[i]) for i in backbone}
    chosen = set(plan.edges.tolist())
    assert reaches_every_site(plan)
    assert adds_up(plan)
    for e in chosen:
        assert together(plan, chosen - {e}, stations)
    assert plan.lower_bound <= plan.cost
    assert set(plan.ring_edges.tolist()) <= chosen
    assert plan.cost >= design(attached, COSTS, time_limit=5).lower_bound


def cheapest_rings(attached: Attached, backbone: tuple[int, ...]) -> float:
    """The cheapest edges by trying all sets, VND without nodes: for very small graphs."""
    graph = attached.graph
    cost = state(attached, COSTS).cost[: graph.edges]
    stations = [int(attached.terminals[i]) for i in backbone]
    wanted = np.array(sorted({int(v) for v in attached.terminals}))
    best = float("inf")
    for size in range(graph.edges + 1):
        for some in combinations(range(graph.edges), size):
            if cost[list(some)].sum() >= best:
                continue
            if not bridges(graph.vertices, graph.tail, graph.head, some, stations[0])[0][wanted].all():
                continue
            if all(
                bridges(graph.vertices, graph.tail, graph.head, set(some) - {e}, stations[0])[0][
                    stations
                ].all()
                for e in some
            ):
                best = float(cost[list(some)].sum())
    return best


@pytest.mark.parametrize("seed", range(4))
def test_rings_and_their_bound_agree_with_all_that_is_possible(seed: int) -> None:
    attached = town(3, 3, seed)
    backbone = (0, 1)
    plan = plan_fibre(attached, COSTS, Wishes(backbone=backbone), time_limit=3)
    optimum = cheapest_rings(attached, backbone) + plan.node_cost.sum()
    assert plan.lower_bound <= optimum + 1
    assert plan.cost >= optimum - 1
    assert plan.cost <= 1.05 * optimum


def test_a_backbone_site_with_one_road_is_named_with_the_road() -> None:
    attached = town(4, 6, 2, missing=1.0)
    with pytest.raises(Infeasible, match="in one way only") as caught:
        plan_fibre(attached, COSTS, Wishes(backbone=tuple(range(6))), time_limit=2)
    assert "edge " in (caught.value.place or "")
    assert "second road" in (caught.value.remedy or "")


@pytest.mark.parametrize("seed", range(3))
def test_the_relaxation_bounds_a_tree_as_the_solver_does(seed: int) -> None:
    attached = town(6, 8, seed)
    problem = state(attached, COSTS)
    plan = design(attached, COSTS, time_limit=5)
    sites = problem.first_site + np.arange(1, 8)
    needs = Needs(
        problem.vertices, problem.tail, problem.head, problem.cost, problem.first_site, sites,
        np.empty(0, np.int64),
    )  # fmt: skip
    relaxation = Relaxation(needs)
    tree = plan.cost - problem.equipment.sum()
    begun = relaxation.bound
    raised = raise_bound(
        relaxation, upper=lambda _: tree, deadline=time.monotonic() + 20, enough=1.0,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert begun <= raised <= tree + 1
    assert raised >= 0.98 * tree


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns(), st.integers(1, 6))
def test_no_way_passes_more_switches_than_allowed(attached: Attached, most: int) -> None:
    try:
        plan = plan_fibre(attached, COSTS, Wishes(most_switches=most), time_limit=3)
    except Infeasible as error:
        assert "switches" in error.detail
        return
    assert reaches_every_site(plan)
    assert adds_up(plan)
    assert switches_passed(plan).max() <= most
    assert plan.lower_bound <= plan.cost


def test_a_limit_that_does_not_bind_costs_nothing_and_a_tighter_one_no_less() -> None:
    attached = town(7, 12, 4)
    free = design(attached, COSTS, time_limit=10)
    longest = int(switches_passed(free).max())
    assert plan_fibre(attached, COSTS, Wishes(most_switches=longest), time_limit=5).cost == free.cost
    tight = plan_fibre(attached, COSTS, Wishes(most_switches=longest - 1), time_limit=5)
    assert tight.cost >= tight.lower_bound >= free.cost


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns(), st.integers(1, 5))
def test_every_new_site_hangs_behind_one_splitter_within_the_ratio(attached: Attached, ratio: int) -> None:
    plan = design(attached, COSTS, time_limit=5)
    answer = split(plan, ratio, COSTS)
    served = sorted(i for splitter in answer.splitters for i in splitter.sites)
    expected = [
        i for i, site in enumerate(plan.sites) if not site.connected and plan.terminals[i] != plan.root
    ]
    assert served == expected
    assert all(1 <= len(splitter.sites) <= ratio for splitter in answer.splitters)
    assert len(answer.splitters) >= -(-len(served) // ratio)
    assert answer.lower_bound <= answer.cost

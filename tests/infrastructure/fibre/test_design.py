"""What a fibre design promises: it reaches every site, costs what it says, and its bound holds."""

from __future__ import annotations

import _thread
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.errors import Disconnected
from lienthong.infrastructure.fibre.costs import FibreCosts, drop_costs, edge_costs, price_keys
from lienthong.infrastructure.fibre.design import design
from lienthong.infrastructure.fibre.errors import BadCosts, Infeasible
from lienthong.infrastructure.fibre.planning import Wishes, plan_fibre
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.geography.attaching import Attached, attach
from lienthong.infrastructure.geography.gaps import gaps, joined

from .towns import grid, sites_beside, town, towns

COSTS = FibreCosts()


def reaches_every_site(plan: FibrePlan) -> bool:
    """From every site the plan's own edges, hops and ways in use lead to the root."""
    chosen = set(plan.edges.tolist())
    wireless = {hop.site: hop for hop in plan.wireless}

    def reached(site: int, seen: frozenset[int] = frozenset()) -> bool:
        if site in wireless:
            return site not in seen and reached(wireless[site].from_site, seen | {site})
        v, steps = int(plan.terminals[site]), 0
        while plan.parent[v] >= 0:
            e = int(plan.parent_edge[v])
            if e >= 0 and (e not in chosen or v not in (plan.graph.tail[e], plan.graph.head[e])):
                return False
            v, steps = int(plan.parent[v]), steps + 1
            assert steps <= plan.graph.vertices
        return v == plan.root

    return all(reached(i) for i in range(len(plan.sites)))


def adds_up(plan: FibrePlan) -> bool:
    hops = sum(hop.cost for hop in plan.wireless)
    return plan.cost == plan.edge_cost.sum() + plan.node_cost.sum() + hops and plan.cost % 1000 == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns())
def test_a_design_reaches_every_site_and_its_bound_holds(attached: Attached) -> None:
    plan = design(attached, COSTS, time_limit=5)
    assert reaches_every_site(plan)
    assert adds_up(plan)
    assert plan.lower_bound <= plan.cost
    assert plan.proved == (plan.gap == 0)
    tree = [e for e in plan.edges.tolist() if e in set(plan.parent_edge.tolist())]
    assert len(tree) == len(plan.edges)
    assert plan.ring_edges.size == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns(), st.data())
def test_the_cost_never_rises_when_an_edge_gets_cheaper(attached: Attached, data: st.DataObject) -> None:
    before = design(attached, COSTS, time_limit=5)
    edge = data.draw(st.integers(0, attached.graph.edges - 1))
    factor = attached.graph.factor.copy()
    factor[edge] *= data.draw(st.floats(0, 1))
    cheaper = replace(attached, graph=replace(attached.graph, factor=factor))
    after = design(cheaper, COSTS, time_limit=5)
    assert before.proved and after.proved
    assert after.cost <= before.cost


def test_existing_fibre_is_free_and_is_used() -> None:
    attached = town(5, 6, 3)
    lit = replace(attached, graph=replace(attached.graph, fibre=np.ones(attached.graph.edges, np.bool_)))
    assert design(lit, COSTS, time_limit=5).edge_cost.sum() == 0
    shared = design(lit, replace(COSTS, existing=0.1), time_limit=5)
    new = design(attached, COSTS, time_limit=5)
    assert shared.edge_cost.sum() == pytest.approx(new.edge_cost.sum() / 10, rel=1e-2)
    assert new.length_m > 0 == shared.length_m


def test_a_connected_site_costs_nothing_and_helps_its_neighbours() -> None:
    apart = design(town(6, 8, 5), COSTS, time_limit=5)
    helped = design(town(6, 8, 5, connected=4), COSTS, time_limit=5)
    assert reaches_every_site(helped)
    assert helped.node_cost[1:5].sum() == 0
    assert helped.edge_cost.sum() < apart.edge_cost.sum()


def test_sites_at_one_place_share_their_way() -> None:
    graph = grid(3)
    sites = sites_beside(graph, 3)
    twins = [*sites, replace(sites[2], code="T")]
    one = design(attach(graph, sites), COSTS, time_limit=5)
    two = design(attach(graph, twins), COSTS, time_limit=5)
    assert two.edge_cost.sum() == one.edge_cost.sum()
    assert two.terminals[2] == two.terminals[3]


def test_sites_that_nothing_reaches_are_named_with_what_would_join_them() -> None:
    graph = grid(4)
    left = graph.x < graph.x.min() + 600
    kept = left[graph.tail] == left[graph.head]
    cut = replace(
        graph, tail=graph.tail[kept], head=graph.head[kept], length_m=graph.length_m[kept],
        kind=graph.kind[kept], factor=graph.factor[kept], crossing=graph.crossing[kept],
        fibre=graph.fibre[kept],
    )  # fmt: skip
    attached = attach(cut, sites_beside(graph, 6))
    with pytest.raises(Disconnected) as caught:
        design(attached, COSTS, time_limit=5)
    missing = gaps(attached, 0)
    assert len(missing) == 1
    for site in missing[0].sites:
        assert attached.sites[site].code in caught.value.detail
    assert f"{missing[0].metres:,.0f} m" in caught.value.detail
    assert "cách mạng chính" in missing[0].text(attached.sites)
    mended = replace(attached, graph=joined(attached.graph, missing))
    assert reaches_every_site(design(mended, COSTS, time_limit=5))


def test_a_stop_answers_with_the_best_plan_so_far() -> None:
    attached = town(40, 120, 2)
    stop = threading.Event()
    seen: list[tuple[str, float, float]] = []

    def told(stage: str, lower: float, upper: float) -> None:
        seen.append((stage, lower, upper))
        if np.isfinite(upper):
            stop.set()

    plan = design(attached, COSTS, time_limit=120, progress=told, stop=stop)
    assert seen
    assert reaches_every_site(plan)
    assert plan.lower_bound <= plan.cost
    if not plan.proved:
        assert [finding.code for finding in plan.findings] == ["cancelled"]
        assert "dừng" in plan.notes[0]


def test_ctrl_c_answers_with_the_best_plan_so_far() -> None:
    attached = town(40, 120, 2)

    pressed: list[str] = []

    def told(stage: str, lower: float, upper: float) -> None:
        if np.isfinite(upper) and not pressed:
            pressed.append(stage)
            _thread.interrupt_main()

    plan = design(attached, COSTS, time_limit=120, progress=told)
    assert reaches_every_site(plan)
    assert pressed
    assert [finding.code for finding in plan.findings] == ["cancelled"]


@pytest.mark.parametrize("wishes", [Wishes(backbone=(0, 1, 2)), Wishes(most_switches=40)])
def test_rings_and_limits_stop_as_well(wishes: Wishes) -> None:
    attached = town(30, 60, 2)
    pressed: list[str] = []

    def told(stage: str, lower: float, upper: float) -> None:
        if not pressed:
            pressed.append(stage)
            _thread.interrupt_main()

    plan = plan_fibre(attached, COSTS, wishes, time_limit=15, progress=told)
    assert pressed
    assert reaches_every_site(plan)
    assert plan.lower_bound <= plan.cost


def test_a_price_list_is_taken_key_by_key() -> None:
    keys = price_keys()
    assert {"fibre.national", "node.commune", "splice", "drop_per_m", "microwave", "existing"} <= keys.keys()
    costs = FibreCosts.from_prices({**keys, "fibre.rural": 1, "desk": 5})
    assert costs.per_m["rural"] == 1
    assert costs.per_m["national"] == COSTS.per_m["national"]


@pytest.mark.parametrize(
    ("prices", "place"),
    [
        ({"fibre.rural": -1.0}, "fibre.rural"),
        ({"splice": float("nan")}, "splice"),
        ({"existing": 2}, "existing"),
    ],
)
def test_a_price_that_is_no_price_is_refused_by_its_key(prices: dict[str, float], place: str) -> None:
    with pytest.raises(BadCosts) as caught:
        FibreCosts.from_prices(prices)
    assert caught.value.place == place


def test_a_negative_length_is_refused_by_its_edge() -> None:
    graph = grid(3)
    with pytest.raises(BadCosts, match="length_m is -1") as caught:
        edge_costs(replace(graph, length_m=np.full(graph.edges, -1.0)), COSTS)
    assert "edge 1 near 105.9" in (caught.value.place or "")


def test_costs_are_whole_thousands() -> None:
    attached = town(4, 5, 1)
    for cost in (edge_costs(attached.graph, COSTS), drop_costs(attached, COSTS)):
        assert (cost % 1000 == 0).all()


def test_wishes_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(Infeasible, match="cannot be asked together"):
        plan_fibre(town(3, 3, 1), COSTS, Wishes(backbone=(1,), most_switches=3))

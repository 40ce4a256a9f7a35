"""Items from a fibre plan: its cable, drops, nodes and hops, and what capacity adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.links import SiteLoad, size_links
from lienthong.infrastructure.capacity.storage import storage_by_year
from lienthong.infrastructure.fibre.result import FibrePlan, WirelessHop
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.phasing.errors import BadPhasingData
from lienthong.infrastructure.phasing.items import NewMast, items_of
from lienthong.infrastructure.phasing.model import phase
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.phasing.request import Request
from lienthong.infrastructure.survey.model import Site

PRICES = PriceList.default()
YEARS = (2017, 2018)


def small_plan() -> FibrePlan:
    """Root 0 ─ 1 ─ 2 (commune a) ─ 3 ┬ 4 (agency b), └ 5 (agency c); d by microwave from b; e connected at 0.

    Edge 1 is existing fibre; edge 5 closes a ring between 2 and 5.
    """
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (3, 5), (5, 2)]
    count = len(ends)
    graph = RoadGraph(
        x=np.arange(7.0) * 1000,
        y=np.zeros(7),
        lon=106 + np.arange(7.0) / 100,
        lat=np.full(7, 10.2),
        tail=np.array([a for a, _ in ends]),
        head=np.array([b for _, b in ends]),
        length_m=np.full(count, 1000.0),
        kind=np.full(count, 3, dtype=np.int8),
        factor=np.ones(count),
        crossing=np.zeros(count, dtype=bool),
        fibre=np.array([False, True, False, False, False, False]),
    )
    sites = (
        Site("a", "Xã A", "commune", 106.02, 10.2, people=900, users=20, seats=20),
        Site("b", "Sở B", "agency", 106.04, 10.2, users=60, seats=50),
        Site("c", "Sở C", "agency", 106.05, 10.2, users=60, seats=50),
        Site("d", "Xã D", "commune", 106.06, 10.2, people=500, users=10, seats=10),
        Site("e", "Trung tâm dữ liệu", "agency", 106.0, 10.2, users=5, connected=True),
    )
    money = np.array([95e6, 0.0, 95e6, 95e6, 95e6, 90e6])
    nodes = np.array([80e6, 50e6, 50e6, 68e6, 0.0])
    return FibrePlan(
        graph=graph,
        terminals=np.array([2, 4, 5, 6, 0]),
        sites=sites,
        root=0,
        edges=np.arange(count),
        edge_cost=money,
        node_cost=nodes,
        cost=float(money.sum() + nodes.sum() + 280e6),
        lower_bound=0.0,
        seconds=0.0,
        proved=False,
        parent=np.array([-1, 0, 1, 2, 3, 3, 4]),
        parent_edge=np.array([-1, 0, 1, 2, 3, 4, -1]),
        ring_edges=np.array([5]),
        wireless=(WirelessHop(3, 1, 4, 5.0, 280e6, True),),
    )


def test_cable_that_leads_from_the_last_site_to_a_ring_is_paid_for_too() -> None:
    plan = small_plan()
    kept = np.array([0, 1, 3, 4])  # without agency c, nobody lives at the ring's far end
    plan = replace(
        plan,
        sites=tuple(plan.sites[at] for at in kept),
        terminals=plan.terminals[kept],
        node_cost=plan.node_cost[kept],
        wireless=tuple(replace(hop, site=2) for hop in plan.wireless),
    )
    items = {item.key: item for item in items_of(plan, PRICES)}
    assert items["ring-1"].edges == (4, 5)
    assert sum(item.capex for item in items.values() if item.kind == "trunk") == plan.edge_cost.sum()
    assert {edge for item in items.values() for edge in item.edges} == {0, 2, 3, 4, 5}


def test_a_plan_s_items_cost_what_the_plan_costs():
    plan = small_plan()
    assert sum(each.capex for each in items_of(plan, PRICES)) == plan.cost


@st.composite
def random_plans(draw):
    """A random tree with existing fibre in places, sites anywhere, some of them connected today."""
    count = draw(st.integers(2, 14))
    parent = np.array([-1, *(draw(st.integers(0, at - 1)) for at in range(1, count))])
    edge_cost = np.array([draw(st.sampled_from([0, 0, 40e6, 95e6])) for _ in range(count - 1)])
    places = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=6))
    sites = tuple(
        Site(f"s{at}", f"Điểm {at}", draw(st.sampled_from(["commune", "agency"])), 106.0, 10.0, people=at)
        for at in range(len(places))
    )
    nodes = np.array([draw(st.sampled_from([0.0, 30e6, 68e6, 90e6])) for _ in sites])
    plain = small_plan()
    edges = np.arange(count - 1)
    graph = replace(
        plain.graph,
        x=np.zeros(count), y=np.zeros(count), lon=np.zeros(count), lat=np.zeros(count),
        tail=parent[1:], head=np.arange(1, count),
        length_m=np.full(count - 1, 500.0), kind=np.full(count - 1, 3, dtype=np.int8),
        factor=np.ones(count - 1), crossing=np.zeros(count - 1, dtype=bool), fibre=edge_cost == 0,
    )  # fmt: skip
    terminals = np.array(places)
    plan = replace(
        plain,
        graph=graph, terminals=terminals, sites=sites, edges=edges, edge_cost=edge_cost,
        node_cost=nodes, parent=parent, parent_edge=np.arange(-1, count - 1),
        ring_edges=np.array([], dtype=np.int64), wireless=(),
    )  # fmt: skip
    on_the_way = sorted({edge for at in range(len(sites)) for edge in plan.way_of(at)})
    return replace(
        plan,
        edges=np.array(on_the_way, dtype=np.int64),
        edge_cost=edge_cost[on_the_way],
        cost=float(edge_cost[on_the_way].sum() + nodes.sum()),
    )


@given(random_plans())
def test_a_site_s_items_need_exactly_the_cable_of_its_way(plan):
    items = {each.key: each for each in items_of(plan, PRICES)}
    assert sum(each.capex for each in items.values()) == plan.cost
    money = {int(edge): cost for edge, cost in zip(plan.edges, plan.edge_cost, strict=True)}
    laid = [edge for each in items.values() for edge in each.edges]
    assert sorted(laid) == [edge for edge, cost in money.items() if cost > 0]
    for at, site in enumerate(plan.sites):
        waiting, before = [f"node-{site.code}"], set()
        while waiting:
            key = waiting.pop()
            if key not in before:
                before.add(key)
                waiting += items[key].after
        needed = {edge for key in before for edge in items[key].edges}
        assert needed == {edge for edge in plan.way_of(at) if money[edge] > 0}


def test_cable_is_cut_at_sites_and_branches_and_follows_the_tree():
    items = {each.key: each for each in items_of(small_plan(), PRICES)}
    trunks = {key: each for key, each in items.items() if key.startswith("trunk")}
    assert {key: (each.edges, each.after) for key, each in trunks.items()} == {
        "trunk-2": ((0,), ()),
        "trunk-3": ((2,), ("trunk-2",)),
        "trunk-4": ((3,), ("trunk-3",)),
        "trunk-5": ((4,), ("trunk-3",)),
    }
    assert items["ring-1"].edges == (5,) and set(items["ring-1"].after) == {"trunk-2", "trunk-5"}
    assert items["drop-a"].after == ("trunk-2",) and items["drop-a"].capex == 12_000_000
    assert items["node-a"].after == ("drop-a",) and items["node-a"].benefit == {"people": 900, "communes": 1}
    assert items["microwave-d"].after == ("trunk-4", "node-b")
    assert items["node-d"].after == ("microwave-d",)
    assert "node-e" not in items
    assert trunks["trunk-2"].name_vi == "Tuyến cáp quang đến Xã A"


def test_capacity_adds_ports_storage_masts_licences_and_training():
    plan = small_plan()
    coefficients = Coefficients.default()
    loads = [SiteLoad(site.code, site.name, site.users, site.seats) for site in plan.sites]
    links = size_links(loads, coefficients)
    storage = storage_by_year(155, coefficients, YEARS)
    items = {
        each.key: each
        for each in items_of(
            plan, PRICES, links=links, storage=storage, users=155, years=YEARS,
            masts=[NewMast("m1", "Trạm 1", 300, "a")],
        )
    }  # fmt: skip
    rate = next(link.rate for link in links if link.code == "b")
    assert items["node-b"].capex == 42_000_000 + PRICES["port.1000" if rate > 100 else "port.100"]
    assert items["storage-2017"].due == 2017
    terabytes = items["storage-2017"].quantity + items["storage-2018"].quantity
    assert terabytes == pytest.approx(storage[-1].total / 1000, abs=0.11)
    assert items["tower-m1"].after == ("node-a",) and items["tower-m1"].benefit == {"people": 300}
    assert items["licence-2017"].quantity + items["licence-2018"].quantity == 155
    assert items["training-2018"].not_before == 2018
    budget = (2_000_000_000, 3_000_000_000)
    found = phase(Request(list(items.values()), YEARS, budget))
    assert found.connected["agencies"][-1] == 2


def test_a_price_level_scales_everything():
    plain, dearer = items_of(small_plan(), PRICES), items_of(small_plan(), PRICES, price_level=1.2)
    assert [each.capex for each in dearer] == [round(each.capex * 1.2) for each in plain]


def test_two_sites_of_one_code_are_named():
    plan = small_plan()
    twin = (*plan.sites[:4], replace(plan.sites[0], connected=False))
    with pytest.raises(BadPhasingData, match="one code"):
        items_of(replace(plan, sites=twin, node_cost=np.full(5, 80e6)), PRICES)

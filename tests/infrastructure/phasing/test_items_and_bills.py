"""Items from a fibre plan, prices and items from files, bills of quantities, scenarios."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.infrastructure.phasing.trees import item, province

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.links import SiteLoad, size_links
from lienthong.infrastructure.capacity.storage import storage_by_year
from lienthong.infrastructure.fibre.costs import FibreCosts, price_keys
from lienthong.infrastructure.fibre.result import FibrePlan, WirelessHop
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.phasing import scenarios
from lienthong.infrastructure.phasing.boq import write_boq
from lienthong.infrastructure.phasing.errors import BadPhasingData, BadPrices
from lienthong.infrastructure.phasing.item_files import read_items, read_sources, write_items
from lienthong.infrastructure.phasing.items import NewMast, items_of
from lienthong.infrastructure.phasing.model import phase
from lienthong.infrastructure.phasing.prices import PriceList, read_prices
from lienthong.infrastructure.phasing.request import Request, Source
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


def test_the_price_list_is_that_of_the_fibre_design_and_labelled():
    assert FibreCosts.from_prices(PRICES) == FibreCosts()
    factors = {"crossing", "existing"}
    assert {key for key in price_keys() if key not in PRICES} == factors
    assert PRICES.illustrative
    assert all(each.illustrative and each.name_vi and each.name_en for each in PRICES.entries)


@pytest.mark.parametrize(
    "text",
    ["1234567", "1.234.567", "1,234,567", "1 234 567 đ", "1.234.567 đồng", "1_234_567", "1234567.0"],
)
def test_prices_are_read_as_people_write_them(tmp_path, text):
    path = tmp_path / "prices.csv"
    path.write_text(f'Bảng giá,,\nMã,Tên hạng mục,Đơn giá,Nguồn\nsplice,Hàn nối,"{text}",Báo giá 12/2016\n')
    found = PriceList.load(path)
    assert found["splice"] == 1_234_567
    assert not found.entry("splice").illustrative and found.entry("splice").unit == "site"
    assert found["tower"] == PRICES["tower"]


def test_every_bad_row_of_a_price_list_is_named(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(
        "key,price,opex_percent\nsplice,cheap,\n,5,\nmast,-4,\ntower,7,900\nsplice,3,\nsplice,4,\n"
    )
    with pytest.raises(BadPrices) as caught:
        read_prices(path)
    assert [(row, column) for row, column, _ in caught.value.rows] == [
        (2, "price"),
        (3, "key"),
        (4, "price"),
        (5, "opex_percent"),
        (7, "key"),
    ]
    assert "row 2, column price" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"PK\x03\x04broken"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_is_no_price_list_is_refused_in_words(tmp_path, content, ending):
    path = tmp_path / f"prices.{ending}"
    path.write_bytes(content)
    with pytest.raises(BadPhasingData) as caught:
        read_prices(path)
    assert caught.value.code == "bad-prices" and caught.value.remedy


def test_a_price_list_is_written_and_read_again(tmp_path):
    path = tmp_path / "prices.csv"
    PRICES.times(1.1).save_csv(path)
    assert PriceList.load(path).entries == PRICES.times(1.1).entries


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.builds(
            item,
            key=st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True),
            capex=st.integers(0, 10**12),
            kind=st.sampled_from(["trunk", "node", "tower"]),
            after=st.lists(st.sampled_from(["x", "y-1"]), max_size=2),
            people=st.integers(0, 10**6),
            due=st.none() | st.integers(2000, 2050),
            edges=st.lists(st.integers(0, 99)).map(tuple),
            site=st.from_regex(r"[A-Z]{0,4}", fullmatch=True),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_items_are_written_and_read_again(tmp_path, items):
    path = tmp_path / "items.csv"
    write_items(path, items)
    assert read_items(path) == items


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("key,kind\na,node\n", "line 1"),
        ("key,kind,capex\na,node,4\n,node,4\n", "line 3, column key"),
        ("key,kind,capex\na,node,4.5\n", "line 2, column capex"),
        ("key,kind,capex\na,node,\n", "line 2, column capex"),
        ("key,kind,capex\na,node,-4\n", "line 2, column capex"),
        ("key,kind,capex,people\na,node,4,many\n", "line 2, column people"),
        ("key,kind,capex,due\na,node,4,soon\n", "line 2, column due"),
    ],
)
def test_a_bad_file_of_items_is_named_by_line_and_column(tmp_path, text, place):
    path = tmp_path / "items.csv"
    path.write_text(text)
    with pytest.raises(BadPhasingData) as caught:
        read_items(path)
    assert place in (caught.value.place or "") and caught.value.remedy


def test_capex_may_be_quantity_times_unit_price(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("key,kind,unit,quantity,unit_price\na,trunk,m,1250.5,95000\n")
    assert read_items(path)[0].capex == round(1250.5 * 95_000)


def test_funding_sources_are_read_and_refused_by_name(tmp_path):
    path = tmp_path / "funding.toml"
    path.write_text(
        '[[source]]\nkey = "vnpt"\nname_vi = "VNPT"\nshare = 0.4\npays_for = ["trunk"]\ncap = { 2017 = 5 }\n'
    )
    assert read_sources(path) == (Source("vnpt", "VNPT", "VNPT", {2017: 5}, 0.4, 0.0, ("trunk",)),)
    for bad in (
        "",
        "[[source]]\nshare = 1",
        '[[source]]\nkey="x"\ncap={2017="much"}',
        '[[source]]\nkey="x"\nmax=1',
    ):
        path.write_text(bad)
        with pytest.raises(BadPhasingData) as caught:
            read_sources(path)
        assert str(path) in (caught.value.place or "") and caught.value.remedy


def planned(growth: float = 0.0):
    items = [*province(12, seed=4, joints=3), item("=cmd()", 5_000_000, kind="licence")]
    total = sum(each.capex for each in items)
    sources = (
        Source("partner", "Đối tác viễn thông", "Telecom partner", share=0.3, pays_for=("trunk",)),
        Source("province", "Ngân sách tỉnh", "Province"),
    )
    request = Request(
        items,
        YEARS,
        (int(total * 0.5), int(total * 0.45)),
        complete=False,
        sources=sources,
        price_growth=growth,
    )
    return request, phase(request)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_bill_s_formulas_give_the_values_beside_them(tmp_path, lang):
    request, found = planned(growth=0.04)
    path = tmp_path / "bill.xlsx"
    write_boq(path, request, found, lang=lang, synthetic=True, prices=PRICES)
    book = openpyxl.load_workbook(path)
    bill, totals, prices = book.worksheets
    rows = list(bill.iter_rows(min_row=6, values_only=True))
    lines = [row for row in rows if isinstance(row[0], int)]
    assert {row[1] for row in lines} == {each.key for each in request.items}
    spent = dict.fromkeys(request.years, 0)
    for at, row in enumerate(lines, 6):
        assert row[7] == f"=ROUND(F{at}*G{at},0)"
        assert math.floor(row[5] * row[6] + 0.5) == row[8]
        year = found.year_of[row[1]]
        if year is None:
            assert row[11] == row[12] == 0
            continue
        assert row[9] == year and row[11] == f"=ROUND(H{at}*K{at},0)"
        assert abs(math.floor(row[8] * row[10] + 0.5) - row[12]) <= 1
        spent[year] += row[12]
    assert tuple(spent.values()) == found.capex
    assert rows[-1][8] == sum(each.capex for each in request.items) and rows[-1][12] == sum(found.capex)
    table = {row[0]: row[1:] for row in totals.iter_rows(min_row=5, values_only=True) if row[0]}
    paid = [values for name, values in table.items() if "Đối tác" in name or "Telecom" in name]
    assert paid[0][:2] == found.funding["partner"]
    label = "Dữ liệu mô phỏng" if lang == "vi" else "Synthetic"
    for sheet in book.worksheets:
        assert label in str(sheet["A2"].value)
        assert ("minh họa" if lang == "vi" else "Illustrative") in str(sheet["A3"].value)
    assert prices["A5"].value == ("Mã" if lang == "vi" else "key")


def test_names_that_look_like_formulas_stay_text(tmp_path):
    request, found = planned()
    path = tmp_path / "bill.xlsx"
    write_boq(path, request, found)
    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row]
    assert [cell.data_type for cell in cells if cell.value == "=cmd()"] == ["s"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_prices_edited_in_a_bill_are_read_back(tmp_path, lang):
    request, found = planned()
    path = tmp_path / "bill.xlsx"
    write_boq(path, request, found, lang=lang, prices=PRICES)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[2]
    row = next(row for row in sheet.iter_rows() if row[0].value == "splice")
    row[3].value = 7_000_000
    book.save(path)
    loaded = PriceList.load(path)
    assert loaded["splice"] == 7_000_000
    assert {each.key: each.unit for each in loaded.entries} == {
        each.key: each.unit for each in PRICES.entries
    }
    assert loaded.illustrative


def scenario_request() -> Request:
    items = [item(f"site-{at}", 10, kind="node", people=100 - at, agencies=at % 2) for at in range(6)]
    return Request(
        items, YEARS, (30, 30), sources=(Source("all", "Tất cả", "All", cap={2017: 30, 2018: 30}),)
    )


def test_scenarios_show_what_a_cut_a_delay_another_aim_and_dearer_work_do():
    request = scenario_request()
    plan = phase(request)
    outcomes = {each.scenario.key: each for each in scenarios.compare(request, scenarios.standard(request))}
    assert set(outcomes) == {"cut-2017-20", "delay-1", "aim-agencies", "prices+20"}
    cut = outcomes["cut-2017-20"]
    assert cut.phasing.budget == (24, 30)
    assert len(cut.phasing.not_done) == 1
    assert sum(cut.least.extra) == 6
    less = scenarios.difference(cut, plan)
    assert less.connected["people"] == -95 and less.capex == -10 and less.not_done == 1
    late = outcomes["delay-1"].phasing
    assert late.years == (2017, 2018, 2019) and late.capex == (0, 30, 30)
    assert scenarios.difference(outcomes["delay-1"], plan).later == 6
    assert outcomes["aim-agencies"].phasing.connected["agencies"][0] == 3
    assert len(outcomes["prices+20"].phasing.not_done) == 2
    assert outcomes["prices+20"].scenario.name("vi") == "Giá +20 %"


@pytest.mark.parametrize(
    "call",
    [
        lambda: scenarios.cut(2017, 20),
        lambda: scenarios.delay(0),
        lambda: scenarios.aim("cows"),
        lambda: scenarios.prices(-1),
        lambda: scenarios.compare(scenario_request(), [scenarios.cut(2031, 0.1)]),
    ],
)
def test_a_scenario_that_makes_no_sense_is_named(call):
    with pytest.raises(BadPhasingData) as caught:
        call()
    assert caught.value.place == "scenario" and caught.value.remedy

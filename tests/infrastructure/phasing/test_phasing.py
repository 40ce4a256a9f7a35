"""Phasing keeps every promise: budgets, precedence, funding, bounds; and says what is missing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.infrastructure.phasing.trees import item, province

from lienthong.infrastructure.phasing.errors import BadPhasingData, BudgetTooSmall
from lienthong.infrastructure.phasing.least import least_budget
from lienthong.infrastructure.phasing.model import phase
from lienthong.infrastructure.phasing.request import Request, Source

YEARS = (2017, 2018, 2019)


@st.composite
def small_items(draw):
    """Up to seven items in a random forest with small costs and benefits."""
    count = draw(st.integers(1, 7))
    items = []
    for at in range(count):
        after = draw(st.lists(st.sampled_from([f"i{b}" for b in range(at)]), max_size=2)) if at else []
        items.append(
            item(
                f"i{at}",
                draw(st.integers(0, 12)),
                kind=draw(st.sampled_from(["trunk", "node", "storage"])),
                after=after,
                people=draw(st.integers(0, 9)),
                agencies=draw(st.integers(0, 1)),
                opex=draw(st.integers(0, 3)),
                due=draw(st.sampled_from([None, None, None, 2018])),
                not_before=draw(st.sampled_from([None, None, None, 2018])),
            )
        )
    return items


BUDGETS = st.tuples(*[st.integers(0, 30)] * 3)


def keeps_every_promise(request: Request, found) -> None:
    items = {each.key: each for each in request.items}
    assert set(found.year_of) == set(items)
    spent = dict.fromkeys(request.years, 0)
    growth = 1 + request.price_growth
    for key, year in found.year_of.items():
        if year is None:
            assert not request.complete
            continue
        each = items[key]
        spent[year] += round(each.capex * growth ** (year - request.years[0]))
        assert all(found.year_of[b] is not None and found.year_of[b] <= year for b in each.after)
        assert each.not_before is None or year >= each.not_before
        assert each.due is None or year <= each.due
    assert tuple(spent.values()) == found.capex
    if request.carry_over:
        assert all(
            a <= b
            for a, b in zip(
                itertools.accumulate(found.capex), itertools.accumulate(request.budget), strict=True
            )
        )
    else:
        assert all(a <= b for a, b in zip(found.capex, request.budget, strict=True))
    assert tuple(map(sum, zip(*found.funding.values(), strict=True))) == found.capex
    assert found.bound >= found.objective
    assert 0 <= found.gap <= 1
    weights = request.weights or (1,) * len(request.years)
    connected = found.connected[request.of]
    assert found.objective == pytest.approx(sum(w * c for w, c in zip(weights, connected, strict=True)))


def best_by_hand(request: Request) -> float | None:
    """Every schedule tried."""
    items, years = list(request.items), request.years
    best = None
    for choice in itertools.product([*years, None], repeat=len(items)):
        when = {each.key: year for each, year in zip(items, choice, strict=True)}
        if request.complete and None in choice:
            continue
        fine = all(
            (year is None and (each.due is None or each.due > years[-1]))
            or (
                year is not None
                and all(when[b] is not None and when[b] <= year for b in each.after)
                and (each.not_before is None or year >= each.not_before)
                and (each.due is None or year <= each.due)
            )
            for each, year in zip(items, choice, strict=True)
        )
        money = [sum(e.capex for e, y in zip(items, choice, strict=True) if y == year) for year in years]
        if not fine or any(a > b for a, b in zip(money, request.budget, strict=True)):
            continue
        score = sum(
            e.benefit.get(request.of, 0) * (years[-1] - y + 1)
            for e, y in zip(items, choice, strict=True)
            if y is not None
        )
        best = score if best is None else max(best, score)
    return best


@settings(max_examples=60, deadline=None)
@given(small_items(), BUDGETS, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.05]))
def test_budgets_precedence_dates_and_bounds_are_kept(items, budget, complete, carry, growth):
    request = Request(items, YEARS, budget, complete=complete, carry_over=carry, price_growth=growth)
    try:
        found = phase(request)
    except BadPhasingData as error:
        assert "is needed by" in error.detail
        return
    except BudgetTooSmall as error:
        assert error.least is not None
        assert sum(error.least.extra) > 0
        return
    assert found.proved
    keeps_every_promise(request, found)


@settings(max_examples=40, deadline=None)
@given(small_items().filter(lambda items: len(items) <= 5), BUDGETS, st.booleans())
def test_what_is_proved_is_what_trying_everything_finds(items, budget, complete):
    request = Request(items, YEARS, budget, complete=complete)
    expected = best_by_hand(request)
    try:
        found = phase(request)
    except (BadPhasingData, BudgetTooSmall):
        assert expected is None
        return
    assert found.objective == expected == found.bound


@settings(max_examples=30, deadline=None)
@given(small_items(), BUDGETS, BUDGETS)
def test_more_budget_is_never_worse(items, budget, more):
    try:
        before = phase(Request(items, YEARS, budget, complete=False))
    except (BadPhasingData, BudgetTooSmall):
        assume(False)
    richer = tuple(a + b for a, b in zip(budget, more, strict=True))
    assert phase(Request(items, YEARS, richer, complete=False)).objective >= before.objective


@settings(max_examples=40, deadline=None)
@given(small_items(), BUDGETS, st.data())
def test_funding_sums_to_capex_within_caps_shares_and_kinds(items, budget, data):
    caps = data.draw(st.dictionaries(st.sampled_from(YEARS), st.integers(0, 20)))
    share = data.draw(st.sampled_from([0.3, 0.5, 1.0]))
    sources = (
        Source("partner", "Đối tác", "Partner", cap=caps, share=share, pays_for=("trunk", "node")),
        Source("province", "Tỉnh", "Province", at_least=data.draw(st.sampled_from([0.0, 0.4]))),
    )
    request = Request(items, YEARS, budget, sources=sources, complete=False)
    try:
        found = phase(request)
    except (BadPhasingData, BudgetTooSmall):
        assume(False)
    keeps_every_promise(request, found)
    total = sum(found.capex)
    partner = found.funding["partner"]
    assert all(money <= caps.get(year, 0) for year, money in zip(YEARS, partner, strict=True))
    assert sum(partner) <= share * total + 1
    assert sum(found.funding["province"]) >= sources[1].at_least * total - 1
    for at, year in enumerate(YEARS):
        allowed = sum(i.capex for i in items if found.year_of[i.key] == year and i.kind != "storage")
        assert partner[at] <= allowed


@settings(max_examples=25, deadline=None)
@given(small_items(), BUDGETS, st.booleans())
def test_the_least_budget_is_enough_and_one_dong_less_is_not(items, budget, carry):
    request = Request(items, YEARS, budget, carry_over=carry)
    try:
        found = phase(request)
        assert found.year_of
        assume(False)
    except BadPhasingData:
        assume(False)
    except BudgetTooSmall as error:
        least = error.least
    assert least is not None and least.proved
    keeps_every_promise(
        Request(items, YEARS, least.budget, carry_over=carry),
        phase(Request(items, YEARS, least.budget, carry_over=carry), known=least.year_of),
    )
    if carry:
        return
    # No other way to add one đồng less pays for everything.
    short = sum(least.extra) - 1
    for first in range(short + 1):
        for second in range(short - first + 1):
            extra = (first, second, short - first - second)
            poorer = tuple(a + b for a, b in zip(budget, extra, strict=True))
            assert not _possible(items, poorer)


def _possible(items, budget) -> bool:
    """Whether all items fit, by trying all ways year by year."""
    keys = [each.key for each in items]

    def fits(at: int, when: dict[str, int], left: tuple[int, ...]) -> bool:
        if at == len(keys):
            return True
        each = items[at]
        for t, year in enumerate(YEARS):
            if each.capex > left[t] or any(when[b] > year for b in each.after):
                continue
            if (each.not_before and year < each.not_before) or (each.due and year > each.due):
                continue
            rest = tuple(money - each.capex * (i == t) for i, money in enumerate(left))
            if fits(at + 1, {**when, each.key: year}, rest):
                return True
        return False

    return fits(0, {}, tuple(budget))


def test_a_province_is_planned_to_proof():
    items = province(60, seed=5, joints=20)
    total = sum(each.capex for each in items)
    budget = tuple(int(total * part) for part in (0.2, 0.3, 0.3, 0.25))
    request = Request(items, (2017, 2018, 2019, 2020), budget)
    told = []
    found = phase(request, gap=0.01, progress=lambda stage, lower, upper: told.append((stage, upper)))
    keeps_every_promise(request, found)
    assert found.gap <= 0.01
    assert "relaxed" in dict(told)
    assert min(upper for _, upper in told) >= found.objective - 1e-6
    assert found.connected["communes"][-1] == found.totals["communes"] == 40


def test_nothing_is_bought_before_it_is_of_use():
    items = [
        item("store", 4, kind="storage"),
        item("cable", 5),
        item("site", 5, kind="node", after=("cable",), people=9),
    ]
    found = phase(Request(items, YEARS, (10, 10, 10)))
    assert found.year_of == {"cable": 2017, "site": 2017, "store": 2019}


def test_what_connects_agencies_is_not_put_off_while_people_count():
    items = [item("office", 4, kind="node", agencies=1), item("village", 4, kind="node", people=10)]
    found = phase(Request(items, YEARS, (8, 8, 8)))
    assert set(found.year_of.values()) == {2017}


def test_weights_decide_which_year_counts():
    items = [item("cable", 10), item("far", 10, kind="node", after=("cable",), people=100),
             item("near", 10, kind="node", people=45)]  # fmt: skip
    early = phase(Request(items, YEARS, (10, 10, 0), weights=(1, 0, 0), complete=False))
    late = phase(Request(items, YEARS, (10, 10, 0), weights=(0, 0, 1), complete=False))
    assert early.year_of["near"] == 2017
    assert late.year_of == {"cable": 2017, "far": 2018, "near": None}


def test_when_money_does_not_do_the_answer_says_how_much_would():
    items = [item("mast", 30, kind="tower", people=5), item("cable", 10)]
    with pytest.raises(BudgetTooSmall) as caught:
        phase(Request(items, YEARS, (12, 12, 12)))
    least = caught.value.least
    assert sum(least.extra) == 18 and least.proved
    assert "raise the budget by 18 VND" in caught.value.remedy
    assert caught.value.code == "budget-too-small"


def test_what_is_due_is_counted_alone_when_items_may_be_left_out():
    items = [item("store", 10, kind="storage", due=2017), item("site", 50, kind="node", people=5)]
    with pytest.raises(BudgetTooSmall) as caught:
        phase(Request(items, YEARS, (4, 9, 9), complete=False))
    least = caught.value.least
    assert least.extra == (6, 0, 0) and least.proved
    assert least.year_of == {"store": 2017, "site": None}
    assert "what is due" in caught.value.detail


def test_money_that_no_source_gives_is_named():
    sources = (Source("partner", "Đối tác", "Partner", cap={2017: 4, 2018: 4}),)
    request = Request([item("a", 4), item("b", 7)], YEARS, (20, 20, 20), sources=sources)
    with pytest.raises(BudgetTooSmall) as caught:
        phase(request)
    least = caught.value.least
    assert sum(least.extra) == 0
    assert sum(least.unpaid) == 3
    assert "funding sources" in caught.value.remedy


def test_a_search_that_is_stopped_answers_with_the_best_so_far():
    items = province(169, seed=2, joints=60)
    total = sum(each.capex for each in items)
    request = Request(items, YEARS, tuple(int(total * 0.25) for _ in YEARS), complete=False)
    stages = []
    found = phase(
        request,
        progress=lambda stage, lower, upper: stages.append((stage, lower, upper)),
        cancel=lambda: any(stage == "relaxed" for stage, *_ in stages),
    )
    assert found.cancelled
    assert not found.proved and 0 < found.objective < found.bound
    keeps_every_promise(request, found)
    assert [stage for stage, *_ in stages][:2] == ["greedy", "relaxed"]
    assert all(lower <= upper + 1e-6 for _, lower, upper in stages)


def test_what_is_found_when_time_runs_out_has_a_bound():
    items = province(169, seed=2, joints=60)
    total = sum(each.capex for each in items)
    request = Request(items, YEARS, tuple(int(total * 0.25) for _ in YEARS), complete=False)
    found = phase(request, time_limit=1.0)
    keeps_every_promise(request, found)
    assert 0 < found.objective <= found.bound


def test_a_start_that_is_known_is_not_made_worse():
    items = province(30, seed=3, joints=5)
    total = sum(each.capex for each in items)
    request = Request(items, YEARS, tuple(int(total * 0.4) for _ in YEARS))
    best = phase(request)
    again = phase(request, time_limit=0.2, known=best.year_of)
    assert again.objective == best.objective


def test_nothing_to_do_costs_nothing():
    found = phase(Request([], YEARS, (0, 0, 0)))
    assert found.capex == (0, 0, 0) and found.objective == 0 and found.proved


def test_npv_and_total_cost_are_as_on_paper():
    items = [item("a", 1000, kind="node", people=1, opex=100, saving_per_year=300)]
    found = phase(
        Request(items, (2017, 2018), (1000, 0), discount_rate=0.1, horizon_years=4, price_growth=0.02)
    )
    assert found.year_of == {"a": 2017}
    assert found.opex == (0, 102)
    assert found.horizon == (0, 102, 104, 106)
    assert found.total_cost == 1000 + 102 + 104 + 106
    assert found.npv == pytest.approx(-1000 + (306 - 102) / 1.1 + (312 - 104) / 1.21 + (318 - 106) / 1.331)


@pytest.mark.parametrize(
    ("items", "change", "place"),
    [
        ([item("a"), item("a")], {}, "item a"),
        ([item("a", after=("b",))], {}, "item a"),
        ([item("a", after=("b",)), item("b", after=("a",))], {}, "item a"),
        ([item("a", -5)], {}, "item a"),
        ([item("a", kind="magic")], {}, "item a"),
        ([item("a", due=2016)], {}, "item a"),
        ([item("a", not_before=2019), item("b", after=("a",), due=2018)], {}, "item a"),
        ([], {"years": (2017, 2019, 2020)}, "years"),
        ([], {"budget": (1, 2)}, "budget"),
        ([], {"budget": (1, -2, 3)}, "budget of 2018"),
        ([], {"of": "cows"}, "objective"),
        ([], {"weights": (1.0,)}, "weights"),
        ([], {"discount_rate": 8.0}, "discount rate"),
        ([], {"horizon_years": 2}, "horizon"),
        ([], {"sources": ()}, "funding"),
        ([], {"sources": (Source("x", "", "", share=0.2, at_least=0.4),)}, "funding source x"),
        ([], {"sources": (Source("x", "", "", cap={2031: 4}),)}, "funding source x"),
        ([item("a")], {"sources": (Source("x", "", "", pays_for=("tower",)),)}, "funding"),
    ],
)
def test_bad_input_is_named_and_located_with_a_remedy(items, change, place):
    with pytest.raises(BadPhasingData) as caught:
        phase(Request(**{"items": items, "years": YEARS, "budget": (9, 9, 9), **change}))
    assert caught.value.place == place
    assert caught.value.remedy


def test_the_least_budget_of_a_province_is_near_its_bound():
    items = province(60, seed=5, joints=20)
    total = sum(each.capex for each in items)
    budget = tuple(int(total * part) for part in (0.2, 0.2, 0.2))
    least = least_budget(Request(items, YEARS, budget))
    money = sum(least.extra)
    assert least.bound <= money <= least.bound + 0.002 * total + 1
    found = phase(Request(items, YEARS, least.budget), known=least.year_of, gap=0.05)
    assert np.sum(found.capex) == total


@pytest.mark.parametrize("limit", [{"share": 0.4}, {"cap": {2017: 40, 2018: 40}}])
def test_the_only_source_pays_no_more_than_it_agreed(limit) -> None:
    items = [item("a", 100, kind="trunk"), item("b", 50, kind="node", after=["a"])]
    only = Source("only", "Tỉnh", "Province", **limit)
    with pytest.raises(BudgetTooSmall) as refused:
        phase(Request(items, YEARS[:2], (1000, 1000), sources=(only,)), time_limit=10)
    assert refused.value.least is not None
    assert sum(refused.value.least.unpaid) >= 70


def test_the_only_source_pays_for_what_it_agreed_to() -> None:
    only = Source("only", "Tỉnh", "Province", pays_for=("node",))
    with pytest.raises(BadPhasingData, match="no source pays for trunk"):
        phase(Request([item("a", 100, kind="trunk")], YEARS[:1], (1000,), sources=(only,)), time_limit=10)

"""Scenarios beside the plan."""

from __future__ import annotations

import pytest
from tests.infrastructure.phasing.trees import item

from lienthong.infrastructure.phasing import scenarios
from lienthong.infrastructure.phasing.errors import BadPhasingData
from lienthong.infrastructure.phasing.model import phase
from lienthong.infrastructure.phasing.request import Request, Source

YEARS = (2017, 2018)


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

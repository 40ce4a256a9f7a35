"""From a folder to a plan: everything connected, every bound on its side, every year within its money."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.infrastructure.plan.district import NOW, PLAN_TOML, made, write_district

from lienthong.infrastructure.phasing.errors import BadPhasingData, BudgetTooSmall
from lienthong.infrastructure.plan.errors import BadPlanFolder, Cancelled
from lienthong.infrastructure.plan.folder import open_folder
from lienthong.infrastructure.plan.keeping import load, save
from lienthong.infrastructure.plan.making import make
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.plan.progress import Clock, Run
from lienthong.infrastructure.plan.settings import STAGES

Made = tuple[Path, Plan]


def test_every_stage_is_made_and_nothing_claims_more_than_it_proves(district: Made) -> None:
    _, plan = district
    assert set(plan.stages) == set(STAGES)
    assert plan.synthetic
    fibre, phasing, radio = plan.fibre, plan.phasing, plan.radio
    assert fibre is not None and phasing is not None and radio is not None
    assert 0 < fibre.lower_bound <= fibre.cost
    assert fibre.gap == (fibre.cost - fibre.lower_bound) / fibre.cost
    assert phasing.objective <= phasing.bound
    assert radio.value <= radio.bound + 1e-6


def test_no_year_spends_more_than_its_budget_and_sources_pay_exactly(district: Made) -> None:
    _, plan = district
    assert plan.phasing is not None
    for at, budget in enumerate(plan.phasing.budget):
        assert plan.phasing.capex[at] <= budget
        assert sum(paid[at] for paid in plan.phasing.funding.values()) == plan.phasing.capex[at]


def test_every_site_has_a_way_to_the_data_centre(district: Made) -> None:
    _, plan = district
    fibre = plan.fibre
    assert fibre is not None
    for vertex in fibre.terminals.tolist():
        steps = 0
        while vertex != fibre.root:
            vertex = int(fibre.parent[vertex])
            steps += 1
            assert vertex >= 0 and steps <= fibre.parent.size


def test_a_section_is_built_no_later_than_what_hangs_on_it(district: Made) -> None:
    _, plan = district
    assert plan.phasing is not None
    year_of = plan.phasing.year_of
    for item in plan.items:
        mine = year_of[item.key]
        for key in item.after:
            before = year_of[key]
            assert mine is None or (before is not None and before <= mine)


def test_nothing_is_fitted_to_a_mast_before_the_mast_stands(district: Made) -> None:
    _, plan = district
    masts = {item.site: item.key for item in plan.items if item.kind == "tower"}
    fitted = [item for item in plan.items if item.site in masts and item.kind != "tower"]
    assert fitted
    assert all(masts[item.site] in item.after for item in fitted)


def test_links_and_storage_follow_from_the_sites(district: Made) -> None:
    _, plan = district
    offices = {site.code for site in plan.sites if site.kind in ("commune", "agency")}
    assert {size.code for size in plan.links} == offices
    assert all(size.rate >= size.needed for size in plan.links)
    assert [year.year for year in plan.storage] == list(plan.years)
    assert set(plan.tornadoes) == {"capex", "storage", "rate"}
    assert all(found.bars for found in plan.tornadoes.values())


def test_scenarios_stand_beside_the_plan(district: Made) -> None:
    _, plan = district
    (cut,) = plan.scenarios
    assert cut.budget == (4_500_000_000, 9_000_000_000)
    assert cut.phasing is not None and plan.phasing is not None
    assert cut.phasing.objective <= plan.phasing.bound


def test_a_kept_plan_comes_back_as_it_was(district: Made, tmp_path: Path) -> None:
    folder, plan = district
    again = load(folder)
    assert again.settings == plan.settings
    assert again.items == plan.items
    assert again.phasing == plan.phasing
    assert again.state == plan.state
    assert again.fibre is not None and plan.fibre is not None
    assert np.array_equal(again.fibre.edges, plan.fibre.edges)
    assert again.fibre.graph.boundary.keys() == plan.fibre.graph.boundary.keys()
    save(again, tmp_path / "first.json")
    save(load(tmp_path / "first.json"), tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_the_same_data_are_not_planned_twice(district: Made) -> None:
    folder, _ = district
    kept = load(folder)
    assert made(folder, earlier=kept) is kept


def test_only_what_depends_on_a_change_is_computed_anew(district: Made, tmp_path: Path) -> None:
    folder, plan = district
    dearer = PLAN_TOML.replace("[9_000_000_000, 9_000_000_000]", "[5_000_000_000, 9_000_000_000]")
    write_district(tmp_path, dearer)
    seen = set()
    other = made(tmp_path, earlier=load(folder), told=lambda stage, what, share: seen.add(stage))
    assert seen == {"data", "phasing", "scenarios", "sensitivity"}
    assert other.phasing is not None and plan.phasing is not None
    assert other.phasing.budget == (5_000_000_000, 9_000_000_000)
    assert other.fibre is not None and plan.fibre is not None
    assert other.fibre.cost == plan.fibre.cost
    assert other.digest != plan.digest


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        (
            {"complete = false": "complete = true", "[9_000_000_000, 9_000_000_000]": "[1, 1]"},
            "plan.toml, money.budgets",
        ),
        (
            {'name_en = "Provincial budget"': 'name_en = "Provincial budget"\nshare = 0.5\nat_least = 0.9'},
            "plan.toml, funding[1] (province)",
        ),
        (
            {'name_en = "Provincial budget"': 'name_en = "Provincial budget"\npays_for = ["node"]'},
            "plan.toml, funding",
        ),
    ],
)
def test_money_that_cannot_do_is_refused_at_its_key(
    district: Made, tmp_path: Path, changes: dict[str, str], place: str
) -> None:
    settings = PLAN_TOML
    for old, new in changes.items():
        assert old in settings
        settings = settings.replace(old, new)
    write_district(tmp_path, settings)
    with pytest.raises((BudgetTooSmall, BadPhasingData)) as refused:
        made(tmp_path, earlier=load(district[0]))
    assert refused.value.place == place
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ("nodes = 300", "nodes = 310", "data"),
        ("new_towers = 1", "new_towers = 0", "radio"),
        ("[time]", '[fibre]\nmicrowave = "none"\n[time]', "fibre"),
        ("[time]", "[capacity]\nrooms = 2\n[time]", "capacity"),
        ("complete = false", "complete = true", "phasing"),
        ("cut_share = 0.5", "cut_share = 0.4", "scenarios"),
        ("seconds = 40", "seconds = 41", ""),
        ("[money]", "# a remark\n[money]", ""),
    ],
)
def test_a_change_reaches_the_stages_behind_it(
    district: Made, tmp_path: Path, old: str, new: str, first: str
) -> None:
    assert old in PLAN_TOML
    write_district(tmp_path, PLAN_TOML.replace(old, new))
    before, after = district[1].keys, open_folder(tmp_path).keys()
    changed = [stage for stage in STAGES if before[stage] != after[stage]]
    stages = list(STAGES)
    assert changed == (stages[stages.index(first) :] if first else [])


def test_a_new_place_is_noticed(district: Made, tmp_path: Path) -> None:
    write_district(tmp_path)
    with (tmp_path / "sites.csv").open("a", encoding="utf-8") as file:
        file.write("Z,Nơi mới,agency,105.99,10.02,860,0,5,5,no\n")
    assert open_folder(tmp_path).keys()["data"] != district[1].keys["data"]


def test_a_stopped_making_keeps_what_is_done_and_goes_on_from_there(tmp_path: Path) -> None:
    write_district(tmp_path)
    folder = open_folder(tmp_path)
    run = Run(Clock(40, STAGES))

    def stop_at_phasing(stage: str, what: str, share: float) -> None:
        if stage == "phasing":
            run.stop.set()

    run.told = stop_at_phasing
    with pytest.raises(Cancelled) as stopped:
        make(folder, run, now=NOW, kept=lambda part: save(part, folder.plan))
    assert stopped.value.done == ("data", "radio", "fibre", "capacity")
    kept = load(folder.plan)
    assert kept.stages == stopped.value.done
    assert kept.phasing is None and kept.fibre is not None
    seen = set()
    finished = made(tmp_path, earlier=kept, told=lambda stage, what, share: seen.add(stage))
    assert set(finished.stages) == set(STAGES)
    assert "fibre" not in seen and "radio" not in seen


def test_rings_hops_and_splitters_can_be_asked_for(tmp_path: Path) -> None:
    ringed = PLAN_TOML + '\n[fibre]\nrings = true\nsplit_ratio = 4\nmicrowave = "none"\n'
    write_district(tmp_path / "ringed", ringed.replace("towers = 3", "towers = 0"))
    plan = made(tmp_path / "ringed")
    assert plan.splitters is not None and plan.splitters.ratio == 4
    assert any(item.key == "splitters" for item in plan.items)
    assert all(len(each.sites) <= 4 for each in plan.splitters.places)
    assert plan.fibre is not None and plan.fibre.lower_bound <= plan.fibre.cost


def test_a_root_that_is_no_site_is_named(tmp_path: Path) -> None:
    write_district(tmp_path, PLAN_TOML.replace('root = "DC"', 'root = "nowhere"'))
    with pytest.raises(BadPlanFolder, match="nowhere"):
        made(tmp_path)


def test_a_plan_without_ground_has_no_radio_part(tmp_path: Path) -> None:
    write_district(
        tmp_path, PLAN_TOML.replace("terrain = true", "terrain = false").replace("towers = 3", "towers = 0")
    )
    plan = made(tmp_path)
    assert plan.radio is None
    assert plan.phasing is not None

"""``plan.toml``: every key checked, every mistake named with what to write instead."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.infrastructure.plan.district import PLAN_TOML, write_district

from lienthong.infrastructure.plan.errors import BadPlanFolder
from lienthong.infrastructure.plan.folder import open_folder, read_settings
from lienthong.infrastructure.plan.places import places
from lienthong.infrastructure.plan.settings import Settings

BASE: dict[str, Any] = tomllib.loads(PLAN_TOML)


def changed(**sections: Any) -> dict[str, Any]:
    data = {name: dict(value) if isinstance(value, dict) else value for name, value in BASE.items()}
    for name, value in sections.items():
        if isinstance(value, dict) and isinstance(data.get(name), dict):
            data[name].update(value)
        else:
            data[name] = value
    return data


def test_what_is_written_is_what_is_read() -> None:
    settings = read_settings(BASE)
    assert settings.province == "Vĩnh Long"
    assert settings.money.budgets == (9_000_000_000, 9_000_000_000)
    assert settings.scenarios[0].cut_share == 0.5
    assert settings.made_up


@pytest.mark.parametrize(
    ("sections", "said", "place"),
    [
        ({"money": {"yeras": [2017]}}, "yeras", "plan.toml"),
        ({"money": {"budgets": [1]}}, "1 budgets for 2 years", "money.budgets"),
        ({"money": {"budgets": [1, -5]}}, "-5", "money.budgets"),
        ({"money": {"years": [2018, 2017]}}, "2018, 2017", "money.years"),
        ({"money": {"objective": "profit"}}, "profit", "money.objective"),
        ({"money": {"years": [2017, 2019]}}, "2017, 2019", "money.years"),
        ({"money": {"years": [2017, 99_999_999_999]}}, "99999999999", "money.years"),
        ({"money": {"budgets": [10**21, 0]}}, "10000", "money.budgets"),
        ({"radio": {"bands": []}}, "[]", "radio.bands"),
        ({"radio": {"bands": ["6g"]}}, "6g", "radio.bands"),
        ({"radio": {"bands": ["4g-900", "3g-900", "4g-900"]}}, "4g-900", "radio.bands"),
        ({"fibre": {"rings": True, "max_hops": 4}}, "fibre.rings", "fibre.max_hops"),
        ({"fibre": {"max_hops": 4}}, "fibre.microwave", "fibre.max_hops"),
        ({"radio": {"range_km": 500}}, "500", "radio.range_km"),
        ({"radio": {"new_towers": True}}, "True", "radio.new_towers"),
        ({"radio": {"new_towers": "8"}}, "'8'", "radio.new_towers"),
        ({"radio": 5}, "radio is 5", "plan.toml"),
        ({"synthetic": {"roads": False}}, "no roads", "files.roads"),
        ({"files": {"roads": "roads.gpkg"}}, "made up", "files.roads"),
        ({"files": {"terrain": "dem.tif"}}, "made up", "synthetic.terrain"),
        ({"time": {"seconds": float("nan")}}, "nan", "time.seconds"),
        ({"funding": [{"key": "a", "name_vi": "a", "name_en": "a", "cap": {"2030": 1}}]}, "2030", "cap"),
        ({"scenarios": [{"name_vi": "a", "name_en": "a", "cut_year": 1999}]}, "1999", "cut_year"),
        ({"scenarios": [{"name_vi": "a"}]}, "scenarios[1].name_en", "plan.toml"),
    ],
)
def test_a_wrong_key_is_named_with_its_place_and_a_remedy(
    sections: dict[str, Any], said: str, place: str
) -> None:
    with pytest.raises(BadPlanFolder) as refused:
        read_settings(changed(**sections))
    assert said in refused.value.detail
    assert refused.value.place is not None and place in refused.value.place
    assert refused.value.remedy


def test_a_mistyped_key_gets_the_right_one() -> None:
    with pytest.raises(BadPlanFolder) as refused:
        read_settings(changed(money={"objectiv": "people"}))
    assert refused.value.remedy == "did you mean objective?"


def test_a_missing_province_is_asked_for() -> None:
    data = changed()
    del data["province"]
    with pytest.raises(BadPlanFolder, match="province"):
        read_settings(data)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted({*BASE, "fibre", "time", "capacity", "crs", "scenarios"})), junk)
def test_no_value_of_any_key_surfaces_as_a_fault(name: str, value: Any) -> None:
    try:
        settings = read_settings({**BASE, name: value})
    except BadPlanFolder as refused:
        assert refused.place and refused.remedy
    else:
        assert isinstance(settings, Settings)


def test_a_folder_without_settings_says_how_to_get_an_example(tmp_path: Path) -> None:
    with pytest.raises(BadPlanFolder) as refused:
        open_folder(tmp_path)
    assert "demo" in str(refused.value.remedy)


def test_a_file_that_is_not_there_is_named_by_its_key(tmp_path: Path) -> None:
    write_district(tmp_path, PLAN_TOML.replace('"sites.csv"', '"other.csv"'))
    with pytest.raises(BadPlanFolder) as refused:
        open_folder(tmp_path)
    assert "other.csv" in refused.value.detail
    assert "files.sites" in str(refused.value.place)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("T1,Cột,tower,106.0,10.0,860,0,0,0,no", "files.towers"),
        ("X99,Xã,commune,85.96,10.07,860,0,0,0,no", "outside Vietnam"),
        ("X99,Xã,commune,548231.2,1113377.5,860,0,0,0,no", "degrees"),
        ("X99,Xã,commune,nan,10.0,860,0,0,0,no", "degrees"),
    ],
)
def test_a_place_that_cannot_be_planned_for_is_named_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    write_district(tmp_path)
    with (tmp_path / "sites.csv").open("a", encoding="utf-8") as file:
        file.write(row + "\n")
    with pytest.raises(BadPlanFolder) as refused:
        places(open_folder(tmp_path))
    assert said in f"{refused.value.detail} {refused.value.remedy}"
    assert "sites.csv, line 19" in str(refused.value.place)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    write_district(tmp_path)
    (tmp_path / "sites.csv").unlink()
    os.mkfifo(tmp_path / "sites.csv")
    with pytest.raises(BadPlanFolder, match="is no file"):
        open_folder(tmp_path)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    write_district(tmp_path, PLAN_TOML + "\n[money\n")
    with pytest.raises(BadPlanFolder, match="line"):
        open_folder(tmp_path)


def test_every_key_is_in_the_reference_page() -> None:
    import dataclasses

    page = (Path(__file__).parents[3] / "docs" / "reference" / "planning.md").read_text("utf-8")
    missing = [
        f"{section.__name__}.{each.name}"
        for section in _sections()
        for each in dataclasses.fields(section)
        if f"`{each.name}`" not in page and f"[{each.name}]" not in page
    ]
    assert missing == []


def _sections() -> list[type]:
    from lienthong.infrastructure.plan import settings

    names = (
        "Settings", "Files", "Synthetic", "Fibre", "Radio", "Capacity", "Money", "Funding", "Scenario",
        "Time",
    )  # fmt: skip
    return [getattr(settings, name) for name in names]

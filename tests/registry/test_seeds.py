"""The seeds load, hold the province they promise, and show what a merger does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from lienthong.registry import actions, queries
from lienthong.registry.directory import Directory
from lienthong.registry.errors import RegistryError
from lienthong.registry.rules import code_system, problems

pytestmark = pytest.mark.django_db

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
NOW = datetime(2025, 1, 1, tzinfo=UTC)


def directory() -> Directory:
    return queries.directory(version=1, issued_at=NOW, expires_at=NOW + timedelta(days=1))


@pytest.fixture
def seed_2017() -> None:
    actions.load_seed("vinhlong-2017")


@pytest.fixture
def seed_2025(seed_2017: None) -> None:
    actions.load_seed("vinhlong-2025")


@pytest.mark.usefixtures("seed_2017")
def test_2017_has_8_districts_and_109_communes_and_the_bodies_of_a_province() -> None:
    agencies = queries.state().agencies.values()
    kinds = Counter(agency.kind for agency in agencies)
    assert (kinds["district"], kinds["commune"]) == (8, 109)
    assert kinds["department"] >= 16
    assert sum(a.kind == "party" and a.level == "district" for a in agencies) == 8
    assert sum(a.kind == "council" and a.level == "district" for a in agencies) == 8
    assert {a.name for a in agencies if a.kind == "government"} >= {
        "Ủy ban nhân dân tỉnh Vĩnh Long",
        "Văn phòng Ủy ban nhân dân tỉnh Vĩnh Long",
    }
    assert queries.province_name() == "Vĩnh Long"


@pytest.mark.usefixtures("seed_2025")
def test_the_seeds_keep_every_rule() -> None:
    assert problems(queries.state().agencies) == []


@pytest.mark.usefixtures("seed_2025")
def test_invented_organ_codes_are_marked() -> None:
    for agency in queries.state().agencies.values():
        assert agency.illustrative == agency.code.startswith("H61"), agency.code


@pytest.mark.usefixtures("seed_2017")
def test_each_agency_has_a_code_of_each_form_and_each_commune_its_statistical_code() -> None:
    for agency in queries.state().agencies.values():
        systems = Counter(code_system(alias.code) for alias in agency.aliases)
        assert systems["organ-2016"] == 1
        assert systems["statistical"] == (1 if agency.kind in ("district", "commune") else 0)


@pytest.mark.usefixtures("seed_2017")
def test_without_the_second_seed_2017_is_still_in_force_today() -> None:
    assert len(directory().group("communes", date(2026, 11, 22))) == 109


@pytest.mark.usefixtures("seed_2025")
def test_on_the_day_of_the_reorganisation_109_communes_become_124_and_the_districts_end() -> None:
    now = directory()
    assert (len(now.group("communes", BEFORE)), len(now.group("districts", BEFORE))) == (109, 8)
    assert (len(now.group("communes", AFTER)), len(now.group("districts", AFTER))) == (124, 0)
    assert now.resolve("855", AFTER).status == "ended"


@pytest.mark.usefixtures("seed_2025")
def test_a_merged_commune_leads_to_its_successor_and_a_reused_code_to_its_new_holder() -> None:
    now = directory()
    assert now.resolve("29551", BEFORE).agency is not None
    ward_2, long_chau = now.resolve("29551", BEFORE).agency, now.resolve("29551", AFTER).agency
    assert ward_2 is not None
    assert long_chau is not None
    assert ward_2.name == "Ủy ban nhân dân phường 2, thành phố Vĩnh Long"
    assert long_chau.name == "Ủy ban nhân dân phường Long Châu"
    assert now.resolve(ward_2.code, AFTER).successors == (long_chau,)
    assert now.resolve("29542", AFTER).successors == (long_chau,)


@pytest.mark.usefixtures("seed_2025")
def test_a_split_commune_leads_to_both_parts_and_a_department_to_the_merged_one() -> None:
    now = directory()
    ngai_tu = now.resolve("29764", BEFORE).agency
    assert ngai_tu is not None
    assert [heir.code for heir in now.resolve(ngai_tu.code, AFTER).successors] == ["H61.29767", "H61.29770"]
    planning = now.resolve("000.00.04.H61", date(2025, 3, 1))
    assert [heir.name for heir in planning.successors] == ["Sở Tài chính tỉnh Vĩnh Long"]


@pytest.mark.usefixtures("seed_2025")
def test_every_commune_that_ended_has_a_successor_but_three() -> None:
    ended = [a for a in queries.state().agencies.values() if a.kind == "commune" and a.valid_to]
    assert len(ended) == 109
    alone = [agency.name for agency in ended if not agency.successors]
    assert [name.split(",")[0].removeprefix("Ủy ban nhân dân xã ") for name in alone] == [
        "Tường Lộc",
        "Thiện Mỹ",
        "Tân Hưng",
    ]


@pytest.mark.usefixtures("seed_2017")
def test_the_rights_let_the_province_exchange_and_nobody_outside_reach_in() -> None:
    now = directory()
    assert now.may("H61", "send", "H61.61.01")
    assert now.may("H61.61.01", "send", "H61")
    assert now.may("G22", "send", "H61")
    assert not now.may("G22", "send", "H61.61.01")
    assert now.may("H61.61.01", "witness")
    assert not now.may("H61.61.01", "audit")
    assert [code for code in now.agencies if now.may(code, "operate")] == ["H61.11"]


def test_loading_a_seed_twice_changes_nothing(django_assert_max_num_queries: Callable[..., object]) -> None:
    assert actions.load_seed("vinhlong-2017").changed
    state = queries.state()
    with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
        assert not actions.load_seed("vinhlong-2017").changed
    assert queries.state() == state


@pytest.mark.usefixtures("seed_2025")
def test_the_first_seed_over_the_second_does_not_undo_it() -> None:
    state = queries.state()
    actions.load_seed("vinhlong-2017")
    assert queries.state() == state


def test_the_second_seed_needs_the_first() -> None:
    with pytest.raises(RegistryError) as error:
        actions.load_seed("vinhlong-2025")
    assert error.value.remedy == "load vinhlong-2017 first"


def test_an_unknown_seed_is_refused_with_those_there_are() -> None:
    assert actions.seed_names() == ["vinhlong-2017", "vinhlong-2025"]
    with pytest.raises(RegistryError) as error:
        actions.load_seed("hanoi")
    assert "vinhlong-2017" in (error.value.remedy or "")

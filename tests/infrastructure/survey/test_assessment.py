"""State, gaps and maturity; who is late; the sites to plan for."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.infrastructure.survey.records import answer, row, small_wave, values

from lienthong.infrastructure.survey.assessment import State, assess, compare, compare_groups
from lienthong.infrastructure.survey.columns import Record
from lienthong.infrastructure.survey.demo import CORE, demo_survey
from lienthong.infrastructure.survey.lateness import late
from lienthong.infrastructure.survey.maturity import BUILT_IN, MEASURES, Agency, judge, read_criteria
from lienthong.infrastructure.survey.messages import BadSurvey
from lienthong.infrastructure.survey.model import Survey
from lienthong.infrastructure.survey.planning_sites import sites_of, unplaced
from lienthong.infrastructure.survey.tables import TABLES

CRITERIA = read_criteria()
ANSWERS = st.fixed_dictionaries({column.name: values(column) for column in TABLES["answers"].columns})


def test_every_criterion_names_its_source_and_uses_a_measure() -> None:
    assert {criterion.measure for criterion in CRITERIA} == set(MEASURES)
    for criterion in CRITERIA:
        assert all(
            each[language] for each in (criterion.names, criterion.sources) for language in ("vi", "en")
        )


@given(ANSWERS)
def test_maturity_is_between_0_and_5_whatever_was_answered(given_answer: Record) -> None:
    found = judge(Agency("A", "A", "commune", "", given_answer), CRITERIA)
    assert found.score is None or 0 <= found.score <= 5
    assert all(0 <= level <= 5 for level in found.levels.values())


@given(ANSWERS, st.sampled_from(["irregular", "monthly", "weekly", "daily"]))
def test_better_backup_never_lowers_maturity(given_answer: Record, backup: str) -> None:
    before = judge(Agency("A", "A", "commune", "", {**given_answer, "backup": "none"}), CRITERIA).score
    after = judge(Agency("A", "A", "commune", "", {**given_answer, "backup": backup}), CRITERIA).score
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after >= before


def test_a_level_needs_all_thresholds_below_it() -> None:
    criterion = next(each for each in CRITERIA if each.key == "pcs")
    assert [criterion.level(value) for value in (0, 0.2, 0.59, 0.6, 0.95, 3)] == [0, 1, 2, 3, 5, 5]


def test_state_adds_up_by_district_and_province() -> None:
    found = assess(demo_survey(), CRITERIA)
    total = sum((each.state for each in found.districts), State())
    assert total == found.province.state
    assert total.agencies == 169 and len(found.districts) == 9
    assert total.answered == sum(one.agency.answer is not None for one in found.agencies)
    assert all(getattr(total, each.name) > 0 for each in fields(State))


def test_gaps_say_what_is_there_and_what_is_needed() -> None:
    found = assess(Survey([small_wave()]), CRITERIA)
    gaps = {(gap.agency, gap.criterion): gap for gap in found.gaps}
    gap = gaps["B", "link"]
    assert (gap.level, gap.target, gap.have, gap.need) == (2, 5, 2, 5)
    assert ("A", "link") not in gaps
    assert (gaps["B", "bandwidth"].have, gaps["B", "bandwidth"].need) == (20.0, 200.0)


def test_an_agency_that_did_not_answer_has_no_score() -> None:
    found = assess(Survey([small_wave(answers=[answer("A")])]), CRITERIA)
    scores = {one.agency.code: one.maturity.score for one in found.agencies}
    assert scores["B"] is None
    assert found.province.state.agencies == 2 and found.province.state.answered == 1


def test_waves_are_compared_by_agency_and_group() -> None:
    survey = demo_survey()
    before, after = assess(survey, CRITERIA, "2016"), assess(survey, CRITERIA, "2017")
    changes = compare(before, after)
    assert {change.code for change in changes} == {one.agency.code for one in after.agencies}
    assert all(
        change.difference is None
        or change.before is None
        or change.after == change.before + change.difference
        for change in changes
    )
    province = compare_groups(before, after, "vi")[0]
    assert province.name == "Toàn tỉnh" and province.difference is not None and province.difference > 0


# --- criteria that people edit ------------------------------------------------------------------------


def edited(tmp_path: Path, old: str, new: str) -> Path:
    path = tmp_path / "criteria.csv"
    text = BUILT_IN.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_a_criterion_that_is_edited_counts(tmp_path: Path) -> None:
    path = edited(tmp_path, "PCs/user,1,0.2", "PCs/user,3,0.2")
    assert next(each for each in read_criteria(path) if each.key == "pcs").weight == 3


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("pcs_per_user", "pcs_per_head", "criteria.csv:2, measure"),
        ("0.2,0.4", "0.4,0.2", "criteria.csv:2, level_1 … level_5"),
        ("PCs/user,1,", "PCs/user,many,", "criteria.csv:2, weight"),
        ("0.95,4,", "0.95,6,", "criteria.csv:2, target"),
        ("modern-pcs", "pcs", "criteria.csv"),
        ("key,", "name,", "criteria.csv"),
        ("\npcs,", '\n"pcs,', "criteria.csv:2, measure"),
    ],
)
def test_criteria_that_cannot_be_used_are_refused_with_their_place(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    with pytest.raises(BadSurvey) as raised:
        read_criteria(edited(tmp_path, old, new))
    assert raised.value.place == place and raised.value.remedy


# --- who is late --------------------------------------------------------------------------------------


def test_who_is_late_is_who_must_answer_and_did_not_in_time() -> None:
    first = small_wave("2016")
    wave = small_wave(answers=[answer("A", answered_on=date(2017, 8, 5))])
    wave.rows("tenants").append(row("tenants", code="N", name="Không phải trả lời", expected=False))
    found = late(Survey([first, wave]), date(2017, 8, 10))
    assert [(each.code, each.state, each.days, each.last) for each in found] == [
        ("B", "missing", 10, "2016"),
        ("A", "after-closing", 5, "2016"),
    ]


def test_nobody_is_days_late_while_the_wave_is_open() -> None:
    wave = small_wave(answers=[])
    assert {each.days for each in late(Survey([wave]), date(2017, 7, 1))} == {0}


def test_a_wave_that_is_not_there_is_named() -> None:
    with pytest.raises(BadSurvey, match="2015"):
        late(demo_survey(), date(2017, 9, 1), "2015")


# --- sites to plan for --------------------------------------------------------------------------------


def test_the_demonstration_gives_a_site_for_each_commune_and_agency() -> None:
    survey = demo_survey()
    sites = sites_of(survey)
    kinds = [site.kind for site in sites]
    assert (kinds.count("commune"), kinds.count("agency"), kinds.count("node")) == (109, 60, 1)
    assert len({(site.lon, site.lat) for site in sites}) == len(sites)
    core = next(site for site in sites if site.code == CORE)
    assert core.connected
    assert all(site.people > 0 for site in sites if site.kind == "commune")
    assert sum(site.connected for site in sites) > sum(site.connected for site in sites_of(survey, "2016"))
    assert demo_survey() == survey != demo_survey(1)
    assert survey.synthetic and all(wave.source for wave in survey.waves)


def test_a_site_without_position_is_listed_and_one_given_up_is_not_planned_for() -> None:
    wave = small_wave()
    wave.rows("sites")[0]["longitude"] = None
    wave.rows("sites")[1]["status"] = "retired"
    assert sites_of(Survey([wave])) == []
    assert unplaced(Survey([wave])) == ["A"]


def test_only_fibre_in_use_in_the_provincial_network_connects_a_site() -> None:
    wave = small_wave()
    assert [site.connected for site in sites_of(Survey([wave]))] == [True, False]
    for column, value in (("medium", "copper"), ("network", "internet"), ("status", "offline")):
        changed = small_wave()
        changed.rows("circuits")[0][column] = value
        assert not any(site.connected for site in sites_of(Survey([changed])))


def test_what_a_late_agency_said_before_still_counts() -> None:
    first, second = small_wave("2016"), small_wave("2017", answers=[answer("B", users=30)])
    second.rows("circuits").pop(0)
    sites = {site.code: site for site in sites_of(Survey([first, second]))}
    assert (sites["A"].users, sites["A"].connected) == (20, True)
    assert sites["B"].users == 30


def test_an_agency_with_two_sites_is_counted_once() -> None:
    wave = small_wave()
    second = dict(wave.rows("sites")[0], code="A2", longitude=106.003)
    wave.rows("sites").append(second)
    assert sum(site.users for site in sites_of(Survey([wave]))) == 40

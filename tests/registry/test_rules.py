"""What the registry's rules forbid, and that they forbid nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.registry.directory import Agency, Alias, Directory, Right
from lienthong.registry.rules import (
    Holding,
    Problem,
    children_that_outlive,
    code_problems,
    code_system,
    holder_on,
    holdings,
    problems,
    right_problem,
    selector_problem,
)

LAST, FIRST = date(2025, 6, 30), date(2025, 7, 1)


def found(*agencies: Agency) -> list[tuple[str, str]]:
    return [(p.code, p.field) for p in problems({agency.code: agency for agency in agencies})]


def test_a_sound_registry_has_no_problems() -> None:
    assert not found(
        Agency("H61", name="x"),
        Agency("OLD", name="x", parent="H61", valid_to=LAST, successors=("NEW",), aliases=(Alias("7"),)),
        Agency("NEW", name="x", parent="H61", valid_from=FIRST, aliases=(Alias("7", FIRST),)),
    )


@pytest.mark.parametrize("length", [1, 2, 3])
def test_parents_never_form_a_circle(length: int) -> None:
    ring = [Agency(f"A{at}", name="x", parent=f"A{(at + 1) % length}") for at in range(length)]
    below = Agency("B", name="x", parent="A0")
    assert found(*ring, below) == [(agency.code, "parent") for agency in ring]


def test_a_parent_must_be_there() -> None:
    assert found(Agency("A", name="x", parent="B")) == [("A", "parent")]


def test_a_code_means_one_agency_on_any_day() -> None:
    one = Agency("A", name="x", aliases=(Alias("29551", valid_to=LAST),))
    assert not found(one, Agency("B", name="x", aliases=(Alias("29551", FIRST),)))
    assert found(one, Agency("B", name="x", aliases=(Alias("29551", LAST),))) == [("B", "aliases")]
    assert found(one, Agency("29551", name="x")) == [("A", "aliases")]


def test_an_alias_ends_with_its_agency() -> None:
    ended = Agency("A", name="x", aliases=(Alias("29551"),), valid_to=LAST)
    assert not found(ended, Agency("B", name="x", aliases=(Alias("29551", FIRST),)))


def test_a_code_problem_names_both_agencies_and_the_days() -> None:
    (problem,) = code_problems(
        [
            Agency("A", name="x", aliases=(Alias("7", valid_to=LAST),)),
            Agency("B", name="x", aliases=(Alias("7", LAST),)),
        ]
    )
    assert problem.what == "7 already means A until 2025-06-30"
    assert problem.others == (("A", "aliases"),)


def test_periods_run_forwards() -> None:
    backwards = Agency("A", name="x", valid_from=FIRST, valid_to=LAST)
    assert found(backwards) == [("A", "valid_to")]
    assert ("A", "aliases") in found(Agency("A", name="x", aliases=(Alias("7", FIRST, LAST),)))


def test_an_agency_with_successors_has_a_last_day() -> None:
    assert found(Agency("A", name="x", successors=("B",)), Agency("B", name="x")) == [("A", "successors")]


@pytest.mark.parametrize("start", [FIRST - timedelta(days=30), FIRST])
def test_a_successor_is_there_the_day_after(start: date) -> None:
    old = Agency("A", name="x", valid_to=LAST, successors=("B",))
    assert not found(old, Agency("B", name="x", valid_from=start))
    assert found(old, Agency("B", name="x", valid_from=FIRST + timedelta(days=1))) == [("A", "successors")]
    assert found(old, Agency("B", name="x", valid_to=LAST)) == [("A", "successors")]


def test_a_successor_is_in_the_registry() -> None:
    assert found(Agency("A", name="x", valid_to=LAST, successors=("B",))) == [("A", "successors")]


def test_successor_chains_end() -> None:
    assert ("A", "successors") in found(Agency("A", name="x", valid_to=LAST, successors=("A",)))
    circle = found(
        Agency("A", name="x", valid_to=LAST, successors=("B",)),
        Agency("B", name="x", valid_to=LAST + timedelta(days=9), successors=("A",)),
    )
    assert {code for code, _ in circle} == {"A", "B"}


def test_a_child_that_outlives_its_parent_is_pointed_out() -> None:
    parent = Agency("P", name="x", valid_to=LAST)
    child, gone = Agency("C", name="x", parent="P"), Agency("D", name="x", parent="P", valid_to=LAST)
    assert list(children_that_outlive({a.code: a for a in (parent, child, gone)})) == [(child, parent)]
    assert not found(parent, child, gone)


spans = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted)
DAY_ZERO = date(2025, 1, 1)


@st.composite
def held_codes(draw: st.DrawFn) -> list[Agency]:
    """Agencies of their own with aliases out of few codes and few days, so that they often collide."""
    agencies = []
    for at in range(draw(st.integers(0, 4))):
        aliases = tuple(
            Alias(code, DAY_ZERO + timedelta(days=first), DAY_ZERO + timedelta(days=last))
            for code, (first, last) in draw(st.lists(st.tuples(st.sampled_from("xyz"), spans), max_size=3))
        )
        agencies.append(Agency(f"A{at}", name="x", aliases=aliases))
    return agencies


@given(held_codes())
def test_codes_collide_exactly_when_some_day_has_two_holders(agencies: list[Agency]) -> None:
    held = holdings(agencies)
    days = [DAY_ZERO + timedelta(days=at) for at in range(22)]
    collides = any(
        sum(h.code == code and h.start <= day <= h.end for h in held) > 1 for code in "xyz" for day in days
    )
    assert bool(list(code_problems(agencies))) == collides


@given(held_codes())
def test_without_problems_the_directory_agrees_with_the_rule_on_who_holds_a_code(
    agencies: list[Agency],
) -> None:
    from datetime import UTC, datetime

    if list(code_problems(agencies)):
        return
    now = datetime(2025, 1, 1, tzinfo=UTC)
    directory = Directory.build(agencies, version=1, province="x", issued_at=now, expires_at=now)
    held = holdings(agencies)
    for code in "xyz":
        for at in range(22):
            day = DAY_ZERO + timedelta(days=at)
            # Lower-case aliases are found as they are written: only a miss is tried in upper case.
            resolution = directory.resolve(code, day)
            holder = resolution.agency.code if resolution.status == "active" and resolution.agency else None
            assert holder == holder_on(held, code, day)


def test_a_problem_can_be_told_from_another() -> None:
    assert Problem("A", "f", "w", "r") == Problem("A", "f", "w", "r")
    assert Holding("x", LAST, FIRST, "A").overlaps(Holding("x", FIRST, FIRST, "B"))


@pytest.mark.parametrize("selector", ["*", "A", "kind:commune", "group:all", "group:own"])
def test_selectors_that_mean_somebody(selector: str) -> None:
    assert selector_problem(selector, {"A"}, {"own"}) is None


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ("B", "not the code of an agency"),
        ("kind:kingdom", "not a kind"),
        ("group:theirs", "no group"),
        ("team:x", "no selector"),
        ("", "not the code"),
    ],
)
def test_selectors_that_mean_nobody_are_explained(selector: str, says: str) -> None:
    assert says in (selector_problem(selector, {"A"}, {"own"}) or "")


def test_a_right_is_checked_in_every_part() -> None:
    assert right_problem(Right("A", "send", "*"), {"A"}, ()) is None
    assert (right_problem(Right("A", "rule", "*"), {"A"}, ()) or ("",))[0] == "action"
    assert (right_problem(Right("B", "send", "*"), {"A"}, ()) or ("",))[0] == "subject"
    assert (right_problem(Right("A", "send", "B"), {"A"}, ()) or ("",))[0] == "object"


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("000.00.00.H61", "organ-2016"),
        ("H61.29551", "organ-2020"),
        ("29551", "statistical"),
        ("855", "statistical"),
        ("0100109106", "business"),
        ("0100109106001", "business"),
    ],
)
def test_the_form_of_a_code_tells_its_series(code: str, system: str) -> None:
    assert code_system(code) == system

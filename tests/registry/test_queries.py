"""Lists come in pages, at a fixed number of queries, and a code is answered for its day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from lienthong.registry import actions, queries
from lienthong.registry.directory import Agency, Alias
from lienthong.registry.errors import UnknownAgency

pytestmark = pytest.mark.django_db

LAST, FIRST = date(2025, 6, 30), date(2025, 7, 1)
Queries = Callable[[int], object]


@pytest.fixture(autouse=True)
def agencies() -> None:
    actions.add_agency(Agency("H61", name="Ủy ban nhân dân tỉnh", kind="government"))
    for at in range(12):
        actions.add_agency(
            Agency(
                f"H61.{at:02d}",
                name=f"Ủy ban nhân dân xã Đông Thành {at}",
                kind="commune",
                parent="H61",
                aliases=(Alias(f"{30000 + at}"),),
                valid_to=LAST if at % 2 else None,
            )
        )


@pytest.mark.parametrize("limit", [1, 13])
def test_a_list_costs_the_same_queries_for_one_agency_and_for_all(
    limit: int, django_assert_num_queries: Queries
) -> None:
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        for agency in queries.agencies(limit=limit):
            assert agency.parent is None or agency.parent.code
            assert isinstance([alias.code for alias in agency.aliases.all()], list)


def test_the_whole_registry_costs_a_fixed_number_of_queries(django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(8):  # type: ignore[attr-defined]
        assert len(queries.state().agencies) == 13
    now = datetime.fromisoformat("2025-01-01T00:00:00+00:00")
    with django_assert_num_queries(10):  # type: ignore[attr-defined]
        queries.directory(version=1, issued_at=now, expires_at=now + timedelta(days=1))


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    seen: list[str] = []
    while page := queries.agencies(after=seen[-1] if seen else "", limit=5):
        seen += [agency.code for agency in page]
    assert seen == ["H61", *(f"H61.{at:02d}" for at in range(12))]


def test_lists_are_narrowed_by_day_kind_parent_and_words() -> None:
    assert len(queries.agencies(on=FIRST)) == 7
    assert len(queries.agencies(kind="commune")) == 12
    assert [a.code for a in queries.agencies(kind="government")] == ["H61"]
    assert len(queries.agencies(parent="H61")) == 12
    assert [a.code for a in queries.agencies(text="dong thanh 11")] == ["H61.11"]
    assert [a.code for a in queries.agencies(text="30003")] == ["H61.03"]
    assert queries.agencies(text="dong nowhere") == []


def test_a_code_is_answered_for_its_day() -> None:
    actions.add_agency(Agency("NEW", name="Mới", valid_from=FIRST, aliases=(Alias("30001", FIRST),)))
    assert queries.agency("30001", LAST).code == "H61.01"
    assert queries.agency("30001", FIRST).code == "NEW"
    assert queries.agency("30003", FIRST).code == "H61.03", "an ended agency is still found by its code"
    assert queries.agency(" h61.03 ", FIRST).code == "H61.03"
    for unknown in ("30099", "", "h61\u0301", "H６1"):
        with pytest.raises(UnknownAgency):
            queries.agency(unknown, FIRST)


def test_counts_name_every_kind(django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        counts = queries.counts_by_kind(FIRST)
    assert (counts["commune"], counts["government"], counts["party"]) == (6, 1, 0)

"""What the exchange may rely on when it looks somebody up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.registry.directory import (
    KINDS,
    Agency,
    Alias,
    CertificateRef,
    Directory,
    Quota,
    QuotaRule,
    Right,
)

Build = Callable[..., Directory]

LAST = date(2025, 6, 30)
FIRST = date(2025, 7, 1)

PROVINCE = Agency("H61", name="UBND tỉnh", kind="government", aliases=(Alias("000.00.00.H61"),))
WARD_1 = Agency(
    "H61.61.03",
    name="UBND phường 1",
    kind="commune",
    aliases=(Alias("29548"),),
    valid_to=LAST,
    successors=("H61.29551",),
)
WARD_2 = Agency(
    "H61.61.04",
    name="UBND phường 2",
    kind="commune",
    aliases=(Alias("29551"),),
    valid_to=LAST,
    successors=("H61.29551",),
)
LONG_CHAU = Agency(
    "H61.29551",
    name="UBND phường Long Châu",
    kind="commune",
    aliases=(Alias("29551", FIRST),),
    valid_from=FIRST,
)
DISTRICT = Agency("H61.62", name="UBND huyện Long Hồ", kind="district", valid_to=LAST)
BORDER = (PROVINCE, WARD_1, WARD_2, LONG_CHAU, DISTRICT)


def test_a_canonical_code_and_every_alias_mean_the_same_agency(directory_of: Build) -> None:
    directory = directory_of(*BORDER)
    for code in ("H61", "000.00.00.H61", " 000.00.00.h61\n", "h61"):
        resolution = directory.resolve(code, FIRST)
        assert resolution.status == "active"
        assert resolution.agency is PROVINCE


def test_a_reused_code_means_its_holder_of_that_day(directory_of: Build) -> None:
    directory = directory_of(*BORDER)
    assert directory.resolve("29551", LAST).agency is WARD_2
    assert directory.resolve("29551", FIRST).agency is LONG_CHAU


def test_a_merged_agency_leads_to_its_successor(directory_of: Build) -> None:
    directory = directory_of(*BORDER)
    for code in ("H61.61.03", "29548"):
        resolution = directory.resolve(code, FIRST)
        assert resolution.status == "merged"
        assert resolution.agency is WARD_1
        assert resolution.successors == (LONG_CHAU,)
        assert directory.resolve(code, LAST).status == "active"


def test_an_agency_without_a_successor_has_ended(directory_of: Build) -> None:
    resolution = directory_of(*BORDER).resolve("H61.62", FIRST)
    assert (resolution.status, resolution.agency, resolution.successors) == ("ended", DISTRICT, ())


def test_a_split_agency_leads_to_each_part_through_every_later_merger(directory_of: Build) -> None:
    later = date(2030, 1, 1)
    directory = directory_of(
        Agency("A", name="A", valid_to=LAST, successors=("B", "C")),
        Agency("B", name="B", valid_from=FIRST, valid_to=later, successors=("D",)),
        Agency("C", name="C", valid_from=FIRST, valid_to=later, successors=("D",)),
        Agency("D", name="D", valid_from=later),
    )
    assert [a.code for a in directory.resolve("A", FIRST).successors] == ["B", "C"]
    assert [a.code for a in directory.resolve("A", date(2031, 1, 1)).successors] == ["D"]


def test_an_unknown_code_means_nobody(directory_of: Build) -> None:
    directory = directory_of(*BORDER)
    for code in ("H62", "", "000.00.00.H62", "H61.29551x"):
        assert directory.resolve(code, FIRST).status == "unknown"


def test_an_agency_that_has_not_begun_is_unknown(directory_of: Build) -> None:
    assert directory_of(*BORDER).resolve("H61.29551", LAST).status == "unknown"


def test_a_withdrawn_alias_of_a_living_agency_is_unknown(directory_of: Build) -> None:
    directory = directory_of(Agency("H61", name="x", aliases=(Alias("000.00.00.H61", valid_to=LAST),)))
    assert directory.resolve("000.00.00.H61", LAST).status == "active"
    assert directory.resolve("000.00.00.H61", FIRST).status == "unknown"


@pytest.mark.parametrize("look_alike", ["H6１", "Н61", "ｈ61", "H61\u0301", "\u212a61", "ſ61"])
def test_a_look_alike_letter_is_not_the_letter(directory_of: Build, look_alike: str) -> None:
    directory = directory_of(PROVINCE, Agency("K61", name="K"), Agency("S61", name="S"))
    assert directory.resolve(look_alike, FIRST).status == "unknown"


def test_a_locked_agency_says_so(directory_of: Build) -> None:
    directory = directory_of(Agency("H61", name="x", locked=True))
    resolution = directory.resolve("H61", FIRST)
    assert resolution.status == "locked"
    assert resolution.agency is not None


def test_a_certificate_is_found_for_its_own_use_only(directory_of: Build) -> None:
    seal, tls = CertificateRef.of(b"seal"), CertificateRef.of(b"tls")
    directory = directory_of(Agency("H61", name="x", seals=(seal,), tls=(tls,)))
    agency = directory.agencies["H61"]
    assert directory.by_fingerprint(bytes.fromhex(seal.fingerprint), "seal") is agency
    assert directory.by_fingerprint(bytes.fromhex(tls.fingerprint), "tls") is agency
    assert directory.by_fingerprint(bytes.fromhex(seal.fingerprint), "tls") is None
    assert directory.by_fingerprint(b"\0" * 32, "seal") is None


def test_a_group_holds_its_kind_without_the_ended_and_the_locked(directory_of: Build) -> None:
    locked = Agency("H61.29557", name="x", kind="commune", locked=True)
    directory = directory_of(*BORDER, locked)
    assert directory.group("group:communes", LAST) == ("H61.61.03", "H61.61.04")
    assert directory.group("communes", FIRST) == ("H61.29551",)
    assert directory.locked_in_group("communes", FIRST) == ("H61.29557",)
    assert directory.group("group:all", FIRST) == ("H61", "H61.29551")


def test_a_merged_member_of_an_own_group_is_represented_by_its_successor(directory_of: Build) -> None:
    member = Agency("OLD", name="x", kind="commune", valid_to=LAST, successors=("NEW",), groups=("disaster",))
    heir = Agency("NEW", name="y", kind="commune", valid_from=FIRST)
    directory = directory_of(member, heir, group_titles={"disaster": "Phòng chống thiên tai", "empty": "—"})
    assert directory.group("disaster", LAST) == ("OLD",)
    assert directory.group("disaster", FIRST) == ("NEW",)
    assert directory.group("nobody-knows", FIRST) == ()
    assert [directory.has_group(n) for n in ("group:communes", "disaster", "empty", "nobody-knows")] == [
        True,
        True,
        True,
        False,
    ]


def test_outsiders_are_not_everybody(directory_of: Build) -> None:
    directory = directory_of(*(Agency(kind.upper(), name=kind, kind=kind) for kind in KINDS))
    assert set(KINDS) - {code.lower() for code in directory.group("all", FIRST)} == {
        "enterprise",
        "external",
    }


def test_nothing_is_permitted_without_a_right(directory_of: Build) -> None:
    directory = directory_of(*BORDER)
    for action in ("send", "witness", "audit", "operate", "anything"):
        assert not directory.may("H61", action)
        assert not directory.may("H61", action, "H61.29551")


@pytest.mark.parametrize(
    "right",
    [
        Right("H61", "send", "H61.29551"),
        Right("kind:government", "send", "kind:commune"),
        Right("group:all", "send", "group:communes"),
        Right("*", "send", "*"),
    ],
)
def test_a_right_reaches_whom_its_selectors_mean(directory_of: Build, right: Right) -> None:
    outside = Agency("G22", name="VPCP", kind="external")
    directory = directory_of(PROVINCE, LONG_CHAU, outside, rights=(right,))
    assert directory.may("H61", "send", "H61.29551")
    assert directory.may("H61", "send", "H61.29551"), "the answer does not change when asked again"
    assert not directory.may("H61", "audit", "H61.29551")
    assert not directory.may("NOBODY", "send", "H61.29551")
    assert not directory.may("H61", "send", "NOBODY")
    assert directory.may("G22", "send", "H61.29551") == (right.subject == "*")
    assert directory.may("H61", "send", "G22") == (right.object == "*")


def test_an_action_towards_nobody_in_particular_needs_a_right_over_all(directory_of: Build) -> None:
    directory = directory_of(
        PROVINCE, LONG_CHAU, rights=(Right("H61", "audit", "*"), Right("H61", "operate", "H61.29551"))
    )
    assert directory.may("H61", "audit")
    assert not directory.may("H61", "operate")
    assert not directory.may("H61.29551", "audit")


def test_the_most_specific_quota_wins(directory_of: Build) -> None:
    rules = [
        QuotaRule("*", Quota(1, 1, 1)),
        QuotaRule("kind:commune", Quota(2, 2, 2)),
        QuotaRule("group:disaster", Quota(3, 3, 3)),
        QuotaRule("A", Quota(4, 4, 4)),
    ]
    agencies = (
        Agency("A", name="A", kind="commune", groups=("disaster",)),
        Agency("B", name="B", kind="commune", groups=("disaster",)),
        Agency("C", name="C", kind="commune"),
        Agency("D", name="D", kind="district"),
    )
    directory = directory_of(*agencies, quotas=tuple(rules))
    assert [directory.quota(code).concurrent for code in "ABCD"] == [4, 3, 2, 1]
    assert directory_of(*agencies).quota("A") == Quota()
    assert directory.quota("NOBODY") == Quota()


def test_search_needs_no_marks_and_every_word(directory_of: Build) -> None:
    directory = directory_of(*BORDER)
    assert [a.code for a in directory.search("long chau phuong", FIRST)] == ["H61.29551"]
    assert [a.code for a in directory.search("h61", FIRST, limit=1)] == ["H61"]
    assert directory.search("long chau quan", FIRST) == []


def test_search_puts_words_side_by_side_first(directory_of: Build) -> None:
    directory = directory_of(
        Agency("H61.12", name="Hội Nông dân tỉnh Vĩnh Long", kind="department"),
        Agency("H61.62", name="Ủy ban nhân dân huyện Long Hồ", kind="district"),
    )
    assert [a.code for a in directory.search("long ho", FIRST)] == ["H61.62", "H61.12"]


codes = st.sampled_from(["A", "B", "C", "D", "E"])
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@st.composite
def agencies(draw: st.DrawFn) -> list[Agency]:
    """Any agencies, contradictions included: what a snapshot holds must never break a look-up."""
    return [
        Agency(
            code,
            name=code,
            kind=draw(st.sampled_from(KINDS)),
            aliases=tuple(
                Alias(a, draw(days), draw(st.none() | days)) for a in draw(st.lists(codes, max_size=2))
            ),
            valid_from=draw(days),
            valid_to=draw(st.none() | days),
            successors=tuple(draw(st.lists(codes, max_size=3))),
            locked=draw(st.booleans()),
        )
        for code in draw(st.lists(codes, unique=True))
    ]


@given(agencies=agencies(), code=codes, day=days)
def test_every_look_up_ends_and_keeps_its_word(agencies: list[Agency], code: str, day: date) -> None:
    from datetime import UTC, datetime

    now = datetime(2025, 1, 1, tzinfo=UTC)
    directory = Directory.build(agencies, version=1, province="x", issued_at=now, expires_at=now)
    resolution = directory.resolve(code, day)
    if resolution.status in ("active", "locked"):
        assert resolution.agency is not None
        assert resolution.agency.active_on(day)
        assert resolution.agency.locked == (resolution.status == "locked")
    elif resolution.status == "merged":
        assert resolution.successors
        assert all(heir.active_on(day) for heir in resolution.successors)
        assert len({heir.code for heir in resolution.successors}) == len(resolution.successors)
    else:
        assert not resolution.successors
    for name in ("all", "communes"):
        members = directory.group(name, day)
        assert list(members) == sorted(set(members))
        assert all(directory.agencies[m].active_on(day) for m in members)

"""Who a message goes to, and a clear answer for each organ that cannot receive."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lienthong.exchange.errors import NotPermitted
from lienthong.exchange.hub.addressing import (
    MAX_CODES,
    AddressBook,
    RecipientsRefused,
    address,
    require_sender,
)
from lienthong.registry.directory import Agency, Alias, Directory, Right

DAY = date(2025, 7, 22)
BEFORE = date(2025, 6, 30)


def directory(*extra: Agency, rights: tuple[Right, ...] = (Right("*", "send"),)) -> Directory:
    agencies = (
        Agency("H61", "UBND tỉnh", kind="government", aliases=(Alias("000.00.00.H61"),)),
        Agency("H61.1", "Sở Nội vụ", kind="department"),
        Agency("H61.X1", "Xã Một", kind="commune"),
        Agency("H61.X2", "Xã Hai", kind="commune", locked=True),
        Agency("H61.X3", "Xã Ba", kind="commune", valid_to=BEFORE, successors=("H61.X1",)),
        Agency("H61.X4", "Xã Bốn", kind="commune", valid_to=BEFORE),
        Agency("H61.X5", "Xã Năm", kind="commune"),
        *extra,
    )
    return Directory.build(
        agencies,
        version=1,
        province="Vĩnh Long",
        issued_at=datetime(2025, 7, 1, tzinfo=UTC),
        expires_at=datetime(2026, 7, 1, tzinfo=UTC),
        rights=rights,
    )


def test_an_alias_and_a_code_of_one_agency_reach_it_once() -> None:
    assert address(directory(), "H61.1", ("000.00.00.H61", "H61"), DAY).recipients == ("H61",)


def test_a_merged_recipient_is_forwarded_to_its_successor_and_the_sender_is_told() -> None:
    found = address(directory(), "H61", ("H61.X3", "H61.1"), DAY)

    assert found.recipients == ("H61.X1", "H61.1")
    assert found.forwarded == (("H61.X3", "H61.X1"),)


def test_before_the_merger_the_old_agency_receives_itself() -> None:
    found = address(directory(), "H61", ("H61.X3",), BEFORE)

    assert (found.recipients, found.forwarded) == (("H61.X3",), ())


def test_a_group_reaches_its_members_less_the_sender_and_names_the_locked_ones() -> None:
    found = address(directory(), "H61.X5", ("group:communes",), DAY)

    assert found.recipients == ("H61.X1",)
    assert found.left_out == ("H61.X2",)


def test_every_recipient_that_cannot_receive_is_listed_with_its_own_reason() -> None:
    with pytest.raises(RecipientsRefused) as refused:
        address(directory(), "H61", ("H61.1", "H99", "H61.X2", "H61.X4", "H61", "group:none"), DAY)

    assert [(one.organ, one.status) for one in refused.value.refused] == [
        ("H99", "unknown"),
        ("H61.X2", "locked"),
        ("H61.X4", "ended"),
        ("H61", "sender"),
        ("group:none", "unknown"),
    ]
    assert "H99: no agency of the directory has this code" in refused.value.detail
    assert refused.value.status == 422


def test_a_merged_recipient_whose_only_successor_is_locked_is_refused() -> None:
    ended = Agency("H61.X6", "Xã Sáu", kind="commune", valid_to=BEFORE, successors=("H61.X2",))
    with pytest.raises(RecipientsRefused) as refused:
        address(directory(ended), "H61", ("H61.X6",), DAY)
    assert refused.value.refused[0].status == "locked"


def test_without_a_right_nothing_is_sent() -> None:
    only_up = (Right("kind:commune", "send", "kind:government"),)
    allowed = directory(rights=only_up)

    assert address(allowed, "H61.X1", ("H61",), DAY).recipients == ("H61",)
    for organs in (("H61.1",), ("group:communes",)):
        with pytest.raises(RecipientsRefused) as refused:
            address(allowed, "H61.X1", organs, DAY)
        assert refused.value.refused[0].status == "not-permitted"


def test_a_group_reaches_only_those_the_sender_may_send_to() -> None:
    rights = (Right("H61.X1", "send", "H61.X5"),)
    found = address(directory(rights=rights), "H61.X1", ("group:all",), DAY)

    assert found.recipients == ("H61.X5",)


def test_what_was_resolved_is_kept_for_the_day_and_the_directory_only() -> None:
    book, first = AddressBook(), directory()
    found = book.address(first, "H61", ("H61.X3",), DAY)
    assert book.address(first, "H61", ("H61.X3",), DAY) is found
    assert book.address(first, "H61", ("H61.X3",), BEFORE).recipients == ("H61.X3",)
    assert book.address(directory(), "H61", ("H61.X3",), DAY) == found


def test_a_locked_or_ended_sender_is_told_so() -> None:
    for code, reason in (("H61.X2", "agency-locked"), ("H61.X3", "agency-ended")):
        with pytest.raises(NotPermitted) as refused:
            require_sender(directory(), code, DAY)
        assert refused.value.code == reason
    assert "H61.X1" in refused.value.detail
    require_sender(directory(), "H61", DAY)


def test_long_lists_of_recipients_are_not_all_remembered() -> None:
    many = tuple(Agency(f"H61.Y{n}", f"Xã {n}", kind="commune") for n in range(1000))
    here = directory(*many)
    book = AddressBook()
    everybody = tuple(agency.code for agency in many)
    for turn in range(400):
        asked = everybody[turn:] + everybody[:turn]
        assert book.address(here, "H61", asked, DAY).recipients == asked
        kept = sum(len(organs) + len(found.recipients) for (_, organs), found in book._kept.items())
        assert kept <= MAX_CODES
    last = book.address(here, "H61", asked, DAY)
    assert book.address(here, "H61", asked, DAY) is last

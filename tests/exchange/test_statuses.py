"""A document's life with one recipient: what may follow what (QCVN 102:2016)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.exchange.statuses import MEANINGS, MOST_HANDLING, DeliveryState, Impossible, advance, ask


def life(*codes: str) -> DeliveryState:
    state = DeliveryState()
    for code in codes:
        moved = advance(state, code, by_sender=code == "13")
        assert isinstance(moved, DeliveryState), moved
        state = moved
    return state


@pytest.mark.parametrize(
    "codes",
    [("01", "03", "04", "05", "06"), ("03", "06"), ("01", "02"), ("03", "04", "04", "05", "04", "06")],
)
def test_an_ordinary_life_is_allowed(codes: tuple[str, ...]) -> None:
    assert life(*codes).state == codes[-1]


@pytest.mark.parametrize(
    ("before", "then"), [(("03", "06"), "05"), (("02",), "03"), (("03",), "01"), ((), "06")]
)
def test_an_impossible_move_is_refused_with_what_would_be_possible(
    before: tuple[str, ...], then: str
) -> None:
    refused = advance(life(*before), then, by_sender=False)
    assert isinstance(refused, Impossible)
    assert "allowed next" in refused.reason


def test_a_document_passes_from_desk_to_desk_but_not_for_ever() -> None:
    state = life("03", *("04", "05") * (MOST_HANDLING // 2))
    for code in ("04", "05"):
        refused = advance(state, code, by_sender=False)
        assert isinstance(refused, Impossible)
        assert "report 06" in refused.reason
    done = advance(state, "06", by_sender=False)
    assert isinstance(done, DeliveryState)
    assert done.state == "06"


def test_a_take_back_needs_the_recipients_consent() -> None:
    asked = life("01", "03", "13")
    assert (asked.request, asked.recalled) == ("recall", False)
    assert life("01", "03", "13", "15").recalled


def test_a_refused_take_back_leaves_the_document_where_it_was() -> None:
    refused = life("01", "03", "13", "16")
    assert refused == DeliveryState("03")
    assert life("01", "03", "13", "16", "06").state == "06"


def test_nothing_follows_an_agreed_take_back() -> None:
    assert isinstance(advance(life("03", "13", "15"), "04", by_sender=False), Impossible)


def test_consent_to_an_update_does_not_take_the_document_back() -> None:
    asked = ask(life("03"), "update")
    assert isinstance(asked, DeliveryState)
    agreed = advance(asked, "15", by_sender=False)
    assert agreed == DeliveryState("03")


def test_only_the_sender_asks_and_only_the_recipient_reports() -> None:
    assert isinstance(advance(DeliveryState(), "13", by_sender=False), Impossible)
    assert isinstance(advance(DeliveryState(), "03", by_sender=True), Impossible)


@given(st.lists(st.tuples(st.sampled_from([*MEANINGS, "99"]), st.booleans()), max_size=12))
def test_whatever_arrives_the_state_is_one_that_the_regulation_knows(moves: list[tuple[str, bool]]) -> None:
    state = DeliveryState()
    for code, by_sender in moves:
        moved = advance(state, code, by_sender=by_sender)
        if isinstance(moved, Impossible):
            assert moved.reason
            continue
        assert moved.state in {"", "01", "02", "03", "04", "05", "06"}
        assert not state.recalled
        state = moved

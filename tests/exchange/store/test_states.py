"""Where a delivery stands: recall, update, replacement and consent, judged inside the commit."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.store.engines import Engine, now_and_reopened
from tests.exchange.store.submissions import acknowledgement, document, status

from lienthong.exchange.statuses import MOST_HANDLING, DeliveryState, Impossible, advance
from lienthong.exchange.store.admission import FRESH, Known, admit, wanted
from lienthong.exchange.store.protocol import Accepted, Outcome, RecordKind, Refused, Store, Submission


def only(outcomes: list[Outcome]) -> Outcome:
    (outcome,) = outcomes
    return outcome


def refusal(outcomes: list[Outcome]) -> Refused:
    outcome = only(outcomes)
    assert isinstance(outcome, Refused)
    return outcome


def test_a_status_moves_the_delivery_and_keeps_its_time(engine: Engine, store: Store) -> None:
    store.commit([document("m1", ("B", "C"))], 1000)
    store.commit([status("s1", 0, "01")], 2000)
    store.commit([status("s2", 0, "03")], 3000)
    for each in now_and_reopened(engine, store):
        theirs, others = each.deliveries(0)
        assert (theirs.state, theirs.state_ms, theirs.recipient) == ("03", 3000, "B")
        assert (others.state, others.state_ms, others.recipient) == ("", None, "C")


def test_a_refused_status_leaves_no_trace_and_says_why(store: Store) -> None:
    store.commit([document("m1")], 1000)
    refused = refusal(store.commit([status("s1", 0, "05")], 2000))
    assert refused.code == "impossible-status"
    assert "05 cannot follow" in refused.detail
    assert store.tree_size() == 1
    assert store.inbox("A") == []
    assert store.find("B", "s1") is None


def test_how_often_one_recipient_reports_the_same_is_bounded(engine: Engine, store: Store) -> None:
    store.commit([document("m1", ("B", "C")), status("s", 0, "03"), status("t", 0, "03", sender="C")], 1000)
    half = MOST_HANDLING // 2
    store.commit([status(f"a{n}", 0, "05") for n in range(half)], 1001)
    for each in now_and_reopened(engine, store):
        size = each.tree_size()
        outcomes = each.commit([status(f"{size}-{n}", 0, "05") for n in range(MOST_HANDLING)], 1002)
        taken = sum(isinstance(one, Accepted) for one in outcomes)
        assert taken == (MOST_HANDLING - half if size == 3 + half else 0)
        last = outcomes[-1]
        assert isinstance(last, Refused)
        assert last.code == "impossible-status"
        assert "report 06" in last.detail
        assert only(each.commit([status(f"c{size}", 0, "04", sender="C")], 1003)) == Accepted(
            each.tree_size() - 1
        )
    assert only(each.commit([status("done", 0, "06")], 1004)) == Accepted(each.tree_size() - 1)


def test_a_status_about_nothing_is_refused(store: Store) -> None:
    assert refusal(store.commit([status("s1", 0, "01")], 1000)).code == "unknown-subject"
    store.commit([document("m1"), status("s2", 0, "01")], 1001)
    assert refusal(store.commit([status("s3", 1, "01", sender="A")], 1002)).code == "unknown-subject"


def test_a_stranger_cannot_report_on_a_document(store: Store) -> None:
    store.commit([document("m1")], 1000)
    refused = refusal(store.commit([status("s1", 0, "03", sender="C")], 1001))
    assert refused.code == "impossible-status"
    assert "neither the sender nor a recipient" in refused.detail


def test_the_sender_cannot_report_on_its_own_document(store: Store) -> None:
    store.commit([document("m1")], 1000)
    assert (
        refusal(store.commit([status("s1", 0, "03", sender="A", to=("B",))], 1001)).code
        == "impossible-status"
    )


def test_a_take_back_waits_for_consent_and_ends_the_delivery(engine: Engine, store: Store) -> None:
    store.commit([document("m1"), status("s1", 0, "03")], 1000)
    assert only(store.commit([status("r1", 0, "13", sender="A", to=("B",))], 1001)) == Accepted(2)
    asked = store.delivery(0, "B")
    assert asked is not None
    assert (asked.state, asked.request, asked.recalled) == ("03", "recall", False)
    store.commit([status("c1", 0, "15")], 1002)
    for each in now_and_reopened(engine, store):
        agreed = each.delivery(0, "B")
        assert agreed is not None
        assert (agreed.state, agreed.request, agreed.recalled) == ("03", "", True)
        assert agreed.state_ms == 1000
        assert each.statistics().states == {"recalled": 1}
        assert refusal(each.commit([status("s2", 0, "04")], 1003)).code == "impossible-status"


def test_a_refused_take_back_leaves_the_document_where_it_was(store: Store) -> None:
    store.commit([document("m1"), status("s1", 0, "03")], 1000)
    store.commit([status("r1", 0, "13", sender="A", to=("B",)), status("c1", 0, "16")], 1001)
    delivery = store.delivery(0, "B")
    assert delivery is not None
    assert (delivery.state, delivery.request, delivery.recalled) == ("03", "", False)


def test_a_recipient_cannot_ask_for_a_take_back(store: Store) -> None:
    store.commit([document("m1", ("B", "C"))], 1000)
    assert refusal(store.commit([status("r1", 0, "13", to=("C",))], 1001)).code == "impossible-status"


def test_consent_without_a_request_is_refused(store: Store) -> None:
    store.commit([document("m1"), status("s1", 0, "03")], 1000)
    assert refusal(store.commit([status("c1", 0, "15")], 1001)).code == "impossible-status"


def test_a_recall_document_asks_every_recipient_that_still_can(store: Store) -> None:
    store.commit([document("m1", ("B", "C", "D"))], 1000)
    store.commit([status("s1", 0, "02", sender="C")], 1001)
    assert only(store.commit([document("r1", ("B", "C", "D"), business=1, subject=0)], 1002)) == Accepted(2)
    assert [(each.request, each.state) for each in store.deliveries(0)] == [
        ("recall", ""),
        ("", "02"),
        ("recall", ""),
    ]


def test_a_request_that_is_impossible_with_everybody_is_refused(store: Store) -> None:
    store.commit([document("m1")], 1000)
    store.commit([status("s1", 0, "02")], 1001)
    refused = refusal(store.commit([document("r1", business=1, subject=0)], 1002))
    assert refused.code == "impossible-status"
    assert refused.detail.startswith("B: ")


def test_an_update_waits_for_consent_and_may_add_recipients(store: Store) -> None:
    store.commit([document("m1")], 1000)
    store.commit([document("u1", ("B", "C"), business=2, subject=0)], 1001)
    asked = store.delivery(0, "B")
    assert asked is not None
    assert asked.request == "update"
    assert [item.index for item in store.inbox("C")] == [1]
    store.commit([status("c1", 0, "15")], 1002)
    agreed = store.delivery(0, "B")
    assert agreed is not None
    assert (agreed.request, agreed.recalled) == ("", False)


def test_only_the_sender_may_change_its_document(store: Store) -> None:
    store.commit([document("m1")], 1000)
    assert (
        refusal(store.commit([document("u1", sender="C", business=2, subject=0)], 1001)).code
        == "impossible-status"
    )


codes = st.sampled_from(["01", "02", "03", "04", "05", "06", "13", "15", "16", "99"])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moves=st.lists(st.lists(st.tuples(codes, st.booleans()), min_size=1, max_size=4), max_size=6))
def test_the_store_follows_the_state_machine_whatever_the_batches(
    store: Store, moves: list[list[tuple[str, bool]]]
) -> None:
    base = store.tree_size()
    subject = base
    assert store.commit([document(f"m{base}")], 1000) == [Accepted(base)]
    model = DeliveryState()
    for at, batch in enumerate(moves):
        submissions, expected = [], []
        for n, (code, by_sender) in enumerate(batch):
            sender, to = ("A", ("B",)) if by_sender else ("B", ("A",))
            submissions.append(status(f"s{base}-{at}-{n}", subject, code, sender=sender, to=to))
            moved = advance(model, code, by_sender=by_sender)
            expected.append(not isinstance(moved, Impossible))
            model = model if isinstance(moved, Impossible) else moved
        outcomes = store.commit(submissions, 2000 + at)
        assert [isinstance(outcome, Accepted) for outcome in outcomes] == expected
    delivery = store.delivery(subject, "B")
    assert delivery is not None
    assert (delivery.state, delivery.request, delivery.recalled) == (
        model.state,
        model.request,
        model.recalled,
    )


def test_replaying_a_batch_takes_the_log_at_its_word() -> None:
    """Stricter rules in a later version must not make an old log unreadable."""
    batch: list[Submission] = [
        document("m1"),
        status("s1", 0, "06"),
        status("s2", 0, "01"),
        acknowledgement(0),
    ]
    asked = wanted(batch)
    assert asked.subjects == {0}
    admission = admit(batch, Known(), 0, [1, 2, 3, 4], replay=True)
    assert admission.outcomes == [Accepted(n) for n in range(4)]
    row = admission.fresh[0, "B"]
    assert (row.state.state, row.state_ms, row.acknowledgement) == ("01", 3, 3)


def test_judging_asks_only_for_what_it_needs() -> None:
    batch = [document("m1"), status("s1", 5, "03"), status("r1", 6, "13", sender="A", to=("B", "C"))]
    asked = wanted(batch)
    assert asked.standings == {(5, "B"), (6, "A"), (6, "B"), (6, "C")}
    known = Known(subjects={5: (RecordKind.DOCUMENT, "A", None)}, standings={(5, "B"): FRESH})
    admission = admit(batch, known, 10, [1, 1, 1])
    assert [type(outcome) for outcome in admission.outcomes] == [Accepted, Accepted, Refused]

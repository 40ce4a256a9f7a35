"""Inboxes, sent lists, finding documents, history: what every engine promises of reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.exchange.store.engines import EmbeddedEngine, Engine, now_and_reopened
from tests.exchange.store.submissions import acknowledgement, document, status

from lienthong.exchange.store.protocol import Accepted, Lane, RecordKind, Store


def indexes(items: object) -> list[int]:
    assert isinstance(items, list)
    return [item.index for item in items]


def test_an_inbox_holds_what_was_sent_to_it_in_order(engine: Engine, store: Store) -> None:
    store.commit([document(f"m{n}", ("B",) if n % 2 else ("B", "C")) for n in range(10)], 1000)
    for each in now_and_reopened(engine, store):
        assert indexes(each.inbox("B")) == list(range(10))
        assert indexes(each.inbox("C")) == [0, 2, 4, 6, 8]
        assert each.inbox("D") == []


def test_an_inbox_is_read_in_pages_by_position(store: Store) -> None:
    store.commit([document(f"m{n}", ("B",) if n % 3 else ("C",)) for n in range(30)], 1000)
    seen, after = [], -1
    while page := store.inbox("B", after=after, limit=7):
        seen += indexes(page)
        after = page[-1].index
    assert seen == [n for n in range(30) if n % 3]


def test_an_inbox_line_tells_what_the_sender_submitted(store: Store) -> None:
    submission = document("m1", lane=Lane.URGENT)
    store.commit([submission], 1234)
    (item,) = store.inbox("B")
    assert (item.kind, item.sender, item.message_id) == (RecordKind.DOCUMENT, "A", "m1")
    assert (item.document_id, item.lane, item.accepted_ms) == (submission.document_id, Lane.URGENT, 1234)
    assert (item.size, item.digest) == (len(bytes(submission.payload)), submission.digest)  # type: ignore[arg-type]
    assert item.summary == submission.summary
    assert item.acknowledged_ms is None


def test_urgent_documents_overtake_in_the_pending_list(store: Store) -> None:
    store.commit(
        [
            document("n1"),
            document("u1", lane=Lane.URGENT),
            document("n2"),
            document("u2", lane=Lane.URGENT),
        ],
        1000,
    )
    assert indexes(store.inbox("B", pending=True)) == [1, 3, 0, 2]
    assert indexes(store.inbox("B", pending=True, limit=3)) == [1, 3, 0]
    assert indexes(store.inbox("B", pending=True, lane=Lane.NORMAL)) == [0, 2]
    assert indexes(store.inbox("B", lane=Lane.URGENT)) == [1, 3]
    assert indexes(store.inbox("B", pending=True, after=1)) == [3, 2]


def test_what_was_acknowledged_is_no_longer_pending(engine: Engine, store: Store) -> None:
    store.commit([document("m1", ("B", "C")), document("m2", lane=Lane.URGENT)], 1000)
    store.commit([acknowledgement(0), acknowledgement(1)], 1500)
    for each in now_and_reopened(engine, store):
        assert each.inbox("B", pending=True) == []
        assert [item.acknowledged_ms for item in each.inbox("B")] == [1500, 1500]
        assert indexes(each.inbox("C", pending=True)) == [0]
        delivery = each.delivery(0, "B")
        assert delivery is not None
        assert delivery.acknowledged_ms == 1500


def test_taking_a_row_twice_is_the_first_acknowledgement_again(store: Store) -> None:
    store.commit([document("m1")], 1000)
    assert store.commit([acknowledgement(0)], 1500) == [Accepted(1)]
    assert store.commit([acknowledgement(0)], 1600) == [Accepted(1, duplicate=True)]
    assert store.commit([acknowledgement(0, message_id="another")], 1700) == [Accepted(1, duplicate=True)]
    assert store.inbox("B")[0].acknowledged_ms == 1500


def test_only_what_is_in_an_inbox_can_be_taken_from_it(store: Store) -> None:
    store.commit([document("m1", ("C",))], 1000)
    outcomes = store.commit([acknowledgement(0, sender="B"), acknowledgement(7, sender="C")], 1001)
    assert [getattr(each, "code", None) for each in outcomes] == ["unknown-subject", "unknown-subject"]


def test_statuses_reach_the_inbox_of_the_documents_sender(store: Store) -> None:
    store.commit([document("m1")], 1000)
    store.commit([status("s1", 0, "03")], 1001)
    (item,) = store.inbox("A")
    assert (item.kind, item.status, item.subject, item.sender) == (RecordKind.STATUS, "03", 0, "B")


def test_acknowledgements_fill_nobodys_inbox(store: Store) -> None:
    store.commit([document("m1"), acknowledgement(0)], 1000)
    assert indexes(store.inbox("A")) == []
    assert indexes(store.inbox("B")) == [0]
    assert indexes(store.sent("B")) == []


def test_what_an_agency_sent_newest_first(engine: Engine, store: Store) -> None:
    store.commit([document(f"m{n}", sender="A" if n % 2 else "C") for n in range(10)], 1000)
    for each in now_and_reopened(engine, store):
        assert indexes(each.sent("A", limit=3)) == [9, 7, 5]
        assert indexes(each.sent("A", before=5)) == [3, 1]
        assert each.sent("A", before=0) == []
        assert each.sent("nobody") == []


def test_a_document_is_found_by_its_document_id(engine: Engine, store: Store) -> None:
    first, second = document("m1", number="15"), document("m2", number="15", sender="C")
    store.commit([first, document("m3", number="16"), second], 1000)
    for each in now_and_reopened(engine, store):
        found = each.find_document(first.document_id)
        assert found is not None
        assert found.index == 0
        theirs = each.find_document(second.document_id, "C")
        assert theirs is not None
        assert theirs.index == 2
        assert each.find_document(first.document_id, "C") is None


def test_a_corrected_issue_of_the_same_document_id_is_the_one_found(store: Store) -> None:
    store.commit([document("m1", number="15")], 1000)
    store.commit([document("m2", number="15")], 1001)
    store.commit([document("m3", number="15", business=2, subject=1)], 1002)
    found = store.find_document("A,2025/06/30,15/UBND")
    assert found is not None
    assert found.index == 1


def test_a_replacement_is_found_under_its_own_document_id(store: Store) -> None:
    store.commit([document("m1", number="15")], 1000)
    store.commit([document("m2", number="16", business=3, subject=0)], 1001)
    store.commit([document("m3", number="17", business=1, subject=0)], 1002)
    found = store.find_document("A,2025/06/30,16/UBND")
    assert found is not None
    assert found.index == 1
    assert store.find_document("A,2025/06/30,17/UBND") is None


def test_the_history_of_a_document_is_everything_about_it(engine: Engine, store: Store) -> None:
    store.commit([document("m1", ("B", "C")), document("other")], 1000)
    store.commit([acknowledgement(0), status("s1", 0, "03"), status("s2", 1, "03")], 1001)
    store.commit([acknowledgement(3, sender="A"), document("r1", business=1, subject=0)], 1002)
    for each in now_and_reopened(engine, store):
        assert indexes(each.history(0)) == [0, 2, 3, 5, 6]
        assert indexes(each.history(1)) == [1, 4]


def test_a_broadcast_reaches_every_agency_once(engine: Engine, store: Store) -> None:
    communes = tuple(f"000.{n:02d}.11.H61" for n in range(109))
    store.commit([document(f"b{n}", communes) for n in range(3)], 1000)
    store.commit([status(f"s{n}", 1, "03", sender=code) for n, code in enumerate(communes[:50])], 1001)
    for each in now_and_reopened(engine, store):
        assert all(indexes(each.inbox(code)) == [0, 1, 2] for code in communes)
        deliveries = each.deliveries(1)
        assert tuple(delivery.recipient for delivery in deliveries) == communes
        assert [delivery.state for delivery in deliveries] == ["03"] * 50 + [""] * 59


def test_statistics_count_what_happened(engine: Engine, store: Store) -> None:
    store.commit([document("m1", ("B", "C", "D")), document("m2")], 1000)
    store.commit([status("s1", 0, "01"), status("s2", 0, "03"), status("s3", 0, "02", sender="C")], 1001)
    store.commit([acknowledgement(1)], 1002)
    for each in now_and_reopened(engine, store):
        found = each.statistics()
        assert (found.documents, found.deliveries, found.statuses) == (2, 4, 3)
        assert (found.acknowledgements, found.tree_size) == (1, 6)
        assert found.states == {"": 2, "03": 1, "02": 1}
        records = [each.record(index) for index in range(6)]
        assert found.payload_bytes == sum(record.size for record in records if record)
        assert found.log_bytes > 0


def test_quotas_count_what_a_sender_used_lately(store: Store) -> None:
    store.commit([document("m1", payload=b"x" * 100)], 1_000_000)
    store.commit([document("m2", payload=b"x" * 50), document("m3", sender="C")], 1_030_000)
    store.commit([acknowledgement(0)], 1_031_000)
    assert store.used_since("A", 1_030_000) == (1, 50)
    assert store.used_since("A", 1_000_000) == (2, 150)
    assert store.used_since("A", 1_031_000) == (0, 0)
    assert store.used_since("B", 0) == (0, 0)


def test_quotas_are_remembered_by_the_minute_after_a_restart(engine: Engine, store: Store) -> None:
    day = 86_400_000 * 20_000
    for minute in range(5):
        store.commit([document(f"m{minute}", payload=b"x" * 10)], day + minute * 60_000 + 59_000)
    store = engine.open()
    assert store.used_since("A", day) == (5, 50)
    assert store.used_since("A", day + 3 * 60_000) == (2, 20)


def test_subscribers_hear_whose_inbox_grew(engine: Engine, store: Store) -> None:
    heard: list[frozenset[str]] = []
    stop = store.subscribe(heard.append)
    store.commit([document("m1", ("B", "C")), document("m2", ("D",))], 1000)
    store.commit([acknowledgement(0)], 1001)
    store.commit([document("m1", ("B", "C"))], 1002)
    assert frozenset().union(*heard) == {"B", "C", "D"}
    stop()
    store.commit([document("m3")], 1003)
    assert frozenset().union(*heard) == {"B", "C", "D"}


def test_a_recipient_named_twice_gets_one_row(engine: Engine, store: Store) -> None:
    store.commit([document("m1", ("B", "C", "B"))], 1000)
    store.commit([status("s1", 0, "03")], 1001)
    for each in now_and_reopened(engine, store):
        assert indexes(each.inbox("B")) == [0]
        assert indexes(each.inbox("B", pending=True)) == [0]
        assert each.statistics().states == {"": 1, "03": 1}


def test_a_subscriber_that_fails_harms_nobody(store: Store) -> None:
    heard: list[frozenset[str]] = []

    def fail(_: frozenset[str]) -> None:
        raise RuntimeError("broken")

    store.subscribe(fail)
    store.subscribe(heard.append)
    assert store.commit([document("m1")], 1000) == [Accepted(0)]
    assert heard == [frozenset({"B"})]


def test_a_document_sent_again_to_others_is_found_for_each_recipient(engine: Engine, store: Store) -> None:
    first, again = document("m1", ("B",), number="15"), document("m2", ("C",), number="15")
    foreign = document("m3", ("B", "C"), sender="D")._replace(document_id=first.document_id)
    store.commit([first, again, foreign], 1000)
    for each in now_and_reopened(engine, store):
        for recipient, expected in (("B", 0), ("C", 1)):
            found = each.find_document(first.document_id, "A", recipient)
            assert found is not None
            assert found.index == expected
        unsaid = each.find_document(first.document_id, recipient="B")
        assert unsaid is not None
        assert unsaid.index == 2
        assert each.find_document(first.document_id, "A", "D") is None
        assert each.find_document(first.document_id, "A", "nobody") is None


def test_no_number_of_updates_hides_the_document(engine: Engine, store: Store) -> None:
    store.commit([document("m0", number="15")], 1000)
    for name, number in (("u", "15"), ("v", "16")):
        updates = [
            document(f"{name}{n}", (f"{name}{n}",), number=number, business=2, subject=0) for n in range(200)
        ]
        assert all(isinstance(outcome, Accepted) for outcome in store.commit(updates, 1001))
    for each in now_and_reopened(engine, store):
        found = each.find_document("A,2025/06/30,15/UBND", "A", "B")
        assert found is not None
        assert found.index == 0
        newest = each.find_document("A,2025/06/30,16/UBND", "A")
        assert newest is not None
        assert newest.index == each.tree_size() - 1
        theirs = each.find_document("A,2025/06/30,16/UBND", "A", "v7")
        assert theirs is not None
        assert theirs.message_id == "v7"


def test_a_history_of_many_pages_is_whole_and_in_order(engine: Engine, store: Store) -> None:
    store.commit([document("m0", ("B", "C"))], 1000)
    store.commit(
        [
            status("s1", 0, "03"),
            status("s2", 0, "03", sender="C"),
            document("u1", ("B",), business=2, subject=0),
        ],
        1001,
    )
    store.commit([acknowledgement(n, sender="A", message_id=f"a{n}") for n in (1, 2)], 1002)
    store.commit([acknowledgement(3), status("s3", 0, "04"), acknowledgement(0, sender="C")], 1003)
    store.commit([acknowledgement(7, sender="A")], 1004)
    for each in now_and_reopened(engine, store):
        for limit in (1, 2, 3, 100):
            found: list[int] = []
            after = -1
            while page := indexes(each.history(0, after=after, limit=limit)):
                assert len(page) <= limit
                found += page
                after = page[-1]
            assert found == list(range(10))
        assert indexes(each.history(3)) == [3, 6]


def test_what_others_send_does_not_make_questions_dearer(tmp_path: Path) -> None:
    """Counted in steps of the index's virtual machine: as many for 800 statuses and updates as for forty."""
    steps: list[list[int]] = []
    for many in (40, 800):
        engine = EmbeddedEngine(tmp_path / str(many))
        store = engine.open()
        store.commit([document("m0", ("B", *(f"R{n}" for n in range(many))))], 1000)
        store.commit(
            [document(f"u{n}", (f"U{n}",), number="15", business=2, subject=0) for n in range(many)], 1001
        )
        store.commit([status(f"s{n}", 0, "03", sender=f"R{n}") for n in range(many)], 1002)
        store.commit(
            [acknowledgement(1 + many + n, sender="A", message_id=f"a{n}") for n in range(many)], 1003
        )
        size = store.tree_size()
        connection = store._index.connection
        taken = [0, 0, 0]

        def count(which: int, taken: list[int] = taken) -> Callable[[], int]:
            def one_more() -> int:
                taken[which] += 1
                return 0

            return one_more

        connection.set_progress_handler(count(0), 1)
        assert len(store.history(0, after=size - 12, limit=10)) == 10
        connection.set_progress_handler(count(1), 1)
        assert len(store.history(0, limit=10)) == 10
        connection.set_progress_handler(count(2), 1)
        assert store.find_document("A,2025/06/30,15/UBND", "A") is not None
        connection.set_progress_handler(None, 1)
        steps.append(taken)
        engine.close()
    few, many_more = steps
    assert all(late <= 1.2 * early + 400 for early, late in zip(few, many_more, strict=True))

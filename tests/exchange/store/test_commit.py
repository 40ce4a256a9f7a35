"""What every engine promises of a commit."""

from __future__ import annotations

import json
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.exchange.store.engines import Engine, now_and_reopened
from tests.exchange.store.submissions import SIGNER, acknowledgement, document, spooled, status

from lienthong.core.errors import LienthongError
from lienthong.exchange.errors import NotFound
from lienthong.exchange.receipts import leaf_bytes
from lienthong.exchange.store.protocol import Accepted, Refused, Store
from lienthong.trust.log.merkle import leaf_hash, verify_inclusion
from lienthong.trust.log.notes import Note


def check_receipt(receipt: bytes) -> dict[str, object]:
    """Verify a receipt as its holder would, from its bytes alone; answers the leaf's fields."""
    text = receipt.decode()
    fields = json.loads(text)
    note = Note.parse(fields["checkpoint"].encode())
    note.verified_by([SIGNER.key])
    _, size, root = note.text.splitlines()[:3]
    leaf = text[text.index('"leaf":') + 7 : text.index(',"proof":')].encode()
    proof = [b64(each) for each in fields["proof"]]
    verify_inclusion(leaf_hash(leaf), fields["index"], int(size), proof, b64(root))
    leaf_fields: dict[str, object] = fields["leaf"]
    return leaf_fields


def b64(text: str) -> bytes:
    return b64decode(text)


def test_records_get_contiguous_indexes_in_the_order_given(store: Store) -> None:
    assert store.commit([document("a"), document("b")], 1000) == [Accepted(0), Accepted(1)]
    assert store.commit([document("c")], 1001) == [Accepted(2)]
    assert store.tree_size() == 3


def test_an_empty_batch_changes_nothing(store: Store) -> None:
    assert store.commit([], 1000) == []
    assert store.tree_size() == 0


def test_every_receipt_verifies_offline(store: Store) -> None:
    for start in range(0, 40, 8):
        store.commit([document(f"m{n}") for n in range(start, start + 8)], start)
    for index in range(40):
        assert check_receipt(store.receipt(index))["id"] == f"m{index}"


def test_a_retry_gets_the_same_receipt(engine: Engine, store: Store) -> None:
    submission = document("m1")
    store.commit([submission, document("other")], 1000)
    receipt = store.receipt(0)
    store.commit([document(f"n{n}") for n in range(20)], 1500)
    assert store.commit([submission], 2000) == [Accepted(0, duplicate=True)]
    assert store.receipt(0) == receipt
    again = engine.open()
    assert again.commit([submission], 3000) == [Accepted(0, duplicate=True)]
    assert again.receipt(0) == receipt


def test_a_retry_inside_the_same_batch_is_a_duplicate(store: Store) -> None:
    assert store.commit([document("m1"), document("m1")], 1000) == [Accepted(0), Accepted(0, duplicate=True)]
    assert [item.index for item in store.inbox("B")] == [0]


def test_the_same_id_with_another_content_is_refused(store: Store) -> None:
    store.commit([document("m1", payload=b"one")], 1000)
    (outcome,) = store.commit([document("m1", payload=b"two")], 1001)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.index) == ("message-id-conflict", 0)
    assert store.tree_size() == 1
    assert store.payload(0) == b"one"


def test_a_conflict_inside_one_batch_is_refused(store: Store) -> None:
    outcomes = store.commit([document("m1", payload=b"one"), document("m1", payload=b"two")], 1000)
    assert outcomes[0] == Accepted(0)
    assert isinstance(outcomes[1], Refused)
    assert outcomes[1].code == "message-id-conflict"


def test_two_senders_may_choose_the_same_id(store: Store) -> None:
    outcomes = store.commit([document("m1", sender="A"), document("m1", sender="C")], 1000)
    assert outcomes == [Accepted(0), Accepted(1)]


def test_a_record_reads_back_as_it_was_submitted(engine: Engine, store: Store) -> None:
    submission = document(
        "m1", ("B", "C"), staff="Nguyễn Thị Hoa", forwarded=(("000.00.09.H61", "B"),), number="12"
    )
    store.commit([submission], 1234)
    for each in now_and_reopened(engine, store):
        record = each.record(0)
        assert record is not None
        assert record.leaf == leaf_bytes(submission, 1234)
        assert (record.sender, record.message_id, record.recipients) == ("A", "m1", ("B", "C"))
        assert (record.staff, record.forwarded) == ("Nguyễn Thị Hoa", (("000.00.09.H61", "B"),))
        assert (record.accepted_ms, record.summary) == (1234, submission.summary)
        assert (record.digest, record.document_id) == (submission.digest, submission.document_id)
        assert each.payload(0) == submission.payload


def test_a_record_that_is_not_there_is_none(store: Store) -> None:
    assert store.record(0) is None
    assert store.payload(0) is None
    assert store.find("A", "m1") is None
    assert store.find_document("A,2025/06/30,1/UBND") is None
    assert store.delivery(0, "B") is None
    assert store.deliveries(0) == []
    assert store.history(0) == []
    with pytest.raises(NotFound):
        store.receipt(0)


def test_a_record_is_found_by_its_sender_and_id(store: Store) -> None:
    store.commit([document(f"m{n}") for n in range(50)], 1000)
    found = store.find("A", "m33")
    assert found is not None
    assert found.index == 33
    assert store.find("B", "m33") is None


def test_time_in_the_log_never_goes_back(engine: Engine, store: Store) -> None:
    store.commit([document("a")], 5_000)
    store.commit([document("b")], 3_000)
    store = engine.open()
    store.commit([document("c")], 1_000)
    store.commit([document("d")], 6_000)
    times = [record.accepted_ms for n in range(4) if (record := store.record(n))]
    assert times == [5_000, 5_000, 5_000, 6_000]
    assert store.health().last_accepted_ms == 6_000


def test_a_large_payload_is_a_file_with_the_same_bytes(engine: Engine, store: Store) -> None:
    content = bytes(range(256)) * 12_000
    store.commit([document("small"), document("large", payload=content)], 1000)
    for each in now_and_reopened(engine, store):
        path = each.payload(1)
        assert not isinstance(path, bytes | None)
        assert path.read_bytes() == content
        record = each.record(1)
        assert record is not None
        assert record.size == len(content)


def test_a_spooled_payload_is_taken_over(engine: Engine, store: Store) -> None:
    path = engine.spool / "upload-1"
    path.write_bytes(b"x" * 3_000_000)
    submission = spooled("m1", path)
    assert store.commit([submission], 1000) == [Accepted(0)]
    assert not path.exists()
    found = store.payload(0)
    assert not isinstance(found, bytes | None)
    assert found.read_bytes() == b"x" * 3_000_000


def test_the_same_large_payload_under_two_ids_is_served_under_both(engine: Engine, store: Store) -> None:
    for name in ("u1", "u2"):
        (engine.spool / name).write_bytes(b"y" * 2_000_000)
    store.commit([spooled("m1", engine.spool / "u1")], 1000)
    store.commit([spooled("m2", engine.spool / "u2")], 1001)
    for index in (0, 1):
        found = store.payload(index)
        assert not isinstance(found, bytes | None)
        assert found.read_bytes() == b"y" * 2_000_000


def test_an_acknowledgement_has_no_payload(store: Store) -> None:
    store.commit([document("m1"), acknowledgement(0)], 1000)
    assert store.payload(1) is None


def test_a_batch_of_every_kind_is_judged_in_order(store: Store) -> None:
    outcomes = store.commit(
        [
            document("m1"),
            status("s1", 0, "01"),
            status("s2", 0, "03"),
            status("s3", 0, "01"),
            acknowledgement(0),
            acknowledgement(1, sender="A"),
            document("m1"),
        ],
        1000,
    )
    assert outcomes[:3] == [Accepted(0), Accepted(1), Accepted(2)]
    assert isinstance(outcomes[3], Refused)
    assert outcomes[3].code == "impossible-status"
    assert outcomes[4:] == [Accepted(3), Accepted(4), Accepted(0, duplicate=True)]
    delivery = store.delivery(0, "B")
    assert delivery is not None
    assert (delivery.state, delivery.acknowledged_ms) == ("03", 1000)


def test_readers_see_whole_batches_while_a_writer_writes(store: Store) -> None:
    def read(_: int) -> None:
        for _ in range(40):
            items = store.inbox("B", limit=1000)
            indexes = [item.index for item in items]
            assert indexes == list(range(len(indexes)))
            assert len(indexes) % 5 == 0

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, n) for n in range(3)]
        for start in range(0, 150, 5):
            store.commit([document(f"m{n}") for n in range(start, start + 5)], start)
        for each in readers:
            each.result()


def test_a_closed_store_says_so(engine: Engine, store: Store) -> None:
    engine.close()
    with pytest.raises(LienthongError, match="closed"):
        store.commit([document("m1")], 1000)
    with pytest.raises(LienthongError, match="closed"):
        store.record(0)


def test_a_refused_submission_may_be_corrected_and_sent_again(store: Store) -> None:
    store.commit([document("m1")], 1000)
    (refused,) = store.commit([status("s1", 0, "05")], 1001)
    assert isinstance(refused, Refused)
    corrected = status("s1", 0, "03")
    assert store.commit([corrected], 1002) == [Accepted(1)]

"""Leaves and receipts are JSON that anybody can rebuild byte for byte."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.exchange.receipts import batch_receipts, leaf_bytes, receipt_bytes
from lienthong.exchange.store.protocol import Lane, RecordKind, Submission
from lienthong.trust.log.merkle import Frontier, leaf_hash

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
codes = st.text("ABH0123456789.", min_size=1, max_size=12)
submissions = st.builds(
    Submission,
    kind=st.sampled_from(RecordKind),
    sender=texts,
    message_id=texts,
    digest=st.binary(min_size=32, max_size=32),
    payload=st.just(b""),
    recipients=st.lists(texts, max_size=4).map(tuple),
    document_id=texts,
    subject=st.none() | st.integers(0, 2**60),
    status=st.sampled_from(("", "01", "16")),
    business=st.integers(0, 3),
    lane=st.sampled_from(Lane),
    staff=texts,
    forwarded=st.lists(st.tuples(texts, codes), max_size=2).map(tuple),
)
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=6)


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


@given(submissions, st.integers(0, 2**50))
@settings(max_examples=150, deadline=None)
def test_a_leaf_is_the_canonical_json_of_what_it_says(submission: Submission, at_ms: int) -> None:
    leaf = leaf_bytes(submission, at_ms)
    said = json.loads(leaf)
    assert canonical(said) == leaf
    kept: dict[str, Any] = {
        "digest": submission.digest.hex(),
        "id": submission.message_id,
        "kind": submission.kind,
        "sender": submission.sender,
        "time": at_ms,
        "to": list(submission.recipients),
        "v": 1,
    }
    optional: dict[str, Any] = {
        "business": submission.business,
        "document": submission.document_id,
        "forwarded": [list(pair) for pair in submission.forwarded],
        "lane": submission.lane,
        "staff": submission.staff,
        "status": submission.status,
    }
    kept |= {name: value for name, value in optional.items() if value}
    if submission.subject is not None:
        kept["subject"] = submission.subject
    assert said == kept


@given(submissions, st.integers(0, 2**50), hashes, texts)
@settings(max_examples=60, deadline=None)
def test_a_receipt_holds_leaf_proof_and_checkpoint_as_they_are(
    submission: Submission, index: int, proof: list[bytes], note: str
) -> None:
    leaf = leaf_bytes(submission, 1)
    receipt = receipt_bytes(index, leaf, proof, note.encode())
    assert leaf in receipt
    assert json.loads(receipt) == {
        "format": "lienthong-receipt/1",
        "index": index,
        "leaf": json.loads(leaf),
        "proof": [b64encode(each).decode() for each in proof],
        "checkpoint": note,
    }


@given(st.integers(0, 300), st.lists(st.binary(max_size=9), min_size=1, max_size=70))
@settings(max_examples=60, deadline=None)
def test_receipts_made_together_are_those_made_one_by_one(before: int, leaves: list[bytes]) -> None:
    tree = Frontier().append([leaf_hash(bytes([n & 255])) for n in range(before)]).frontier
    growth = tree.append([leaf_hash(leaf) for leaf in leaves])
    together = batch_receipts(growth, leaves, b"note")
    assert together == [
        receipt_bytes(before + n, leaf, proof, b"note")
        for n, (leaf, proof) in enumerate(zip(leaves, growth.proofs(), strict=True))
    ]

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.evidence.conftest import LOG_KEY, NOW, Log

from lienthong.exchange.errors import MalformedMessage
from lienthong.exchange.evidence.checks import Report, Trust
from lienthong.exchange.evidence.receipts import read_receipt, verify_receipt
from lienthong.trust.log.checkpoints import Checkpoint, with_cosignatures
from lienthong.trust.log.notes import KeyType, Note, NoteSigner
from lienthong.trust.log.policy import Policy

WITNESS = NoteSigner.from_seed("stnmt.example/witness", b"\x52" * 32, KeyType.COSIGNATURE_V1)


def outcome(report: Report) -> dict[str, bool | None]:
    return {check.code: check.ok for check in report.checks}


def test_a_receipt_holds_with_the_logs_key_and_its_container(log: Log, trust: Trust) -> None:
    for index, receipt in enumerate(log.receipts):
        payload = log.payloads[index]
        given_ = {sha256(payload).digest(): "doc.asice"} if payload else None
        report = verify_receipt(receipt, trust, containers=given_)
        assert report.verdict == "holds", report.checks
        assert report.facts["index"] == index
    said = verify_receipt(log.receipts[5], trust).checks[-2].explanation
    assert "000.00.00.H61 to 000.05.25.H61" in said.en
    assert "bản ghi số 5" in said.vi


def test_without_the_logs_key_nothing_is_proven_and_that_is_said(log: Log, no_trust: Trust) -> None:
    report = verify_receipt(log.receipts[0], no_trust)
    assert report.verdict == "incomplete"
    assert outcome(report)["checkpoint.signature"] is None
    assert outcome(report)["receipt.inclusion"] is True


def test_what_was_not_given_is_said_and_not_held_against_the_receipt(log: Log, trust: Trust) -> None:
    report = verify_receipt(log.receipts[0], trust)
    assert report.verdict == "holds"
    assert outcome(report)["receipt.container"] is None
    assert outcome(report)["checkpoint.witnesses"] is None


def test_a_receipt_for_another_container_is_refused(log: Log, trust: Trust) -> None:
    report = verify_receipt(log.receipts[0], trust, containers={sha256(b"other").digest(): "other.asice"})
    assert report.verdict == "fails"
    assert "other.asice" in report.checks[-1].explanation.en


def test_a_receipt_of_a_log_one_does_not_trust_is_refused(log: Log) -> None:
    impostor = NoteSigner.from_seed("hub.example/log", b"\x53" * 32)
    report = verify_receipt(log.receipts[0], Trust(Policy.of([impostor.key]), NOW))
    assert outcome(report)["checkpoint.signature"] is False


def test_a_receipt_survives_being_reformatted(log: Log, trust: Trust) -> None:
    """The leaf is rebuilt in its canonical spelling, so white space and order do not matter."""
    body = json.loads(log.receipts[3])
    body["leaf"] = dict(sorted(body["leaf"].items(), reverse=True))
    assert verify_receipt(json.dumps(body, indent=4).encode(), trust).verdict == "holds"


@pytest.mark.parametrize("name", ["sender", "id", "to", "time", "document", "digest"])
def test_a_receipt_whose_leaf_was_changed_is_refused(log: Log, trust: Trust, name: str) -> None:
    body = json.loads(log.receipts[0])
    was = body["leaf"][name]
    body["leaf"][name] = was + 1 if name == "time" else ["X"] if name == "to" else was[::-1]
    report = verify_receipt(json.dumps(body).encode(), trust)
    assert outcome(report)["receipt.inclusion"] is False


def test_a_quorum_of_witnesses_is_asked_for(log: Log) -> None:
    policy = Policy.of([LOG_KEY.key], [WITNESS.key], 1)
    trust = Trust(policy, NOW)
    plain = verify_receipt(log.receipts[0], trust)
    assert outcome(plain)["checkpoint.witnesses"] is False
    body = json.loads(log.receipts[0])
    text = Note.parse(body["checkpoint"].encode()).text
    line = WITNESS.sign(text, time_s=int(NOW.timestamp())).line
    body["checkpoint"] = with_cosignatures(body["checkpoint"].encode(), [line]).decode()
    signed = verify_receipt(json.dumps(body).encode(), trust)
    assert signed.verdict == "holds"
    assert signed.facts["checkpoint"]["cosignatures"][0]["witness"] == "stnmt.example/witness"
    wrong = WITNESS.sign(Checkpoint("hub.example/log", 9, b"\0" * 32).text, time_s=5).line
    body["checkpoint"] = with_cosignatures(log.checkpoints[3], [wrong]).decode()
    assert outcome(verify_receipt(json.dumps(body).encode(), trust))["checkpoint.witnesses"] is False
    nobody = replace(trust, policy=Policy.of([LOG_KEY.key]))
    assert outcome(verify_receipt(json.dumps(body).encode(), nobody))["checkpoint.witnesses"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"format": "lienthong-receipt/2"},
        {"index": -1},
        {"index": True},
        {"index": "0"},
        {"proof": None},
        {"proof": ["AAAA"]},
        {"proof": [1]},
        {"checkpoint": None},
        {"checkpoint": "\ud800"},
        {"leaf": None},
        {"leaf": []},
        {"leaf": {}},
        {"leaf": {"digest": "00", "id": "a", "kind": 1, "sender": "a", "time": 1, "to": [], "v": 1}},
        {"leaf": {"digest": "0" * 64, "id": "a", "kind": 1, "sender": "a", "time": 2**53, "to": [], "v": 1}},
        {"leaf": {"digest": "0" * 64, "id": "a", "kind": 1, "sender": "a", "time": 1, "to": [1], "v": 1}},
        {"leaf": {"digest": "0" * 64, "id": "a", "kind": 1, "sender": "a", "time": 1, "to": [], "v": 2}},
        {"leaf": {"digest": "0" * 64, "id": "\udc00", "kind": 1, "sender": "a", "time": 1, "to": [], "v": 1}},
        {"leaf": {"digest": "0" * 64, "id": "a", "kind": True, "sender": "a", "time": 1, "to": [], "v": 1}},
    ],
)
def test_a_malformed_receipt_is_refused_in_words(log: Log, trust: Trust, change: dict[str, object]) -> None:
    body = json.loads(log.receipts[0]) | change
    data = json.dumps(body).encode()
    with pytest.raises(MalformedMessage):
        read_receipt(data)
    report = verify_receipt(data, trust)
    assert report.verdict == "fails"
    assert report.checks[0].code == "receipt.format"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b"{" * 100_000,
        b'{"index":1e3}',
        b'{"index":NaN}',
        b'{"a":1,"a":2}',
        b" " * 4_000_001,
    ],
)
def test_what_is_no_receipt_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_receipt(data)


@given(st.data())
def test_a_receipt_mutated_anywhere_never_holds_for_anything_else(data: st.DataObject) -> None:
    log = Log()
    log.commit([b"PK-0", b"PK-1", b"PK-2"])
    original = log.receipts[1]
    at = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != original[at]))
    changed = original[:at] + bytes([value]) + original[at + 1 :]
    report = verify_receipt(changed, Trust(Policy.of([LOG_KEY.key]), NOW))
    if report.verdict == "holds":  # a changed space or an unknown field says the same
        assert read_receipt(changed).leaf_bytes == read_receipt(original).leaf_bytes
        assert read_receipt(changed).index == 1


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(max_size=10), st.integers()).map(json.dumps).map(str.encode)
)
def test_random_bytes_are_no_receipt(data: bytes) -> None:
    report = verify_receipt(data, Trust(Policy.of([LOG_KEY.key]), NOW))
    assert report.verdict == "fails"
    assert report.checks[0].explanation.vi

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.evidence.conftest import LOG_KEY, NOW, Log

from lienthong.exchange.evidence.checkpoints import verify_checkpoint
from lienthong.exchange.evidence.checks import Report, Trust
from lienthong.exchange.evidence.proofs import verify_consistency_proof, verify_inclusion_proof
from lienthong.trust.log.notes import NoteSigner
from lienthong.trust.log.policy import Policy
from lienthong.trust.log.proofs import ConsistencyProof


def outcome(report: Report) -> dict[str, bool | None]:
    return {check.code: check.ok for check in report.checks}


def test_an_inclusion_proof_in_a_later_checkpoint_holds(log: Log, trust: Trust) -> None:
    report = verify_inclusion_proof(log.inclusion(2, 7), trust)
    assert report.verdict == "holds"
    assert report.facts["message_id"] == "m-2"
    alone = log.inclusion(2, 7, extra=False)
    assert verify_inclusion_proof(alone, trust, leaf=log.leaves[2]).verdict == "holds"


def test_a_proof_without_its_entry_is_incomplete(log: Log, trust: Trust) -> None:
    report = verify_inclusion_proof(log.inclusion(2, 7, extra=False), trust)
    assert report.verdict == "incomplete"


def test_a_proof_does_not_serve_another_entry(log: Log, trust: Trust) -> None:
    alone = log.inclusion(2, 7, extra=False)
    report = verify_inclusion_proof(alone, trust, leaf=log.leaves[3])
    assert outcome(report)["proof.inclusion"] is False


def test_a_consistency_proof_holds_between_any_two_checkpoints(log: Log, trust: Trust) -> None:
    for old in range(8):
        for new in range(old, 8):
            assert verify_consistency_proof(log.consistency(old, new), trust).verdict == "holds"


def test_a_rewritten_log_cannot_prove_consistency(log: Log, trust: Trust) -> None:
    """The same key signs both, and the proof is the best the rewritten log can give."""
    rewritten = Log()
    rewritten.commit([b"PK-0", b"another PK-1", b"PK-2", b"PK-3"])
    honest = ConsistencyProof.parse(log.consistency(3, 4))
    lie = ConsistencyProof.parse(rewritten.consistency(3, 4))
    mixed = bytes(ConsistencyProof(honest.old, lie.new, lie.hashes))
    report = verify_consistency_proof(mixed, trust)
    assert outcome(report) == {
        "old.signature": True,
        "new.signature": True,
        "new.witnesses": None,
        "proof.consistency": False,
    }
    assert "report them" in report.checks[-1].explanation.en


def test_checkpoints_of_two_logs_are_not_one_history(log: Log) -> None:
    elsewhere = Log(NoteSigner.from_seed("other.example/log", b"\x54" * 32))
    elsewhere.commit([b"PK-0"])
    both = Trust(Policy.of([LOG_KEY.key, elsewhere.signer.key]), NOW)
    mixed = bytes(ConsistencyProof(log.checkpoint(0), elsewhere.checkpoint(1), ()))
    assert outcome(verify_consistency_proof(mixed, both))["proof.origin"] is False


def test_a_checkpoint_says_what_the_log_signed(log: Log, trust: Trust, no_trust: Trust) -> None:
    report = verify_checkpoint(log.checkpoint(7), trust)
    assert report.verdict == "holds"
    assert "7 entries" in report.checks[0].explanation.en
    assert "7 bản ghi" in report.checks[0].explanation.vi
    assert verify_checkpoint(log.checkpoint(7), no_trust).verdict == "incomplete"


@given(st.binary(max_size=300))
def test_random_bytes_prove_nothing(data: bytes) -> None:
    trust = Trust(Policy.of([LOG_KEY.key]), NOW)
    for report in (
        verify_checkpoint(data, trust),
        verify_inclusion_proof(data, trust),
        verify_consistency_proof(data, trust),
        verify_inclusion_proof(Log().checkpoint(0), trust, leaf=data),
    ):
        assert report.verdict == "fails"
        assert report.checks[0].explanation.en


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
@given(data=st.data())
def test_a_mutated_proof_never_holds_for_anything_else(kind: str, data: st.DataObject) -> None:
    log = Log()
    log.commit([b"PK-%d" % i for i in range(5)])
    trust = Trust(Policy.of([LOG_KEY.key]), NOW)
    original = log.inclusion(2, 5) if kind == "inclusion" else log.consistency(3, 5)
    verify = verify_inclusion_proof if kind == "inclusion" else verify_consistency_proof
    at = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != original[at]))
    report = verify(original[:at] + bytes([value]) + original[at + 1 :], trust)
    if report.verdict == "holds":
        assert kind == "consistency", "only JSON has white space to spare"
        was = verify(original, trust)
        assert (report.facts, outcome(report)) == (was.facts, outcome(was))


def test_a_report_is_json_in_both_languages(log: Log, trust: Trust) -> None:
    body = json.loads(json.dumps(verify_checkpoint(log.checkpoint(7), trust, "a").as_json()))
    assert (body["subject"], body["verdict"], body["kind"]) == ("a", "holds", "checkpoint")
    assert set(body["checks"][0]) == {
        "code",
        "ok",
        "needed",
        "what",
        "explanation",
        "what_vi",
        "explanation_vi",
    }

"""Inclusion and consistency proofs as evidence (trust.log.proofs)."""

from __future__ import annotations

from contextlib import suppress

from lienthong.exchange.evidence.checkpoints import check_checkpoint
from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words, entries
from lienthong.exchange.evidence.receipts import INCLUSION, entry_words, leaf_facts, read_leaf
from lienthong.trust.log.merkle import leaf_hash, verify_consistency, verify_inclusion
from lienthong.trust.log.proofs import ConsistencyProof, InclusionProof

FORMAT = Words("Dạng thức của bằng chứng", "The proof's form")
CONSISTENCY = Words("Nhật ký chỉ được ghi thêm", "The log was only appended to")
SAME_LOG = Words("Hai bản chốt của cùng một nhật ký", "Both checkpoints are of one log")


def verify_inclusion_proof(
    data: bytes, trust: Trust, *, leaf: bytes | None = None, subject: str = "proof"
) -> Report:
    """Check a C2SP tlog-proof. ``leaf``: the entry's bytes, unless the proof carries them as extra data."""
    report = Report(subject, "inclusion")
    with suppress(Stopped):
        with report.attempt("proof.format", FORMAT):
            proof = InclusionProof.parse(data)
            entry = leaf if leaf is not None else proof.extra
            parsed = None if entry is None else read_leaf(entry)[1]
        checkpoint = check_checkpoint(report, proof.checkpoint, trust)
        report.facts["index"] = proof.index
        if entry is None or parsed is None:
            report.skipped(
                "proof.inclusion",
                INCLUSION,
                Words(
                    "chưa kiểm tra: bằng chứng không kèm nội dung bản ghi",
                    "not checked: the proof does not carry the entry it is about",
                ),
                needed=True,
            )
            return report
        report.facts.update(leaf_facts(parsed))
        with report.attempt("proof.inclusion", INCLUSION):
            verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
        report.passed("proof.inclusion", INCLUSION, entry_words(proof.index, parsed))
    return report


def verify_consistency_proof(data: bytes, trust: Trust, *, subject: str = "proof") -> Report:
    """Check that the log of the new checkpoint only appended to that of the old one."""
    report = Report(subject, "consistency")
    with suppress(Stopped):
        with report.attempt("proof.format", FORMAT):
            proof = ConsistencyProof.parse(data)
        old = check_checkpoint(report, proof.old, trust, part="old", needs_quorum=False)
        new = check_checkpoint(report, proof.new, trust, part="new")
        if old.origin != new.origin:
            report.failed(
                "proof.origin",
                SAME_LOG,
                Words(f"không: «{old.origin}» và «{new.origin}»", f"no: «{old.origin}» and «{new.origin}»"),
            )
            return report
        with report.attempt("proof.consistency", CONSISTENCY):
            verify_consistency(old.size, new.size, proof.hashes, old.root, new.root)
        report.passed(
            "proof.consistency",
            CONSISTENCY,
            Words(
                f"từ {old.size} đến {new.size} bản ghi: các bản ghi cũ còn nguyên, đúng thứ tự",
                f"from {old.size} to {entries(new.size)}: the earlier ones are all there, as they were",
            ),
        )
    return report

"""Checkpoints as evidence: the log's signature, the witnesses' cosignatures, the quorum."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words, entries, local_time
from lienthong.trust.log.checkpoints import Checkpoint, SignedCheckpoint, open_checkpoint
from lienthong.trust.log.notes import Note
from lienthong.trust.log.policy import Policy

SIGNATURE = Words("Chữ ký của nhật ký trên bản chốt", "The log's signature on the checkpoint")
WITNESSES = Words("Chữ ký của các bên chứng kiến", "The witnesses' cosignatures")
FORMAT = Words("Dạng thức của bản chốt", "The checkpoint's form")


def verify_checkpoint(data: bytes, trust: Trust, subject: str = "checkpoint") -> Report:
    """Check one signed checkpoint."""
    report = Report(subject, "checkpoint")
    with suppress(Stopped):
        check_checkpoint(report, data, trust)
    return report


def check_checkpoint(
    report: Report, data: bytes, trust: Trust, *, part: str = "checkpoint", needs_quorum: bool = True
) -> Checkpoint:
    """Add the checks of one checkpoint to a report; what it states, whoever signed it.

    ``part`` names it among several (``old``, ``new``); cosignatures are asked for with ``needs_quorum``.
    Raises :class:`Stopped` when nothing can be built on it.
    """
    with report.attempt(f"{part}.format", FORMAT):
        stated = Checkpoint.parse(Note.parse(data).text)
    report.facts[part] = {"origin": stated.origin, "size": stated.size, "root": stated.root.hex()}
    if not trust.policy.logs:
        report.skipped(
            f"{part}.signature",
            SIGNATURE,
            Words(
                f"chưa kiểm tra: chưa cho biết khóa công khai của nhật ký «{stated.origin}» "
                "(--log-key, --policy hoặc --data)",
                f"not checked: the public key of the log «{stated.origin}» was not given "
                "(--log-key, --policy or --data)",
            ),
            needed=True,
        )
        return stated
    with report.attempt(f"{part}.signature", SIGNATURE):
        signed = open_checkpoint(data, trust.policy.logs)
    report.passed(
        f"{part}.signature",
        SIGNATURE,
        Words(
            f"nhật ký «{stated.origin}» đã ký: có {stated.size} bản ghi, mã gốc {_short(stated.root)}",
            f"the log «{stated.origin}» signed: it has {entries(stated.size)}, root {_short(stated.root)}",
        ),
    )
    if needs_quorum:
        _check_witnesses(report, data, signed, trust, part)
    return stated


def _check_witnesses(report: Report, data: bytes, signed: SignedCheckpoint, trust: Trust, part: str) -> None:
    code, policy = f"{part}.witnesses", trust.policy
    if not policy.witnesses:
        unknown = ", ".join(sorted(set(signed.unknown)))
        report.skipped(
            code,
            WITNESSES,
            Words(
                "chưa kiểm tra: chưa cho biết khóa của bên chứng kiến nào; "
                + (f"có chữ ký mang tên: {unknown}" if unknown else "bản chốt không có chữ ký nào khác"),
                "not checked: no witness's key was given; "
                + (f"there are signatures under the names: {unknown}" if unknown else "it bears none"),
            ),
        )
        return
    with report.attempt(code, WITNESSES):
        cosignatures = open_checkpoint(data, policy.logs, policy.witness_keys).cosignatures
    report.facts[part]["cosignatures"] = [
        {"witness": each.witness.name, "time_s": each.time_s} for each in cosignatures
    ]
    names = ", ".join(f"{each.witness.name} ({_time(each.time_s)})" for each in cosignatures)
    if policy.quorum is None and not cosignatures:
        report.skipped(
            code,
            WITNESSES,
            Words(
                f"không yêu cầu, và chưa bên nào trong {len(policy.witnesses)} bên đã biết ký",
                f"none is asked for, and none of the {len(policy.witnesses)} known has cosigned",
            ),
        )
        return
    asked = _asked(policy)
    if policy.met_by(cosignatures):
        report.passed(
            code,
            WITNESSES,
            Words(f"hợp lệ: {names} (yêu cầu: {asked.vi})", f"valid: {names} (asked for: {asked.en})"),
        )
    else:
        report.failed(
            code,
            WITNESSES,
            Words(
                f"không đủ: yêu cầu {asked.vi}; hợp lệ: {names or 'không có'}",
                f"not enough: asked for {asked.en}; valid: {names or 'none'}",
            ),
        )


def _asked(policy: Policy) -> Words:
    """The quorum in words."""
    if policy.quorum is None:
        return Words("không", "none")
    group = policy.groups.get(policy.quorum)
    if group is None:
        return Words(f"bên {policy.quorum}", policy.quorum)
    count = len(group.members)
    return Words(f"{group.needed} trong {count} bên", f"{group.needed} of {count}")


def _short(root: bytes) -> str:
    return f"{root.hex()[:16]}…"


def _time(time_s: int) -> str:
    try:
        return local_time(datetime.fromtimestamp(time_s, UTC))
    except (OverflowError, ValueError, OSError):
        return f"{time_s} s"

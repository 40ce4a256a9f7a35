"""Containers as evidence: files and seal, whose seal it was and when, and what the message says."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lienthong.core.clock import VIETNAM
from lienthong.exchange.container import read_message
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words, local_time
from lienthong.exchange.evidence.pdfs import check_pdfs
from lienthong.trust import asic
from lienthong.trust.certificates import Verdict, describe
from lienthong.trust.cms import SignatureInfo
from lienthong.trust.profiles import Profile
from lienthong.trust.timestamps import digest_algorithm, verify_timestamp

SEAL = Words("Các tệp còn nguyên như khi được ký số", "The files are as they were sealed")
TIME = Words("Thời điểm ký", "When it was sealed")
CERTIFICATE = Words("Chứng thư của con dấu số", "The seal's certificate")
REVOCATION = Words("Tình trạng thu hồi chứng thư", "Whether the certificate was revoked")
MESSAGE = Words("Thông điệp edXML", "The edXML message")
SENDER = Words("Con dấu số là của cơ quan gửi", "The seal is the sender's")


@dataclass(frozen=True, slots=True)
class ProvenTime:
    """A moment at which the container existed, shown by other evidence: a receipt that was verified."""

    at: datetime
    words: Words


def verify_container(
    source: Path | bytes, trust: Trust, *, proven: ProvenTime | None = None, subject: str = "container"
) -> Report:
    """Check a container. The seal's certificate is judged at the best moment known: ``proven``, else the
    time-stamp in the signature, else the time the signer states.
    """
    report = Report(subject, "container")
    with suppress(Stopped):
        with report.attempt("container.seal", SEAL):
            container = asic.read(source)
        with container:
            signature = container.signature
            report.facts["files"] = [
                {"name": entry.name, "media_type": entry.media_type, "size": entry.size}
                for entry in container.entries.values()
            ]
            report.passed(
                "container.seal",
                SEAL,
                Words(
                    f"{len(container.names)} tệp: mọi mã băm và chữ ký ({signature.algorithm}) đều đúng",
                    f"{len(container.names)} file{'s'[: len(container.names) != 1]}: all digests and the "
                    f"signature ({signature.algorithm}) are right",
                ),
            )
            at = _check_time(report, signature, trust, proven)
            _check_certificate(report, signature, trust, at)
            envelope = _check_message(report, container, at)
            _check_sender(report, signature, envelope, trust, at)
            check_pdfs(report, container, trust, at)
    return report


def _check_time(
    report: Report, signature: SignatureInfo, trust: Trust, proven: ProvenTime | None
) -> datetime:
    """The moment at which to judge the certificate."""
    stamped = None
    if signature.timestamp is not None:
        stamped = _stamped(report, signature.timestamp, signature.signature, trust)
    best = stamped if proven is None or (stamped is not None and stamped < proven.at) else proven.at
    if best is not None:
        words = (
            proven.words
            if proven is not None and best == proven.at
            else Words(f"dấu thời gian: {local_time(best)}", f"the time-stamp says {local_time(best)}")
        )
        report.passed("container.time", TIME, words)
        report.facts["sealed_before"] = best.isoformat()
        return best
    stated = signature.signing_time
    if stated is None:
        report.skipped(
            "container.time",
            TIME,
            Words(
                "chưa chứng minh được và người ký không ghi; chứng thư được xét theo hôm nay",
                "not proven, and the signer does not state it; the certificate is judged by today",
            ),
        )
        return trust.now
    report.facts["stated_time"] = stated.isoformat()
    report.skipped(
        "container.time",
        TIME,
        Words(
            f"chưa chứng minh: {local_time(stated)} là do người ký tự ghi; đưa kèm biên nhận để chứng minh",
            f"not proven: {local_time(stated)} is what the signer states; its receipt would prove it",
        ),
    )
    return stated


def _stamped(report: Report, token: bytes, signed: bytes, trust: Trust) -> datetime | None:
    if trust.certificates is None:
        return None
    with report.attempt("container.time", TIME):
        digest = hashlib.new(digest_algorithm(token), signed).digest()
        return verify_timestamp(token, digest, trust.certificates)


def _check_certificate(report: Report, signature: SignatureInfo, trust: Trust, at: datetime) -> None:
    with report.attempt("container.certificate", CERTIFICATE):
        facts = describe(signature.certificate)
    report.facts["seal"] = facts
    name = f"{facts['name']} ({facts['organ']})" if facts["organ"] else facts["name"]
    if trust.certificates is None:
        report.skipped(
            "container.certificate",
            CERTIFICATE,
            Words(
                f"chưa kiểm tra: chứng thư ghi tên {name}, nhưng chưa cho biết cơ quan chứng thực đáng tin "
                "(--ca hoặc --data)",
                f"not checked: the certificate names {name}, but no authority to trust was given "
                "(--ca or --data)",
            ),
            needed=True,
        )
        return
    with report.attempt("container.certificate", CERTIFICATE):
        verdict = trust.certificates.check(
            signature.certificate,
            intermediates=signature.certificates,
            purpose=Profile.SEAL,
            at=at,
            online=False,
        )
    when = local_time(at)
    if not verdict.ok:
        missing = verdict.status == "untrusted"
        report.failed(
            "container.certificate",
            CERTIFICATE,
            Words(
                f"{name}: không được chấp nhận vào lúc {when}: {verdict.reason}"
                + ("; nếu tin chứng thư gốc đã cấp, nêu tệp của nó với --ca" if missing else ""),
                f"{name} is not accepted at {when}: {verdict.reason}"
                + ("; if you trust the root that issued it, give its file with --ca" if missing else ""),
            ),
        )
        return
    report.passed(
        "container.certificate",
        CERTIFICATE,
        Words(f"{name}: tin cậy vào lúc {when}{_through(verdict)}", f"{name}, at {when}: {verdict.reason}"),
    )
    if trust.certificates.revocation is None or verdict.status == "unknown":
        report.skipped(
            "container.revocation",
            REVOCATION,
            Words(
                f"chưa kiểm tra: {verdict.warning or 'không có danh sách thu hồi (CRL)'}",
                f"not checked: {verdict.warning or 'there is no revocation list (CRL)'}",
            ),
        )


def _check_message(report: Report, container: asic.Container, at: datetime) -> Envelope:
    with report.attempt("container.message", MESSAGE):
        envelope = read_message(container, today=at.astimezone(VIETNAM).date()).envelope
    report.facts["message"] = {
        "id": envelope.message_id,
        "kind": envelope.kind,
        "from": envelope.from_organ,
        "to": list(envelope.to_organs),
        "document_id": envelope.document_id,
        "subject": envelope.subject,
    }
    what = envelope.document_id or f"status {envelope.status_code}"
    report.passed(
        "container.message",
        MESSAGE,
        Words(
            f"hợp lệ theo QCVN 102:2016, từ {envelope.from_organ}: {what}; đủ các tệp đính kèm",
            f"valid by QCVN 102:2016, from {envelope.from_organ}: {what}; every attachment is there",
        ),
    )
    return envelope


def _check_sender(
    report: Report, signature: SignatureInfo, envelope: Envelope, trust: Trust, at: datetime
) -> None:
    organ = envelope.from_organ
    certified = report.facts["seal"]["organ"]
    if trust.directory is not None:
        holder = trust.directory.by_fingerprint(signature.fingerprint, "seal")
        meant = trust.directory.resolve(organ, at.astimezone(VIETNAM).date()).agency
        if holder is not None and meant is not None:
            same = holder.code == meant.code
            words = Words(
                f"theo danh bạ, con dấu là của {holder.name} ({holder.code}); người gửi ghi là {organ}",
                f"by the directory the seal is of {holder.name} ({holder.code}); the sender says {organ}",
            )
            (report.passed if same else report.failed)("container.sender", SENDER, words)
            return
    if not certified:
        report.skipped(
            "container.sender",
            SENDER,
            Words(
                "chưa kiểm tra: chứng thư không ghi mã cơ quan và không có danh bạ (--data)",
                "not checked: the certificate names no organ code and there is no directory (--data)",
            ),
            needed=True,
        )
    elif certified == organ:
        report.passed(
            "container.sender",
            SENDER,
            Words(f"chứng thư và thông điệp cùng ghi {organ}", f"certificate and message both say {organ}"),
        )
    else:
        report.skipped(
            "container.sender",
            SENDER,
            Words(
                f"chưa kết luận được: chứng thư ghi {certified}, thông điệp ghi {organ}; "
                "có thể là hai mã của một cơ quan, cần danh bạ (--data)",
                f"cannot be told: the certificate says {certified}, the message {organ}; "
                "they may be two codes of one agency, which the directory knows (--data)",
            ),
            needed=True,
        )


def _through(verdict: Verdict) -> str:
    """Through whom a good certificate is trusted, in Vietnamese; a tolerated doubt is quoted."""
    _, found, anchor = verdict.reason.partition(" is trusted through ")
    if not found:
        return f" ({verdict.reason})"
    anchor, unchecked, _ = anchor.partition("; revocation was not checked")
    return f", qua {anchor}" + ("; chưa kiểm tra việc thu hồi" if unchecked else "")

"""Signatures inside PDF files (PAdES) as evidence: of a file on its own, or of the files of a container.

A container's seal covers its files whatever their own signatures say, so these only add to it: a PDF that
nobody signed is said to be so, and one that was changed after it was signed fails.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words, local_time
from lienthong.trust.asic import Container
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import PdfSignatureError

MAX_PDF_BYTES = 256 << 20
PDF_TYPE = "application/pdf"

READ = Words("Tệp PDF", "The PDF file")


def verify_pdf(data: bytes, trust: Trust, *, subject: str = "pdf") -> Report:
    """Check a PDF on its own: it must bear a signature, and each must hold."""
    report = Report(subject, "pdf")
    with suppress(Stopped), report.attempt("pdf.read", READ):
        if len(data) > MAX_PDF_BYTES:
            raise PdfSignatureError(f"the PDF is larger than {MAX_PDF_BYTES} bytes")
        _check(report, data, trust, trust.now, READ, alone=True)
    return report


def check_pdfs(report: Report, container: Container, trust: Trust, at: datetime) -> None:
    """Add what the PDFs of a container say about themselves; ``at``: when the container was sealed."""
    for name, entry in container.entries.items():
        if entry.media_type != PDF_TYPE:
            continue
        what = Words(f"Chữ ký trong {name}", f"Signatures in {name}")
        if entry.size > MAX_PDF_BYTES:
            why = Words("chưa kiểm tra: tệp quá lớn", "not checked: the file is too large")
            report.skipped("pdf.signature", what, why)
            continue
        try:
            _check(report, container.read(name), trust, at, what, alone=False)
        except PdfSignatureError as error:
            why = Words(f"chưa kiểm tra: không đọc được PDF: {error.detail}", f"not checked: {error.detail}")
            report.skipped("pdf.signature", what, why)


def _check(report: Report, data: bytes, trust: Trust, at: datetime, what: Words, *, alone: bool) -> None:
    from lienthong.trust.pades import check_pdf

    found = check_pdf(data, trust.certificates or TrustStore(()), at=at)
    if not found:
        why = Words("tệp không có chữ ký nào bên trong", "nobody signed the file itself")
        report.skipped("pdf.signature", what, why, needed=alone)
    for each in found:
        name = f"{each.signer} ({each.organ})" if each.organ else each.signer or each.field
        problems = "; ".join(each.problems)
        if each.ok:
            when = local_time(each.judged_at)
            words = Words(f"{name}: đúng, xét vào lúc {when}", f"{name}: right, judged at {when}")
            report.passed("pdf.signature", what, words)
        elif each.intact and each.later_changes != "suspicious" and trust.certificates is None:
            words = Words(
                f"{name}: nội dung còn nguyên; chưa kiểm tra người ký, vì chưa cho biết cơ quan chứng thực "
                "đáng tin (--ca hoặc --data)",
                f"{name}: unchanged since; who signed was not checked: no authority to trust was given "
                "(--ca or --data)",
            )
            report.skipped("pdf.signature", what, words, needed=alone)
        elif each.intact and each.later_changes != "suspicious" and not alone:
            words = Words(
                f"{name}: nội dung còn nguyên, nhưng chưa tin cậy được chữ ký: {problems}",
                f"{name}: unchanged since, but the signature is not trusted: {problems}",
            )
            report.skipped("pdf.signature", what, words, needed=alone)
        else:
            words = Words(f"{name}: không đạt: {problems}", f"{name}: {problems}")
            report.failed("pdf.signature", what, words)

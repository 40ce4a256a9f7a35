"""Several pieces of evidence at once: each recognised by its content, and each used to judge the others.

A receipt proves when its container existed; a container shows what a receipt is about; two checkpoints of
one size with different roots show that the log told two stories.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from lienthong.core.errors import LienthongError
from lienthong.exchange.errors import MalformedMessage
from lienthong.exchange.evidence.checkpoints import verify_checkpoint
from lienthong.exchange.evidence.checks import Kind, Report, Trust, Words, in_words, local_time
from lienthong.exchange.evidence.containers import ProvenTime, verify_container
from lienthong.exchange.evidence.items import Progress
from lienthong.exchange.evidence.logs import verify_log
from lienthong.exchange.evidence.material import named, option_for
from lienthong.exchange.evidence.pdfs import MAX_PDF_BYTES, verify_pdf
from lienthong.exchange.evidence.proofs import verify_consistency_proof, verify_inclusion_proof
from lienthong.exchange.evidence.receipts import (
    MAX_RECEIPT_BYTES,
    accepted_at,
    read_leaf,
    read_receipt,
    verify_receipt,
)
from lienthong.exchange.evidence.sources import file_digest, log_source
from lienthong.exchange.receipts import RECEIPT_FORMAT
from lienthong.trust.log.proofs import CONSISTENCY_FORMAT, TLOG_PROOF, ConsistencyProof, InclusionProof

READ = Words("Đọc tệp", "Reading the file")
ONE_HISTORY = Words("Các bản chốt kể cùng một câu chuyện", "The checkpoints tell one story")

_JSON_KINDS: dict[str, Kind] = {RECEIPT_FORMAT: "receipt", CONSISTENCY_FORMAT: "consistency"}


def recognise(path: Path) -> Kind:
    """What kind of evidence a file or folder is, by its content. Raises OSError when it cannot be read."""
    if path.is_dir():
        return "log"
    with path.open("rb") as file:
        head = file.read(4)
        if head == b"PK\x03\x04":
            return "container"
        if head == b"%PDF":
            return "pdf"
        data = head + file.read(MAX_RECEIPT_BYTES)
    if data.startswith(TLOG_PROOF.encode() + b"\n"):
        return "inclusion"
    if data.lstrip().startswith(b"{"):
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            return "unknown"
        name = body.get("format") if isinstance(body, dict) else None
        return _JSON_KINDS.get(name, "unknown") if isinstance(name, str) else "unknown"
    return "checkpoint" if "\n\n— ".encode() in data else "unknown"


def verify_files(
    paths: Sequence[Path], trust: Trust, *, payloads: bool = True, progress: Progress | None = None
) -> list[Report]:
    """Check everything given, in the light of everything given; one report for each, in order.

    ``payloads``: hash the containers inside a whole log too.
    """
    kinds = {path: _kind(path) for path in paths}
    digests = {path: file_digest(path) for path, kind in kinds.items() if kind == "container"}
    containers = {digest: path.name for path, digest in digests.items()}
    reports: dict[Path, Report] = {}
    proven: dict[bytes, ProvenTime] = {}
    for path, kind in kinds.items():
        if isinstance(kind, Report):
            reports[path] = kind
        elif kind in ("receipt", "inclusion", "consistency", "checkpoint"):
            data = _read(path, MAX_RECEIPT_BYTES)
            reports[path] = report = _verify_text(kind, data, trust, containers, str(path))
            if report.verdict == "holds" and kind in ("receipt", "inclusion"):
                digest, moment = _proven(kind, data, path.name)
                if digest not in proven or moment.at < proven[digest].at:
                    proven[digest] = moment
    for path, kind in kinds.items():
        if kind == "container":
            earliest = proven.get(digests[path])
            reports[path] = verify_container(path, trust, proven=earliest, subject=str(path))
        elif kind == "pdf":
            reports[path] = verify_pdf(_read(path, MAX_PDF_BYTES), trust, subject=str(path))
        elif kind == "log":
            reports[path] = _verify_folder(path, trust, payloads, progress)
    ordered = [reports[path] for path in paths]
    _compare_checkpoints(ordered)
    return ordered


def notes_in(path: Path) -> list[bytes]:
    """The signed checkpoints in a file: itself, or those of a receipt or proof. :class:`LienthongError` when
    there is none.
    """
    try:
        kind, data = recognise(path), b"" if path.is_dir() else _read(path, MAX_RECEIPT_BYTES)
    except OSError as error:
        raise MalformedMessage(f"it cannot be read: {error.strerror}", place=str(path)) from error
    if kind == "checkpoint":
        return [data]
    if kind == "receipt":
        return [read_receipt(data).checkpoint]
    if kind == "inclusion":
        return [InclusionProof.parse(data).checkpoint]
    if kind == "consistency":
        proof = ConsistencyProof.parse(data)
        return [proof.old, proof.new]
    raise MalformedMessage(
        "there is no checkpoint in it", place=str(path), remedy="give a checkpoint, a receipt or a proof"
    )


def _kind(path: Path) -> Kind | Report:
    """The kind, or a report that says why there is none."""
    report = Report(str(path), "unknown")
    try:
        kind = recognise(path)
        option = option_for(_read(path, MAX_RECEIPT_BYTES)) if kind == "unknown" else None
    except OSError as error:
        report.failed(
            "file.read",
            READ,
            Words(f"không đọc được: {error.strerror}", f"it cannot be read: {error.strerror}"),
        )
        return report
    if kind != "unknown":
        return kind
    if option is not None:
        report.failed("file.kind", READ, named(option, str(path)))
        return report
    report.failed(
        "file.kind",
        READ,
        Words(
            "không nhận ra: cần gói văn bản (*.asice), PDF, biên nhận, bằng chứng, bản chốt, thư mục nhật ký",
            "not recognised: give a container (*.asice), PDF, receipt, proof, checkpoint or a log's folder",
        ),
    )
    return report


def _read(path: Path, limit: int) -> bytes:
    """The file, or one byte more than ``limit``: whoever parses it then says that it is too long."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def _verify_text(kind: Kind, data: bytes, trust: Trust, containers: dict[bytes, str], subject: str) -> Report:
    if kind == "receipt":
        return verify_receipt(data, trust, containers=containers, subject=subject)
    if kind == "inclusion":
        return verify_inclusion_proof(data, trust, subject=subject)
    if kind == "consistency":
        return verify_consistency_proof(data, trust, subject=subject)
    return verify_checkpoint(data, trust, subject)


def _verify_folder(path: Path, trust: Trust, payloads: bool, progress: Progress | None) -> Report:
    try:
        source = log_source(path, payloads=payloads)
    except LienthongError as error:
        report = Report(str(path), "log")
        report.failed("log.read", READ, in_words(error))
        return report
    return verify_log(source, trust, progress=progress, subject=str(path))


def _proven(kind: Kind, data: bytes, name: str) -> tuple[bytes, ProvenTime]:
    """Digest of the container, and the moment at which a verified receipt or proof shows that it existed."""
    if kind == "receipt":
        leaf, accepted = (parts := read_receipt(data)).leaf, parts.accepted
    else:
        extra = InclusionProof.parse(data).extra
        assert extra is not None, "a proof without its entry does not hold"
        leaf = read_leaf(extra)[1]
        accepted = accepted_at(leaf)
    words = Words(
        f"nhật ký ghi nhận lúc {local_time(accepted)} (theo {name})",
        f"the log recorded it at {local_time(accepted)} (by {name})",
    )
    return bytes.fromhex(leaf["digest"]), ProvenTime(accepted, words)


def _compare_checkpoints(reports: Iterable[Report]) -> None:
    """Fail the later of two checkpoints that one log signed for one size with different roots."""
    roots: dict[tuple[str, int], tuple[str, str]] = {}
    for report in reports:
        signed = {check.code.removesuffix(".signature") for check in report.checks if check.ok}
        for part in ("checkpoint", "old", "new"):
            fact = report.facts.get(part)
            if part not in signed or not isinstance(fact, dict):
                continue
            root, where = roots.setdefault((fact["origin"], fact["size"]), (fact["root"], report.subject))
            if root != fact["root"]:
                report.failed(
                    "checkpoint.split",
                    ONE_HISTORY,
                    Words(
                        f"không: với cùng {fact['size']} bản ghi, {where} có mã gốc khác; "
                        "nhật ký đã ký hai nội dung khác nhau, hãy giữ cả hai làm bằng chứng",
                        f"no: for the same {fact['size']} entries {where} has another root; "
                        "the log signed two histories, keep both as evidence",
                    ),
                )

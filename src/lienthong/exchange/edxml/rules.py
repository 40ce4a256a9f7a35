"""What QCVN 102:2016/BTTTT asks of a message, judged on the model. Pure: values in, findings out.

Where public sources disagree the choice is an :class:`Options` field, documented in docs/reference/edxml.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from lienthong.core.identifiers import MAX_ORGAN_CODE, MESSAGE_ID, NEW_ORGAN_CODE, DocumentId, IdentifierError
from lienthong.exchange import statuses
from lienthong.exchange.edxml import model, secrecy
from lienthong.exchange.edxml.findings import (
    HOUSE,
    Bounded,
    Finding,
    InvalidMessage,
    Severity,
    errors,
    missing,
)
from lienthong.exchange.edxml.tree import NO_DATE, secret

GROUP = re.compile(r"group:[a-z0-9][a-z0-9._-]{0,63}")
"""A recipient that stands for many, e.g. ``group:communes``; only among recipients, expanded by the hub."""

MAX_SUBJECT = 500
MAX_CODE_NUMBER = 11
MAX_CODE_NOTATION = 30
MAX_PLACE = 50
MAX_TYPE_NAME = 100
MAX_NAME = 500
"""Our own bound for names and positions, which QCVN leaves open."""


@dataclass(frozen=True, slots=True)
class Options:
    """Choices where sources conflict or are silent.

    ``steering_types``: 1 none, 2 directive, 3 report in some systems, 0/1/2 in others; the default takes
    the union. ``document_types``: values of DocumentType/Type that pass without a warning.
    ``strict_document_id``: refuse a DocumentId that is not ``OrganId,yyyy/MM/dd,Number/Notation``
    (otherwise a warning: official client kits ship others). ``any_date``: forgive ISO and day-first dates.
    """

    steering_types: frozenset[int] = frozenset({0, 1, 2, 3})
    document_types: frozenset[int] = frozenset({1, 2})
    strict_document_id: bool = False
    any_date: bool = False


OPTIONS = Options()
_T = TypeVar("_T")


def check(message: model.Message, *, today: date, options: Options = OPTIONS) -> list[Finding]:
    """The findings on ``message``, at most ``MOST_FINDINGS`` errors and as many warnings; ``today`` is the
    date in Vietnam.
    """
    found = Bounded()
    for finding in (
        _status(message) if isinstance(message, model.Status) else _document(message, today, options)
    ):
        found.take(finding)
        if found.full:
            break
    return found.findings


def require_valid(message: model.Message, *, today: date, options: Options = OPTIONS) -> None:
    """Raise :class:`InvalidMessage` when the message has an error."""
    findings = check(message, today=today, options=options)
    if errors(findings):
        raise InvalidMessage(findings)


def _document(message: model.Document, today: date, options: Options) -> Iterator[Finding]:
    header = "MessageHeader"
    yield from _organ_id(f"{header}/From/OrganId", message.sender.organ_id)
    yield from _names(f"{header}/From", message.sender)
    if not message.recipients:
        yield _required(f"{header}/To")
    for path, organ in _numbered(f"{header}/To", message.recipients):
        if not GROUP.fullmatch(organ.organ_id):
            yield from _organ_id(f"{path}/OrganId", organ.organ_id)
        yield from _names(path, organ)
    yield from _document_id(message, options)
    yield from _text(f"{header}/Code/CodeNumber", message.code.number, MAX_CODE_NUMBER, required=True)
    yield from _text(f"{header}/Code/CodeNotation", message.code.notation, MAX_CODE_NOTATION, required=True)
    yield from _text(f"{header}/PromulgationInfo/Place", message.promulgation.place, MAX_PLACE)
    yield from _not_in_future(f"{header}/PromulgationInfo/PromulgationDate", message.promulgation.date, today)
    yield from _type(f"{header}/DocumentType", message.type, options)
    yield from _text(f"{header}/Subject", message.subject, MAX_SUBJECT, required=True)
    yield from _unmarked(f"{header}/Subject", message.subject)
    yield from _text(f"{header}/Content", message.content, MAX_SUBJECT)
    yield from _unmarked(f"{header}/Content", message.content)
    if message.signer is not None:
        for name, value in (
            ("Competence", message.signer.competence),
            ("Position", message.signer.position),
            ("FullName", message.signer.full_name),
        ):
            yield from _text(f"{header}/SignerInfo/{name}", value, MAX_NAME, source=HOUSE)
    if message.other is not None:
        yield from _other(f"{header}/OtherInfo", message.other)
    for path, answered in _numbered(f"{header}/ResponseFor", message.response_for):
        if answered.organ_id:
            yield from _organ_id(f"{path}/OrganId", answered.organ_id, severity="warning")
    if message.steering_type is not None and message.steering_type not in options.steering_types:
        yield _value_set(f"{header}/SteeringType", message.steering_type, sorted(options.steering_types))
    yield from _trace(message)
    yield from _references(message)


def _status(message: model.Status) -> Iterator[Finding]:
    header, answered = "MessageHeader", message.response_for
    yield from _organ_id(f"{header}/From/OrganId", message.sender.organ_id)
    yield from _names(f"{header}/From", message.sender)
    yield from _text(f"{header}/ResponseFor/Code", answered.code, MAX_NAME, required=True, source=HOUSE)
    yield from _text(
        f"{header}/ResponseFor/DocumentId", answered.document_id, MAX_NAME, required=True, source=HOUSE
    )
    if answered.organ_id:
        yield from _organ_id(f"{header}/ResponseFor/OrganId", answered.organ_id)
    if not message.status_code:
        yield _required(f"{header}/StatusCode")
    elif message.status_code not in statuses.MEANINGS:
        yield _value_set(f"{header}/StatusCode", message.status_code, list(statuses.MEANINGS))
    if message.status_code in ("02", "16") and not message.description:
        yield Finding(
            f"{header}/Description",
            "reason-wanted",
            f"status {message.status_code} refuses without giving a reason",
            f"trạng thái {message.status_code} từ chối mà không nêu lý do",
            "warning",
        )
    yield from _text(f"{header}/Description", message.description, MAX_SUBJECT * 4, source=HOUSE)
    yield from _unmarked(f"{header}/Description", message.description)
    if message.trace is not None:
        yield from _message_id(message.trace.message_id)


def _organ_id(path: str, organ_id: str, *, severity: Severity = "error") -> Iterator[Finding]:
    if not organ_id:
        yield _required(path)
    elif len(organ_id) > MAX_ORGAN_CODE or not NEW_ORGAN_CODE.fullmatch(organ_id):
        yield Finding(
            path,
            "organ-id",
            f"{organ_id[:60]!r} is not an organ code: 13 characters such as 000.00.00.H61, or up to 35 of "
            "A-Z, 0-9 and dots such as H37.DN.001",
            f"{organ_id[:60]!r} không phải mã định danh: 13 ký tự như 000.00.00.H61, hoặc tối đa 35 ký tự "
            "A-Z, 0-9 và dấu chấm như H37.DN.001",
            severity,
            "QCVN 102:2016/BTTTT; Decision 20/2020/QĐ-TTg",
        )


def _names(path: str, organ: model.Organ) -> Iterator[Finding]:
    yield from _text(f"{path}/OrganName", organ.name, MAX_NAME, source=HOUSE)
    yield from _text(f"{path}/OrganizationInCharge", organ.in_charge, MAX_NAME, source=HOUSE)


def _document_id(message: model.Document, options: Options) -> Iterator[Finding]:
    path = "MessageHeader/DocumentId"
    if not message.document_id:
        yield _required(path)
        return
    yield from _text(path, message.document_id, MAX_NAME, source=HOUSE)
    try:
        parsed = DocumentId.parse(message.document_id)
    except IdentifierError:
        yield Finding(
            path,
            "document-id",
            f"{message.document_id[:80]!r} is not of the form OrganId,yyyy/MM/dd,Number/Notation",
            f"{message.document_id[:80]!r} không theo dạng OrganId,yyyy/MM/dd,Số/Ký hiệu",
            "error" if options.strict_document_id else "warning",
        )
        return
    promulgated = message.promulgation.date
    same = parsed.code == str(message.code) and promulgated in (parsed.promulgated, NO_DATE)
    if not same:
        yield Finding(
            path,
            "document-id-differs",
            f"{message.document_id[:80]!r} does not agree with Code and PromulgationDate",
            f"{message.document_id[:80]!r} không khớp với Code và PromulgationDate",
            "warning",
        )


def _type(path: str, kind: model.DocumentType, options: Options) -> Iterator[Finding]:
    if kind.type not in options.document_types:
        yield _value_set(f"{path}/Type", kind.type, sorted(options.document_types), severity="warning")
    yield from _text(f"{path}/TypeName", kind.name, MAX_TYPE_NAME)


def _other(path: str, other: model.OtherInfo) -> Iterator[Finding]:
    if not 0 <= other.priority <= 4:
        yield _value_set(f"{path}/Priority", other.priority, [0, 1, 2, 3, 4])
    yield from _text(f"{path}/SphereOfPromulgation", other.sphere, MAX_TYPE_NAME)
    yield from _text(f"{path}/TyperNotation", other.typist, 10)
    mark = secrecy.mark_alone(other.sphere)
    if mark is not None:
        yield secret(f"{path}/SphereOfPromulgation", mark, None)
    for place, appendix in _numbered(f"{path}/Appendixes/Appendix", other.appendixes):
        yield from _unmarked(place, appendix)


def _trace(message: model.Document) -> Iterator[Finding]:
    trace = message.trace
    yield from _message_id(trace.message_id)
    if not trace.headers:
        yield _required("TraceHeaderList/TraceHeader")
    if trace.business is None:
        yield _required("TraceHeaderList/Bussiness")
    for path, stop in _numbered("TraceHeaderList/TraceHeader", trace.headers):
        if not stop.organ_id:
            yield _required(f"{path}/OrganId", severity="warning")
    if trace.business is not None:
        yield from _business(trace.business)


def _message_id(message_id: str | None) -> Iterator[Finding]:
    if message_id is not None and not MESSAGE_ID.fullmatch(message_id):
        yield Finding(
            "TraceHeaderList/@id",
            "message-id",
            f"{message_id[:60]!r} is not a message id: 1 to 128 of A-Z a-z 0-9 . _ : - starting with a "
            "letter or digit",
            f"{message_id[:60]!r} không phải mã bản tin: 1 đến 128 ký tự A-Z a-z 0-9 . _ : - bắt đầu bằng "
            "chữ hoặc số",
            source=HOUSE,
        )


def _business(business: model.Business) -> Iterator[Finding]:
    path, kind = "TraceHeaderList/Bussiness", business.type
    if kind is not model.BusinessType.NEW and not business.reason:
        yield _required(f"{path}/BussinessDocReason", severity="warning")
    if business.paper not in (0, 1):
        yield _value_set(f"{path}/Paper", business.paper, [0, 1], severity="warning")
    if kind is model.BusinessType.UPDATE and not business.changes:
        yield _required(f"{path}/BussinessDocumentInfo", severity="warning")
    if kind is model.BusinessType.REPLACE and not business.replacements:
        yield _required(f"{path}/ReplacementInfoList/ReplacementInfo")
    yield from _text(f"{path}/DocumentId", business.document_id, MAX_NAME, source=HOUSE)
    for place, change in _numbered(f"{path}/BussinessDocumentInfo", business.changes):
        for inner, receiver in _numbered(f"{place}/ReceiverList/Receiver", change.receivers):
            yield from _organ_id(f"{inner}/OrganId", receiver.organ_id)
    for place, item in _numbered(f"{path}/ReplacementInfoList/ReplacementInfo", business.replacements):
        yield from _text(f"{place}/DocumentId", item.document_id, MAX_NAME, required=True, source=HOUSE)
        for inner, organ_id in _numbered(f"{place}/OrganIdList/OrganId", item.organ_ids):
            if not GROUP.fullmatch(organ_id):
                yield from _organ_id(inner, organ_id)


def _references(message: model.Document) -> Iterator[Finding]:
    path = "edXMLManifest/Reference"
    if not message.references and message.business.type in (
        model.BusinessType.NEW,
        model.BusinessType.REPLACE,
    ):
        yield _required(path)
    seen: set[str] = set()
    for place, reference in _numbered(path, message.references):
        yield from _text(f"{place}/ContentId", reference.content_id, MAX_NAME, required=True, source=HOUSE)
        if reference.content_id in seen:
            yield _twice(f"{place}/ContentId", reference.content_id)
        seen.add(reference.content_id)
        yield from _text(f"{place}/AttachmentName", reference.name, MAX_NAME, source=HOUSE)
        yield from _unmarked(f"{place}/Description", reference.description)
        yield from _unmarked(f"{place}/AttachmentName", reference.name)
    carried: set[str] = set()
    for place, file in _numbered("AttachmentEncoded/Attachment", message.attachments):
        if file.content_id in carried:
            yield _twice(f"{place}/ContentId", file.content_id)
        carried.add(file.content_id)
        if file.content_id not in seen:
            yield Finding(
                f"{place}/ContentId",
                "not-in-manifest",
                f"the manifest names no file {file.content_id[:80]!r}",
                f"danh mục (edXMLManifest) không có tệp {file.content_id[:80]!r}",
                "warning",
            )
    for place, reference in _numbered(path, message.references):
        if carried and reference.content_id not in carried:
            yield Finding(
                f"{place}/ContentId",
                "no-content",
                f"no attachment carries the content {reference.content_id[:80]!r}",
                f"không có tệp đính kèm nào mang nội dung {reference.content_id[:80]!r}",
            )


def _unmarked(path: str, text: str) -> Iterator[Finding]:
    mark = secrecy.mark_opening(text) if text else None
    if mark is not None:
        yield secret(path, mark, None)


def _not_in_future(path: str, day: date, today: date) -> Iterator[Finding]:
    if day > today:
        yield Finding(
            path,
            "not-in-future",
            f"{day:%Y/%m/%d} lies in the future (today is {today:%Y/%m/%d})",
            f"ngày {day:%Y/%m/%d} ở tương lai (hôm nay là {today:%Y/%m/%d})",
        )


def _text(
    path: str, text: str, limit: int, *, required: bool = False, source: str = "QCVN 102:2016/BTTTT"
) -> Iterator[Finding]:
    if required and not text:
        yield _required(path)
    if len(text) > limit:
        yield Finding(
            path,
            "max-length",
            f"{len(text)} characters; at most {limit} are allowed",
            f"dài {len(text)} ký tự; tối đa {limit}",
            source=source,
        )


def _required(path: str, *, severity: Severity = "error") -> Finding:
    return missing(path, path.rpartition("/")[2], severity=severity)


def _twice(path: str, content_id: str) -> Finding:
    return Finding(
        path,
        "unique",
        f"the content id {content_id[:80]!r} occurs twice",
        f"mã nội dung {content_id[:80]!r} xuất hiện hai lần",
    )


def _value_set(
    path: str, value: object, allowed: Sequence[object], *, severity: Severity = "error"
) -> Finding:
    listed = ", ".join(map(str, allowed))
    return Finding(
        path,
        "value-set",
        f"{str(value)[:40]!r} is not one of {listed}",
        f"{str(value)[:40]!r} không thuộc {listed}",
        severity,
    )


def _numbered(path: str, items: Sequence[_T]) -> Iterator[tuple[str, _T]]:
    """Paths as the reader writes them: an index only where there are several."""
    for number, item in enumerate(items, start=1):
        yield (path if len(items) == 1 else f"{path}[{number}]"), item

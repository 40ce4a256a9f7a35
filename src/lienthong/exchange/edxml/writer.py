"""Models to edXML, in exactly the shape of QCVN 102:2016/BTTTT and the order of its tables.

The root carries the namespace as default, the envelope binds it to the prefix ``edXML``; everything in the
envelope is prefixed, ``AttachmentEncoded`` beside it is not. Empty optional elements are left out, as the
national clients do. UTF-8, no white space between elements.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date, datetime
from xml.sax.saxutils import escape, quoteattr

from lienthong.core.clock import VIETNAM
from lienthong.core.text import nfc
from lienthong.exchange.edxml import attachments, model
from lienthong.exchange.edxml.names import QCVN
from lienthong.exchange.errors import MalformedMessage

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<edXML xmlns="{QCVN}"><edXML:edXMLEnvelope xmlns:edXML="{QCVN}">'
)
_CID = "cid:"


def write(message: model.Message) -> bytes:
    """The message as UTF-8 XML. Raises :class:`MalformedMessage` for text that XML cannot carry and for
    timestamps without a time zone; everything else is for ``rules.check`` to judge.
    """
    if isinstance(message, model.Status):
        header = _node("MessageHeader", _status_header(message))
        return _finish(_node("edXMLHeader", header + _trace(message.trace)), "", ())
    header = _node("MessageHeader", _document_header(message)) + _trace(message.trace)
    manifest = "".join(map(_reference, message.references))
    body = f'<edXML:edXMLManifest version="1.0">{manifest}</edXML:edXMLManifest>'
    return _finish(_node("edXMLHeader", header), _node("edXMLBody", body), message.attachments)


def format_date(day: date) -> str:
    """``yyyy/MM/dd``; ``strftime`` would not pad years below 1000."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}"


def format_timestamp(moment: datetime) -> str:
    """``yyyy/MM/dd HH:mm:ss`` in Vietnam time; fractions of a second are dropped."""
    if moment.tzinfo is None:
        raise MalformedMessage(
            f"the timestamp {moment.isoformat()} has no time zone",
            place="Timestamp",
            remedy="give an aware datetime; it is written in Vietnam time",
        )
    local = moment.astimezone(VIETNAM)
    return f"{format_date(local)} {local:%H:%M:%S}"


def _finish(header: str, body: str, files: tuple[model.Attachment, ...]) -> bytes:
    encoded = f"<AttachmentEncoded>{''.join(map(_attachment, files))}</AttachmentEncoded>" if files else ""
    return f"{_OPEN}{header}{body}</edXML:edXMLEnvelope>{encoded}</edXML>\n".encode()


def _document_header(message: model.Document) -> str:
    promulgation, kind = message.promulgation, message.type
    parts = [
        _node("From", _organ(message.sender)),
        *(_node("To", _organ(organ)) for organ in message.recipients),
        _leaf("DocumentId", message.document_id),
        _node(
            "Code", _leaf("CodeNumber", message.code.number) + _leaf("CodeNotation", message.code.notation)
        ),
        _node(
            "PromulgationInfo",
            _optional("Place", promulgation.place)
            + _leaf("PromulgationDate", format_date(promulgation.date)),
        ),
        _node(
            "DocumentType",
            _leaf("Type", str(kind.type))
            + _number("TypeDetail", kind.detail)
            + _optional("TypeName", kind.name),
        ),
        _leaf("Subject", message.subject),
        _optional("Content", message.content),
    ]
    if message.signer is not None:
        signer = message.signer
        parts.append(
            _node(
                "SignerInfo",
                _optional("Competence", signer.competence)
                + _optional("Position", signer.position)
                + _optional("FullName", signer.full_name),
            )
        )
    if message.due is not None:
        parts.append(_leaf("DueDate", format_date(message.due)))
    if message.other is not None:
        parts.append(_node("OtherInfo", _other(message.other)))
    parts.extend(_node("ResponseFor", _response_for(answered)) for answered in message.response_for)
    parts.append(_number("SteeringType", message.steering_type))
    parts.append(_list("ToPlaces", "Place", message.to_places))
    parts.append(_list("ResponseForTask", "TaskCode", message.tasks))
    parts.append(_optional("ApplicationType", message.application_type))
    return "".join(parts)


def _status_header(message: model.Status) -> str:
    parts = [
        _node("From", _organ(message.sender)),
        _node("ResponseFor", _response_for(message.response_for)),
        _node("StaffInfo", _staff(message.staff)) if message.staff is not None else "",
        _leaf("StatusCode", message.status_code),
        _optional("Description", message.description),
    ]
    if message.timestamp is not None:
        parts.append(_leaf("Timestamp", format_timestamp(message.timestamp)))
    return "".join(parts)


def _organ(organ: model.Organ) -> str:
    return (
        _leaf("OrganId", organ.organ_id)
        + _optional("OrganizationInCharge", organ.in_charge)
        + _optional("OrganName", organ.name)
        + _optional("OrganAdd", organ.address)
        + _optional("Email", organ.email)
        + _optional("Telephone", organ.telephone)
        + _optional("Fax", organ.fax)
        + _optional("Website", organ.website)
    )


def _other(other: model.OtherInfo) -> str:
    return (
        _leaf("Priority", str(other.priority))
        + _optional("SphereOfPromulgation", other.sphere)
        + _optional("TyperNotation", other.typist)
        + _number("PromulgationAmount", other.copies)
        + _number("PageAmount", other.pages)
        + _list("ReplyFors", "ReplyFor", other.reply_fors)
        + _optional("Direction", other.direction)
        + _list("ReferenceCodes", "ReferenceCode", other.reference_codes)
        + _list("Appendixes", "Appendix", other.appendixes)
    )


def _response_for(answered: model.ResponseFor) -> str:
    promulgated = format_date(answered.promulgated) if answered.promulgated else ""
    return (
        _optional("OrganId", answered.organ_id)
        + _optional("Code", answered.code)
        + _optional("DocumentId", answered.document_id)
        + _optional("PromulgationDate", promulgated)
    )


def _staff(staff: model.Staff) -> str:
    return (
        _optional("Department", staff.department)
        + _optional("DepartmentId", staff.department_id)
        + _optional("Staff", staff.name)
        + _optional("StaffId", staff.staff_id)
        + _optional("Email", staff.email)
        + _optional("Mobile", staff.mobile)
    )


def _trace(trace: model.Trace | None) -> str:
    if trace is None:
        return ""
    name = f" id={quoteattr(_text(trace.message_id))}" if trace.message_id is not None else ""
    headers = "".join(
        _node(
            "TraceHeader",
            _leaf("OrganId", stop.organ_id) + _leaf("Timestamp", format_timestamp(stop.timestamp)),
        )
        for stop in trace.headers
    )
    business = _node("Bussiness", _business(trace.business)) if trace.business is not None else ""
    version = quoteattr(_text(trace.version))
    return f"<edXML:TraceHeaderList{name} version={version}>{headers}{business}</edXML:TraceHeaderList>"


def _business(business: model.Business) -> str:
    changes = "".join(_node("BussinessDocumentInfo", _change(change)) for change in business.changes)
    replaced = "".join(_node("ReplacementInfo", _replacement(item)) for item in business.replacements)
    return (
        _optional("DocumentId", business.document_id)
        + _leaf("BussinessDocType", str(int(business.type)))
        + _leaf("BussinessDocReason", business.reason)
        + _leaf("Paper", str(business.paper))
        + changes
        + (_node("ReplacementInfoList", replaced) if replaced else "")
        + "".join(_node("StaffInfo", _staff(person)) for person in business.staff)
    )


def _change(change: model.DocumentChange) -> str:
    receivers = "".join(
        _node(
            "Receiver",
            _leaf("OrganId", receiver.organ_id) + _leaf("ReceiverType", "1" if receiver.added else "0"),
        )
        for receiver in change.receivers
    )
    return (
        _leaf("DocumentInfo", "1" if change.content_changed else "0")
        + _leaf("DocumentReceiver", "1" if change.receivers_changed else "0")
        + (_node("ReceiverList", receivers) if receivers else "")
    )


def _replacement(item: model.Replacement) -> str:
    return _leaf("DocumentId", item.document_id) + _list("OrganIdList", "OrganId", item.organ_ids)


def _reference(reference: model.Reference) -> str:
    return _node(
        "Reference",
        _leaf("ContentId", _CID + reference.content_id)
        + _optional("ContentType", reference.content_type)
        + _optional("Description", reference.description)
        + _optional("AttachmentName", reference.name),
    )


def _attachment(file: model.Attachment) -> str:
    data = attachments.wrap(file) if attachments.is_wrapped(file.content_type, file.name) else file.data
    fields = (
        ("ContentId", _CID + file.content_id),
        ("AttachmentName", file.name),
        ("Description", file.description),
        ("ContentType", file.content_type),
        ("FieldName", file.field_name),
        ("MimeType", file.mime_type),
        ("Format", file.format),
    )
    described = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in fields if value)
    encoded = b64encode(data).decode()
    return f"<Attachment>{described}<ContentTransferEncoded>{encoded}</ContentTransferEncoded></Attachment>"


def _node(name: str, inner: str) -> str:
    return f"<edXML:{name}>{inner}</edXML:{name}>"


def _leaf(name: str, text: str) -> str:
    return f"<edXML:{name}>{_text(text, name)}</edXML:{name}>"


def _optional(name: str, text: str) -> str:
    return _leaf(name, text) if text else ""


def _number(name: str, value: int | None) -> str:
    return "" if value is None else _leaf(name, str(value))


def _list(outer: str, inner: str, items: tuple[str, ...]) -> str:
    return _node(outer, "".join(_leaf(inner, item) for item in items)) if items else ""


def _text(text: str, name: str = "text") -> str:
    found = _NOT_XML.search(text)
    if found:
        raise MalformedMessage(
            f"the character U+{ord(found[0]):04X} cannot stand in XML", place=name, remedy="remove it"
        )
    return escape(nfc(text), {"\r": "&#13;"})

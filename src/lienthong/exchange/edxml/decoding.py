"""Element tree to model: the official shape, and the older SOAP-wrapped one.

Decoding never stops at the first fault. Whatever cannot be read is noted and replaced by a stand-in, so
that one run lists everything; a message with an error in its notebook is never handed on.
"""

from __future__ import annotations

from lienthong.exchange.edxml import model, secrecy
from lienthong.exchange.edxml.findings import Severity, Unreadable
from lienthong.exchange.edxml.manifest import read_attachments, read_references
from lienthong.exchange.edxml.names import EDOC, QCVN, official, written
from lienthong.exchange.edxml.parsing import Limits, Parsed
from lienthong.exchange.edxml.tree import NO_DATE, NO_TIME, Node, Notebook, line_of, secret


def decode(parsed: Parsed, limits: Limits, *, any_date: bool = False) -> tuple[model.Message, Notebook]:
    """The message and what was noted on the way. Raises :class:`Unreadable` only for what is no
    edXML message at all.
    """
    root = parsed.root
    kind = official(root.tag)
    line = f"line {line_of(root) + parsed.skipped_lines}"
    if kind not in ("edXML", "edXMLEnvelope", "Envelope"):
        raise Unreadable(
            f"the root element is {written(root.tag)[:60]!r}, not edXML",
            f"phần tử gốc là {written(root.tag)[:60]!r}, không phải edXML",
            place=line,
            remedy=f"an edXML message has the root edXML in the namespace {QCVN}",
        )
    legacy = kind == "Envelope" or root.tag.startswith(f"{{{EDOC}}}")
    notebook = Notebook(parsed.skipped_lines, any_date=any_date or legacy, legacy=legacy)
    top = Node(root, "edXML", notebook)
    if not legacy and not root.tag.startswith(f"{{{QCVN}}}"):
        notebook.note(
            "edXML",
            "namespace",
            f"the message is not in the namespace {QCVN}; it is read as if it were",
            f"bản tin không thuộc không gian tên {QCVN}; được đọc như thể thuộc về nó",
            severity="warning",
        )
    envelope = top.needed("edXMLEnvelope") if kind == "edXML" else top
    header = envelope.one("Header" if kind == "Envelope" else "edXMLHeader", "edXMLHeader")
    fields = header and (
        header.one("Status", "MessageHeader") or header.one("MessageHeader", "MessageHeader")
    )
    if header is None or fields is None:
        raise Unreadable(
            "the message has no MessageHeader",
            "bản tin không có MessageHeader",
            place=line,
            remedy="an edXML message is edXML / edXMLEnvelope / edXMLHeader / MessageHeader",
        )
    body = envelope.one("Body" if kind == "Envelope" else "edXMLBody", "edXMLBody")
    message: model.Message
    if _is_status(fields, body):
        message = _status(fields, header)
        if body is not None and len(body.element):
            notebook.note(
                "edXMLBody",
                "status-with-body",
                "a status message has no body",
                "bản tin trạng thái không có phần thân (edXMLBody)",
            )
        top.skip("AttachmentEncoded")
    else:
        carried = top.one("AttachmentEncoded", "AttachmentEncoded")
        if carried is None and envelope is not top:
            carried = envelope.one("AttachmentEncoded", "AttachmentEncoded")
        message = _document(fields, header, body, read_attachments(carried, limits))
    for node in (top, envelope, header):
        node.skip("Signature", "DigitalSignature")
        node.close()
    return message, notebook


def _is_status(fields: Node, body: Node | None) -> bool:
    """By its StatusCode; or, where that is missing, by answering something while saying nothing itself."""
    if fields.has("StatusCode"):
        return True
    return body is None and fields.has("ResponseFor") and not fields.has("Subject") and not fields.has("Code")


def _document(
    fields: Node, header: Node, body: Node | None, files: tuple[model.Attachment, ...]
) -> model.Document:
    code = fields.needed("Code")
    recipients = tuple(map(_organ, fields.many("To")))
    if not recipients:
        fields.missing("To")
    message = model.Document(
        sender=_organ(fields.needed("From")),
        recipients=recipients,
        document_id=fields.text("DocumentId"),
        code=model.Code(code.text("CodeNumber"), code.text("CodeNotation")),
        promulgation=_promulgation(fields.needed("PromulgationInfo")),
        type=_type(fields),
        subject=fields.text("Subject"),
        trace=_trace(header) or _no_trace(header),
        references=read_references(fields.notebook, body),
        content=fields.text("Content"),
        signer=_signer(fields),
        due=fields.date("DueDate"),
        other=_other(fields.one("OtherInfo")),
        response_for=tuple(map(_response_for, fields.many("ResponseFor"))),
        steering_type=fields.number("SteeringType"),
        to_places=fields.texts("ToPlaces", "Place"),
        tasks=fields.texts("ResponseForTask", "TaskCode"),
        application_type=fields.text("ApplicationType"),
        attachments=files,
    )
    code.close()
    fields.close()
    return message


def _status(fields: Node, header: Node) -> model.Status:
    message = model.Status(
        sender=_organ(fields.needed("From")),
        response_for=_response_for(fields.needed("ResponseFor")),
        status_code=_status_code(fields.text("StatusCode"), fields),
        description=fields.text("Description"),
        timestamp=fields.timestamp("Timestamp"),
        staff=_staff(fields.one("StaffInfo")),
        trace=_trace(header, status=True),
    )
    fields.close()
    return message


def _status_code(text: str, fields: Node) -> str:
    if len(text) == 1 and text in "0123456789":
        fields.notebook.note(
            f"{fields.path}/StatusCode",
            "status-code-form",
            f"StatusCode {text} is read as 0{text}; it has two digits",
            f"StatusCode {text} được hiểu là 0{text}; mã trạng thái gồm hai chữ số",
            severity="warning",
        )
        return f"0{text}"
    return text


def _organ(node: Node) -> model.Organ:
    organ = model.Organ(
        organ_id=node.text("OrganId"),
        name=node.text("OrganName"),
        in_charge=node.text("OrganizationInCharge"),
        address=node.text("OrganAdd"),
        email=node.text("Email"),
        telephone=node.text("Telephone"),
        fax=node.text("Fax"),
        website=node.text("Website"),
    )
    node.close()
    return organ


def _promulgation(node: Node) -> model.Promulgation:
    name = "PromulgationDate" if node.has("PromulgationDate") or not node.has("Date") else "Date"
    day = node.date(name)
    if day is None:
        node.missing("PromulgationDate")
    found = model.Promulgation(day or NO_DATE, node.text("Place"))
    node.close()
    return found


def _type(fields: Node) -> model.DocumentType:
    legacy = fields.one("Type") if not fields.has("DocumentType") else None
    node = legacy or fields.needed("DocumentType")
    if legacy is not None:
        value = node.text("value")
        found = model.DocumentType(2, node.text("description") or node.text("Description"), None)
        if value.isascii() and value.isdigit() and len(value) < 9:
            found = model.DocumentType(2, found.name, int(value))
    else:
        number = node.number("Type", wanted="warning" if node.notebook.legacy else "error")
        found = model.DocumentType(
            2 if number is None else number, node.text("TypeName"), node.number("TypeDetail")
        )
    node.close()
    return found


def _signer(fields: Node) -> model.Signer | None:
    node = fields.one("SignerInfo") if fields.has("SignerInfo") else fields.one("Author")
    if node is None:
        return None
    found = model.Signer(
        node.text("Competence"), node.text("Position") or node.text("Function"), node.text("FullName")
    )
    node.close()
    return found


def _other(node: Node | None) -> model.OtherInfo | None:
    if node is None:
        return None
    priority = _priority(node)
    found = model.OtherInfo(
        priority=priority,
        sphere=node.text("SphereOfPromulgation"),
        typist=node.text("TyperNotation"),
        copies=node.number("PromulgationAmount"),
        pages=node.number("PageAmount"),
        reply_fors=node.texts("ReplyFors", "ReplyFor"),
        direction=node.text("Direction"),
        reference_codes=node.texts("ReferenceCodes", "ReferenceCode"),
        appendixes=node.texts("Appendixes", "Appendix"),
    )
    node.close()
    return found


_PRIORITY_WORDS = {
    "thường": 0,
    "bình thường": 0,
    "khẩn": 1,
    "thượng khẩn": 2,
    "hỏa tốc": 3,
    "hoả tốc": 3,
    "hỏa tốc hẹn giờ": 4,
    "hoả tốc hẹn giờ": 4,
}


def _priority(node: Node) -> int:
    text = node.text("Priority")
    path = f"{node.path}/Priority"
    if secrecy.mark_alone(text):
        node.notebook.take(secret(path, text, node.notebook.line(path)))
        return 0
    if not node.notebook.legacy:
        return (node.as_number("Priority", text) or 0) if text else 0
    folded = " ".join(text.casefold().split())
    if not text or folded in _PRIORITY_WORDS:
        return _PRIORITY_WORDS.get(folded, 0)
    if text.isascii() and text.isdigit() and len(text) < 3:
        return int(text)
    node.notebook.note(
        path,
        "number",
        f"{text[:40]!r} is not a degree of urgency",
        f"{text[:40]!r} không phải là độ khẩn",
    )
    return 0


def _response_for(node: Node) -> model.ResponseFor:
    found = model.ResponseFor(
        node.text("OrganId"), node.text("Code"), node.text("DocumentId"), node.date("PromulgationDate")
    )
    node.close()
    return found


def _staff(node: Node | None) -> model.Staff | None:
    if node is None:
        return None
    found = model.Staff(
        department=node.text("Department"),
        name=node.text("Staff"),
        department_id=node.text("DepartmentId"),
        staff_id=node.text("StaffId"),
        email=node.text("Email"),
        mobile=node.text("Mobile"),
    )
    node.close()
    return found


def _trace(header: Node, *, status: bool = False) -> model.Trace | None:
    node = header.one("TraceHeaderList", "TraceHeaderList")
    if node is None:
        return None
    attributes = {
        written(str(name)).casefold(): str(value).strip() for name, value in node.element.attrib.items()
    }
    business = node.one("Bussiness")
    headers = tuple(map(_trace_header, node.many("TraceHeader")))
    if not status:
        severity: Severity = "warning" if node.notebook.legacy else "error"
        if not headers:
            node.missing("TraceHeader", severity=severity)
        if business is None:
            node.missing("Bussiness", severity=severity)
    found = model.Trace(
        message_id=attributes.get("id") or None,
        headers=headers,
        business=_business(business) if business is not None else None,
        version=attributes.get("version") or "1.0",
    )
    node.close()
    return found


def _no_trace(header: Node) -> model.Trace:
    header.missing(
        "TraceHeaderList", "TraceHeaderList", severity="warning" if header.notebook.legacy else "error"
    )
    return model.Trace(business=model.Business() if header.notebook.legacy else None)


def _trace_header(node: Node) -> model.TraceHeader:
    moment = node.timestamp("Timestamp")
    if moment is None:
        node.missing("Timestamp", severity="warning" if node.notebook.legacy else "error")
    sender = node.one("Sender")
    organ = _organ(sender).organ_id if sender is not None else node.text("OrganId")
    node.skip("Receiver", "Bussiness", "StaffInfo")
    node.close()
    return model.TraceHeader(organ, moment or NO_TIME)


def _business(node: Node) -> model.Business:
    number = node.number("BussinessDocType", wanted="error")
    if number is not None and number not in list(model.BusinessType):
        node.notebook.note(
            f"{node.path}/BussinessDocType",
            "value-set",
            f"{number} is not one of 0 new, 1 revoke, 2 update, 3 replace",
            f"{number} không thuộc 0 mới, 1 thu hồi, 2 cập nhật, 3 thay thế",
        )
        number = 0
    replacements = [
        _replacement(item)
        for group in node.many("ReplacementInfoList")
        for item in group.many("ReplacementInfo")
    ]
    staff = [_staff(person) for person in node.many("StaffInfo")]
    found = model.Business(
        type=model.BusinessType(number or 0),
        reason=node.text("BussinessDocReason"),
        paper=node.number("Paper") or 0,
        document_id=node.text("DocumentId"),
        changes=tuple(map(_change, node.many("BussinessDocumentInfo"))),
        replacements=tuple(replacements),
        staff=tuple(person for person in staff if person is not None),
    )
    node.close()
    return found


def _change(node: Node) -> model.DocumentChange:
    group = node.one("ReceiverList")
    receivers = tuple(map(_receiver, group.many("Receiver"))) if group is not None else ()
    found = model.DocumentChange(_flag(node, "DocumentInfo"), _flag(node, "DocumentReceiver"), receivers)
    node.close()
    return found


def _receiver(node: Node) -> model.ReceiverChange:
    return model.ReceiverChange(node.text("OrganId"), _flag(node, "ReceiverType", wanted="error"))


def _flag(node: Node, name: str, *, wanted: Severity | None = None) -> bool:
    number = node.number(name, wanted=wanted) or 0
    if number not in (0, 1):
        node.notebook.note(
            f"{node.path}/{name}", "value-set", f"{number} is not 0 or 1", f"{number} không phải là 0 hoặc 1"
        )
    return number == 1


def _replacement(node: Node) -> model.Replacement:
    return model.Replacement(node.text("DocumentId"), node.texts("OrganIdList", "OrganId"))

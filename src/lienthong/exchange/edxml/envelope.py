"""What the hub must know of a message to accept it, and the line its inbox shows."""

from __future__ import annotations

from json.encoder import encode_basestring as _quoted
from typing import Literal, NamedTuple

from lienthong.exchange.edxml import model

MAX_SUMMARY_FILES = 20


class Envelope(NamedTuple):
    """The routing view of a valid message. Dates are ``yyyy/MM/dd`` texts; absent texts are ``""``.

    ``to_organs`` keeps the order of the message, doubles removed; an entry may be ``group:…``.
    ``response_organ``, ``response_code`` and ``response_document_id`` are the (first) document answered;
    for a status message, the one it is about. ``business_document_id`` is the document that a revoke or
    update is about, ``replaced`` those that a replacement replaces. ``references`` are content ids without
    ``cid:``, as ZIP entry names; ``names`` the file names beside them. ``timestamp`` is a status's own.
    """

    kind: Literal["document", "status"]
    message_id: str | None
    from_organ: str
    from_name: str = ""
    to_organs: tuple[str, ...] = ()
    document_id: str = ""
    code_number: str = ""
    code_notation: str = ""
    promulgated: str = ""
    type_name: str = ""
    subject: str = ""
    signer: str = ""
    due: str = ""
    priority: int = 0
    business: int = 0
    business_document_id: str = ""
    replaced: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    response_organ: str = ""
    response_code: str = ""
    response_document_id: str = ""
    status_code: str = ""
    description: str = ""
    staff: str = ""
    timestamp: str = ""

    @property
    def is_status(self) -> bool:
        return self.kind == "status"

    def summary_json(self) -> bytes:
        """A small UTF-8 JSON object for the inbox; empty fields are left out.

        Written by hand because the hub makes one for each message it accepts.
        """
        if self.kind == "status":
            texts = (
                self.from_name,
                self.status_code,
                self.description,
                self.response_code,
                self.staff,
                self.timestamp,
            )
            parts = [name + _quoted(text) for name, text in zip(_STATUS_NAMES, texts, strict=True) if text]
            return ("{" + ",".join(parts) + "}").encode()
        code = f"{self.code_number}/{self.code_notation}"
        texts = (self.subject, self.type_name, code, self.promulgated, self.signer, self.from_name)
        parts = [name + _quoted(text) for name, text in zip(_DOCUMENT_NAMES, texts, strict=True) if text]
        if self.priority:
            parts.append(f'"priority":{self.priority}')
        if self.due:
            parts.append('"due":' + _quoted(self.due))
        if self.references:
            parts.append(f'"files":{len(self.references)}')
        if self.names:
            parts.append('"names":[' + ",".join(map(_quoted, self.names[:MAX_SUMMARY_FILES])) + "]")
        return ("{" + ",".join(parts) + "}").encode()


_STATUS_NAMES = ('"organ":', '"status":', '"description":', '"code":', '"staff":', '"time":')
_DOCUMENT_NAMES = ('"subject":', '"type":', '"code":', '"date":', '"signer":', '"organ":')


def envelope_of(message: model.Message) -> Envelope:
    """The envelope of a message that has been read whole."""
    from lienthong.exchange.edxml.writer import format_date, format_timestamp

    if isinstance(message, model.Status):
        answered = message.response_for
        return Envelope(
            kind="status",
            message_id=message.message_id,
            from_organ=message.sender.organ_id,
            from_name=message.sender.name,
            response_organ=answered.organ_id,
            response_code=answered.code,
            response_document_id=answered.document_id,
            status_code=message.status_code,
            description=message.description,
            staff=message.staff.name if message.staff else "",
            timestamp=format_timestamp(message.timestamp) if message.timestamp else "",
        )
    business, answer = (
        message.business,
        message.response_for[0] if message.response_for else model.ResponseFor(),
    )
    return Envelope(
        kind="document",
        message_id=message.message_id,
        from_organ=message.sender.organ_id,
        from_name=message.sender.name,
        to_organs=tuple(dict.fromkeys(organ.organ_id for organ in message.recipients)),
        document_id=message.document_id,
        code_number=message.code.number,
        code_notation=message.code.notation,
        promulgated=format_date(message.promulgation.date),
        type_name=message.type.name,
        subject=message.subject,
        signer=message.signer.full_name if message.signer else "",
        due=format_date(message.due) if message.due else "",
        priority=message.priority,
        business=int(business.type),
        business_document_id=subject_document(message),
        replaced=tuple(item.document_id for item in business.replacements),
        references=tuple(reference.content_id for reference in message.references),
        names=tuple(reference.name for reference in message.references),
        response_organ=answer.organ_id,
        response_code=answer.code,
        response_document_id=answer.document_id,
        staff=business.staff[0].name if business.staff else "",
    )


def subject_document(message: model.Document) -> str:
    """The document that a revoke or update is about: Bussiness/DocumentId, else the message's own."""
    if message.business.type in (model.BusinessType.REVOKE, model.BusinessType.UPDATE):
        return message.business.document_id or message.document_id
    return ""

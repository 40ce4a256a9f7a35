"""Messages as an agency writes them: documents, requests about documents, and statuses, ready to seal."""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from lienthong.core.clock import VIETNAM
from lienthong.core.text import nfc
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.edxml.model import (
    Business,
    BusinessType,
    Code,
    Document,
    DocumentChange,
    DocumentType,
    Organ,
    OtherInfo,
    Promulgation,
    Replacement,
    ResponseFor,
    Staff,
    Status,
    Trace,
    TraceHeader,
    document_id,
)

ADMINISTRATIVE = 2
SEALED_NAME = "files.p7m"

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


def compose(
    profile: AgencyProfile,
    *,
    to: Iterable[str],
    subject: str,
    number: str,
    notation: str,
    promulgated: date,
    type_name: str = "Công văn",
    place: str = "",
    priority: int = 0,
    due: date | None = None,
    answers: Sequence[ResponseFor] = (),
) -> Document:
    """A new document from the agency. ``to``: organ codes or ``group:…``. Everything else of the edXML
    tree can be set with ``dataclasses.replace``; id, trace and references are filled in when it is sent.
    """
    code = Code(nfc(number), nfc(notation))
    return Document(
        sender=Organ(profile.code, profile.name),
        recipients=tuple(Organ(organ) for organ in to),
        document_id=document_id(profile.code, promulgated, code),
        code=code,
        promulgation=Promulgation(promulgated, nfc(place)),
        type=DocumentType(ADMINISTRATIVE, nfc(type_name)),
        subject=nfc(subject),
        trace=Trace(business=Business()),
        other=OtherInfo(priority=priority) if priority else None,
        due=due,
        response_for=tuple(answers),
    )


def answer_to(document: Document) -> ResponseFor:
    """What a status or an answering document says about the document it is about."""
    return ResponseFor(
        organ_id=document.sender.organ_id,
        code=str(document.code),
        document_id=document.document_id,
        promulgated=document.promulgation.date,
    )


def recall(original: Document, *, reason: str, staff: Sequence[Staff] = ()) -> Document:
    """Ask every recipient to give ``original`` back (BussinessDocType 1). It carries no files."""
    return _about(
        original, Business(BusinessType.REVOKE, reason, document_id=original.document_id, staff=tuple(staff))
    )


def update(
    original: Document, *, reason: str, changed: Document | None = None, staff: Sequence[Staff] = ()
) -> Document:
    """Send new contents of ``original`` under its own DocumentId (BussinessDocType 2)."""
    business = Business(
        BusinessType.UPDATE,
        reason,
        document_id=original.document_id,
        changes=(DocumentChange(content_changed=True),),
        staff=tuple(staff),
    )
    return _about(changed or original, business)


def replacing(
    original: Document, successor: Document, *, reason: str, staff: Sequence[Staff] = ()
) -> Document:
    """Send ``successor``, a new document, in place of ``original`` (BussinessDocType 3)."""
    organs = tuple(organ.organ_id for organ in original.recipients)
    business = Business(
        BusinessType.REPLACE,
        reason,
        replacements=(Replacement(original.document_id, organs),),
        staff=tuple(staff),
    )
    return replace(successor, trace=Trace(business=business))


def status(
    profile: AgencyProfile,
    about: ResponseFor,
    code: str,
    *,
    description: str = "",
    staff: str = "",
    message_id: str | None = None,
    now: datetime,
) -> Status:
    """A status message about a document. ``staff``: who acted, for the trace."""
    return Status(
        sender=Organ(profile.code, profile.name),
        response_for=about,
        status_code=code,
        description=nfc(description),
        timestamp=now.astimezone(VIETNAM).replace(microsecond=0),
        staff=Staff(name=nfc(staff)) if staff else None,
        trace=Trace(message_id or new_message_id(now), (_stop(profile, now),)),
    )


def completed(
    document: Document, profile: AgencyProfile, *, message_id: str | None, now: datetime
) -> Document:
    """The document with its message id, its first trace stop, and the agency as sender."""
    return replace(
        document,
        sender=document.sender if document.sender.name else Organ(profile.code, profile.name),
        trace=replace(
            document.trace,
            message_id=message_id or document.trace.message_id or new_message_id(now),
            headers=document.trace.headers or (_stop(profile, now),),
            business=document.trace.business or Business(),
        ),
    )


def new_message_id(now: datetime) -> str:
    """An id that nobody used before: the second, and 80 random bits."""
    return f"{now.astimezone(VIETNAM):%Y%m%d%H%M%S}-{secrets.token_hex(10)}"


def media_type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_name(path: Path | str) -> str:
    """A name that is safe in a container and on every disk."""
    name = _UNSAFE.sub("_", nfc(Path(path).name)).strip(" .")
    return name or "file"


def _about(document: Document, business: Business) -> Document:
    revoke = business.type is BusinessType.REVOKE
    return replace(
        document,
        trace=Trace(business=business),
        references=() if revoke else document.references,
        attachments=(),
    )


def _stop(profile: AgencyProfile, now: datetime) -> TraceHeader:
    return TraceHeader(profile.code, now.astimezone(VIETNAM).replace(microsecond=0))

"""The whole edXML tree as frozen values: what a message says, free of how its XML is spelled.

Text is NFC and trimmed; an absent optional text is ``""``, an absent optional part is ``None`` or ``()``.
Dates are plain dates; timestamps are aware and in Vietnam time. Element names of QCVN 102:2016 are given
beside each field where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from lienthong.core.identifiers import DocumentId


class BusinessType(IntEnum):
    """``BussinessDocType`` (spelled so in QCVN 102:2016): what the message does with the document."""

    NEW = 0
    REVOKE = 1
    UPDATE = 2
    REPLACE = 3


@dataclass(frozen=True, slots=True)
class Organ:
    """``From`` and each ``To``. ``in_charge`` (OrganizationInCharge) is the organ directly above."""

    organ_id: str
    name: str = ""
    in_charge: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """``CodeNumber`` (at most 11 characters) and ``CodeNotation`` (at most 30)."""

    number: str
    notation: str

    def __str__(self) -> str:
        return f"{self.number}/{self.notation}"


@dataclass(frozen=True, slots=True)
class Promulgation:
    """``PromulgationInfo``: place (at most 50 characters) and date of issue, never in the future."""

    date: date
    place: str = ""


@dataclass(frozen=True, slots=True)
class DocumentType:
    """``Type`` 1 legal normative, 2 administrative; ``TypeDetail`` the number in the list of types."""

    type: int
    name: str = ""
    detail: int | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """``SignerInfo``. ``competence``: TM. KT. TL. TUQ. Q. or nothing."""

    competence: str = ""
    position: str = ""
    full_name: str = ""


@dataclass(frozen=True, slots=True)
class OtherInfo:
    """``OtherInfo``. ``priority``: 0 normal, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ.

    ``typist`` is TyperNotation; ``copies`` PromulgationAmount; ``pages`` PageAmount. ``reply_fors``,
    ``direction`` and ``reference_codes`` occur in later clients only.
    """

    priority: int = 0
    sphere: str = ""
    typist: str = ""
    copies: int | None = None
    pages: int | None = None
    reply_fors: tuple[str, ...] = ()
    direction: str = ""
    reference_codes: tuple[str, ...] = ()
    appendixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFor:
    """The document being answered. ``code`` is number/notation, e.g. ``7816/VPCP-TTĐT``."""

    organ_id: str = ""
    code: str = ""
    document_id: str = ""
    promulgated: date | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """``StaffInfo``: who acted. ``name`` is Staff."""

    department: str = ""
    name: str = ""
    department_id: str = ""
    staff_id: str = ""
    email: str = ""
    mobile: str = ""


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """One stop of the message on its way."""

    organ_id: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class ReceiverChange:
    """``Receiver`` of an update: added (ReceiverType 1) or removed (0)."""

    organ_id: str
    added: bool


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """``BussinessDocumentInfo`` of an update: what changed."""

    content_changed: bool = False
    receivers_changed: bool = False
    receivers: tuple[ReceiverChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Replacement:
    """``ReplacementInfo``: a document that this one replaces, and at which organs."""

    document_id: str
    organ_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Business:
    """``Bussiness``. ``document_id`` is the document being updated; ``paper`` 0 = no paper copy follows."""

    type: BusinessType = BusinessType.NEW
    reason: str = ""
    paper: int = 0
    document_id: str = ""
    changes: tuple[DocumentChange, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    staff: tuple[Staff, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """``TraceHeaderList``. ``message_id`` (@id) is None where the sender gave none.

    ``business`` is None in status messages only.
    """

    message_id: str | None = None
    headers: tuple[TraceHeader, ...] = ()
    business: Business | None = None
    version: str = "1.0"


@dataclass(frozen=True, slots=True)
class Reference:
    """A file named in the manifest. ``content_id`` is without ``cid:``."""

    content_id: str
    content_type: str = ""
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file carried inside the message (``AttachmentEncoded``). ``data`` is the file itself: base64
    undone and, where the message wrapped the one file in a ZIP, unwrapped.
    """

    content_id: str
    name: str
    data: bytes
    content_type: str = ""
    description: str = ""
    field_name: str = ""
    mime_type: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document message. ``document_id`` is ``OrganId,yyyy/MM/dd,Number/Notation``.

    ``due`` is DueDate; ``tasks`` the TaskCodes of ResponseForTask; ``to_places`` the printed "Nơi nhận".
    """

    sender: Organ
    recipients: tuple[Organ, ...]
    document_id: str
    code: Code
    promulgation: Promulgation
    type: DocumentType
    subject: str
    trace: Trace
    references: tuple[Reference, ...] = ()
    content: str = ""
    signer: Signer | None = None
    due: date | None = None
    other: OtherInfo | None = None
    response_for: tuple[ResponseFor, ...] = ()
    steering_type: int | None = None
    to_places: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    application_type: str = ""
    attachments: tuple[Attachment, ...] = ()

    @property
    def message_id(self) -> str | None:
        return self.trace.message_id

    @property
    def business(self) -> Business:
        """The business of the message; a document message without one counts as new."""
        return self.trace.business or Business()

    @property
    def priority(self) -> int:
        return self.other.priority if self.other else 0


@dataclass(frozen=True, slots=True)
class Status:
    """A status message about one document. ``sender`` is the reporting organ (for 13, the document's
    sender); ``status_code`` is one of 01–06, 13, 15, 16.
    """

    sender: Organ
    response_for: ResponseFor
    status_code: str
    description: str = ""
    timestamp: datetime | None = None
    staff: Staff | None = None
    trace: Trace | None = None

    @property
    def message_id(self) -> str | None:
        return self.trace.message_id if self.trace else None


Message = Document | Status


def document_id(sender: str, promulgated: date, code: Code) -> str:
    """The official DocumentId of a document, e.g. ``000.00.00.G22,2015/09/30,7816/VPCP-TTĐT``."""
    return str(DocumentId(sender, promulgated, str(code)))

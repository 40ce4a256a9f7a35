"""The hub's short path: the envelope of a plainly written message, without building its model.

What this house writes goes through :mod:`~lienthong.exchange.edxml.ownform`; any other plain message is
walked here. Both give the same texts to the same judge, :mod:`~lienthong.exchange.edxml.plain`.

The walk answers only when every element is one it knows, in the QCVN namespace, at most once where once is
allowed, holding text only, and every value passes. Otherwise it answers None and the full reader decides,
so it accepts nothing that the full reader refuses and says nothing that the full reader does not say:
tests hold the two against each other.

The elements are taken as one flat list in document order, and each container consumes as many as it has
children. Leaves are taken to have none. A sequence of names with the number of children of each describes
one tree only, so if a leaf had children after all, elements would be left over at the end.
"""

from __future__ import annotations

from datetime import date

from lxml import etree

from lienthong.exchange.edxml import ownform, plain, rules
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.edxml.manifest import HREF
from lienthong.exchange.edxml.names import ORGAN, QCVN
from lienthong.exchange.edxml.parsing import LIMITS, parse_plain
from lienthong.exchange.edxml.plain import Answered, CloserLook, DocumentTexts, File, Organ, StatusTexts, Text

Fields = dict[str, str | None]

_STAFF = frozenset({"Department", "DepartmentId", "Staff", "StaffId", "Email", "Mobile"})
_GROUPS: dict[str, frozenset[str]] = {
    "From": frozenset(ORGAN),
    "To": frozenset(ORGAN),
    "Code": frozenset({"CodeNumber", "CodeNotation"}),
    "PromulgationInfo": frozenset({"Place", "PromulgationDate"}),
    "DocumentType": frozenset({"Type", "TypeDetail", "TypeName"}),
    "SignerInfo": frozenset({"Competence", "Position", "FullName"}),
    "OtherInfo": frozenset(
        {"Priority", "SphereOfPromulgation", "TyperNotation", "PromulgationAmount", "PageAmount", "Direction"}
    ),
    "ResponseFor": frozenset({"OrganId", "Code", "DocumentId", "PromulgationDate"}),
    "StaffInfo": _STAFF,
}
_LISTS = {"ToPlaces": frozenset({"Place"}), "ResponseForTask": frozenset({"TaskCode"})}
_STOP = frozenset({"OrganId", "Timestamp"})
_BUSINESS = frozenset({"DocumentId", "BussinessDocType", "BussinessDocReason", "Paper"})
_REFERENCE = frozenset({"ContentId", "ContentType", "Description", "AttachmentName"})
_DOCUMENT_LEAVES = frozenset(
    {"DocumentId", "Subject", "Content", "DueDate", "SteeringType", "ApplicationType"}
)
_STATUS_LEAVES = frozenset({"StatusCode", "Description", "Timestamp"})
_LEAVES = _DOCUMENT_LEAVES | _STATUS_LEAVES
_STATUS_GROUPS = frozenset({"From", "ResponseFor", "StaffInfo"})
_SMALL = LIMITS.attributes * len(' a=""')
"""A message no longer than this cannot hold too many attributes or elements."""
_TRACE_ATTRIBUTES = frozenset({"id", "version", "mustUnderstand", "actor"})

_name_of = {
    f"{{{QCVN}}}{name}": name
    for name in frozenset().union(
        *_GROUPS.values(), *_LISTS.values(), _GROUPS, _LISTS, _LEAVES, _STOP, _BUSINESS, _REFERENCE
    )
    | {"edXML", "edXMLEnvelope", "edXMLHeader", "edXMLBody", "edXMLManifest", "MessageHeader"}
    | {"TraceHeaderList", "TraceHeader", "Bussiness", "Reference"}
}.get


def envelope_by_short_path(data: bytes, today: date, options: rules.Options) -> Envelope | None:
    """The envelope, or None when the full reader must decide."""
    if options.strict_document_id:
        return None
    try:
        own = ownform.envelope_of(data, today, options)
        if own is not None:
            return own
        texts = walked(data)
        if isinstance(texts, DocumentTexts):
            return plain.document_envelope(texts, today, options)
        return plain.status_envelope(texts)
    except (CloserLook, KeyError, IndexError):
        return None


def walked(data: bytes) -> DocumentTexts | StatusTexts:
    """The texts of a plain message, whoever wrote it. Raises :class:`CloserLook`, KeyError or IndexError."""
    if len(data) > _SMALL and (
        data.count(b"=") > LIMITS.attributes or data.count(b"<") > 2 * LIMITS.elements
    ):
        raise CloserLook
    root = parse_plain(data)
    if root is None:
        raise CloserLook
    elements = list(root.iter())
    if len(elements) > LIMITS.elements:
        raise CloserLook
    return _Walk(elements).message()


class _Walk:
    """A position in the flat list. ``KeyError`` and ``IndexError`` mean that something is not there."""

    __slots__ = ("at", "elements", "names", "texts")

    def __init__(self, elements: list[etree._Element]) -> None:
        self.elements = elements
        self.names = [_name_of(element.tag, "") for element in elements]
        self.texts = [element.text for element in elements]
        self.at = 0

    def enter(self, name: str) -> int:
        """Step into a container of that name; how many children it has."""
        at = self.at
        if self.names[at] != name:
            raise CloserLook
        self.at = at + 1
        return len(self.elements[at])

    def fields(self, allowed: frozenset[str]) -> Fields:
        """Step over a container of leaves; their texts by name, each there at most once."""
        start = self.at + 1
        size = len(self.elements[self.at])
        end = self.at = start + size
        found: Fields = dict(zip(self.names[start:end], self.texts[start:end], strict=False))
        if len(found) != size or not found.keys() <= allowed:
            raise CloserLook
        return found

    def skip_list(self, allowed: frozenset[str]) -> None:
        start = self.at + 1
        self.at = start + len(self.elements[self.at])
        if not allowed.issuperset(self.names[start : self.at]):
            raise CloserLook

    def message(self) -> DocumentTexts | StatusTexts:
        if self.enter("edXML") != 1:
            raise CloserLook
        blocks = self.enter("edXMLEnvelope")
        parts = self.enter("edXMLHeader")
        leaves, groups = self.message_header()
        trace = self.trace() if parts == 2 else None
        if parts > 2:
            raise CloserLook
        found: DocumentTexts | StatusTexts
        if "StatusCode" in leaves:
            if blocks != 1:
                raise CloserLook
            found = _status(leaves, groups, trace)
        else:
            if blocks != 2 or trace is None:
                raise CloserLook
            found = _document(leaves, groups, trace, self.manifest())
        if self.at != len(self.names):
            raise CloserLook
        return found

    def message_header(self) -> tuple[Fields, dict[str, list[Fields]]]:
        leaves: Fields = {}
        groups: dict[str, list[Fields]] = {}
        for _ in range(self.enter("MessageHeader")):
            name = self.names[self.at]
            if name in _GROUPS:
                fields = self.fields(_GROUPS[name])
                if name not in groups:
                    groups[name] = [fields]
                elif name in ("To", "ResponseFor"):
                    groups[name].append(fields)
                else:
                    raise CloserLook
            elif name in _LEAVES and name not in leaves:
                leaves[name] = self.texts[self.at]
                self.at += 1
            elif name in _LISTS and name not in groups:
                groups[name] = []
                self.skip_list(_LISTS[name])
            else:
                raise CloserLook
        return leaves, groups

    def trace(self) -> _Trace:
        attributes = {str(name): str(value) for name, value in self.elements[self.at].items()}
        if not _TRACE_ATTRIBUTES.issuperset(attributes):
            raise CloserLook
        business: Fields | None = None
        stops: list[Text] = []
        for _ in range(self.enter("TraceHeaderList")):
            name = self.names[self.at]
            if name == "TraceHeader":
                stops.append(self.fields(_STOP).get("Timestamp"))
            elif business is None:
                business = self.business()
            else:
                raise CloserLook
        return attributes.get("id"), stops, business

    def business(self) -> Fields:
        """Its leaves, and the name of the first person in charge under ``Staff``."""
        fields: Fields = {}
        for _ in range(self.enter("Bussiness")):
            name = self.names[self.at]
            if name == "StaffInfo":
                fields.setdefault("Staff", self.fields(_STAFF).get("Staff"))
            elif name in _BUSINESS and name not in fields:
                fields[name] = self.texts[self.at]
                self.at += 1
            else:
                raise CloserLook
        return fields

    def manifest(self) -> list[File]:
        if self.enter("edXMLBody") != 1:
            raise CloserLook
        files: list[File] = []
        for _ in range(self.enter("edXMLManifest")):
            if self.names[self.at] != "Reference" or self.elements[self.at].get(HREF):
                raise CloserLook
            get = self.fields(_REFERENCE).get
            files.append((get("ContentId"), get("Description"), get("AttachmentName")))
        return files


_Trace = tuple[str | None, list[Text], Fields | None]
"""Message id, when each stop was passed, the fields of Bussiness."""


def _document(
    leaves: Fields, groups: dict[str, list[Fields]], trace: _Trace, files: list[File]
) -> DocumentTexts:
    message_id, stops, business = trace
    if business is None or not _DOCUMENT_LEAVES.issuperset(leaves) or "StaffInfo" in groups:
        raise CloserLook
    code, promulgation, kind = groups["Code"][0], groups["PromulgationInfo"][0], groups["DocumentType"][0]
    signer = groups.get("SignerInfo", _NOTHING)[0]
    other = groups.get("OtherInfo", _NOTHING)[0]
    return DocumentTexts(
        *_organ(groups["From"][0]),
        recipients=[_organ(organ) for organ in groups["To"]],
        document_id=leaves["DocumentId"],
        code_number=code["CodeNumber"],
        code_notation=code["CodeNotation"],
        place=promulgation.get("Place"),
        promulgated=promulgation["PromulgationDate"],
        type=kind["Type"],
        type_detail=kind.get("TypeDetail"),
        type_name=kind.get("TypeName"),
        subject=leaves["Subject"],
        content=leaves.get("Content"),
        competence=signer.get("Competence"),
        position=signer.get("Position"),
        full_name=signer.get("FullName"),
        due=leaves.get("DueDate"),
        priority=other.get("Priority"),
        sphere=other.get("SphereOfPromulgation"),
        typist=other.get("TyperNotation"),
        copies=other.get("PromulgationAmount"),
        pages=other.get("PageAmount"),
        answered=[_answered(answer) for answer in groups.get("ResponseFor", ())],
        steering=leaves.get("SteeringType"),
        message_id=message_id,
        stops=stops,
        about=business.get("DocumentId"),
        business=business["BussinessDocType"],
        paper=business.get("Paper"),
        staff=business.get("Staff"),
        files=files,
    )


_NOTHING: list[Fields] = [{}]


def _status(leaves: Fields, groups: dict[str, list[Fields]], trace: _Trace | None) -> StatusTexts:
    if not _STATUS_LEAVES.issuperset(leaves) or not _STATUS_GROUPS.issuperset(groups):
        raise CloserLook
    if len(groups["ResponseFor"]) != 1:
        raise CloserLook
    message_id, stops, business = trace or (None, [], None)
    if business is not None:
        plain.business_type(business["BussinessDocType"])
        plain.clean(business.get("DocumentId"), rules.MAX_NAME)
        plain.digits(business.get("Paper"), optional=True)
    return StatusTexts(
        *_organ(groups["From"][0]),
        *_answered(groups["ResponseFor"][0]),
        groups.get("StaffInfo", _NOTHING)[0].get("Staff"),
        leaves["StatusCode"],
        leaves.get("Description"),
        leaves.get("Timestamp"),
        message_id,
        stops,
    )


def _organ(fields: Fields) -> Organ:
    return fields["OrganId"], fields.get("OrganizationInCharge"), fields.get("OrganName")


def _answered(fields: Fields) -> Answered:
    get = fields.get
    return get("OrganId"), get("Code"), get("DocumentId"), get("PromulgationDate")

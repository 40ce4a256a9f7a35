"""The hub's short path: the envelope of a plainly written message, without building its model.

It answers only when every element is one it knows, in the QCVN namespace, at most once where once is
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

from lienthong.core.identifiers import MAX_ORGAN_CODE, MESSAGE_ID, NEW_ORGAN_CODE
from lienthong.exchange import statuses
from lienthong.exchange.edxml import rules
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.edxml.manifest import HREF, bare_content_id
from lienthong.exchange.edxml.names import ORGAN, QCVN
from lienthong.exchange.edxml.parsing import LIMITS, parse_plain
from lienthong.exchange.edxml.plain import (
    CloserLook,
    calendar,
    check_timestamp,
    check_unmarked,
    clean,
    digits,
    needed,
    optional_day,
    priority,
    recipient,
    sender,
)

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
_TRACE = frozenset({"OrganId", "Timestamp"})
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
        *_GROUPS.values(), *_LISTS.values(), _GROUPS, _LISTS, _LEAVES, _TRACE, _BUSINESS, _REFERENCE
    )
    | {"edXML", "edXMLEnvelope", "edXMLHeader", "edXMLBody", "edXMLManifest", "MessageHeader"}
    | {"TraceHeaderList", "TraceHeader", "Bussiness", "Reference"}
}.get

_organ = NEW_ORGAN_CODE.fullmatch
_message_id = MESSAGE_ID.fullmatch


def envelope_by_short_path(data: bytes, today: date, options: rules.Options) -> Envelope | None:
    """The envelope, or None when the full reader must decide."""
    if options.strict_document_id:
        return None
    if len(data) > _SMALL and (
        data.count(b"=") > LIMITS.attributes or data.count(b"<") > 2 * LIMITS.elements
    ):
        return None
    root = parse_plain(data)
    if root is None:
        return None
    elements = list(root.iter())
    if len(elements) > LIMITS.elements:
        return None
    try:
        return _Walk(elements).message(today, options)
    except (CloserLook, KeyError, IndexError):
        return None


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

    def message(self, today: date, options: rules.Options) -> Envelope:
        if self.enter("edXML") != 1:
            raise CloserLook
        blocks = self.enter("edXMLEnvelope")
        parts = self.enter("edXMLHeader")
        leaves, groups = self.message_header()
        status = "StatusCode" in leaves
        trace = self.trace(status) if parts == 2 else None
        if parts > 2:
            raise CloserLook
        if status:
            if blocks != 1:
                raise CloserLook
            found = _status(leaves, groups, trace)
        else:
            if blocks != 2 or trace is None or not _DOCUMENT_LEAVES.issuperset(leaves):
                raise CloserLook
            found = _document(leaves, groups, trace, self.manifest(trace[1]), today, options)
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

    def trace(self, status: bool) -> tuple[str | None, int, str, str]:
        """(message id, business type, document that the business is about, first staff name)."""
        attributes = {str(name): str(value) for name, value in self.elements[self.at].items()}
        if not _TRACE_ATTRIBUTES.issuperset(attributes):
            raise CloserLook
        message_id = attributes.get("id", "").strip() or None
        if message_id is not None and not _message_id(message_id):
            raise CloserLook
        business = None
        stops = 0
        for _ in range(self.enter("TraceHeaderList")):
            name = self.names[self.at]
            if name == "TraceHeader":
                check_timestamp((self.fields(_TRACE)["Timestamp"] or "").strip())
                stops += 1
            elif business is None:
                business = self.business()
            else:
                raise CloserLook
        if business is None or not stops:
            if not status:
                raise CloserLook
            business = business or (0, "", "")
        return (message_id, *business)

    def business(self) -> tuple[int, str, str]:
        fields: Fields = {}
        staff = None
        for _ in range(self.enter("Bussiness")):
            name = self.names[self.at]
            if name == "StaffInfo":
                person = self.fields(_STAFF).get("Staff")
                staff = clean(person) if staff is None else staff
            elif name in _BUSINESS and name not in fields:
                fields[name] = self.texts[self.at]
                self.at += 1
            else:
                raise CloserLook
        kind = int(digits(fields["BussinessDocType"]))
        if kind > 2:
            raise CloserLook
        digits(fields.get("Paper"), optional=True)
        return kind, clean(fields.get("DocumentId"), rules.MAX_NAME), staff or ""

    def manifest(self, business: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Content ids and file names."""
        if self.enter("edXMLBody") != 1:
            raise CloserLook
        references: list[str] = []
        names: list[str] = []
        for _ in range(self.enter("edXMLManifest")):
            if self.names[self.at] != "Reference" or self.elements[self.at].get(HREF):
                raise CloserLook
            fields = self.fields(_REFERENCE)
            content_id = bare_content_id(needed(fields["ContentId"], rules.MAX_NAME))
            name = clean(fields.get("AttachmentName"), rules.MAX_NAME)
            check_unmarked(name)
            check_unmarked(clean(fields.get("Description")))
            if not content_id or content_id in references:
                raise CloserLook
            references.append(content_id)
            names.append(name)
        if not references and not business:
            raise CloserLook
        return tuple(references), tuple(names)


def _document(
    leaves: Fields,
    groups: dict[str, list[Fields]],
    trace: tuple[str | None, int, str, str],
    files: tuple[tuple[str, ...], tuple[str, ...]],
    today: date,
    options: rules.Options,
) -> Envelope:
    if "StaffInfo" in groups:
        raise CloserLook
    code, promulgation, kind = groups["Code"][0], groups["PromulgationInfo"][0], groups["DocumentType"][0]
    subject = needed(leaves["Subject"], rules.MAX_SUBJECT)
    check_unmarked(subject)
    if "Content" in leaves:
        check_unmarked(clean(leaves["Content"], rules.MAX_SUBJECT))
    promulgated = (promulgation["PromulgationDate"] or "").strip()
    if calendar(promulgated) > today:
        raise CloserLook
    clean(promulgation.get("Place"), rules.MAX_PLACE)
    digits(kind["Type"])
    digits(kind.get("TypeDetail"), optional=True)
    steering = digits(leaves.get("SteeringType"), optional=True)
    if steering and int(steering) not in options.steering_types:
        raise CloserLook
    answer: Fields = {}
    if "ResponseFor" in groups:
        for answer in groups["ResponseFor"]:
            optional_day(answer.get("PromulgationDate"))
        answer = groups["ResponseFor"][0]
    signer = ""
    if "SignerInfo" in groups:
        person = groups["SignerInfo"][0]
        clean(person.get("Competence"), rules.MAX_NAME)
        clean(person.get("Position"), rules.MAX_NAME)
        signer = clean(person.get("FullName"), rules.MAX_NAME)
    message_id, business, about, staff = trace
    document_id = needed(leaves["DocumentId"], rules.MAX_NAME)
    from_organ, from_name = sender(groups["From"][0])
    return Envelope(
        "document",
        message_id,
        from_organ,
        from_name,
        tuple(dict.fromkeys(map(recipient, groups["To"]))),
        document_id,
        needed(code["CodeNumber"], rules.MAX_CODE_NUMBER),
        needed(code["CodeNotation"], rules.MAX_CODE_NOTATION),
        promulgated,
        clean(kind.get("TypeName"), rules.MAX_TYPE_NAME),
        subject,
        signer,
        optional_day(leaves.get("DueDate")),
        priority(groups["OtherInfo"][0]) if "OtherInfo" in groups else 0,
        business,
        (about or document_id) if business else "",
        (),
        *files,
        clean(answer.get("OrganId")),
        clean(answer.get("Code")),
        clean(answer.get("DocumentId")),
        "",
        "",
        staff,
    )


def _status(
    leaves: Fields, groups: dict[str, list[Fields]], trace: tuple[str | None, int, str, str] | None
) -> Envelope:
    if not _STATUS_LEAVES.issuperset(leaves) or not _STATUS_GROUPS.issuperset(groups):
        raise CloserLook
    status = (leaves["StatusCode"] or "").strip()
    description = clean(leaves.get("Description"), rules.MAX_SUBJECT * 4)
    if status not in statuses.MEANINGS or len(groups["ResponseFor"]) != 1:
        raise CloserLook
    check_unmarked(description)
    answer = groups["ResponseFor"][0]
    organ = (answer.get("OrganId") or "").strip()
    if organ and not (len(organ) <= MAX_ORGAN_CODE and _organ(organ)):
        raise CloserLook
    optional_day(answer.get("PromulgationDate"))
    timestamp = (leaves.get("Timestamp") or "").strip()
    if timestamp:
        check_timestamp(timestamp)
    from_organ, from_name = sender(groups["From"][0])
    return Envelope(
        kind="status",
        message_id=trace[0] if trace else None,
        from_organ=from_organ,
        from_name=from_name,
        response_organ=organ,
        response_code=needed(answer["Code"], rules.MAX_NAME),
        response_document_id=needed(answer["DocumentId"], rules.MAX_NAME),
        status_code=status,
        description=description,
        staff=clean(groups["StaffInfo"][0].get("Staff")) if "StaffInfo" in groups else "",
        timestamp=timestamp,
    )

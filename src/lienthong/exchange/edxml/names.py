"""Namespaces and element names of edXML, and how far a reader may bend in recognising them.

Real messages use the QCVN 102:2016 namespace with or without a prefix, none at all, or the namespace of
older clients; some spell ``Business`` right, or differ in case. One lookup maps whatever was written to
the official name.
"""

from __future__ import annotations

QCVN = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
EDOC = "http://www.e-doc.vn/Schema/"
"""Namespace of the older SOAP-wrapped clients."""
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XLINK = "http://www.w3.org/1999/xlink"
DSIG = "http://www.w3.org/2000/09/xmldsig#"

NAMESPACES = frozenset({QCVN, EDOC, SOAP, ""})
"""Namespaces in which an element is taken for an edXML element."""

ORGAN = (
    "OrganId",
    "OrganizationInCharge",
    "OrganName",
    "OrganAdd",
    "Email",
    "Telephone",
    "Fax",
    "Website",
)
_OFFICIAL = (
    *ORGAN,
    *("edXML", "edXMLEnvelope", "edXMLHeader", "edXMLBody", "edXMLManifest", "MessageHeader"),
    *("From", "To", "DocumentId", "Code", "CodeNumber", "CodeNotation", "PromulgationInfo", "Place"),
    *("PromulgationDate", "DocumentType", "Type", "TypeDetail", "TypeName", "Subject", "Content"),
    *("SignerInfo", "Competence", "Position", "FullName", "DueDate", "OtherInfo", "Priority"),
    *("SphereOfPromulgation", "TyperNotation", "PromulgationAmount", "PageAmount", "ReplyFors", "ReplyFor"),
    *("Direction", "ReferenceCodes", "ReferenceCode", "Appendixes", "Appendix", "ResponseFor"),
    *("SteeringType", "ToPlaces", "ResponseForTask", "TaskCode", "ApplicationType", "TraceHeaderList"),
    *("TraceHeader", "Timestamp", "Bussiness", "BussinessDocType", "BussinessDocReason", "Paper"),
    *("BussinessDocumentInfo", "DocumentInfo", "DocumentReceiver", "ReceiverList", "Receiver"),
    *("ReceiverType", "ReplacementInfoList", "ReplacementInfo", "OrganIdList", "StaffInfo", "Department"),
    *("DepartmentId", "Staff", "StaffId", "Mobile", "Signature", "DigitalSignature", "Reference"),
    *("ContentId", "ContentType", "Description", "AttachmentName", "AttachmentEncoded", "Attachment"),
    *("ContentTransferEncoded", "FieldName", "MimeType", "Format", "StatusCode", "Status"),
    *("Envelope", "Header", "Body", "Manifest", "Date", "Author", "Function", "value", "Sender"),
    *("Secret", "SecretLevel", "Security", "SecurityLevel", "Confidentiality"),
)
_ALIASES = {
    "business": "Bussiness",
    "businessdoctype": "BussinessDocType",
    "businessdocreason": "BussinessDocReason",
    "businessdocumentinfo": "BussinessDocumentInfo",
}
_BY_FOLDED = {name.casefold(): name for name in _OFFICIAL} | _ALIASES
_BY_TAG: dict[str, str] = {
    f"{{{namespace}}}{name}" if namespace else name: name for namespace in NAMESPACES for name in _OFFICIAL
} | {f"{{{DSIG}}}Signature": "Signature"}


def official(tag: str) -> str | None:
    """The official name behind an lxml tag (``{namespace}name``), None for what is not edXML's.

    >>> official("{http://www.mic.gov.vn/TBT/QCVN_102_2016}businessDocType")
    'BussinessDocType'
    """
    name = _BY_TAG.get(tag)
    if name is not None:
        return name
    namespace, _, local = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    return _BY_FOLDED.get(local.casefold()) if namespace in NAMESPACES else None


def written(tag: str) -> str:
    """The local name as the message spells it."""
    return tag.rpartition("}")[2]

"""The form in which this house writes edXML (see writer.py), taken apart by one expression.

Every text it takes is what an XML reader would find there: no entities, no markup, no carriage return, no
character that XML forbids. A message that differs anywhere else, be it in one blank, is not for this module.
"""

from __future__ import annotations

import re
from typing import Any

from lienthong.exchange.edxml.names import QCVN
from lienthong.exchange.edxml.plain import DocumentTexts, StatusTexts

MAX_BYTES = 64 * 1024
"""A message no longer than this holds fewer elements than any limit."""

_TEXT = r"[^<>&\x00-\x08\x0b-\x1f]*+"
_NO_CHARACTERS = ("\ufffe", "\uffff")
"""Forbidden too, but looked for apart: naming them above would double the size of the expression."""
_OPEN = re.escape(
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<edXML xmlns="{QCVN}"><edXML:edXMLEnvelope xmlns:edXML="{QCVN}">'
)
_CLOSE = "</edXML:edXMLEnvelope></edXML>\n?+"


def _node(name: str, *inner: str, attributes: str = "") -> str:
    return f"<edXML:{name}{attributes}>{''.join(inner)}</edXML:{name}>"


def _leaf(name: str, field: str = "") -> str:
    """``field``: where the text goes; without one it is passed over."""
    return _node(name, f"(?P<{field}>{_TEXT})" if field else _TEXT)


def _maybe(*inner: str) -> str:
    return f"(?:{''.join(inner)})?+"


def _leaves(names: str) -> str:
    return "".join(_maybe(_leaf(name)) for name in names.split())


def _run(item: str, field: str) -> str:
    """As many items as there are, as one text for :func:`_items` to part."""
    return f"(?P<{field}>(?:{_NAMED.sub('(?:', item)})*+)"


_NAMED = re.compile(r"\(\?P<\w+>")
_DETAILS = _leaves("OrganAdd Email Telephone Fax Website")


def _organ(field: str) -> str:
    return (
        _leaf("OrganId", field)
        + _maybe(_leaf("OrganizationInCharge", f"{field}_in_charge"))
        + _maybe(_leaf("OrganName", f"{field}_name"))
        + _DETAILS
    )


def _staff(field: str = "") -> str:
    return _node(
        "StaffInfo",
        _leaves("Department DepartmentId"),
        _maybe(_leaf("Staff", field)),
        _leaves("StaffId Email Mobile"),
    )


_TO = _node("To", _organ("recipient"))
_ANSWERED = _node(
    "ResponseFor",
    _maybe(_leaf("OrganId", "organ")),
    _maybe(_leaf("Code", "code")),
    _maybe(_leaf("DocumentId", "document_id")),
    _maybe(_leaf("PromulgationDate", "promulgated")),
)
_STOP = _node("TraceHeader", _leaf("OrganId"), _leaf("Timestamp", "moment"))
_FILE = _node(
    "Reference",
    _leaf("ContentId", "content_id"),
    _maybe(_leaf("ContentType")),
    _maybe(_leaf("Description", "description")),
    _maybe(_leaf("AttachmentName", "name")),
)
_VERSION = r' version="1\.0"'
_NAME = r'(?: id="(?P<message_id>[A-Za-z0-9._:-]++)")?+'

_DOCUMENT = re.compile(
    _OPEN
    + _node(
        "edXMLHeader",
        _node(
            "MessageHeader",
            _node("From", _organ("sender")),
            _run(_TO, "recipients"),
            _leaf("DocumentId", "document_id"),
            _node("Code", _leaf("CodeNumber", "code_number"), _leaf("CodeNotation", "code_notation")),
            _node(
                "PromulgationInfo", _maybe(_leaf("Place", "place")), _leaf("PromulgationDate", "promulgated")
            ),
            _node(
                "DocumentType",
                _leaf("Type", "type"),
                _maybe(_leaf("TypeDetail", "type_detail")),
                _maybe(_leaf("TypeName", "type_name")),
            ),
            _leaf("Subject", "subject"),
            _maybe(_leaf("Content", "content")),
            _maybe(
                _node(
                    "SignerInfo",
                    _maybe(_leaf("Competence", "competence")),
                    _maybe(_leaf("Position", "position")),
                    _maybe(_leaf("FullName", "full_name")),
                )
            ),
            _maybe(_leaf("DueDate", "due")),
            _maybe(
                _node(
                    "OtherInfo",
                    _leaf("Priority", "priority"),
                    _maybe(_leaf("SphereOfPromulgation", "sphere")),
                    _maybe(_leaf("TyperNotation", "typist")),
                    _maybe(_leaf("PromulgationAmount", "copies")),
                    _maybe(_leaf("PageAmount", "pages")),
                    _leaves("Direction"),
                )
            ),
            _run(_ANSWERED, "answered"),
            _maybe(_leaf("SteeringType", "steering")),
            _maybe(_node("ToPlaces", f"(?:{_leaf('Place')})*+")),
            _maybe(_node("ResponseForTask", f"(?:{_leaf('TaskCode')})*+")),
            _leaves("ApplicationType"),
        ),
        _node(
            "TraceHeaderList",
            _run(_STOP, "stops"),
            _node(
                "Bussiness",
                _maybe(_leaf("DocumentId", "about")),
                _leaf("BussinessDocType", "business"),
                _leaf("BussinessDocReason"),
                _leaf("Paper", "paper"),
                _maybe(_staff("staff"), f"(?:{_staff()})*+"),
            ),
            attributes=_NAME + _VERSION,
        ),
    )
    + _node("edXMLBody", _node("edXMLManifest", _run(_FILE, "files"), attributes=_VERSION))
    + _CLOSE
)

_STATUS = re.compile(
    _OPEN
    + _node(
        "edXMLHeader",
        _node(
            "MessageHeader",
            _node("From", _organ("sender")),
            _ANSWERED,
            _maybe(_staff("staff")),
            _leaf("StatusCode", "status"),
            _maybe(_leaf("Description", "description")),
            _maybe(_leaf("Timestamp", "timestamp")),
        ),
        _maybe(_node("TraceHeaderList", _run(_STOP, "stops"), attributes=_NAME + _VERSION)),
    )
    + _CLOSE
)

_moments = re.compile(_STOP).findall
_RUNS = (
    (DocumentTexts._fields.index("recipients"), re.compile(_TO).findall),
    (DocumentTexts._fields.index("answered"), re.compile(_ANSWERED).findall),
    (DocumentTexts._fields.index("stops"), _moments),
    (DocumentTexts._fields.index("files"), re.compile(_FILE).findall),
)
_STOPS = StatusTexts._fields.index("stops")


def texts_of(data: bytes) -> DocumentTexts | StatusTexts | None:
    """The texts of a message in our own form, None when it is not in it."""
    if len(data) > MAX_BYTES:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if _NO_CHARACTERS[0] in text or _NO_CHARACTERS[1] in text:
        return None
    found = _DOCUMENT.fullmatch(text)
    if found is not None:
        texts: list[Any] = list(found.groups())
        for at, items in _RUNS:
            texts[at] = items(texts[at]) if texts[at] else ()
        return DocumentTexts._make(texts)
    found = _STATUS.fullmatch(text)
    if found is None:
        return None
    texts = list(found.groups())
    texts[_STOPS] = _moments(texts[_STOPS] or "")
    return StatusTexts._make(texts)

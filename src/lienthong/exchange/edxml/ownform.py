"""The form in which this house writes edXML (see writer.py), taken apart by one expression.

Every text it takes is what an XML reader would find there: no entities, no markup, no carriage return, no
character that XML forbids. A message that differs anywhere else, be it in one blank, is not for this module.

For a document the expression also judges: what :mod:`~lienthong.exchange.edxml.plain` would take from each
text as it stands, and find to be short enough, a number, a date or a code, is spelled out in it. Any other
text, even one that is only to be trimmed, makes the message one for the walk of the tree. What no expression
can tell is asked afterwards: days that the calendar has, normal form C, marks of secrecy.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from unicodedata import is_normalized

from lienthong.core.identifiers import MAX_ORGAN_CODE, MESSAGE_ID, NEW_ORGAN_CODE
from lienthong.core.text import SHORT
from lienthong.exchange.edxml import plain, rules, secrecy
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.edxml.manifest import bare_content_id
from lienthong.exchange.edxml.names import QCVN
from lienthong.exchange.edxml.plain import CloserLook, StatusTexts

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


def _leaf(name: str, field: str = "", text: str = _TEXT) -> str:
    """``field``: where the text goes; without one it is passed over."""
    return _node(name, f"(?P<{field}>{text})" if field else text)


def _upto(limit: int, least: int = 0) -> str:
    """A text of so many characters without a blank at either end."""
    return rf"(?!\s)[^<>&\x00-\x08\x0b-\x1f]{{{least},{limit}}}+(?<!\s)"


def _maybe(*inner: str) -> str:
    return f"(?:{''.join(inner)})?+"


def _leaves(names: str) -> str:
    return "".join(_maybe(_leaf(name)) for name in names.split())


def _run(item: str, field: str) -> str:
    """As many items as there are, as one text for :func:`_items` to part."""
    return f"(?P<{field}>(?:{_NAMED.sub('(?:', item)})*+)"


def _one_and_more(item: str, field: str) -> str:
    """One item, taken apart at once, and those after it as :func:`_run` has them: mostly there are none."""
    return item + _run(item, field)


_NAMED = re.compile(r"\(\?P<\w+>")
_DETAILS = _leaves("OrganAdd Email Telephone Fax Website")


def _organ(field: str, code: str = _TEXT, text: str = _TEXT) -> str:
    return (
        _leaf("OrganId", field, code)
        + _maybe(_leaf("OrganizationInCharge", f"{field}_in_charge", text))
        + _maybe(_leaf("OrganName", f"{field}_name", text))
        + _DETAILS
    )


def _staff(field: str = "", text: str = _TEXT) -> str:
    return _node(
        "StaffInfo",
        _leaves("Department DepartmentId"),
        _maybe(_leaf("Staff", field, text)),
        _leaves("StaffId Email Mobile"),
    )


_NAME = _upto(rules.MAX_NAME)
_DAY = r"[0-9]{4}/[0-9]{2}/[0-9]{2}"
_MOMENT = _DAY + r" (?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}"
_COUNT = r"[0-9]{0,9}+"
_CODE = rf"(?=[^<]{{1,{MAX_ORGAN_CODE}}}<)(?:{NEW_ORGAN_CODE.pattern})"
_TO = _node("To", _organ("recipient", rf"(?:{_CODE}|{rules.GROUP.pattern})", _NAME))
_ANSWERED = _node(
    "ResponseFor",
    _maybe(_leaf("OrganId", "organ")),
    _maybe(_leaf("Code", "code")),
    _maybe(_leaf("DocumentId", "document_id")),
    _maybe(_leaf("PromulgationDate", "promulgated")),
)
_STOP = _node("TraceHeader", _leaf("OrganId"), _leaf("Timestamp", "moment"))
_TIMELY = _node("TraceHeader", _leaf("OrganId"), _leaf("Timestamp", "moment", _MOMENT))
_FILE = _node(
    "Reference",
    _leaf("ContentId", "content_id", _upto(rules.MAX_NAME, 1)),
    _maybe(_leaf("ContentType")),
    _maybe(_leaf("Description", "description", _NAME)),
    _maybe(_leaf("AttachmentName", "name", _NAME)),
)
_VERSION = r' version="1\.0"'
_ID = r'(?: id="(?P<message_id>[A-Za-z0-9._:-]++)")?+'
_OWN_ID = rf'(?: id="(?P<message_id>{MESSAGE_ID.pattern})")?+'

_DOCUMENT = re.compile(
    _OPEN
    + _node(
        "edXMLHeader",
        _node(
            "MessageHeader",
            _node("From", _organ("sender", _CODE, _NAME)),
            _one_and_more(_TO, "recipients"),
            _leaf("DocumentId", "document_id", _upto(rules.MAX_NAME, 1)),
            _node(
                "Code",
                _leaf("CodeNumber", "code_number", _upto(rules.MAX_CODE_NUMBER, 1)),
                _leaf("CodeNotation", "code_notation", _upto(rules.MAX_CODE_NOTATION, 1)),
            ),
            _node(
                "PromulgationInfo",
                _maybe(_leaf("Place", "place", _upto(rules.MAX_PLACE))),
                _leaf("PromulgationDate", "promulgated", _DAY),
            ),
            _node(
                "DocumentType",
                _leaf("Type", text="[0-9]{1,9}+"),
                _maybe(_leaf("TypeDetail", text=_COUNT)),
                _maybe(_leaf("TypeName", "type_name", _upto(rules.MAX_TYPE_NAME))),
            ),
            _leaf("Subject", "subject", _upto(rules.MAX_SUBJECT, 1)),
            _maybe(_leaf("Content", "content", _upto(rules.MAX_SUBJECT))),
            _maybe(
                _node(
                    "SignerInfo",
                    _maybe(_leaf("Competence", "competence", _NAME)),
                    _maybe(_leaf("Position", "position", _NAME)),
                    _maybe(_leaf("FullName", "full_name", _NAME)),
                )
            ),
            _maybe(_leaf("DueDate", "due", f"(?:{_DAY})?+")),
            _maybe(
                _node(
                    "OtherInfo",
                    _leaf("Priority", "priority", "[0-4]?+"),
                    _maybe(_leaf("SphereOfPromulgation", "sphere", _upto(rules.MAX_TYPE_NAME))),
                    _maybe(_leaf("TyperNotation", "typist", _upto(10))),
                    _maybe(_leaf("PromulgationAmount", text=_COUNT)),
                    _maybe(_leaf("PageAmount", text=_COUNT)),
                    _leaves("Direction"),
                )
            ),
            _run(_ANSWERED, "answered"),
            _maybe(_leaf("SteeringType", "steering", _COUNT)),
            _maybe(_node("ToPlaces", f"(?:{_leaf('Place')})*+")),
            _maybe(_node("ResponseForTask", f"(?:{_leaf('TaskCode')})*+")),
            _leaves("ApplicationType"),
        ),
        _node(
            "TraceHeaderList",
            _one_and_more(_TIMELY, "stops"),
            _node(
                "Bussiness",
                _maybe(_leaf("DocumentId", "about", _NAME)),
                _leaf("BussinessDocType", "business", "[0-2]"),
                _leaf("BussinessDocReason"),
                _leaf("Paper", text=_COUNT),
                _maybe(_staff("staff", _NAME), f"(?:{_staff()})*+"),
            ),
            attributes=_OWN_ID + _VERSION,
        ),
    )
    + _node("edXMLBody", _node("edXMLManifest", _maybe(_one_and_more(_FILE, "files")), attributes=_VERSION))
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
        _maybe(_node("TraceHeaderList", _run(_STOP, "stops"), attributes=_ID + _VERSION)),
    )
    + _CLOSE
)

_moments = re.compile(_STOP).findall
_recipients = re.compile(_TO).findall
_answers = re.compile(_ANSWERED).findall
_files = re.compile(_FILE).findall
_STOPS = StatusTexts._fields.index("stops")


def envelope_of(data: bytes, today: date, options: rules.Options) -> Envelope | None:
    """The envelope of a message in our own form; None when it is not in it. Raises :class:`CloserLook` when
    it is, and the full reader must decide all the same.
    """
    text = _text(data)
    if text is None:
        return None
    found = _DOCUMENT.fullmatch(text)
    if found is not None:
        return _document(found.groups(""), today, options)
    status = _status(text)
    return None if status is None else plain.status_envelope(status)


def _text(data: bytes) -> str | None:
    if len(data) > MAX_BYTES:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if _NO_CHARACTERS[0] in text or _NO_CHARACTERS[1] in text else text


def _status(text: str) -> StatusTexts | None:
    found = _STATUS.fullmatch(text)
    if found is None:
        return None
    texts: list[Any] = list(found.groups())
    texts[_STOPS] = _moments(texts[_STOPS] or "")
    return StatusTexts._make(texts)


def _document(texts: tuple[str, ...], today: date, options: rules.Options) -> Envelope:
    """What remains to be judged of a document that the expression matched. Raises :class:`CloserLook`."""
    (sender, in_charge, sender_name, recipient, their_charge, their_name, recipients, document_id, number,
     notation, place, promulgated, type_name, subject, content, competence, position, full_name, due,
     priority, sphere, typist, answered, steering, message_id, moment, stops, about, business, staff,
     content_id, description, name, files) = texts  # fmt: skip
    free = [in_charge, sender_name, their_charge, their_name, document_id, number, notation, place, type_name,
            subject, content, competence, position, full_name, sphere, typist, about, staff, content_id,
            description, name]  # fmt: skip
    to: tuple[str, ...] = (recipient,)
    if recipients:
        others = _recipients(recipients)
        to = tuple(dict.fromkeys((recipient, *(code for code, *_ in others))))
        free += (text for _, *names in others for text in names)
    entries = [(content_id, description, name)] if content_id else []
    if files:
        entries += _files(files)
        free += (text for entry in entries[1:] for text in entry)
    _require_normal(free)
    for marked in (subject, content):
        plain.check_unmarked(marked)
    if sphere and secrecy.mark_alone(sphere):
        raise CloserLook
    if plain.calendar(promulgated) > today:
        raise CloserLook
    plain.calendar(moment[:10])
    for later in _moments(stops) if stops else ():
        plain.calendar(later[:10])
    if due:
        plain.calendar(due)
    if steering and int(steering) not in options.steering_types:
        raise CloserLook
    organ = code = answered_id = ""
    if answered:
        answers = _answers(answered)
        for answer in answers:
            plain.optional_day(answer[3])
        organ, code, answered_id = map(plain.clean, answers[0][:3])
    acts = int(business)
    content_ids, names = _checked_files(entries)
    if not content_ids and not acts:
        raise CloserLook
    return Envelope(
        "document",
        message_id or None,
        sender,
        sender_name,
        to,
        document_id,
        number,
        notation,
        promulgated,
        type_name,
        subject,
        full_name,
        due,
        int(priority or 0),
        acts,
        (about or document_id) if acts else "",
        (),
        content_ids,
        names,
        organ,
        code,
        answered_id,
        "",
        "",
        staff,
    )


def _require_normal(texts: list[str]) -> None:
    """:class:`CloserLook` unless every text is in normal form C. Sorting combining marks is quadratic, so
    what is long is looked at text by text, each of them bounded by the expression.
    """
    whole = "\n".join(texts)
    if whole.isascii():
        return
    for text in (whole,) if len(whole) <= SHORT else texts:
        if not is_normalized("NFC", text):
            raise CloserLook


def _checked_files(files: list[tuple[str, str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Content ids and file names."""
    references: list[str] = []
    names: list[str] = []
    for content, description, name in files:
        content_id = bare_content_id(content)
        plain.check_unmarked(name)
        plain.check_unmarked(description)
        if not content_id or content_id in references:
            raise CloserLook
        references.append(content_id)
        names.append(name)
    return tuple(references), tuple(names)

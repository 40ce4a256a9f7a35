"""A plainly written message, judged from its bare texts: the envelope, or a call for the full reader.

Both ways of the short path end here: :mod:`~lienthong.exchange.edxml.ownform` takes the texts out of what
this house writes, :mod:`~lienthong.exchange.edxml.shortpath` out of any other plain message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

from lienthong.core.identifiers import MAX_ORGAN_CODE, MESSAGE_ID, NEW_ORGAN_CODE
from lienthong.core.text import SHORT
from lienthong.exchange import statuses
from lienthong.exchange.edxml import rules, secrecy
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.edxml.manifest import bare_content_id

Text = str | None
"""What stands between two tags; None when the element is not there."""
Organ = tuple[Text, Text, Text]
"""OrganId, OrganizationInCharge, OrganName."""
Answered = tuple[Text, Text, Text, Text]
"""OrganId, Code, DocumentId, PromulgationDate of a ResponseFor."""
File = tuple[Text, Text, Text]
"""ContentId, Description, AttachmentName of a Reference."""

_organ = NEW_ORGAN_CODE.fullmatch
_message_id = MESSAGE_ID.fullmatch
_number = re.compile(r"[0-9]{1,9}").fullmatch
_day = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}").fullmatch
_moment = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2} (?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}").fullmatch


class DocumentTexts(NamedTuple):
    """The texts of a document message, in the order of the message. ``about``: Bussiness/DocumentId;
    ``staff``: the first one's name; ``stops``: when each TraceHeader was passed.
    """

    sender: Text
    sender_in_charge: Text
    sender_name: Text
    recipients: Sequence[Organ]
    document_id: Text
    code_number: Text
    code_notation: Text
    place: Text
    promulgated: Text
    type: Text
    type_detail: Text
    type_name: Text
    subject: Text
    content: Text
    competence: Text
    position: Text
    full_name: Text
    due: Text
    priority: Text
    sphere: Text
    typist: Text
    copies: Text
    pages: Text
    answered: Sequence[Answered]
    steering: Text
    message_id: Text
    stops: Sequence[Text]
    about: Text
    business: Text
    paper: Text
    staff: Text
    files: Sequence[File]


class StatusTexts(NamedTuple):
    """The texts of a status message."""

    sender: Text
    sender_in_charge: Text
    sender_name: Text
    organ: Text
    code: Text
    document_id: Text
    promulgated: Text
    staff: Text
    status: Text
    description: Text
    timestamp: Text
    message_id: Text
    stops: Sequence[Text]


class CloserLook(Exception):
    """The message needs the full reader."""


def document_envelope(texts: DocumentTexts, today: date, options: rules.Options) -> Envelope:
    """The envelope of a document message. Raises :class:`CloserLook`."""
    (organ_id, in_charge, name, recipients, document_id, number, notation, place, promulgated, kind, detail,
     type_name, subject, content, competence, position, full_name, due, urgency, sphere, typist, copies,
     pages, answered, steering, message_id, stops, about, business, paper, staff, files) = texts  # fmt: skip
    subject = needed(subject, rules.MAX_SUBJECT)
    check_unmarked(subject)
    if content:
        check_unmarked(clean(content, rules.MAX_SUBJECT))
    promulgated = (promulgated or "").strip()
    if calendar(promulgated) > today:
        raise CloserLook
    for text, limit in ((place, rules.MAX_PLACE), (competence, rules.MAX_NAME), (position, rules.MAX_NAME)):
        if text:
            clean(text, limit)
    digits(kind)
    for count in (detail, steering, paper):
        if count:
            digits(count, optional=True)
    if steering and steering.strip() and int(steering) not in options.steering_types:
        raise CloserLook
    if not stops or not recipients:
        raise CloserLook
    check_timestamps(stops)
    for answer in answered:
        optional_day(answer[3])
    organ, code, answered_id, _ = answered[0] if answered else _NO_ANSWER
    acts = business_type(business)
    own_id = needed(document_id, rules.MAX_NAME)
    other_id = clean(about, rules.MAX_NAME)
    references, names = _files(files)
    if not references and not acts:
        raise CloserLook
    return Envelope(
        "document",
        identity(message_id),
        *sender(organ_id, in_charge, name),
        tuple(dict.fromkeys(map(recipient, recipients))),
        own_id,
        needed(number, rules.MAX_CODE_NUMBER),
        needed(notation, rules.MAX_CODE_NOTATION),
        promulgated,
        clean(type_name, rules.MAX_TYPE_NAME),
        subject,
        clean(full_name, rules.MAX_NAME),
        optional_day(due),
        priority(urgency, sphere, typist, copies, pages),
        acts,
        (other_id or own_id) if acts else "",
        (),
        references,
        names,
        clean(organ),
        clean(code),
        clean(answered_id),
        "",
        "",
        clean(staff),
    )


_NO_ANSWER: Answered = (None, None, None, None)


def status_envelope(texts: StatusTexts) -> Envelope:
    """The envelope of a status message. Raises :class:`CloserLook`."""
    status = (texts.status or "").strip()
    if status not in statuses.MEANINGS:
        raise CloserLook
    description = clean(texts.description, rules.MAX_SUBJECT * 4)
    check_unmarked(description)
    organ = (texts.organ or "").strip()
    if organ and not (len(organ) <= MAX_ORGAN_CODE and _organ(organ)):
        raise CloserLook
    optional_day(texts.promulgated)
    timestamp = (texts.timestamp or "").strip()
    if timestamp:
        check_timestamps((timestamp,))
    check_timestamps(texts.stops)
    code, name = sender(texts.sender, texts.sender_in_charge, texts.sender_name)
    return Envelope(
        kind="status",
        message_id=identity(texts.message_id),
        from_organ=code,
        from_name=name,
        response_organ=organ,
        response_code=needed(texts.code, rules.MAX_NAME),
        response_document_id=needed(texts.document_id, rules.MAX_NAME),
        status_code=status,
        description=description,
        staff=clean(texts.staff),
        timestamp=timestamp,
    )


def _files(files: Sequence[File]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Content ids and file names."""
    references: list[str] = []
    names: list[str] = []
    for content, description, attachment in files:
        content_id = bare_content_id(needed(content, rules.MAX_NAME))
        name = clean(attachment, rules.MAX_NAME)
        check_unmarked(name)
        if description:
            check_unmarked(clean(description))
        if not content_id or content_id in references:
            raise CloserLook
        references.append(content_id)
        names.append(name)
    return tuple(references), tuple(names)


# Single values: each is returned clean, or calls for the full reader.


def clean(text: Text, limit: int = 1 << 20) -> str:
    if not text:
        return ""
    text = text.strip()
    if not text.isascii():
        if len(text) > SHORT:
            raise CloserLook
        text = normalize("NFC", text)
    if len(text) > limit:
        raise CloserLook
    return text


def needed(text: Text, limit: int) -> str:
    text = clean(text, limit)
    if not text:
        raise CloserLook
    return text


def check_unmarked(text: str) -> None:
    if text and secrecy.mark_opening(text):
        raise CloserLook


def digits(text: Text, *, optional: bool = False) -> str:
    text = (text or "").strip()
    if not _number(text) and not (optional and not text):
        raise CloserLook
    return text


@lru_cache(maxsize=256)
def calendar(text: str) -> date:
    if not _day(text):
        raise CloserLook
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise CloserLook from None


def optional_day(text: Text) -> str:
    if not text:
        return ""
    text = text.strip()
    if text:
        calendar(text)
    return text


def check_timestamps(texts: Iterable[Text]) -> None:
    for text in texts:
        moment = (text or "").strip()
        if not _moment(moment):
            raise CloserLook
        try:
            datetime.fromisoformat(moment.replace("/", "-"))
        except ValueError:
            raise CloserLook from None


def identity(text: Text) -> str | None:
    """The message id, None when there is none."""
    message_id = (text or "").strip() or None
    if message_id is not None and not _message_id(message_id):
        raise CloserLook
    return message_id


def business_type(text: Text) -> int:
    """BussinessDocType: new, revoke or update; a replacement needs the full reader."""
    kind = int(digits(text))
    if kind > 2:
        raise CloserLook
    return kind


def sender(organ_id: Text, in_charge: Text, name: Text) -> tuple[str, str]:
    """Code and name."""
    code = (organ_id or "").strip()
    if len(code) > MAX_ORGAN_CODE or not _organ(code):
        raise CloserLook
    clean(in_charge, rules.MAX_NAME)
    return code, clean(name, rules.MAX_NAME)


def recipient(organ: Organ) -> str:
    code = (organ[0] or "").strip()
    if len(code) > MAX_ORGAN_CODE or not (_organ(code) or rules.GROUP.fullmatch(code)):
        raise CloserLook
    clean(organ[1], rules.MAX_NAME)
    clean(organ[2], rules.MAX_NAME)
    return code


def priority(urgency: Text, sphere: Text, typist: Text, copies: Text, pages: Text) -> int:
    """Priority, once the rest of OtherInfo has been looked at."""
    if sphere and secrecy.mark_alone(clean(sphere, rules.MAX_TYPE_NAME)):
        raise CloserLook
    if typist:
        clean(typist, 10)
    for count in (copies, pages):
        if count:
            digits(count, optional=True)
    text = digits(urgency, optional=True) if urgency else ""
    degree = int(text) if text else 0
    if degree > 4:
        raise CloserLook
    return degree

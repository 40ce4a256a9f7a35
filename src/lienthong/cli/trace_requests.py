"""What a sender asks after sending (recall, update, replacement), and what each recipient answered.

A request is a wish: the recipient keeps its copy until it agrees (15), and goes on keeping it when it
refuses (16). The words here never say that something was done that was only asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lienthong.cli.language import Speech
from lienthong.exchange.statuses import REQUESTS

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import SentRecord


class Phrases(NamedTuple):
    """English and Vietnamese of a request: asking, waiting for the answer, agreed, refused."""

    asks: tuple[str, str]
    waits: tuple[str, str]
    agreed: tuple[str, str]
    refused: tuple[str, str]


PHRASES = {
    "recall": Phrases(
        ("asks to recall it", "đề nghị thu hồi"),
        ("recall asked for, no answer yet", "đề nghị thu hồi, chưa trả lời"),
        ("agrees: recalled", "đồng ý thu hồi"),
        ("refuses the recall", "từ chối thu hồi"),
    ),
    "update": Phrases(
        ("asks to update it", "đề nghị cập nhật"),
        ("update asked for, no answer yet", "đề nghị cập nhật, chưa trả lời"),
        ("agrees to the update", "đồng ý cập nhật"),
        ("refuses the update", "từ chối cập nhật"),
    ),
    "replace": Phrases(
        ("asks to replace it", "đề nghị thay thế"),
        ("replacement asked for, no answer yet", "đề nghị thay thế, chưa trả lời"),
        ("agrees to the replacement", "đồng ý thay thế"),
        ("refuses the replacement", "từ chối thay thế"),
    ),
}
"""By the name of the request (:data:`lienthong.exchange.statuses.REQUESTS`)."""

RECALLED = ("recalled", "đã thu hồi")


def asked_by(one: SentRecord) -> str:
    """The request that a record makes; '' for every other record."""
    if one.kind == "status":
        return "recall" if one.status == "13" else ""
    return REQUESTS.get(one.business, "") if one.kind == "document" else ""


@dataclass(slots=True)
class Answers:
    """``answered``: index of a 15 or 16 → the request it answers. ``last``: recipient → its last answer, as
    (request, agreed).
    """

    answered: dict[int, str] = field(default_factory=dict)
    last: dict[str, tuple[str, bool]] = field(default_factory=dict)


def answers_in(history: Iterable[SentRecord], recipients: Iterable[str]) -> Answers:
    """Who answered what. ``recipients``: of the document, for requests that are told without theirs."""
    everyone, waiting, found = tuple(recipients), dict[str, str](), Answers()
    for one in sorted(history, key=lambda record: record.index):
        if request := asked_by(one):
            waiting |= dict.fromkeys(one.recipients or everyone, request)
            for recipient in one.recipients or everyone:
                found.last.pop(recipient, None)
        elif one.kind == "status" and one.status in ("15", "16") and one.sender in waiting:
            answered = found.answered[one.index] = waiting.pop(one.sender)
            found.last[one.sender] = (answered, one.status == "15")
    return found


def asking(request: str, tr: Speech) -> str:
    return tr(*PHRASES[request].asks)


def unanswered(request: str, tr: Speech) -> str:
    return tr(*PHRASES[request].waits) if request in PHRASES else request


def answer(request: str, agreed: bool, tr: Speech) -> str:
    phrases = PHRASES[request]
    return tr(*(phrases.agreed if agreed else phrases.refused))

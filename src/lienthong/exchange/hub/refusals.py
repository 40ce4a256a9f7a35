"""Why a message is not taken, told apart by what its sender can do about it."""

from __future__ import annotations

from typing import ClassVar

from lienthong.exchange.errors import (
    Conflict,
    ExchangeError,
    ImpossibleMove,
    MalformedMessage,
    NotFound,
    NotPermitted,
    TooLarge,
)
from lienthong.exchange.store.protocol import Refused


class SealRefused(NotPermitted):
    """The seal on the container is not one that this hub accepts from this agency."""

    code = "seal-refused"
    title: ClassVar[str] = "The seal on the container is not accepted"


class SenderMismatch(NotPermitted):
    """Seal, edXML ``From`` and the agency at the door are not one and the same."""

    code = "sender-mismatch"
    title: ClassVar[str] = "Somebody else's message"


class SigningTimeRefused(ExchangeError):
    """The signing time is missing, or too far from the hub's clock."""

    code = "signing-time"
    status = 422
    title: ClassVar[str] = "The signing time cannot be right"


class UnknownSubject(NotFound):
    """The document that a message is about was not exchanged here between these agencies."""

    code = "unknown-document"
    status = 422
    title: ClassVar[str] = "The document this is about is not known here"


class ManyReplaced(MalformedMessage):
    """One message replaces several documents."""

    code = "replaces-many"
    status = 422
    title: ClassVar[str] = "One message replaces one document"


class EntryTooLarge(TooLarge):
    """Its leaf would not fit an entry bundle of the log (C2SP tlog-tiles: 65,535 bytes)."""

    code = "entry-too-large"
    title: ClassVar[str] = "The message names more than an entry of the log can hold"


_ERRORS: dict[str, tuple[type[ExchangeError], str]] = {
    "message-id-conflict": (
        Conflict,
        "a message id belongs to one content for ever; send the new content under a new id",
    ),
    "impossible-status": (
        ImpossibleMove,
        "look at the document's trace: it shows where it stands, and so what may follow",
    ),
    "unknown-subject": (
        UnknownSubject,
        "check which document is meant, and that it was exchanged between these two agencies",
    ),
}


def refusal(refused: Refused) -> ExchangeError:
    """A store's refusal as the error its sender meets."""
    kind, remedy = _ERRORS.get(refused.code, (ExchangeError, ""))
    error = kind(refused.detail, remedy=remedy or None)
    if kind is ExchangeError:
        error.code = refused.code
    return error

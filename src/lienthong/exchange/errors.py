"""The exchange's exception tree. Codes are stable: clients and scripts switch on them."""

from __future__ import annotations

from typing import ClassVar

from lienthong.core.errors import LienthongError


class ExchangeError(LienthongError):
    code = "exchange-error"
    title: ClassVar[str] = "The exchange could not do this"


class MalformedMessage(ExchangeError):
    code = "malformed-message"
    title: ClassVar[str] = "The message cannot be read"


class NotPermitted(ExchangeError):
    code = "not-permitted"
    status = 403
    title: ClassVar[str] = "This agency may not do this"


class NotFound(ExchangeError):
    code = "not-found"
    status = 404
    title: ClassVar[str] = "There is no such thing here for this agency"


class Conflict(ExchangeError):
    code = "message-id-conflict"
    status = 409
    title: ClassVar[str] = "The same id was used for another content"


class ImpossibleMove(ExchangeError):
    code = "impossible-status"
    status = 409
    title: ClassVar[str] = "The status cannot follow the current one"


class TooLarge(ExchangeError):
    code = "too-large"
    status = 413
    title: ClassVar[str] = "The message exceeds a limit"


class QuotaExceeded(ExchangeError):
    code = "quota-exceeded"
    status = 429
    title: ClassVar[str] = "The agency's quota is used up"


class Unavailable(ExchangeError):
    code = "unavailable"
    status = 503
    title: ClassVar[str] = "The hub cannot accept messages now"

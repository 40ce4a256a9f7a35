"""Errors at the door, and every error as RFC 9457 problem details with a stable code."""

from __future__ import annotations

import json
from typing import ClassVar

from lienthong.core.errors import LienthongError
from lienthong.exchange.errors import ExchangeError
from lienthong.exchange.hub.addressing import RecipientsRefused
from lienthong.exchange.hub.quotas import QuotaUsedUp

MEDIA_TYPE = "application/problem+json"


class Unidentified(ExchangeError):
    """Nobody said who is asking, or nobody who is known here."""

    code = "not-identified"
    status = 401
    title: ClassVar[str] = "Who is asking is not known"


class Denied(ExchangeError):
    code = "not-permitted"
    status = 403
    title: ClassVar[str] = "This caller may not do this"


class NoSuchPath(ExchangeError):
    code = "no-such-path"
    status = 404
    title: ClassVar[str] = "There is nothing at this path"


class WrongMethod(ExchangeError):
    """``allowed``: the methods of the path."""

    code = "method-not-allowed"
    status = 405
    title: ClassVar[str] = "The path does not answer this method"

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f"the path does not answer {method[:20]}", remedy=f"use {', '.join(allowed)}")
        self.allowed = allowed


class BadRequest(ExchangeError):
    code = "bad-request"
    title: ClassVar[str] = "The request cannot be understood"


class LengthRequired(ExchangeError):
    code = "length-required"
    status = 411
    title: ClassVar[str] = "The length of the body is not given"


class TooSlow(ExchangeError):
    code = "too-slow"
    status = 408
    title: ClassVar[str] = "The body came too slowly"


class CutOff(ExchangeError):
    code = "body-cut-off"
    title: ClassVar[str] = "The body broke off"


class WrongMediaType(ExchangeError):
    code = "wrong-media-type"
    status = 415
    title: ClassVar[str] = "The body is not of the kind expected here"


class InternalFault(ExchangeError):
    code = "internal-error"
    status = 500
    title: ClassVar[str] = "A fault of the hub"


Header = tuple[str, str]


def problem(error: LienthongError) -> tuple[int, list[Header], bytes]:
    """Status, headers and body of the answer for an error."""
    body: dict[str, object] = dict(error.problem())
    headers: list[Header] = [("content-type", MEDIA_TYPE), ("cache-control", "no-store")]
    if isinstance(error, RecipientsRefused):
        body["recipients"] = error.recipients()
    if isinstance(error, WrongMethod):
        headers.append(("allow", ", ".join(error.allowed)))
    if isinstance(error, QuotaUsedUp):
        body["retry_after_s"] = error.retry_after_s
        headers.append(("retry-after", str(error.retry_after_s)))
    elif error.status == 503:
        headers.append(("retry-after", "5"))
    if error.status == 401:
        headers.append(("www-authenticate", 'Bearer realm="lienthong"'))
    return error.status, headers, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

"""One request as handlers see it: path parameters, query, headers, who asks, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from lienthong.exchange.server.access import Principal
from lienthong.exchange.server.problems import BadRequest, Header

JSON: Header = ("content-type", "application/json")
PRIVATE: Header = ("cache-control", "no-store")
MAX_QUERY = 4096
MAX_FIELDS = 16


class Request:
    """``scope`` and ``proto`` are Granian's (RSGI). ``digest``: the SHA-256 that a signed request promised
    for its body. ``consumed``: its body was read to the end. ``status``: what was answered, 0 before.
    """

    __slots__ = (
        "_fields",
        "consumed",
        "digest",
        "headers",
        "method",
        "now_s",
        "params",
        "path",
        "principal",
        "proto",
        "rights",
        "scope",
        "status",
    )

    def __init__(self, scope: Any, proto: Any, now_s: float) -> None:
        self.scope = scope
        self.proto = proto
        self.now_s = now_s
        self.method: str = scope.method
        self.path: str = scope.path
        self.headers = scope.headers
        self.params: tuple[str, ...] = ()
        self.principal: Principal | None = None
        self.rights = 0
        self.digest: bytes | None = None
        self.status = 0
        self.consumed = False
        self._fields: dict[str, str] | None = None

    @property
    def agency(self) -> str:
        """The code of the agency that asks; the route table lets nobody else in where this is used."""
        assert self.principal is not None
        return self.principal.code

    def answer(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        self.status = status
        self.proto.response_bytes(status, list(headers), body)

    def json(self, body: bytes, status: int = 200) -> None:
        self.answer(status, (JSON, PRIVATE), body)

    # --- query

    def text(self, name: str, default: str = "") -> str:
        return self._query().get(name, default)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        given = self._query().get(name)
        if given is None:
            return default
        digits = given.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= 18 and low <= int(given) <= high:
            return int(given)
        raise BadRequest(
            f"{given[:30]!r} cannot stand here", place=f"query: {name}", remedy=f"write {low} to {high}"
        )

    def flag(self, name: str) -> bool:
        given = self._query().get(name, "0")
        if given in ("0", "1"):
            return given == "1"
        raise BadRequest(f"{given[:30]!r} is neither 0 nor 1", place=f"query: {name}")

    def choice(self, name: str, choices: Sequence[str]) -> str:
        given = self._query().get(name, "")
        if given in ("", *choices):
            return given
        raise BadRequest(
            f"{given[:30]!r} cannot stand here",
            place=f"query: {name}",
            remedy=f"write one of {', '.join(choices)}",
        )

    def _query(self) -> dict[str, str]:
        if self._fields is None:
            text: str = self.scope.query_string
            try:
                if len(text) > MAX_QUERY:
                    raise ValueError
                pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
            except ValueError:
                raise BadRequest("the query cannot be read", place="query") from None
            fields = dict(pairs)
            if len(fields) != len(pairs):
                raise BadRequest("a field of the query is given twice", place="query")
            self._fields = fields
        return self._fields

"""What the client does, free of how: generators that yield effects and receive their results.

A step function is a generator. It yields a :class:`Call` (an HTTP request) and is sent the
:class:`Answer`; a :class:`Work` (something that blocks: disk, cryptography) and is sent its result;
a :class:`Pause`. ``sync.py`` and ``asynchronous.py`` perform the effects; nothing else differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from lienthong.exchange.client.errors import HubRefused, HubUnreachable
from lienthong.exchange.client.problems import refused_recipients

T = TypeVar("T")

PROBLEM_PREFIX = "urn:lienthong:problem:"


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request. ``body``: bytes, or a file that is streamed. ``save_to``: where the body of a
    200 goes, streamed and synced. ``patience_s``: how long the hub may stay silent.
    """

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: bytes | Path = b""
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    save_to: Path | None = None
    patience_s: float = 60.0

    @property
    def target(self) -> str:
        """Path and query as they are sent and signed."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` in lower case. ``saved_digest`` (SHA-256) and ``saved_size`` describe a saved body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    saved_digest: bytes = b""
    saved_size: int = 0

    def json(self) -> Any:
        """The body as JSON, or :class:`HubUnreachable` for an answer no hub gives."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise HubUnreachable(
                "the answer is not JSON", remedy="check that the profile's hub address is a hub's"
            ) from None


@dataclass(frozen=True, slots=True)
class Work:
    """Something that blocks; its result, or its exception, comes back to the step."""

    run: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for a while."""

    seconds: float


Effect = Call | Work | Pause
Steps = Generator[Effect, Any, T]


def work(run: Callable[[], T]) -> Steps[T]:
    """``result = yield from work(...)``, typed."""
    result: T = yield Work(run)
    return result


def expect(answer: Answer, *allowed: int) -> Answer:
    """The answer when its status is allowed (any 2xx by default), else the problem it carries, raised."""
    if answer.status in allowed or (not allowed and 200 <= answer.status < 300):
        return answer
    raise refusal(answer)


def refusal(answer: Answer) -> HubRefused | HubUnreachable:
    """The problem in an answer: :class:`HubRefused` when a hub wrote it (RFC 9457 with our type),
    :class:`HubUnreachable` when something else, such as a proxy, did.
    """
    try:
        body = json.loads(answer.body)
        kind = body["type"]
    except (ValueError, TypeError, KeyError, RecursionError):
        kind, body = None, {}
    if not isinstance(kind, str) or not kind.startswith(PROBLEM_PREFIX):
        return HubUnreachable(
            f"HTTP {answer.status} came from something that is not a hub",
            remedy="check the hub's address in the profile, and the proxy before the hub",
        )
    return HubRefused(
        str(body.get("detail") or body.get("title") or kind),
        status=answer.status,
        code=kind.removeprefix(PROBLEM_PREFIX),
        place=_text(body.get("place")),
        remedy=_text(body.get("remedy")),
        retry_after_s=_seconds(answer.headers.get("retry-after", "")),
        recipients=refused_recipients(body.get("recipients")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None

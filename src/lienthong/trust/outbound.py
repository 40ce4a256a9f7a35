"""Asking a TSA, an OCSP responder or a CRL server over HTTP, inside a budget that always holds.

httpx bounds each read, not the whole exchange: a server that sends a byte a second would hold a caller
for ever. The exchange therefore runs in a thread of its own, and the caller waits for the budget and no
longer; the connection is then closed under it.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field

import httpx

from lienthong.trust.errors import TrustError

MAX_ANSWER = 1 << 20


class Unreachable(TrustError):
    """The far end did not give a usable HTTP answer within the budget."""

    code = "unreachable"
    status = 503


@dataclass(slots=True)
class _Exchange:
    body: bytes | None = None
    failure: str = ""
    done: threading.Event = field(default_factory=threading.Event)


def ask(
    url: str,
    question: bytes | None = None,
    *,
    sends: str = "",
    accepts: str = "",
    budget_s: float,
    limit: int = MAX_ANSWER,
    verify: ssl.SSLContext | bool = True,
) -> bytes:
    """POST ``question`` (GET when None) and answer the body of a 200 response of at most ``limit`` bytes.

    ``sends``: its media type; ``accepts``: the only media type accepted ('' accepts any). Redirects and the
    environment's proxies are not followed. Raises :class:`Unreachable` within ``budget_s`` seconds.
    """
    if not url.startswith(("http://", "https://")):
        raise Unreachable(f"{url!r} is not an http or https address", place=url[:200])
    exchange = _Exchange()
    secure = verify if url.startswith("https://") else False  # loading the anchors costs 20 ms
    client = httpx.Client(timeout=budget_s, follow_redirects=False, trust_env=False, verify=secure)

    def run() -> None:
        try:
            with client.stream(
                "GET" if question is None else "POST",
                url,
                content=question,
                headers={"Content-Type": sends} if sends else None,
            ) as response:
                kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
                if response.status_code != 200:
                    exchange.failure = f"answered HTTP {response.status_code}"
                elif accepts and kind != accepts:
                    exchange.failure = f"answered {kind or 'no media type'}, not {accepts}"
                else:
                    exchange.body = _bounded(response, limit)
                    if exchange.body is None:
                        exchange.failure = f"answered more than {limit} bytes"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RuntimeError) as error:
            exchange.failure = f"could not be asked: {error or type(error).__name__}"
        finally:
            exchange.done.set()

    threading.Thread(target=run, name="lienthong-outbound", daemon=True).start()
    finished = exchange.done.wait(budget_s)
    client.close()
    if not finished:
        raise Unreachable(f"did not answer within {budget_s:g} s", place=url[:200])
    if exchange.body is None:
        raise Unreachable(exchange.failure, place=url[:200])
    return exchange.body


def _bounded(response: httpx.Response, limit: int) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)

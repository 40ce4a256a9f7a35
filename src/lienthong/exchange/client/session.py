"""Who is asking: a session opened by one signed request, then carried as a bearer token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from lienthong.core.clock import Clock
from lienthong.exchange.client.errors import HubRefused, HubUnreachable
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.client.steps import Answer, Call, Pause, Steps, expect, work

EARLY = timedelta(seconds=30)
"""A token is renewed this long before it expires."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")
"""RFC 6750 §2.1."""
PATIENCE = 3
"""How often a question is asked again that the hub cannot answer for the moment."""


class Session:
    """The agency's token at its hub. Holds no connection."""

    def __init__(self, profile: AgencyProfile, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._token = ""
        self._good_until = datetime.fromtimestamp(0, UTC)

    def call(self, call: Call) -> Steps[Answer]:
        """Perform ``call`` as the agency. A token that the hub no longer knows is renewed once; a question
        that the hub cannot answer for the moment is asked again a few times.

        Raises :class:`HubRefused` or :class:`HubUnreachable` when the answer is not a success.
        """
        fresh = False
        if self._clock() + EARLY >= self._good_until:
            yield from self._open()
            fresh = True
        answer: Answer = yield self._authorised(call)
        if answer.status == 401 and not fresh:
            yield from self._open()
            answer = yield self._authorised(call)
        for _ in range(PATIENCE if call.method == "GET" else 0):
            if answer.status != 503:
                break
            yield Pause(_seconds(answer))
            answer = yield self._authorised(call)
        return expect(answer)

    def _authorised(self, call: Call) -> Call:
        return replace(call, headers={**call.headers, "Authorization": f"Bearer {self._token}"})

    def _open(self) -> Steps[None]:
        call = Call("POST", "/v1/sessions")
        headers = yield from work(lambda: self._signed(call))
        answer: Answer = yield replace(call, headers=headers)
        body = expect(answer).json()
        token, expires, agency = (
            body.get(name) if isinstance(body, dict) else None for name in ("token", "expires_at", "agency")
        )
        until = _instant(expires)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or until is None:
            raise HubUnreachable("the hub's answer to a new session cannot be read")
        if agency != self._profile.code:
            raise HubRefused(
                f"the hub takes this certificate for {agency}, the profile says {self._profile.code}",
                status=401,
                code="wrong-agency",
                place=str(self._profile.folder),
                remedy="correct the code in the profile, or the certificate in the registry",
            )
        self._token = token
        self._good_until = until

    def _signed(self, call: Call) -> Mapping[str, str]:
        assert isinstance(call.body, bytes)
        return signed_headers(
            self._profile.tls,
            method=call.method,
            url=self._profile.hub + call.target,
            body_digest=sha256(call.body).digest(),
            created=int(self._clock().timestamp()),
        )


def _instant(text: object) -> datetime | None:
    """A moment with its time zone, or None."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _seconds(answer: Answer) -> float:
    """How long the hub asks to wait, within reason."""
    asked = answer.headers.get("retry-after", "")
    return (
        float(min(max(int(asked), 0), 5)) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1.0
    )

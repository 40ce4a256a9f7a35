"""The RSGI application: find the route, know who asks, let in or not, answer; errors become problems."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from lienthong.core.errors import LienthongError
from lienthong.exchange.http_signatures import SignatureError
from lienthong.exchange.hub.service import Hub
from lienthong.exchange.server import bodies
from lienthong.exchange.server.access import PUBLIC, words
from lienthong.exchange.server.authentication import Doorkeeper, replayed
from lienthong.exchange.server.health import Health, StampState, certificates_of
from lienthong.exchange.server.inbox import Streams
from lienthong.exchange.server.metrics import Durations, Exposition
from lienthong.exchange.server.openapi import document
from lienthong.exchange.server.problems import Denied, InternalFault, Unidentified, problem
from lienthong.exchange.server.requests import Request
from lienthong.exchange.server.routes import ROUTES
from lienthong.exchange.server.routing import Route, Router
from lienthong.exchange.server.sessions import Tokens
from lienthong.exchange.server.transparency import Served
from lienthong.exchange.store.protocol import SignCheckpoint
from lienthong.trust.log.checkpoints import Checkpoint
from lienthong.trust.log.merkle import root_hash
from lienthong.trust.log.notes import NoteKey

if TYPE_CHECKING:
    from lienthong.trust.responder import OcspResponder
    from lienthong.trust.tsa import TimeStampAuthority

MAX_JSON = 65_536
MAX_DRAINED = 131_072
"""A refused body up to this long is read and dropped; with a longer one the connection is closed."""
log = structlog.get_logger("lienthong.server")


class Nonces(Protocol):
    """What the hubs of one log remember together of signed requests."""

    def first_time(self, keyid: str, nonce: str, for_s: float) -> bool:
        """True once for a nonce of a signer within ``for_s`` seconds. From any thread."""

    def close(self) -> None: ...


class Application:
    """Everything handlers need. ``nonces``: shared with the other hubs of the log, None when this is the
    only one. ``tsa`` and ``ocsp``: the built-in services, None when there is none.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        door: Doorkeeper,
        tokens: Tokens,
        sign_checkpoint: SignCheckpoint,
        nonces: Nonces | None = None,
        tsa: TimeStampAuthority | None = None,
        ocsp: OcspResponder | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        configuration = hub.configuration
        limits = configuration.limits
        self.hub = hub
        self.door = door
        self.tokens = tokens
        self.sign_checkpoint = sign_checkpoint
        self._nonces = nonces
        self.tsa = tsa
        self.ocsp = ocsp
        self.stopping = False
        self.message_bytes = limits.message_bytes
        self.memory_bytes = limits.memory_bytes
        self.inbox_page = limits.inbox_page
        self.inbox_wait_s = limits.inbox_wait_s
        self.stream_s = limits.stream_s
        self.session_s = configuration.sessions.lifetime_s
        self.disk_reserve = configuration.health.disk_free_bytes
        self.room = bodies.Room(configuration.data, self.disk_reserve)
        self.slow = bodies.SlowBodies(hub.loop, grace_s=limits.body_grace_s, rate=limits.body_rate)
        self.streams = Streams(limits.streams)
        self.served = Served()
        self.witness_keys: dict[str, list[NoteKey]] = {}
        for witness in configuration.log.witnesses:
            self.witness_keys.setdefault(witness.agency, []).append(NoteKey.parse(witness.key))
        self.stamps = StampState()
        self.health = Health(hub, self.stamps, certificates_of(configuration))
        self.answered: dict[tuple[str, int], int] = {}
        self.problems: dict[str, int] = {}
        self.accept_seconds = Durations()
        self.exposition = Exposition(self)
        self.openapi = document(configuration.hub.name, ROUTES)
        self._router = Router(ROUTES)
        self._clock = clock

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Granian's entry for each request."""
        request = Request(scope, proto, self._clock())
        operation = "none"
        try:
            route, request.params = self._router.find(request.method, request.path)
            operation = route.operation
            nonce = self._let_in(route, request)
            if nonce is not None and self._nonces is not None:
                await self._require_first_time(self._nonces, nonce, request.now_s)
            await route.handler(self, request)
        except LienthongError as error:
            await self._refuse(request, error)
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            log.exception("fault", operation=operation, kind=type(fault).__name__)
            await self._refuse(
                request,
                InternalFault("the hub made a mistake; it is in its log", remedy="tell the operator"),
            )
        key = operation, request.status
        self.answered[key] = self.answered.get(key, 0) + 1

    def _let_in(self, route: Route, request: Request) -> tuple[str, str, float] | None:
        """Who asks, and whether the route is for them. Answers the nonce of a signed request. Raises
        :class:`Unidentified` or :class:`Denied`.
        """
        nonce = None
        headers = request.headers
        authorization = headers.get("authorization")
        if authorization is not None:
            principal = self.door.by_token(authorization, request.now_s)
            request.principal, request.rights = principal, principal.rights
        else:
            found = self.door.identify(
                method=request.method,
                path=request.path,
                query=request.scope.query_string,
                headers=headers,
                client=request.scope.client,
                now_s=request.now_s,
            )
            request.principal, request.rights = found.principal, found.rights
            request.digest, nonce = found.digest, found.nonce
        if not route.access & (request.rights | PUBLIC):
            whom = words(route.access)
            if request.principal is None:
                raise Unidentified(
                    f"only {whom} may do this, and the request does not say who is asking",
                    remedy="open a session (POST /v1/sessions), or sign the request (RFC 9421)",
                )
            raise Denied(
                f"only {whom} may do this; {request.principal.code} is not",
                remedy="ask the operator of the hub for the right",
            )
        return nonce

    async def _require_first_time(self, nonces: Nonces, nonce: tuple[str, str, float], now_s: float) -> None:
        """That no other hub of the log received the request before. Raises :class:`SignatureError`."""
        keyid, text, until_s = nonce
        if not await self.hub.apart(nonces.first_time, keyid, text, max(until_s - now_s, 0.0)):
            raise replayed()

    async def close(self) -> None:
        """Close the hub, and what is shared with others."""
        await self.hub.close()
        if self._nonces is not None:
            self._nonces.close()
        self.door.close()

    def require_standing(self, request: Request) -> None:
        """That who asked is still who may: for answers that come long after the question. Raises
        :class:`Unidentified` or :class:`Denied`.
        """
        principal = request.principal
        assert principal is not None
        authorization = request.headers.get("authorization")
        now_s = self.hub.clock()
        now = (
            self.door.by_fingerprint(principal.fingerprint, now_s)
            if authorization is None
            else self.door.by_token(authorization, now_s)
        )
        if now.code != principal.code:
            raise Denied(f"the certificate is no longer that of {principal.code}", remedy="sign in again")

    async def _refuse(self, request: Request, error: LienthongError) -> None:
        self.problems[error.code] = self.problems.get(error.code, 0) + 1
        agency = request.principal.code if request.principal else ""
        if error.status >= 500:
            log.error("cannot", code=error.code, detail=error.detail, agency=agency, path=request.path[:120])
        elif agency and error.status not in (401, 404, 429):
            log.info("refused", code=error.code, agency=agency, path=request.path[:120])
        else:  # what anybody can cause as often as they like is counted, not written down
            log.debug("refused", code=error.code, agency=agency, path=request.path[:120])
        if request.status == 0:
            status, headers, body = problem(error)
            if not request.consumed and not await self._drained(request):
                headers.append(("connection", "close"))
            request.answer(status, headers, body)

    async def _drained(self, request: Request) -> bool:
        """Whether nothing of the request's body is left on the connection, so that it can be used again. A
        small body is read and dropped.
        """
        announced = request.headers.get("content-length")
        if request.headers.get("transfer-encoding") is not None or request.headers.get("expect") is not None:
            return False
        if announced is None or announced == "0":
            return True
        if not announced.isdigit() or len(announced) > 6 or int(announced) > MAX_DRAINED:
            return False
        try:
            await bodies.in_memory(request.proto, int(announced), self.slow, allowed_for=0)
        except LienthongError:
            return False
        return True

    # --- for handlers

    async def json_body(self, request: Request) -> dict[str, Any]:
        """A JSON object in the body."""
        headers = request.headers
        length = bodies.content_length(headers.get("content-length"), MAX_JSON)
        bodies.require_media_type(headers.get("content-type"), "application/json")
        return bodies.json_object(await self.body(request, length))

    async def body(self, request: Request, length: int) -> bytes:
        """A small body, if it is the one that a signed request promised (or none was)."""
        body = await bodies.in_memory(request.proto, length, self.slow)
        request.consumed = True
        if request.digest is not None and request.digest != bodies.digest_of(body):
            raise SignatureError("the body is not the one that was signed", place="Content-Digest")
        return body

    def checkpoint_of(self, size: int) -> Checkpoint:
        """What the log stated, or would have stated, at a size it has had."""
        return Checkpoint(self.hub.configuration.hub.origin, size, root_hash(self.hub.store.node, size))

    @staticmethod
    def digest_of_note(note: bytes) -> bytes:
        """What a checkpoint's time-stamp covers."""
        return bodies.digest_of(note)

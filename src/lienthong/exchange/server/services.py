"""What stands beside the exchange: sessions, the directory, time-stamps, certificate status, statistics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lienthong.exchange.errors import NotFound
from lienthong.exchange.hub.acceptance import today
from lienthong.exchange.server import bodies, shapes
from lienthong.exchange.server.problems import Header, Unidentified
from lienthong.exchange.server.requests import PRIVATE, Request
from lienthong.registry.directory import BUILT_IN_GROUPS, Agency, Directory
from lienthong.trust.timestamps import MEDIA_QUERY, MEDIA_REPLY

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application

MAX_SERVICE_REQUEST = 16_384
MAX_AGENCIES = 1000
OCSP_REQUEST = "application/ocsp-request"
OCSP_RESPONSE = "application/ocsp-response"


async def open_session(app: Application, request: Request) -> None:
    """``POST /v1/sessions``: a token for who signed this request (or whom a trusted proxy vouches for)."""
    if request.headers.get("authorization") is not None:
        raise Unidentified(
            "a token does not open another session",
            place="Authorization",
            remedy="sign the request with the agency's TLS client key (RFC 9421)",
        )
    length = bodies.content_length(request.headers.get("content-length") or "0", 1024)
    if length or request.digest is not None:
        await app.body(request, length)
    principal = request.principal
    assert principal is not None
    expires_s = int(request.now_s) + app.session_s
    token = app.tokens.issue(principal.fingerprint, expires_s)
    expires = datetime.fromtimestamp(expires_s, UTC).isoformat()
    request.json(shapes.dumps({"token": token, "expires_at": expires, "agency": principal.code}), 201)


async def directory(app: Application, request: Request) -> None:
    """``GET /v1/directory``: the signed snapshot in force."""
    data, version = app.hub.snapshot()
    headers: list[Header] = [
        ("content-type", "application/pkcs7-mime; smime-type=signed-data"),
        PRIVATE,
        ("etag", f'"{version}"'),
    ]
    request.answer(200, headers, data)


async def agencies(app: Application, request: Request) -> None:
    """``GET /v1/agencies?q=``: agencies active today whose name or code holds every word of ``q``."""
    book = app.hub.directory()
    day = today(request.now_s)
    limit = request.number("limit", 200, 1, MAX_AGENCIES)
    found = book.search(request.text("q")[:200], day, limit=limit)
    groups = sorted({*BUILT_IN_GROUPS, *book.group_titles})
    request.json(
        shapes.dumps(
            {
                "items": [_agency(book, request.agency, one) for one in found],
                "groups": [f"group:{name}" for name in groups],
                "version": book.version,
            }
        )
    )


def _agency(book: Directory, asker: str, one: Agency) -> dict[str, object]:
    return {
        "code": one.code,
        "name": one.name,
        "kind": one.kind,
        "level": one.level,
        "parent": one.parent,
        "aliases": [alias.code for alias in one.aliases],
        "locked": one.locked,
        "can_unseal": bool(one.encryption),
        "may_send": not one.locked and one.code != asker and book.may(asker, "send", one.code),
    }


async def stamp(app: Application, request: Request) -> None:
    """``POST /v1/tsa``: RFC 3161 request in, response out."""
    if app.tsa is None:
        raise NotFound("this hub has no time-stamping authority of its own", code="no-such-service")
    query = await _service_request(app, request, MEDIA_QUERY)
    answer = await app.hub.apart(app.tsa.respond, query)
    request.answer(200, (("content-type", MEDIA_REPLY), PRIVATE), answer)


async def certificate_status(app: Application, request: Request) -> None:
    """``POST /v1/ocsp``: RFC 6960 request in, response out."""
    if app.ocsp is None:
        raise NotFound("this hub has no OCSP responder of its own", code="no-such-service")
    query = await _service_request(app, request, OCSP_REQUEST)
    now = datetime.fromtimestamp(request.now_s, UTC)
    answer = await app.hub.apart(app.ocsp.respond, query, now=now)
    request.answer(200, (("content-type", OCSP_RESPONSE), PRIVATE), answer)


async def _service_request(app: Application, request: Request, media_type: str) -> bytes:
    headers = request.headers
    length = bodies.content_length(headers.get("content-length"), MAX_SERVICE_REQUEST)
    bodies.require_media_type(headers.get("content-type"), media_type)
    return await app.body(request, length)


async def statistics(app: Application, request: Request) -> None:
    """``GET /v1/statistics``: counts since the log began."""
    request.json(shapes.statistics(await app.hub.apart(app.hub.store.statistics)))

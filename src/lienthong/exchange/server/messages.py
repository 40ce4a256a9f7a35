"""Messages: accepting them, and reading them back by who sent or received them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

from lienthong.core.identifiers import MESSAGE_ID
from lienthong.exchange.archives import Archive, archive_of
from lienthong.exchange.errors import NotFound
from lienthong.exchange.http_signatures import SignatureError
from lienthong.exchange.hub.service import Taken
from lienthong.exchange.server import bodies, shapes
from lienthong.exchange.server.access import Principal
from lienthong.exchange.server.problems import BadRequest, Header
from lienthong.exchange.server.requests import JSON, PRIVATE, Request
from lienthong.exchange.store.errors import PayloadArchived
from lienthong.exchange.store.protocol import SpooledPayload
from lienthong.trust.asic import MIMETYPE

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application


async def accept(app: Application, request: Request) -> None:
    """``POST /v1/messages``: order of STANDARDS §5; nothing of the body is read before it is welcome."""
    began = perf_counter()
    hub, principal, headers, now_s = app.hub, request.principal, request.headers, request.now_s
    assert principal is not None
    agency = principal.code
    length = bodies.content_length(headers.get("content-length"), app.message_bytes)
    if headers.get("content-type") != MIMETYPE:
        bodies.require_media_type(headers.get("content-type"), MIMETYPE)
    hub.require_accepting(now_s)
    app.room.require(length)
    door = hub.door
    if not door.try_enter(agency, principal.concurrent):
        await door.enter(agency, principal.concurrent)
    try:
        quotas = hub.quotas
        if not quotas.known(agency, now_s):
            await hub.open_quota(agency, now_s)
        quotas.take(agency, principal.directory.quota(agency), length, now_s)
        try:
            if length <= app.memory_bytes:
                body = await bodies.in_memory(request.proto, length, app.slow)
                request.consumed = True
                digest = sha256(body).digest()
                if request.digest is not None:
                    _keep_promise(request, digest)
                taken = await hub.accept(agency, principal.directory, body, digest, now_s)
            else:
                taken = await _accept_large(app, request, principal, length)
        except BaseException:
            quotas.give_back(agency, length)
            raise
        if taken.duplicate:
            quotas.give_back(agency, length)
    finally:
        door.leave(agency)
    _answer(request, taken)
    app.accept_seconds.observe(perf_counter() - began)


async def _accept_large(app: Application, request: Request, principal: Principal, length: int) -> Taken:
    hub = app.hub
    payload, digest = await bodies.spooled(
        request.proto, length, app.slow, hub.spool, hub.workers, app.disk_reserve
    )
    request.consumed = True
    try:
        _keep_promise(request, digest)
        taken = await hub.accept(principal.code, principal.directory, payload, digest, request.now_s)
    except asyncio.CancelledError:
        raise  # the writer may be taking the file over; what is left is removed at the next start
    except BaseException:
        _discard(payload)
        raise
    if taken.duplicate:
        _discard(payload)
    return taken


def _discard(payload: SpooledPayload) -> None:
    with suppress(FileNotFoundError):
        payload.path.unlink()


def _keep_promise(request: Request, digest: bytes) -> None:
    if request.digest is not None and request.digest != digest:
        raise SignatureError("the body is not the one that was signed", place="Content-Digest")


def _answer(request: Request, taken: Taken) -> None:
    answer: list[Header] = [JSON, ("location", f"/v1/messages/{taken.index}")]
    if taken.forwarded:
        answer.append(
            ("lienthong-forwarded", ", ".join(f"{asked}={heir}" for asked, heir in taken.forwarded))
        )
    if taken.left_out:
        answer.append(("lienthong-left-out", ", ".join(taken.left_out)))
    request.answer(200 if taken.duplicate else 201, answer, taken.receipt)


async def find(app: Application, request: Request) -> None:
    """``GET /v1/messages?message_id=``: a message that the agency itself sent."""
    message_id = request.text("message_id")
    if not message_id:
        raise BadRequest("which message is not said", place="query: message_id")
    hub = app.hub
    known = MESSAGE_ID.fullmatch(message_id) is not None
    record = await hub.read(hub.store.find, request.agency, message_id) if known else None
    if record is None:
        raise NotFound(f"{request.agency} has sent no message {message_id[:140]!r}")
    request.json(shapes.record(record))


async def fetch(app: Application, request: Request) -> None:
    """``GET /v1/messages/{index}``: the container, as it was sent."""
    hub = app.hub
    record = await hub.party_record(request.agency, int(request.params[0]))
    try:
        payload = await hub.read(hub.store.payload, record.index)
    except PayloadArchived as error:
        raise _moved(archive_of(hub.configuration.data, record.accepted_ms), record.index, error) from None
    if payload is None:
        raise NotFound(f"record {record.index} carries no container")
    headers: list[Header] = [("content-type", MIMETYPE), PRIVATE, ("etag", f'"{record.digest.hex()}"')]
    if isinstance(payload, bytes):
        request.answer(200, headers, payload)
        return
    request.status = 200
    headers.append(("content-length", str(record.size)))
    request.proto.response_file(200, headers, str(payload))


def _moved(archive: Archive | None, index: int, error: PayloadArchived) -> PayloadArchived:
    """The refusal, with the archive's name where it is known; its folder is the operator's own affair."""
    if archive is None:
        return error
    return PayloadArchived(
        f"the container of record {index} was moved to the archive «{archive.name}» on {archive.at[:10]}",
        place=error.place,
        remedy=error.remedy,
    )


async def receipt(app: Application, request: Request) -> None:
    """``GET /v1/messages/{index}/receipt``: always the same bytes."""
    hub = app.hub
    record = await hub.party_record(request.agency, int(request.params[0]))
    request.json(await hub.read(hub.store.receipt, record.index))


async def trace(app: Application, request: Request) -> None:
    """``GET /v1/messages/{index}/trace``: the sender sees every recipient, a recipient sees itself. One page
    of the history, read apart: a document may have been reported on for years.
    """
    after = request.number("after", -1, -1, 2**59)
    hub, store, agency = app.hub, app.hub.store, request.agency
    record = await hub.party_record(agency, int(request.params[0]))
    if record.subject is not None and not record.business:
        record = await hub.party_record(agency, record.subject)
    deliveries = await hub.apart(store.deliveries, record.index)
    history = await hub.apart(store.history, record.index, after=after, limit=app.inbox_page)
    next_index = history[-1].index if len(history) == app.inbox_page else None
    if record.sender != agency:
        deliveries = [one for one in deliveries if one.recipient == agency]
        history = [one for one in history if one.sender == agency or agency in one.recipients]
    request.json(shapes.trace(record, deliveries, history, next_index))

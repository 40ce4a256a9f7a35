"""An agency's inbox and outgoing records: lists, long polls, event streams, acknowledgements."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lienthong.core.errors import LienthongError
from lienthong.core.text import nfc
from lienthong.exchange.hub.quotas import QuotaUsedUp
from lienthong.exchange.server import shapes
from lienthong.exchange.server.problems import BadRequest
from lienthong.exchange.server.requests import PRIVATE, Request
from lienthong.exchange.store.protocol import InboxItem, Lane

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application

MAX_INDEX = 2**59
MAX_ACKNOWLEDGED = 1000
MAX_STAFF = 200
STREAM_PAGE = 100
STREAM_ITEMS = 2000
"""An event stream ends after so many lines: what a slow reader has not read yet is held in memory."""
HEARTBEAT_S = 15.0
_LANES = {"normal": Lane.NORMAL, "urgent": Lane.URGENT}


async def inbox(app: Application, request: Request) -> None:
    """``GET /v1/inbox``: at once, or as soon as there is something within ``wait`` seconds."""
    after = request.number("after", -1, -1, MAX_INDEX)
    limit = request.number("limit", 100, 1, app.inbox_page)
    wait_s = request.number("wait", 0, 0, int(app.inbox_wait_s))
    lane = _LANES.get(request.choice("lane", tuple(_LANES)))
    pending = request.flag("pending")

    async def look() -> list[InboxItem]:
        store = app.hub.store
        return await app.hub.read(
            store.inbox, request.agency, after=after, limit=limit, lane=lane, pending=pending
        )

    items = await look()
    if not items and wait_s:
        with app.streams.one_more(request.agency):
            items = await _wait(app, request, look, wait_s)
    # In pending order (urgent first) the last line is not the furthest: there the cursor stays.
    next_index = after if pending or not items else items[-1].index
    request.json(shapes.inbox_page(items, next_index))


async def _wait(app: Application, request: Request, look: Any, wait_s: int) -> list[InboxItem]:
    """Look again whenever something arrives for the agency, until the time is up or the hub stops."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    notices = app.hub.notices
    gone = asyncio.ensure_future(request.proto.client_disconnect())
    try:
        while True:
            waiter = notices.register(request.agency)
            try:
                app.require_standing(request)
                items: list[InboxItem] = await look()
                left = until - loop.time()
                if items or left <= 0 or notices.closed or gone.done():
                    return items
                await asyncio.wait((waiter, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                notices.forget(request.agency, waiter)
    finally:
        gone.cancel()


async def events(app: Application, request: Request) -> None:
    """``GET /v1/inbox/events``: one server-sent event for each inbox line, as it arrives."""
    given = request.headers.get("last-event-id")
    after = request.number("after", -1, -1, MAX_INDEX)
    if given is not None:
        if not (given.isascii() and given.isdigit() and len(given) <= 18):
            raise BadRequest(f"{given[:30]!r} is no event of this stream", place="Last-Event-ID")
        after = int(given)
    with app.streams.one_more(request.agency):
        await _stream(app, request, after)


async def _stream(app: Application, request: Request, after: int) -> None:
    loop = asyncio.get_running_loop()
    hub, agency = app.hub, request.agency
    until = loop.time() + app.stream_s
    request.status = 200
    transport = request.proto.response_stream(
        200, [("content-type", "text/event-stream"), PRIVATE, ("x-accel-buffering", "no")]
    )
    await transport.send_bytes(b"retry: 1000\n\n")
    gone = asyncio.ensure_future(request.proto.client_disconnect())
    sent = 0
    try:
        while sent < STREAM_ITEMS and not gone.done():
            waiter = hub.notices.register(agency)
            try:
                try:
                    app.require_standing(request)
                except LienthongError:
                    return  # Whoever asks again is told why.
                items = await hub.read(hub.store.inbox, agency, after=after, limit=STREAM_PAGE)
                for item in items:
                    line = shapes.inbox_item(item)
                    await transport.send_bytes(b"id: %d\nevent: record\ndata: %b\n\n" % (item.index, line))
                if items:
                    after = items[-1].index
                    sent += len(items)
                    continue
                left = until - loop.time()
                if left <= 0 or hub.notices.closed:
                    return
                done, _ = await asyncio.wait(
                    (waiter, gone), timeout=min(HEARTBEAT_S, left), return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    await transport.send_bytes(b": here\n\n")
            finally:
                hub.notices.forget(agency, waiter)
    finally:
        gone.cancel()


async def acknowledge(app: Application, request: Request) -> None:
    """``POST /v1/inbox/acknowledgements``: the agency's system has taken these."""
    body = await app.json_body(request)
    indexes, staff = body.get("indexes"), body.get("staff", "")
    if (
        not isinstance(indexes, list)
        or not 1 <= len(indexes) <= MAX_ACKNOWLEDGED
        or not all(type(index) is int and 0 <= index <= MAX_INDEX for index in indexes)
    ):
        raise BadRequest(f"a list of 1 to {MAX_ACKNOWLEDGED} indexes is expected", place="indexes")
    if not isinstance(staff, str) or len(staff) > MAX_STAFF or not staff.isprintable():
        raise BadRequest(f"a text of at most {MAX_STAFF} printable characters is expected", place="staff")
    hub, agency, principal = app.hub, request.agency, request.principal
    assert principal is not None
    hub.require_accepting(request.now_s)
    await hub.door.enter(agency, principal.concurrent)
    try:
        if not hub.quotas.known(agency, request.now_s):
            await hub.open_quota(agency, request.now_s)
        hub.quotas.take(agency, principal.directory.quota(agency), 0, request.now_s)
        taken = await hub.acknowledge(agency, list(dict.fromkeys(indexes)), nfc(staff))
    finally:
        hub.door.leave(agency)
    request.json(shapes.dumps({"acknowledged": taken}))


async def sent(app: Application, request: Request) -> None:
    """``GET /v1/sent``: what the agency sent, newest first."""
    before = request.number("before", -1, 0, MAX_INDEX)
    limit = request.number("limit", 100, 1, app.inbox_page)
    hub = app.hub
    page = await hub.read(hub.store.sent, request.agency, before=None if before < 0 else before, limit=limit)
    request.json(shapes.records(page, page[-1].index if len(page) == limit else None))


class Streams:
    """How many long polls and event streams each agency holds."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}

    @property
    def held(self) -> int:
        return sum(self._held.values())

    def one_more(self, agency: str) -> _Held:
        return _Held(self._held, self._limit, agency)


class _Held:
    def __init__(self, held: dict[str, int], limit: int, agency: str) -> None:
        self._held, self._limit, self._agency = held, limit, agency

    def __enter__(self) -> None:
        count = self._held.get(self._agency, 0)
        if count >= self._limit:
            raise QuotaUsedUp(f"{self._agency} waits on {count} connections already", 1)
        self._held[self._agency] = count + 1

    def __exit__(self, *_: object) -> None:
        count = self._held[self._agency] - 1
        if count:
            self._held[self._agency] = count
        else:
            del self._held[self._agency]

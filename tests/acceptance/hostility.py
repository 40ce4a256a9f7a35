"""What the hostile and faulty callers of the acceptance tests share: raw sockets, and what a hub must still
be after each of them.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, RunningHub

PARTIES = (PROVINCE, DEPARTMENT, COMMUNE, OTHER_COMMUNE)
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The RFC 9457 problem in an answer, which must be one, and no fault of the hub."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert answer.status_code == body["status"] and 400 <= answer.status_code < 600
    assert CODE.fullmatch(body["code"]) and body["type"] == f"urn:lienthong:problem:{body['code']}"
    assert body["title"] and body["detail"]
    assert answer.status_code != 500, body
    return body


@dataclass(frozen=True)
class Holdings:
    """What a hub has stored: the log's size, every party's inbox, files of the store."""

    tree_size: int
    inboxes: dict[str, int]
    spooled: int
    blobs: int


def holdings(hub: RunningHub) -> Holdings:
    folder = hub.province.data / "hub"
    store = hub.app.hub.store
    return Holdings(
        store.tree_size(),
        {code: len(store.inbox(code, limit=10_000)) for code in PARTIES},
        sum(1 for _ in (folder / "spool").iterdir()),
        sum(1 for _ in (folder / "blobs").glob("??/*")),
    )


def still_well(hub: RunningHub) -> None:
    """The hub accepts, and has nobody inside."""
    assert hub.http.get("/health/ready").status_code == 200
    assert hub.send(hub.province.document(DEPARTMENT, [COMMUNE])).status_code == 201
    assert hub.on_loop(lambda: hub.app.hub.door.inside) == 0


def wait_for(condition: Callable[[], bool], what: str = "") -> None:
    """Until it holds; looked at again and again, with half a minute's patience."""
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while not condition():
        assert datetime.now(UTC) < deadline, f"it never came: {what}"


def connect(hub: RunningHub, *, receive_buffer: int = 0) -> socket.socket:
    """A connection to the hub. ``receive_buffer``: how little the caller's kernel takes ahead (bytes)."""
    where = httpx.URL(hub.url)
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect((where.host, where.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def until_closed(connection: socket.socket) -> bytes:
    """Everything the hub says until it closes, or hangs up on us."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionError:
        pass
    return said


def head(hub: RunningHub, code: str, request: str, *lines: str) -> bytes:
    """A request head as an agency, to be sent by hand. ``request``: method and target."""
    token = hub.bearer(code)["Authorization"]
    return "\r\n".join(
        (f"{request} HTTP/1.1", "Host: hub", f"Authorization: {token}", *lines, "", "")
    ).encode()


def checks(hub: RunningHub) -> dict[str, dict[str, str]]:
    """The hub's own word on its health, by item."""
    return {one["name"]: one for one in hub.http.get("/health/ready").json()["checks"]}

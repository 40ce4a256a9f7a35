"""Whatever comes over HTTP, from an agency or nobody: an answer in time, a reason, no fault, no trace."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.acceptance.hostility import (
    connect,
    head,
    holdings,
    problem,
    still_well,
    until_closed,
    wait_for,
)
from tests.exchange.province import (
    AUDITOR,
    COMMUNE,
    DEPARTMENT,
    PROVINCE,
    WITNESS,
    RunningHub,
    TestProvince,
)

from lienthong.exchange.server.routes import ROUTES
from lienthong.exchange.server.services import OCSP_REQUEST
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.timestamps import MEDIA_QUERY

LIMITS = (
    "message_bytes = 200000\nmemory_bytes = 65536\ninbox_wait_s = 1.0\nstream_s = 1.0\nbody_grace_s = 2.0"
)
ELSEWHERE = {"Via": "1.1 somewhere"}
BODIES = {route.path: route for route in ROUTES if route.method == "POST"}
TAKEN = {
    "/v1/messages": MIMETYPE,
    "/v1/inbox/acknowledgements": "application/json",
    "/v1/log/cosignatures": "text/plain",
    "/v1/tsa": MEDIA_QUERY,
    "/v1/ocsp": OCSP_REQUEST,
}


@pytest.fixture(scope="module")
def province(pristine_province: TestProvince, tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    made = pristine_province.copy(tmp_path_factory.mktemp("province") / "data")
    made.configure(limits=LIMITS, exchange="header_timeout_s = 3.0")
    return made


@pytest.fixture(scope="module")
def hub(province: TestProvince) -> Iterator[RunningHub]:
    with RunningHub(province) as running:
        running.send(province.document(PROVINCE, [COMMUNE]))
        yield running
        still_well(running)


@pytest.fixture(autouse=True)
def nothing_stored(hub: RunningHub) -> Iterator[None]:
    before = holdings(hub)
    yield
    assert holdings(hub) == before
    assert hub.on_loop(lambda: hub.app.problems.get("internal-error", 0)) == 0


def say(hub: RunningHub, *pieces: bytes, hang_up: bool = False) -> bytes:
    """Send bytes as they are; the hub's whole answer. ``hang_up``: tell it that no more will come."""
    with connect(hub) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return until_closed(connection)


def status_of(answer: bytes) -> int:
    return int(answer.split(None, 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def code_of(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["code"])


CLOSING = b"GET /v1/inbox HTTP/1.1\r\nConnection: close\r\n"
NO_HTTP = {
    "nothing": b"",
    "noise": bytes(range(256)) * 8,
    "a TLS handshake": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no version": b"GET /health/live\r\n\r\n",
    "another version": b"GET /health/live HTTP/7.3\r\nHost: h\r\n\r\n",
    "a line too long": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    "a header without a name": b"GET /health/live HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "a header with a blank": b"GET /health/live HTTP/1.1\r\nHost: h\r\nA b: x\r\n\r\n",
    "a folded header": b"GET /health/live HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /v1/inbox HTTP/1.1\nHost: h\nVia: x\nConnection: close\n\n",
    "a zero byte": b"GET /v1/inbox\x00 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a length that is none": b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Length: ten\r\n\r\n",
    "a negative length": b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    "an endless length": b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Length: "
    + b"9" * 40
    + b"\r\n\r\n",
    "two lengths": b"POST /v1/ocsp HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": (
        b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"
    ),
    "an unknown coding": b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\nabc",
    "a thousand headers": b"GET /health/live HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    "a huge header": b"GET /health/live HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a token of bytes": CLOSING + b"Authorization: Bearer \xff\xfe\r\n\r\n",
    "a signature of bytes": CLOSING + b"Signature-Input: \xff=(\x80)\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_hardly_http_is_turned_away(hub: RunningHub, request_bytes: bytes) -> None:
    """By the server beneath (a bare status, then silence) where it is no request at all."""
    answer = say(hub, request_bytes, hang_up=not request_bytes)
    assert status_of(answer) in {0, 400, 401, 411, 413, 414, 431, 505}, answer[:200]
    assert b"lienthong_" not in answer, "a second request was smuggled in"
    assert hub.http.get("/health/live").status_code == 200


def bodied(path: str) -> list[str]:
    return ["Connection: close", f"Content-Type: {TAKEN.get(path, 'application/json')}"]


WHO = {"/v1/log/cosignatures": WITNESS}


@pytest.mark.parametrize("path", BODIES)
def test_a_chunked_body_is_not_read_at_all(hub: RunningHub, path: str) -> None:
    """However long it would be: without a length nothing is taken in."""
    request = head(hub, WHO.get(path, PROVINCE), f"POST {path}", *bodied(path), "Transfer-Encoding: chunked")
    answer = say(hub, request, b"40000\r\n" + b"a" * 0x40000 + b"\r\n")
    assert status_of(answer) in ((401,) if path == "/v1/sessions" else (411, 415)), answer[:300]


@pytest.mark.parametrize("path", sorted(TAKEN))
@pytest.mark.parametrize("length", [300, 100_000])
def test_a_body_that_is_cut_short_frees_its_place(hub: RunningHub, path: str, length: int) -> None:
    who = WHO.get(path, PROVINCE)
    request = head(hub, who, f"POST {path}", *bodied(path), f"Content-Length: {length}")
    answer = say(hub, request, b"a" * 200, hang_up=True)
    if status_of(answer):
        assert code_of(answer) in ("body-cut-off", "too-large")
    wait_for(lambda: hub.on_loop(lambda: hub.app.hub.door.inside) == 0, "nobody is inside")


@pytest.mark.parametrize("path", sorted(set(TAKEN) - {"/v1/log/cosignatures"}))
@pytest.mark.parametrize(
    "media_type",
    ["", "text/html", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"],
)
def test_a_body_of_another_kind_is_refused(hub: RunningHub, path: str, media_type: str) -> None:
    headers = {**hub.bearer(PROVINCE), "Content-Type": media_type}
    answer = hub.http.post(path, content=b'{"indexes":[0]}', headers=headers)
    assert problem(answer)["code"] == "wrong-media-type"
    assert TAKEN[path] in answer.json()["remedy"]


PATHS = [
    "/..",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/v1/messages/../directory",
    "/v1/messages/%2e%2e/directory",
    "/v1/log/tile/../tile/entries/000.p/1",
    "/v1/log/tile/%2e%2e/entries/000.p/1",
    "/v1/log/tile//entries/000.p/1",
    "/v1/log//tile/entries/000.p/1",
    "/v1/log/tile/./entries/000.p/1",
    "/v1/log/tile/entries%2f000.p%2f1",
    "/v1/log/tile/entries/000.p/1%00",
    "/v1/log/tile/entries/000.p/1/",
    "/v1/log/tile/entries/000.p/1;x",
    "/v1/log/tile/0/x000/000",
    "/v1/log/tile/0/000.p/257",
    "/V1/inbox",
    "/v1/inbox/",
    "//v1/inbox",
    "/v1//inbox",
    "/v1/inbox%2f",
    "/v1\\inbox",
    "/v1/ｉnbox",
    "/v1/inbox\u200b",
    "/metrics%00",
    "/metrics/..",
    "/v1/messages/-1",
    "/v1/messages/00",
    "/v1/messages/٣",
    "/v1/messages/1e3",
    "/v1/messages/99999999999999999999999999",
    "/v1/messages/0/receipt/trace",
    "*",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_tricky_path_leads_nowhere_else(hub: RunningHub, path: str) -> None:
    target = path.encode()
    for who in (b"", hub.bearer(COMMUNE)["Authorization"].encode()):
        line = b"Authorization: %b\r\n" % who if who else b""
        answer = say(
            hub, b"GET %b HTTP/1.1\r\nHost: h\r\nVia: x\r\n%bConnection: close\r\n\r\n" % (target, line)
        )
        assert status_of(answer) in (400, 401, 403, 404), answer[:200]
        if status_of(answer) != 400:
            assert b"application/problem+json" in answer
            assert code_of(answer) in ("no-such-path", "not-found", "not-identified", "not-permitted")


@pytest.mark.parametrize("target", ["/v1/%69nbox", "http://elsewhere.example/v1/inbox"])
def test_another_spelling_of_a_path_is_for_the_same_callers(hub: RunningHub, target: str) -> None:
    """Escaped letters and the absolute form are the same address (RFC 3986 §6.2.2, RFC 9112 §3.2.2)."""
    request = f"GET {target} HTTP/1.1\r\nHost: h\r\nVia: x\r\nConnection: close\r\n".encode()
    assert status_of(say(hub, request + b"\r\n")) == 401
    token = hub.bearer(DEPARTMENT)["Authorization"].encode()
    assert b'"items":[]' in say(hub, request + b"Authorization: %b\r\n\r\n" % token)


ACKNOWLEDGE = "/v1/inbox/acknowledgements"
BOMBS: dict[str, bytes] = {
    "nested": b"[" * 60_000,
    "nested in an index": b'{"indexes":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a number without end": b'{"indexes":[' + b"9" * 60_000 + b"]}",
    "a great exponent": b'{"indexes":[1e999999]}',
    "infinite": b'{"indexes":[Infinity, NaN, -Infinity]}',
    "too many": b'{"indexes":[' + b"0," * 20_000 + b"0]}",
    "a name twice": b'{"indexes":[0],"indexes":"x"}',
    "half a character": b'{"indexes":[0],"staff":"\\ud800"}',
    "a zero in a name": b'{"indexes":[0],"staff":"A\\u0000B"}',
    "a name written backwards": b'{"indexes":[0],"staff":"A\\u202eB"}',
    "a long name": json.dumps({"indexes": [0], "staff": "A" * 10_000}).encode(),
    "truth for a number": b'{"indexes":[true]}',
    "a negative index": b'{"indexes":[-1]}',
    "UTF-16": '{"indexes":[0]}'.encode("utf-16"),
    "no UTF-8": b'{"indexes":[0],"staff":"\xff"}',
    "a list": b"[0]",
    "nothing": b"",
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_a_json_bomb_is_refused_and_takes_nothing(hub: RunningHub, body: bytes) -> None:
    headers = {**hub.bearer(COMMUNE), "Content-Type": "application/json"}
    answer = hub.http.post(ACKNOWLEDGE, content=body, headers=headers)
    assert problem(answer)["code"] in ("bad-request", "too-large", "not-found"), answer.text
    assert answer.json()["code"] != "not-found" or b"true" in body


def test_a_name_that_cannot_be_written_spoils_nobody_elses_batch(hub: RunningHub) -> None:
    """It would fail where the log's entry is written, together with whoever shares the batch."""
    bad = {"indexes": [0], "staff": "\ud800"}
    headers = {**hub.bearer(COMMUNE), "Content-Type": "application/json"}
    answer = hub.http.post(ACKNOWLEDGE, content=json.dumps(bad).encode(), headers=headers)
    assert (answer.status_code, problem(answer)["place"]) == (400, "staff")
    assert hub.app.hub.commit.figures.failures == 0


# --- every route, any caller, anything


CALLERS = ("", DEPARTMENT, PROVINCE, AUDITOR, WITNESS)
NAMES = [*sorted({one.name for route in ROUTES for one in route.parameters if one.where == "query"}), "x"]
odd_text = st.text(max_size=12) | st.sampled_from(
    ["0", "1", "-1", "00", "1e9", "9" * 30, "true", "null", "urgent", "%00", "' OR 1=1 --", "../..", "\u0661"]
)
queries = st.lists(st.tuples(st.sampled_from(NAMES), odd_text), max_size=4)
raw_queries = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=40
)
legal = st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"])
header_values = st.text(alphabet=legal, max_size=40).map(str.strip)
headers = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "Authorization",
            "Signature-Input",
            "Signature",
            "Content-Digest",
            "Client-Cert",
            "Last-Event-ID",
            "X-Forwarded-For",
            "Accept",
            "Range",
            "Expect",
            "If-None-Match",
            "Cookie",
        ]
    ),
    header_values,
    max_size=3,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["indexes", "staff", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = (
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b"PK\x03\x04" + bytes(60), b"0" * 70_000, b"a" * 250_000])
)
indexes = st.sampled_from(["0", "1", "7", "-1", "99999999999999999999", "0/x", "%30", "٣"])


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    route = draw(st.sampled_from(ROUTES))
    path = route.path.replace("{index}", draw(indexes)).replace(
        "{tile}", draw(st.sampled_from(["0/000.p/1", "x"]))
    )
    given_headers = draw(headers)
    if draw(st.booleans()) and route.path in TAKEN:
        given_headers["Content-Type"] = TAKEN[route.path]
    return {
        "method": draw(
            st.just(route.method)
            | st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "QUERY"])
        ),
        "path": path,
        "query": draw(queries | raw_queries),
        "headers": given_headers,
        "body": draw(st.none() | bodies),
        "caller": draw(st.sampled_from(CALLERS)),
    }


@example(
    {
        "method": "GET",
        "path": "/v1/messages",
        "query": [("message_id", "\x00")],
        "headers": {},
        "body": None,
        "caller": PROVINCE,
    }
)
@example(
    {
        "method": "GET",
        "path": "/v1/agencies",
        "query": [("q", "\ud7ff\x00%")],
        "headers": {},
        "body": None,
        "caller": PROVINCE,
    }
)
@given(requests())
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
def test_anything_at_any_door_gets_an_answer_and_a_reason(hub: RunningHub, request_: dict[str, Any]) -> None:
    query = request_["query"]
    target = httpx.URL(hub.url).copy_with(path=request_["path"])
    target = (
        target.copy_with(params=query) if isinstance(query, list) else target.copy_with(query=query.encode())
    )
    sent = {name: value.encode("latin-1") for name, value in request_["headers"].items()}
    caller = request_["caller"]
    sent = {**ELSEWHERE, **sent} if not caller else {**hub.bearer(caller), **sent}
    with hub.http.stream(
        request_["method"], target, content=request_["body"], headers=sent, timeout=20
    ) as answer:
        if answer.headers.get("content-type") == "text/event-stream":
            return
        answer.read()
    assert answer.status_code < 500, answer.text
    if request_["method"] == "HEAD":
        return
    if answer.status_code >= 400:
        problem(answer)
    elif not caller and "Authorization" not in sent:
        assert answer.status_code == 200
        assert request_["method"] == "GET" or request_["path"] == "/v1/ocsp"

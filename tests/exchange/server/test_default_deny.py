"""Default deny: every endpoint, called as every kind of caller, answers only those its row lets in."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from tests.exchange.province import (
    AUDITOR,
    COMMUNE,
    DEPARTMENT,
    ENDED,
    LOCKED,
    MERGED,
    OTHER_COMMUNE,
    PROVINCE,
    REVOKED,
    STRANGER,
    RunningHub,
    TestProvince,
)
from tests.exchange.province import (
    WITNESS as WITNESS_AGENCY,
)

from lienthong.exchange.server.access import AGENCY, AUDIT, LOOPBACK, OPERATE, PUBLIC, WITNESS
from lienthong.exchange.server.routes import ROUTES
from lienthong.exchange.server.routing import Route

CALLERS: dict[str, int] = {
    PROVINCE: AGENCY | OPERATE,
    DEPARTMENT: AGENCY,
    COMMUNE: AGENCY,
    OTHER_COMMUNE: AGENCY,
    STRANGER: AGENCY,
    AUDITOR: AGENCY | AUDIT,
    WITNESS_AGENCY: AGENCY | WITNESS,
    MERGED: AGENCY,
    ENDED: AGENCY,
}
"""Each agency that may come in, and what it holds."""

TURNED_AWAY = {
    "locked": (403, "agency-locked"),
    "revoked": (401, "certificate-revoked"),
    "expired token": (401, "token-expired"),
    "forged token": (401, "bad-token"),
    "unregistered certificate": (401, "certificate-unregistered"),
    "basic authentication": (401, "bad-token"),
}


@pytest.fixture(scope="module")
def index(hub: RunningHub, province: TestProvince) -> int:
    """A document from the province to one commune: the other agencies have no part in it."""
    answer = hub.send(province.document(PROVINCE, [COMMUNE]))
    assert answer.status_code == 201, answer.text
    return int(answer.json()["index"])


def call(hub: RunningHub, route: Route, index: int, headers: dict[str, str]) -> httpx.Response:
    """Call a route with whatever it needs to be understood, and an empty body."""
    path = route.path.replace("{index}", str(index)).replace("{tile}", "000.p/1")
    if route.operation == "fetchTile":
        path = "/v1/log/tile/0/000.p/1"
    query = {
        "findMessage": "message_id=none",
        "proveInclusion": "index=0",
        "proveConsistency": "from=0",
        "streamInbox": "after=0",
    }.get(route.operation, "")
    media = {"Content-Type": route.body[0]} if route.body else {}
    body = {"acknowledge": b'{"indexes":[999999]}'}.get(route.operation, b"")
    request = hub.http.build_request(
        route.method, f"{path}?{query}" if query else path, headers={**media, **headers}, content=body
    )
    answer = hub.http.send(request, stream=True)
    if route.operation != "streamInbox" or answer.status_code != 200:
        answer.read()
    answer.close()
    return answer


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def let_in(answer: httpx.Response) -> bool:
    """Whether the caller got past the door: whatever the handler then thought of the empty request."""
    return answer.status_code not in (401, 403) or code_of(answer) == "witness-unknown"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_only_those_whom_the_row_names_come_in(hub: RunningHub, index: int, route: Route) -> None:
    for code, rights in CALLERS.items():
        if route.operation == "openSession":
            assert hub.sign_in(code).status_code == 201, code
            continue
        answer = call(hub, route, index, hub.bearer(code))
        wanted = bool(route.access & (rights | PUBLIC))
        assert let_in(answer) == wanted, (
            code,
            answer.status_code,
            answer.text if not answer.is_closed else "",
        )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_who_does_not_say_who_it_is_comes_in_nowhere_but_at_public_doors(
    hub: RunningHub, index: int, route: Route
) -> None:
    # Through a proxy: a program elsewhere, not on the hub's machine.
    elsewhere = call(hub, route, index, {"X-Forwarded-For": "203.0.113.7"})
    assert let_in(elsewhere) == bool(route.access & PUBLIC)
    if not route.access & PUBLIC:
        assert (elsewhere.status_code, code_of(elsewhere)) == (401, "not-identified")
    here = call(hub, route, index, {})
    assert let_in(here) == bool(route.access & (PUBLIC | LOOPBACK))


@pytest.fixture(scope="module")
def turned_away(hub: RunningHub, province: TestProvince) -> dict[str, dict[str, str]]:
    """Headers of callers who have, or had, something that looks like an identity."""
    tokens = hub.app.tokens
    in_an_hour, an_hour_ago = int(time.time()) + 3600, int(time.time()) - 3600
    fingerprint = {code: _fingerprint(province, code) for code in (LOCKED, REVOKED, COMMUNE)}
    good = tokens.issue(fingerprint[COMMUNE], in_an_hour)
    return {
        name: {"Authorization": value}
        for name, value in {
            "locked": f"Bearer {tokens.issue(fingerprint[LOCKED], in_an_hour)}",
            "revoked": f"Bearer {tokens.issue(fingerprint[REVOKED], in_an_hour)}",
            "expired token": f"Bearer {tokens.issue(fingerprint[COMMUNE], an_hour_ago)}",
            "forged token": f"Bearer {good[:-6]}AAAAA=",
            "unregistered certificate": f"Bearer {tokens.issue(bytes(32), in_an_hour)}",
            "basic authentication": "Basic SDYxOg==",
        }.items()
    }


def _fingerprint(province: TestProvince, code: str) -> bytes:
    return bytes.fromhex(province.agencies[code].tls[0].fingerprint)


@pytest.mark.parametrize("who", TURNED_AWAY)
def test_a_bad_identity_comes_in_nowhere(
    hub: RunningHub, index: int, turned_away: dict[str, dict[str, str]], who: str
) -> None:
    for route in ROUTES:
        answer = call(hub, route, index, turned_away[who])
        if route.operation == "openSession":
            assert answer.status_code in (401, 403)
            continue
        assert (answer.status_code, code_of(answer)) == TURNED_AWAY[who], route.operation


def test_a_record_exists_only_for_who_sent_or_received_it(hub: RunningHub, index: int) -> None:
    for route in ROUTES:
        if not route.parties:
            continue
        for code in CALLERS:
            answer = call(hub, route, index, hub.bearer(code))
            if code in (PROVINCE, COMMUNE):
                assert answer.status_code == 200, (route.operation, code)
            else:
                nowhere = call(hub, route, 999_999, hub.bearer(code))
                assert answer.status_code == nowhere.status_code == 404
                assert _without_numbers(answer) == _without_numbers(nowhere), "existence must not leak"


def _without_numbers(answer: httpx.Response) -> str:
    return "".join(ch for ch in answer.text if not ch.isdigit())


def test_every_route_that_takes_an_index_is_for_the_parties_alone() -> None:
    assert all(route.parties for route in ROUTES if "{index}" in route.path)


def test_what_is_not_in_the_table_does_not_exist(hub: RunningHub) -> None:
    for path in ("/", "/v1", "/v1/", "/v1/messages/", "/v1/messages/-1", "/v1/messages/01", "/admin"):
        answer = hub.get(PROVINCE, path)
        assert (answer.status_code, code_of(answer)) == (404, "no-such-path"), path


def test_a_method_that_a_path_does_not_answer_is_told_which_it_does(hub: RunningHub) -> None:
    paths = {route.path for route in ROUTES}
    known: Callable[[str], set[str]] = lambda path: {r.method for r in ROUTES if r.path == path}  # noqa: E731
    for path in sorted(paths):
        target = path.replace("{index}", "0").replace("{tile}", "0/000.p/1")
        if "{tile}" in path:
            continue
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"} - known(path):
            answer = hub.http.request(method, target)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == known(path)


def test_an_ended_agency_reads_and_reports_but_sends_no_new_documents(
    hub: RunningHub, province: TestProvince
) -> None:
    answer = hub.send(province.document(MERGED, [PROVINCE]))
    assert (answer.status_code, code_of(answer)) == (403, "agency-ended")
    assert COMMUNE in answer.json()["detail"]


def test_an_agency_without_the_right_sends_to_nobody(hub: RunningHub, province: TestProvince) -> None:
    for code in (AUDITOR, WITNESS_AGENCY, STRANGER):
        answer = hub.send(province.document(code, [PROVINCE]))
        assert (answer.status_code, code_of(answer)) == (422, "recipients-refused")
        assert answer.json()["recipients"][0]["status"] == "not-permitted"

"""Large, slow, cut-off and lying bodies: bounded memory and time, a clear answer, nothing left behind."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import httpx
import psutil
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, DEPARTMENT, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.container import File
from lienthong.exchange.server import bodies
from lienthong.trust.asic import MIMETYPE

LIMITS = (
    "memory_bytes = 65536\nmessage_bytes = 4000000\nbody_grace_s = 0.4\nbody_rate = 100000\nconcurrent = 4"
)


@pytest.fixture(scope="module")
def province(pristine_province: TestProvince, tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    made = pristine_province.copy(tmp_path_factory.mktemp("province") / "data")
    made.configure(limits=LIMITS, exchange="header_timeout_s = 1.0\nstalled_s = 1.5")
    return made


def spool(province: TestProvince) -> list[Path]:
    return list((province.data / "hub/spool").iterdir())


def connect(hub: RunningHub) -> socket.socket:
    connection = socket.create_connection((httpx.URL(hub.url).host, httpx.URL(hub.url).port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def head(hub: RunningHub, length: int | None, *, media: str = MIMETYPE, more: str = "") -> bytes:
    announced = "" if length is None else f"Content-Length: {length}\r\n"
    token = hub.bearer(PROVINCE)["Authorization"]
    return (
        f"POST /v1/messages HTTP/1.1\r\nHost: hub\r\nAuthorization: {token}\r\n"
        f"Content-Type: {media}\r\n{announced}{more}\r\n"
    ).encode()


def answer_of(connection: socket.socket) -> bytes:
    """Everything until the hub closes or one answer is complete."""
    data = b""
    while b"\r\n\r\n" not in data or b"}" not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def test_a_large_container_streams_through_a_spool_file_and_back(
    hub: RunningHub, province: TestProvince
) -> None:
    content = os.urandom(3_000_000)
    container = province.container(
        province.document(PROVINCE, [COMMUNE]), [File("ban-do.bin", "application/octet-stream", content)]
    )
    answer = hub.post(PROVINCE, container)

    assert answer.status_code == 201
    assert answer.json()["leaf"]["digest"] == hashlib.sha256(container).hexdigest()
    fetched = hub.get(COMMUNE, answer.headers["location"])
    assert fetched.headers["content-length"] == str(len(container))
    assert fetched.content == container
    again = hub.post(PROVINCE, container)
    assert (again.status_code, again.content) == (200, answer.content)
    assert spool(province) == []


def test_a_large_container_is_checked_as_a_small_one_is(hub: RunningHub, province: TestProvince) -> None:
    container = bytearray(
        province.container(
            province.document(PROVINCE, [COMMUNE]),
            [File("a.bin", "application/octet-stream", os.urandom(500_000))],
        )
    )
    container[250_000] ^= 1
    answer = hub.post(PROVINCE, bytes(container))
    assert answer.status_code == 400
    assert answer.json()["code"].startswith("container-")
    assert spool(province) == []


def test_a_large_signed_body_must_be_the_signed_one(hub: RunningHub, province: TestProvince) -> None:
    container = province.container(
        province.document(PROVINCE, [COMMUNE]),
        [File("a.bin", "application/octet-stream", os.urandom(200_000))],
    )
    for body, status in ((container[:-1] + b"x", 401), (container, 201)):
        headers = {**hub.signed(PROVINCE, "POST", "/v1/messages", container), "Content-Type": MIMETYPE}
        answer = hub.http.post("/v1/messages", content=body, headers=headers)
        assert answer.status_code == status
    assert spool(province) == []


def test_too_large_a_body_is_refused_before_it_is_sent(hub: RunningHub) -> None:
    with connect(hub) as connection:
        connection.sendall(head(hub, 4_000_001))
        answer = answer_of(connection)
    assert b" 413 " in answer.splitlines()[0]
    assert b'"too-large"' in answer


def test_whoever_is_not_let_in_gets_no_time_for_a_body(new_province: NewProvince) -> None:
    """At a byte a second this body would have a day."""
    province = new_province()
    province.configure(limits="body_grace_s = 0.4\nbody_rate = 1")
    anonymous = (
        f"POST /v1/messages HTTP/1.1\r\nHost: hub\r\nContent-Type: {MIMETYPE}\r\nContent-Length: 100000\r\n"
    )
    with RunningHub(province) as hub:
        for more in ("", "Expect: 100-continue\r\n", "Expect: tea\r\n"):
            with connect(hub) as connection:
                connection.sendall(f"{anonymous}{more}\r\nab".encode())
                answer = answer_of(connection)
            assert b" 401 " in answer.splitlines()[0], answer
            assert b"connection: close" in answer.lower()


def test_a_body_without_length_or_of_another_kind_is_refused_at_once(hub: RunningHub) -> None:
    for request, status in (
        (head(hub, None, more="Transfer-Encoding: chunked\r\n"), b" 411 "),
        (head(hub, None), b" 411 "),
        (head(hub, 10, media="application/pdf"), b" 415 "),
        (head(hub, 10, more="Transfer-Encoding: chunked\r\n"), b" 411 "),
    ):
        with connect(hub) as connection:
            connection.sendall(request)
            assert status in answer_of(connection).splitlines()[0]


@pytest.mark.parametrize("length", [20_000, 200_000])
def test_a_body_that_comes_too_slowly_is_given_up(
    hub: RunningHub, province: TestProvince, length: int
) -> None:
    with connect(hub) as connection:
        connection.sendall(head(hub, length) + b"a" * 10)
        answer = answer_of(connection)
    assert b" 408 " in answer.splitlines()[0]
    assert b'"too-slow"' in answer
    assert spool(province) == []
    assert hub.on_loop(lambda: hub.app.hub.door.inside) == 0


@pytest.mark.parametrize("length", [20_000, 200_000])
def test_a_body_that_breaks_off_leaves_nothing_behind(
    hub: RunningHub, province: TestProvince, length: int
) -> None:
    before = hub.http.get("/v1/statistics").json()["tree_size"]
    cut_off = hub.on_loop(lambda: hub.app.problems.get("body-cut-off", 0))
    with connect(hub) as connection:
        connection.sendall(head(hub, length) + b"a" * 15_000)
    deadline = monotonic() + 30
    while hub.on_loop(lambda: hub.app.problems.get("body-cut-off", 0)) == cut_off:
        assert monotonic() < deadline
    assert hub.on_loop(lambda: hub.app.hub.door.inside) == 0
    assert spool(province) == []
    assert hub.http.get("/v1/statistics").json()["tree_size"] == before


def test_slow_senders_of_one_agency_do_not_hold_up_another(hub: RunningHub, province: TestProvince) -> None:
    slow = [connect(hub) for _ in range(12)]
    try:
        for connection in slow:
            connection.sendall(head(hub, 20_000) + b"a")
        answer = hub.send(province.document(DEPARTMENT, [COMMUNE]))
        assert answer.status_code == 201
        assert b" 408 " in answer_of(slow[0]).splitlines()[0]
    finally:
        for connection in slow:
            connection.close()


def test_half_open_connections_and_endless_heads_are_closed(hub: RunningHub) -> None:
    for beginning in (b"", b"POST /v1/messages HTTP/1.1\r\nHost: h", b"GET /health/live HT"):
        with connect(hub) as connection:
            connection.sendall(beginning)
            assert connection.recv(1000) == b""


def test_a_huge_head_is_refused(hub: RunningHub) -> None:
    with connect(hub) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 300_000 + b"\r\n\r\n")
        assert b" 431 " in answer_of(connection).splitlines()[0]


def test_a_nearly_full_disk_is_kept_for_what_was_accepted(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(limits=LIMITS, health=f"disk_free_bytes = {2**50}")
    with RunningHub(province) as hub:
        for size in (1_000, 200_000):  # one is held in memory, one is spooled
            file = File("a.bin", "application/octet-stream", os.urandom(size))
            answer = hub.post(PROVINCE, province.container(province.document(PROVINCE, [COMMUNE]), [file]))
            assert (answer.status_code, answer.json()["code"]) == (503, "disk-full")
            assert "retry-after" in answer.headers
        assert hub.app.hub.store.tree_size() == 0


def test_room_that_was_made_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10
    monkeypatch.setattr(
        "lienthong.exchange.server.bodies.shutil.disk_usage", lambda _: SimpleNamespace(free=free)
    )
    room = bodies.Room(tmp_path, 100)
    for _ in range(2):
        with pytest.raises(bodies.DiskFull):
            room.require(5)
    free = 100
    room.require(5)


def test_a_bomb_is_refused_before_it_unfolds(hub: RunningHub, province: TestProvince) -> None:
    """A valid-looking ZIP whose entry would unfold to far more than it weighs."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", MIMETYPE)
        archive.writestr("edoc.xml", b"<a/>" * 5_000_000, zipfile.ZIP_DEFLATED)
    answer = hub.post(PROVINCE, packed.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (413, "container-limit")


def test_a_refused_body_leaves_the_connection_usable_or_says_that_it_closes(hub: RunningHub) -> None:
    def refused(length: int) -> bytes:
        return (
            f"POST /v1/messages HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer none\r\n"
            f"Content-Type: {MIMETYPE}\r\nContent-Length: {length}\r\n\r\n"
        ).encode() + b"a" * length

    with connect(hub) as connection:
        for _ in range(3):
            connection.sendall(refused(50_000))
            answer = answer_of(connection)
            assert b" 401 " in answer.splitlines()[0]
            assert b"connection: close" not in answer
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert b" 200 " in answer_of(connection).splitlines()[0]
    with connect(hub) as connection:
        connection.sendall(refused(200_000))
        assert b"connection: close" in answer_of(connection)


def test_who_does_not_read_its_answer_is_cut_off(hub: RunningHub, province: TestProvince) -> None:
    container = province.container(
        province.document(PROVINCE, [COMMUNE]),
        [File("a.bin", "application/octet-stream", os.urandom(3_500_000))],
    )
    path = hub.post(PROVINCE, container).headers["location"]
    token = hub.bearer(COMMUNE)["Authorization"]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((httpx.URL(hub.url).host, httpx.URL(hub.url).port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: {token}\r\n\r\n".encode())
        mine = connection.getsockname()

        def held() -> bool:
            """Whether the hub (in this very process) still holds its end."""
            return any(one.raddr and tuple(one.raddr) == mine for one in psutil.Process().net_connections())

        deadline = monotonic() + 30
        while not held():
            assert monotonic() < deadline, "the connection was never taken up"
        while held():
            assert monotonic() < deadline, "the connection was left open"
    assert hub.get(COMMUNE, path).content == container

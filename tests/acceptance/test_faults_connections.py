"""Callers that vanish, drip, do not read, or come in thousands: each costs little, nobody else anything."""

from __future__ import annotations

import os
import resource
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import psutil
import pytest
from tests.acceptance.hostility import (
    connect,
    head,
    holdings,
    still_well,
    until_closed,
    wait_for,
)
from tests.acceptance.processes import HubProcess
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.container import File
from lienthong.trust.asic import MIMETYPE

GRACE_S = 1.0
LIMITS = (
    f"memory_bytes = 65536\nbody_grace_s = {GRACE_S}\nbody_rate = 100000\nconcurrent = 16\n"
    "inbox_wait_s = 20.0\nbatch_records = 4"
)
BODY = (f"Content-Type: {MIMETYPE}", "Connection: close")


@pytest.fixture(scope="module")
def province(pristine_province: TestProvince, tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    made = pristine_province.copy(tmp_path_factory.mktemp("province") / "data")
    made.configure(limits=LIMITS, exchange="header_timeout_s = 1.0\nstalled_s = 1.0")
    return made


@pytest.fixture(autouse=True)
def unharmed(hub: RunningHub) -> Iterator[None]:
    yield
    still_well(hub)
    assert holdings(hub).spooled == 0


def vanish(connection: socket.socket) -> None:
    """Be gone without a word, as a machine is whose cable was pulled: neither FIN nor RST leaves. Where the
    kernel does not allow that, with a RST.
    """
    try:
        connection.setsockopt(socket.IPPROTO_TCP, 19, 1)  # TCP_REPAIR
    except PermissionError:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def inside(hub: RunningHub) -> int:
    return hub.on_loop(lambda: hub.app.hub.door.inside)


@pytest.mark.parametrize("length", [20_000, 500_000], ids=["in memory", "spooled"])
def test_a_sender_that_vanishes_in_the_middle_frees_its_place(hub: RunningHub, length: int) -> None:
    senders = [connect(hub) for _ in range(8)]
    for one in senders:
        one.sendall(
            head(hub, PROVINCE, "POST /v1/messages", *BODY, f"Content-Length: {length}") + b"a" * 5_000
        )
    wait_for(lambda: inside(hub) == 8, "all are inside")
    for one in senders:
        vanish(one)
    wait_for(lambda: inside(hub) == 0, "nobody is inside")
    wait_for(lambda: holdings(hub).spooled == 0, "nothing is left in the spool")


def test_a_reader_that_vanishes_while_it_waits_frees_its_place(hub: RunningHub) -> None:
    """``wait`` is twenty seconds here; the kernel notices within two."""
    for target in ("/v1/inbox?wait=20", "/v1/inbox/events"):
        waiters = [connect(hub) for _ in range(5)]
        for one in waiters:
            one.sendall(head(hub, OTHER_COMMUNE, f"GET {target}"))
        wait_for(lambda: hub.on_loop(lambda: hub.app.streams.held) == 5, "all wait")
        for one in waiters:
            vanish(one)
        wait_for(lambda: hub.on_loop(lambda: hub.app.streams.held) == 0, "nobody waits")


class Dripping:
    """Callers that send a byte now and then, all of them, until the hub has closed each."""

    def __init__(self, callers: list[socket.socket]) -> None:
        self._callers = callers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def _drip(self) -> None:
        while not self._over.wait(0.05):
            for one in self._callers:
                with suppress(OSError):
                    one.send(b"a")

    def __enter__(self) -> Dripping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for one in self._callers:
            one.close()


@pytest.mark.parametrize("length", [20_000, 500_000], ids=["in memory", "spooled"])
def test_a_body_that_drips_is_cut_with_a_reason_and_slows_nobody(
    hub: RunningHub, province: TestProvince, length: int
) -> None:
    """Sixteen drip as one agency, as many as may be inside; another agency's messages all pass meanwhile."""
    lines = (*BODY, f"Content-Length: {length}")
    slow = [connect(hub) for _ in range(16)]
    for one in slow:
        one.sendall(head(hub, PROVINCE, "POST /v1/messages", *lines))
    wait_for(lambda: hub.on_loop(lambda: hub.app.hub.door.of(PROVINCE)) == 16, "all drip inside")
    cut = hub.on_loop(lambda: hub.app.problems.get("too-slow", 0))
    with Dripping(slow):
        for _ in range(5):
            assert hub.send(province.document(DEPARTMENT, [COMMUNE])).status_code == 201
        for one in slow:
            said = until_closed(one)
            assert said.startswith(b"HTTP/1.1 408 "), said[:200]
            assert b'"code":"too-slow"' in said and b"better line" in said
    assert hub.on_loop(lambda: hub.app.problems["too-slow"]) == cut + 16


def test_a_head_that_drips_is_closed_before_it_is_complete(hub: RunningHub, province: TestProvince) -> None:
    slow = [connect(hub) for _ in range(16)]
    for one in slow:
        one.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nX: ")
    with Dripping(slow):
        assert hub.send(province.document(DEPARTMENT, [COMMUNE])).status_code == 201
        for one in slow:
            assert not until_closed(one).startswith(b"HTTP/1.1 2")


def held_by_hub(hub: RunningHub, callers: list[tuple[str, int]]) -> int:
    """How many of these connections the hub (in this very process) still holds."""
    mine = set(callers)
    return sum(1 for one in psutil.Process().net_connections("tcp") if one.raddr and tuple(one.raddr) in mine)


def test_answers_that_nobody_reads_are_given_up_and_slow_nobody(
    hub: RunningHub, province: TestProvince
) -> None:
    large = File("ban-do.bin", "application/octet-stream", os.urandom(8_000_000))
    where = hub.send(province.document(PROVINCE, [COMMUNE]), files=[large]).headers["location"]
    readers = [connect(hub, receive_buffer=4096) for _ in range(16)]
    with ExitStack() as kept:
        for one in readers:
            kept.enter_context(one)
            one.sendall(head(hub, COMMUNE, f"GET {where}"))
        names = [one.getsockname() for one in readers]
        assert held_by_hub(hub, names) == 16
        for _ in range(5):
            assert hub.send(province.document(DEPARTMENT, [COMMUNE])).status_code == 201
            assert hub.get(COMMUNE, "/v1/inbox?limit=1").status_code == 200
        wait_for(lambda: held_by_hub(hub, names) == 0, "every one is given up")
    assert len(hub.get(COMMUNE, where).content) > 8_000_000


def test_an_idle_connection_is_closed_in_time(hub: RunningHub) -> None:
    with connect(hub) as silent_one, connect(hub) as kept_alive:
        kept_alive.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
        assert until_closed(kept_alive).startswith(b"HTTP/1.1 200")
        assert until_closed(silent_one) == b""


def test_the_one_that_sends_much_gets_its_turn_and_no_more(hub: RunningHub, province: TestProvince) -> None:
    """Counted in the log: while sixteen of one agency wait, five of another are not behind them."""
    noisy = [province.container(province.document(PROVINCE, [COMMUNE])) for _ in range(16)]
    quiet = [province.container(province.document(DEPARTMENT, [COMMUNE])) for _ in range(5)]
    hub.bearer(PROVINCE), hub.bearer(DEPARTMENT)
    store = hub.app.hub.store
    first = store.tree_size()
    with ThreadPoolExecutor(21) as callers:
        with store._writing:  # type: ignore[attr-defined]
            many = [callers.submit(hub.post, PROVINCE, one) for one in noisy]
            wait_for(lambda: hub.on_loop(lambda: hub.app.hub.commit.backlog) >= 12, "many wait")
            few = [callers.submit(hub.post, DEPARTMENT, one) for one in quiet]
            wait_for(lambda: hub.on_loop(lambda: hub.app.hub.door.of(DEPARTMENT)) == 5, "a few wait too")
            backlog = 16 + 5 - 4
            wait_for(lambda: hub.on_loop(lambda: hub.app.hub.commit.backlog) >= backlog, "all are queued")
        places = sorted(one.result(60).json()["index"] - first for one in few)
        assert all(one.result(60).status_code == 201 for one in many)
    under_way = 4
    assert places[0] <= under_way + 1
    assert places[-1] <= under_way + 2 * len(quiet), f"behind those who came in numbers: {places}"


def hung_up_on(caller: socket.socket) -> bool:
    try:
        return caller.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_thousands_of_idle_connections_take_a_bounded_place_and_leave_none(new_province: NewProvince) -> None:
    province = new_province()
    most = 64
    province.configure(exchange=f"connections = {most}\nheader_timeout_s = 1.0")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, max(soft, 4096)) if hard != resource.RLIM_INFINITY else max(soft, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        with HubProcess(province) as hub, ExitStack() as crowd:
            hub.bearer(PROVINCE)
            process = psutil.Process(hub.process.pid)
            before = process.memory_info().rss
            where = httpx.URL(hub.url)
            idle = [crowd.enter_context(socket.socket()) for _ in range(2000)]
            for one in idle:
                one.setblocking(False)
                with suppress(BlockingIOError):
                    one.connect((where.host, where.port))
            seen: list[int] = []

            def turned_over() -> bool:
                """Whether the hub has closed twice as many as it holds at once."""
                seen.append(sum(1 for one in process.net_connections("tcp") if one.raddr))
                return sum(map(hung_up_on, idle)) >= 2 * most

            wait_for(turned_over, "idle connections are closed")
            assert 16 <= max(seen) <= most + 8, max(seen)
            assert process.memory_info().rss - before < 40_000_000
            crowd.close()
            answer = hub.send(province.document(PROVINCE, [COMMUNE]))
            assert answer.status_code == 201
            assert hub.http.get("/health/ready").status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

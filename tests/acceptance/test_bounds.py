"""What one agency asks stays within bounds, so that the hub keeps answering everybody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from tests.exchange.province import COMMUNE, DEPARTMENT, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.server import bodies


def test_a_token_is_one_text(hub: RunningHub) -> None:
    token = hub.bearer(DEPARTMENT)["Authorization"].removeprefix("Bearer ")
    assert hub.http.get("/v1/sent", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    before = len(hub.app.door._kept)
    for other in (
        f"!{token}",
        f"{token}!",
        token[:-3] + chr(ord(token[-3]) + 1) + "==",
        token[:-2],
        f"{token}==",
    ):
        answer = hub.http.get("/v1/sent", headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == 401
    for scheme in ("bearer", "BEARER", "Bearer ", "beaRer"):
        answer = hub.http.get("/v1/sent", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200
    assert len(hub.app.door._kept) == before


def test_what_one_agency_acknowledges_does_not_shut_the_others_out(hub: RunningHub) -> None:
    over = threading.Event()
    headers = hub.bearer(COMMUNE)
    answered: set[int] = set()

    def ask() -> None:
        while not over.is_set():
            answer = hub.http.post(
                "/v1/inbox/acknowledgements",
                json={"indexes": list(range(10**6, 10**6 + 1000))},
                headers=headers,
            )
            answered.add(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        answers = [
            hub.send(hub.province.document(PROVINCE, [DEPARTMENT], number=str(n))).status_code
            for n in range(40)
        ]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert set(answers) == {201}
    assert answered <= {404, 429}


def test_an_acknowledgement_is_recorded_once_and_names_what_is_missing(hub: RunningHub) -> None:
    indexes = [
        hub.send(hub.province.document(PROVINCE, [COMMUNE], number=f"9{n}")).json()["index"] for n in range(3)
    ]
    assert hub.acknowledge(COMMUNE, [indexes[0]]).status_code == 200
    size = hub.app.hub.store.tree_size()
    answer = hub.acknowledge(COMMUNE, [*indexes, *indexes, 10**6])
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(f": {10**6}")
    assert hub.acknowledge(COMMUNE, indexes).json() == {"acknowledged": indexes}
    assert hub.app.hub.store.tree_size() == size + 2


def test_a_trace_comes_in_pages_that_together_are_whole(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = hub.province.document(DEPARTMENT, [COMMUNE])
    index = hub.send(document).json()["index"]
    expected = [index]
    for code in ("03", *["05"] * 6):
        expected.append(hub.send(hub.province.status(COMMUNE, document, code)).json()["index"])
    assert hub.acknowledge(DEPARTMENT, expected[1:3]).status_code == 200
    monkeypatch.setattr(hub.app, "inbox_page", 3)
    found: list[int] = []
    after: int | None = -1
    while after is not None:
        page = hub.get(DEPARTMENT, f"/v1/messages/{index}/trace?after={after}").json()
        assert len(page["history"]) <= 3
        found += [one["index"] for one in page["history"]]
        after = page["next"]
    assert found[:8] == expected
    assert len(found) == 10
    assert found == sorted(set(found))


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


class _Body:
    """Five megabytes in fifty pieces, others having their turn in between."""

    async def __call__(self) -> bytes:
        return bytes(5_000_000)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(50):
            await asyncio.sleep(0)
            yield bytes(100_000)


def test_bodies_that_come_together_leave_the_reserve_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten megabytes are free and four are the reserve: of eight bodies of five, one fits."""

    def disk_usage(_: object) -> _Usage:
        return _Usage(0, 0, 10_000_000 - sum(path.stat().st_size for path in tmp_path.iterdir()))

    monkeypatch.setattr("shutil.disk_usage", disk_usage)

    async def upload_eight() -> list[object]:
        slow = bodies.SlowBodies(asyncio.get_running_loop(), grace_s=10, rate=1)
        with ThreadPoolExecutor(2) as executor:
            return await asyncio.gather(
                *(bodies.spooled(_Body(), 5_000_000, slow, tmp_path, executor, 4_000_000) for _ in range(8)),
                return_exceptions=True,
            )

    results = asyncio.run(upload_eight())
    assert sum(not isinstance(one, BaseException) for one in results) == 1


@pytest.mark.parametrize("path", ["/v1/inbox/events", "/v1/inbox?wait=20"])
def test_who_may_no_longer_ask_is_told_nothing_more(
    new_province: Callable[[], TestProvince], path: str
) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        lines: list[str] = []
        headers = hub.bearer(COMMUNE)

        def listen() -> None:
            with (
                httpx.Client(base_url=hub.url, timeout=60, verify=hub._anchors(), trust_env=False) as http,
                http.stream("GET", path, headers=headers) as answer,
            ):
                lines.append(str(answer.status_code))
                lines.extend(answer.iter_lines())

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        waiting = threading.Event()
        while not hub.on_loop(lambda: hub.app.streams.held):
            waiting.wait(0.01)
        province.change(COMMUNE, locked=True)
        while hub.get(COMMUNE, "/v1/inbox").status_code == 200:
            waiting.wait(0.05)
        hub.on_loop(lambda: hub.app.hub.notices.announce(frozenset({COMMUNE})))
        listener.join(30)
        assert not listener.is_alive()
        assert not any(line.startswith("data:") for line in lines)
        assert path.endswith("events") or lines[0] == "403"

"""`lienthong serve`: several processes as one; what falls is started again; a stop is orderly."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PROVINCE, RunningHub, TestProvince

CHILD = """
import json, os, signal, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if "LIENTHONG_READY_FD" in os.environ and sys.argv[2] == "tell":
    with os.fdopen(int(os.environ["LIENTHONG_READY_FD"]), "w") as pipe:
        pipe.write(json.dumps({"url": "tcp://127.0.0.1:%d" % server.getsockname()[1]}) + "\\n")
signal.sigwait({signal.SIGTERM} if len(sys.argv) < 4 else set())
"""
SUPERVISOR = """
import json, sys
from pathlib import Path
from lienthong.exchange.supervisor import Chore, Part, Supervisor, ServeFailed
given = json.loads(sys.argv[1])
parts = [Part(p["name"], tuple(p["arguments"]), p.get("url", "")) for p in given["parts"]]
chores = [Chore(c["name"], tuple(c["arguments"]), c["every_s"]) for c in given.get("chores", [])]
try:
    Supervisor(parts, chores=chores, ready_file=Path(given["ready_file"])).run()
except ServeFailed as failed:
    print(failed)
    sys.exit(5)
"""


def child(port: int = 0, how: str = "tell") -> list[str]:
    return [sys.executable, "-c", CHILD, str(port), how]


@contextmanager
def supervised(tmp_path: Path, **given: Any) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, json.dumps({**given, "ready_file": str(ready)})],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, ready
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def until(condition: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    deadline = monotonic() + 60
    while True:
        found = condition()
        if found:
            return found
        assert monotonic() < deadline
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it ended with {process.wait(0.02)}")


def told(ready: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(ready.read_text())
    return body


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_it_says_where_everything_listens_and_ends_it_when_told(tmp_path: Path) -> None:
    port = free_port()
    parts = [
        {"name": "one", "arguments": child()},
        {"name": "two", "arguments": child(port, "quiet"), "url": f"http://127.0.0.1:{port}"},
    ]
    with supervised(tmp_path, parts=parts) as (process, ready):
        until(ready.exists, process)
        body = told(ready)
        assert body["one"].startswith("tcp://127.0.0.1:")
        assert body["two"] == f"http://127.0.0.1:{port}"
        pids = body["pids"].values()
        assert all(psutil.pid_exists(pid) for pid in pids)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert not ready.exists()


def test_what_falls_is_started_again(tmp_path: Path) -> None:
    port = free_port()
    part = {"name": "one", "arguments": child(port, "quiet"), "url": f"http://127.0.0.1:{port}"}
    with supervised(tmp_path, parts=[part]) as (process, ready):
        until(ready.exists, process)
        first = told(ready)["pids"]["one"]
        os.kill(first, signal.SIGKILL)

        def another() -> bool:
            children = psutil.Process(process.pid).children()
            return any(one.pid != first and one.status() != psutil.STATUS_ZOMBIE for one in children)

        until(another, process)


def test_what_cannot_stay_alive_ends_the_whole_with_a_reason(tmp_path: Path) -> None:
    parts = [{"name": "one", "arguments": [sys.executable, "-c", "raise SystemExit(5)"]}]
    with supervised(tmp_path, parts=parts) as (process, _):
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 5
    assert "one ended with 5" in output


def test_a_wrong_configuration_is_not_tried_again(tmp_path: Path) -> None:
    once = f"open({str(tmp_path / 'starts')!r}, 'a').write('x'); raise SystemExit(2)"
    parts = [{"name": "one", "arguments": [sys.executable, "-c", once]}]
    with supervised(tmp_path, parts=parts) as (process, _):
        process.communicate(timeout=60)
    assert (tmp_path / "starts").read_text() == "x"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells children")
def test_when_the_supervisor_is_killed_nothing_is_left_behind(tmp_path: Path) -> None:
    with supervised(tmp_path, parts=[{"name": "one", "arguments": child()}]) as (process, ready):
        until(ready.exists, process)
        pid = told(ready)["pids"]["one"]
        process.kill()
        process.wait(60)
        until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_chores_run_beside_and_their_failure_stops_nothing(tmp_path: Path) -> None:
    done = tmp_path / "done"
    count = f"open({str(done)!r}, 'a').write('x'); raise SystemExit(1)"
    chore = {"name": "count", "arguments": [sys.executable, "-c", count], "every_s": 0.05}
    with supervised(tmp_path, parts=[{"name": "one", "arguments": child()}], chores=[chore]) as (process, _):
        until(lambda: done.exists() and len(done.read_text()) >= 2, process)
        assert process.poll() is None


# --- the real exchange


@contextmanager
def served(province: TestProvince, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    ready = province.data / "ready.json"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "lienthong", "serve", "--data", str(province.data)),
            *("--ready-file", str(ready), *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(ready.exists, process)
        yield process, ready
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


@pytest.mark.slow
def test_serve_starts_exchange_and_web_says_where_and_stops_in_order(new_province: NewProvince) -> None:
    province = new_province()
    with served(province) as (process, ready):
        body = told(ready)
        assert httpx.get(f"{body['exchange']}/health/ready", trust_env=False).status_code == 200
        assert httpx.get(body["web"], trust_env=False, timeout=60).status_code == 200
        process.terminate()
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert body["exchange"] in output
    assert body["web"] in output
    assert "agencies send and fetch here" in output
    assert PASSWORD not in output


PASSWORD = "a passphrase for tests alone"


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_at_once(new_province: NewProvince) -> None:
    province = new_province()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = (province.data / "lienthong.toml").read_text().replace("port = 0", f"port = {port}", 1)
        (province.data / "lienthong.toml").write_text(text)
        ended = subprocess.run(
            [sys.executable, "-m", "lienthong", "serve", "--data", str(province.data)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode != 0
    assert f"port {port}" in ended.stderr
    assert "taken by another process" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_stop_answers_who_is_inside_and_stores_what_has_a_receipt(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        for code in (PROVINCE, COMMUNE):
            hub.bearer(code)
        held: list[httpx.Response] = []
        poll = threading.Thread(target=lambda: held.append(hub.get(COMMUNE, "/v1/inbox?wait=50&after=99")))
        poll.start()
        until(lambda: hub.on_loop(lambda: hub.app.hub.notices.waiting))
        answer = hub.send(province.document(PROVINCE, [COMMUNE]))
        until(lambda: hub.on_loop(lambda: hub.app.hub.notices.waiting))
        began = monotonic()
        hub.stop()
        poll.join(60)
        assert monotonic() - began < 20
        assert held[0].status_code == 200
        assert held[0].json() == {"items": [], "next": 99}
    with RunningHub(province) as hub:
        again = hub.get(PROVINCE, f"{answer.headers['location']}/receipt")
        assert again.content == answer.content

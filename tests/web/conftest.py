"""A hub that answers over a socket what the test wants it to say of itself."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CHECKPOINT = b"hub.example/log\n352530\n" + b64encode(bytes(32)) + b"\n\n\xe2\x80\x94 hub.example/log AAAA\n"


class SpeakingHub:
    """``answers``: path → (status, body). Paths that are not there get 404."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {
            "/health/ready": (200, json.dumps({"status": "ok", "checks": []}).encode()),
            "/v1/statistics": (
                200,
                json.dumps(
                    {
                        "documents": 1234567,
                        "deliveries": 5,
                        "statuses": 6,
                        "acknowledgements": 7,
                        "tree_size": 352530,
                        "log_bytes": 3_000_000,
                        "states": {"03": 2},
                    }
                ).encode(),
            ),
            "/v1/log/checkpoint": (200, CHECKPOINT),
        }
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, b"{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests are quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def checks(self, *checks: dict[str, str], status: int = 200) -> None:
        self.answers["/health/ready"] = (status, json.dumps({"checks": list(checks)}).encode())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpeakingHub]:
    hub = SpeakingHub()
    thread = threading.Thread(target=hub.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("LIENTHONG_HUB_URL", hub.url)
    yield hub
    hub.server.shutdown()
    hub.server.server_close()
    thread.join()


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address at which nothing listens: a port that was free a moment ago, held by nobody."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("LIENTHONG_HUB_URL", url)
    return url

"""A hub that lies, breaks off or talks nonsense: its client believes nothing, keeps nothing, and says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PROVINCE, RunningHub, TestProvince

from lienthong.cli.app import exit_code
from lienthong.core.errors import LienthongError
from lienthong.exchange.client.errors import EvidenceMismatch
from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.client.sync import Client
from lienthong.exchange.container import File
from lienthong.exchange.receipts import receipt_bytes
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.log.merkle import leaf_hash

PDF = File("a.pdf", "application/pdf", b"%PDF-1.7")
Reply = tuple[int, str, bytes]


@contextmanager
def liar(reply: Callable[[str, str, bytes, dict[str, str]], Reply]) -> Iterator[str]:
    """A server that answers (method, target, body, headers) with whatever ``reply`` makes of it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, media_type, answer = reply(self.command, self.path, body, dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def session(agency: str = PROVINCE, **changes: object) -> Reply:
    expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"token": "t", "expires_at": expires, "agency": agency, **changes}
    return 201, "application/json", json.dumps(body).encode()


@pytest.fixture(scope="module")
def babbler(province: TestProvince) -> Iterator[tuple[Client, list[Reply]]]:
    """A client, and what its hub says to everything but a new session."""
    says: list[Reply] = [(200, "application/json", b"{}")]
    with liar(
        lambda method, target, body, headers: session() if target == "/v1/sessions" else says[0]
    ) as url:
        province.write_profiles(url)
        with Client(province.data / "agencies" / PROVINCE) as client:
            yield client, says


def verbs(client: Client) -> dict[str, Callable[[], object]]:
    return {
        "inbox": lambda: list(client.inbox(pending=True).items),
        "fetch": lambda: client.fetch(7),
        "acknowledge": lambda: client.acknowledge([7]),
        "trace": lambda: client.trace(7),
        "sent": client.sent,
        "find": lambda: client.find("x"),
        "receipt": lambda: client.receipt(7),
        "agencies": client.agencies,
        "directory": client.directory,
        "check_log": client.check_log,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["items", "next", "index", "recipients", "record", "proof", "acknowledged", "leaf"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
LINE = {
    "index": 1, "kind": "document", "sender": "H61", "message_id": "m", "document_id": "d", "subject": None,
    "status": "", "business": 0, "lane": "normal", "accepted_ms": 1, "size": 1, "digest": "aa",
    "acknowledged_ms": None, "summary": {}, "recipients": [],
}  # fmt: skip


@example(b'{"items": [%s], "next": 1}' % json.dumps({**LINE, "index": "x"}).encode())
@example(b'{"items": [%s], "next": true}' % json.dumps({**LINE, "accepted_ms": []}).encode())
@example(json.dumps({**LINE, "recipients": [1], "summary": 3}).encode())
@example(b'{"proof": ["?"], "acknowledged": 3, "items": {}}')
@example(b"[" * 100_000)
@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=40)
def test_a_hub_that_talks_nonsense_is_told_apart_from_one_that_answers(
    babbler: tuple[Client, list[Reply]], body: bytes
) -> None:
    client, says = babbler
    for status, media_type in ((200, "application/json"), (404, "application/problem+json")):
        says[0] = status, media_type, body
        for name, verb in verbs(client).items():
            try:
                told = verb()
            except LienthongError as error:
                assert exit_code(error) in (1, 3, 4), (name, error)
            else:
                assert status == 200 and name in ("inbox", "acknowledge", "trace", "sent", "find", "agencies")
                assert well_formed(told), (name, told)
    assert not list(client.profile.inbox.glob("*.asice")), "something unverified was kept"


def well_formed(told: object) -> bool:
    """What the client makes of nonsense that has the right form can at least be shown."""
    return bool(repr(told)) and all(
        type(one.index) is int and type(one.accepted_ms) is int and isinstance(one.sender, str)
        for one in (told if isinstance(told, list | tuple) else [told])
        if hasattr(one, "accepted_ms")
    )


@pytest.mark.parametrize(
    "changes",
    [{"token": 3}, {"expires_at": "soon"}, {"expires_at": "2030-01-01T00:00:00"}, {"agency": COMMUNE}],
)
def test_a_session_that_makes_no_sense_is_not_used(province: TestProvince, changes: dict[str, Any]) -> None:
    with liar(lambda method, target, body, headers: session(**changes)) as url:
        province.write_profiles(url)
        with Client(province.data / "agencies" / PROVINCE) as client, pytest.raises(LienthongError) as error:
            client.inbox()
    assert exit_code(error.value) in (3, 4)


def test_a_receipt_with_a_forwarding_that_is_none_does_not_hold(province: TestProvince) -> None:
    """Signed by the log itself, and still not what a receipt may say."""
    leaf = json.dumps(
        {"digest": "00" * 32, "forwarded": [["H61"]], "id": "m", "kind": 1, "sender": PROVINCE, "time": 1,
         "to": [COMMUNE], "v": 1},
        separators=(",", ":"),
    ).encode()  # fmt: skip
    note = checkpoint_signer(province.log)(1, leaf_hash(leaf))
    with pytest.raises(EvidenceMismatch, match="pairs"):
        check_receipt(receipt_bytes(0, leaf, [], note), province.log_key)


def cli(province: TestProvince, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lienthong", *arguments, "--data", str(province.data), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_log_that_lies_ends_the_command_with_one_and_no_hub_with_three(new_province: NewProvince) -> None:
    """A proxy before an honest hub shows another receipt: refused, put aside, told in words."""
    province = new_province()
    hub_url: list[str] = []

    def reply(method: str, target: str, body: bytes, headers: dict[str, str]) -> Reply:
        kept = {name: value for name, value in headers.items() if name.lower() != "connection"}
        answer = httpx.request(method, hub_url[0] + target, content=body, headers=kept, trust_env=False)
        content = answer.content
        if target.endswith("/receipt"):
            content = content.replace(f'"{COMMUNE}"'.encode(), b'"H61.XX"')
        return answer.status_code, answer.headers.get("content-type", ""), content

    with liar(reply) as proxy:
        province.configure(exchange=f'public_url = "{proxy}"')
        with RunningHub(province) as hub:
            hub_url.append(hub.url)
            province.write_profiles(proxy)
            index = hub.send(province.document(PROVINCE, [COMMUNE])).json()["index"]
            said = cli(province, "fetch", str(index), "--as", COMMUNE)
            assert said.returncode == 1, said.stdout + said.stderr
            assert "the receipt does not hold" in said.stdout + said.stderr
            inbox = province.data / "agencies" / COMMUNE / "inbox"
            assert [path.name for path in inbox.glob("*.asice")] == []
            assert len(list((inbox / "rejected").glob("*.asice"))) == 1
            [line] = hub.get(COMMUNE, "/v1/inbox?pending=1").json()["items"]
            assert line["acknowledged_ms"] is None
    gone = cli(province, "inbox", "--as", COMMUNE)
    assert gone.returncode == 3, gone.stdout + gone.stderr

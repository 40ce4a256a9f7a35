"""``kill -9`` at every named point of the client: nothing is lost, nothing is sent or kept twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from tests.exchange.client.conftest import PDF, NewClient, a_document
from tests.exchange.province import COMMUNE, OTHER_COMMUNE, PROVINCE, TestProvince

from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.client.sending import POINTS
from lienthong.exchange.store.crashpoints import EXIT_CODE

SEND = """
import sys
from datetime import date
from pathlib import Path
from lienthong.exchange.client import Client
from lienthong.exchange.client.build import compose
from lienthong.exchange.container import File
folder, name, to = sys.argv[1:4]
large = File("lon.bin", "application/octet-stream", bytes(2_000_000))
with Client(Path(folder)) as client:
    for n in range(3):
        document = compose(client.profile, to=[to], subject="Về việc thử", number=f"{n}", notation=name,
                           promulgated=date.today())
        files = [large] if n == 1 else [File("a.txt", "text/plain", b"a")]
        client.send(document, files, message_id=f"{name}-{n}")
    client.deliver()
"""
FETCH = """
import sys
from pathlib import Path
from lienthong.exchange.client import Client
with Client(Path(sys.argv[1])) as client:
    for index in map(int, sys.argv[2:]):
        received = client.fetch(index)
        client.report(received, "01", message_id=f"crash-{index}.01")
        client.acknowledge([index])
"""
SENDING = [
    name
    for name in POINTS
    if name in ("client.built", "client.enqueued", "client.sending", "client.answered", "client.receipted")
]
FETCHING = ["client.fetched", "client.receipt-kept", "client.kept", "client.enqueued", "client.answered"]


def run(program: str, *arguments: str, crash_at: str = "") -> int:
    environment = {**os.environ, "LIENTHONG_CRASH_AT": crash_at, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, EXIT_CODE), done.stderr
    return done.returncode


@pytest.mark.parametrize("crash_pass", [1, 3])
@pytest.mark.parametrize("point", SENDING)
def test_killed_while_sending_it_sends_each_document_once(
    clients: NewClient, province: TestProvince, point: str, crash_pass: int
):
    client = clients(PROVINCE)
    folder = str(client.profile.folder)
    name = f"K-{point.removeprefix('client.').upper()}-{crash_pass}"
    before = {one.index for one in client.sent(limit=500)}
    assert run(SEND, folder, name, COMMUNE, crash_at=f"{point}:{crash_pass}") == EXIT_CODE
    assert run(SEND, folder, name, COMMUNE) == 0
    rows = [client.desk.outbox.get(f"{name}-{n}") for n in range(3)]
    for row in rows:
        assert row is not None
        assert row.state == "sent"
        assert row.receipt is not None
        check_receipt(row.receipt, province.log_key, digest=row.digest, message_id=row.message_id)
        container = client.desk.outbox.container(row)
        data = container.read_bytes() if isinstance(container, Path) else container
        assert sha256(data).digest() == row.digest
    after = [one for one in client.sent(limit=500) if one.index not in before]
    assert sorted(one.message_id for one in after) == [f"{name}-{n}" for n in range(3)]


@pytest.mark.parametrize("point", FETCHING)
def test_killed_while_receiving_it_keeps_each_container_whole_and_reports_once(
    clients: NewClient, province: TestProvince, point: str
):
    sender = clients(PROVINCE)
    rows = [sender.send(a_document(sender, OTHER_COMMUNE), [PDF]) for _ in range(3)]
    indexes = [row.log_index for row in rows if row.log_index is not None]
    client = clients(OTHER_COMMUNE)
    arguments = [str(client.profile.folder), *map(str, indexes)]
    assert run(FETCH, *arguments, crash_at=f"{point}:2") == EXIT_CODE
    acknowledged = {item.index for item in client.inbox(limit=500).items if item.acknowledged_ms is not None}
    for index in indexes:
        if index in acknowledged:
            assert client.kept(index).sender == PROVINCE
    assert run(FETCH, *arguments) == 0
    for row, index in zip(rows, indexes, strict=True):
        assert client.kept(index).receipt.digest == row.digest
        history = json.loads(
            json.dumps([one.status for one in sender.trace(index).history if one.kind == "status"])
        )
        assert history == ["01"]

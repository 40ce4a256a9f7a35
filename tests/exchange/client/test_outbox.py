"""The outbox keeps what it was given, across crashes, and never lets a message change or overtake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.core.identifiers import IdentifierError
from lienthong.exchange.client import outbox as module
from lienthong.exchange.client.errors import OutboxError
from lienthong.exchange.client.outbox import Outbox, Outgoing, pause_ms


def message(name: str, content: bytes = b"container", *, chain: str = "", urgent: bool = False) -> Outgoing:
    return Outgoing(
        message_id=name,
        kind="document",
        chain=chain or name,
        container=content,
        size=len(content),
        digest=sha256(content).digest(),
        urgent=urgent,
        summary={"subject": "Về việc phòng, chống hạn mặn"},
    )


@pytest.fixture
def outbox(tmp_path: Path):
    box = Outbox(tmp_path / "outbox.sqlite3")
    yield box
    box.close()


def test_what_was_enqueued_is_there_after_reopening(tmp_path: Path, outbox: Outbox):
    assert outbox.enqueue([message("a"), message("b")], 1) == [True, True]
    again = Outbox(tmp_path / "outbox.sqlite3")
    assert [row.message_id for row in again.due(1)] == ["a", "b"]
    assert again.container(again.due(1)[0]) == b"container"
    assert again.due(1)[0].summary["subject"] == "Về việc phòng, chống hạn mặn"
    again.close()


def test_an_id_keeps_the_container_that_came_first(outbox: Outbox):
    assert outbox.enqueue([message("a", b"first")], 1) == [True]
    assert outbox.enqueue([message("a", b"second"), message("b")], 2) == [False, True]
    row = outbox.get("a")
    assert row is not None
    assert outbox.container(row) == b"first"
    assert row.digest == sha256(b"first").digest()


def test_a_large_container_lies_beside_the_database_as_a_file(outbox: Outbox, tmp_path: Path):
    large = os.urandom(module.LARGE)
    outbox.enqueue([message("large", large)], 1)
    given = tmp_path / "outbox" / "given"
    given.write_bytes(b"a complete file")
    digest = sha256(b"a complete file").digest()
    outbox.enqueue([Outgoing("file", "document", "file", given, 15, digest)], 1)
    first, second = (outbox.container(row) for row in outbox.due(1))
    assert isinstance(first, Path)
    assert isinstance(second, Path)
    assert first.read_bytes() == large
    assert second.read_bytes() == b"a complete file"
    assert not given.exists()


def test_a_second_large_container_under_one_id_leaves_nothing_behind(outbox: Outbox, tmp_path: Path):
    outbox.enqueue([message("large", b"1" * module.LARGE)], 1)
    outbox.enqueue([message("large", b"2" * module.LARGE)], 1)
    [kept] = (tmp_path / "outbox").iterdir()
    assert kept.read_bytes() == b"1" * module.LARGE


def test_messages_about_one_document_leave_in_order_and_others_do_not_wait(outbox: Outbox):
    outbox.enqueue([message("01", chain="d"), message("03", chain="d"), message("other")], 1)
    assert [row.message_id for row in outbox.due(1)] == ["01", "other"]
    outbox.postpone("01", "no answer", due_ms=500)
    assert [row.message_id for row in outbox.due(100)] == ["other"]
    outbox.mark_sent("other", index=1, receipt=b"r", now_ms=100)
    assert outbox.next_due_ms() == 500
    outbox.mark_sent("01", index=2, receipt=b"r", now_ms=600)
    assert [row.message_id for row in outbox.due(600)] == ["03"]


def test_an_urgent_message_leaves_first(outbox: Outbox):
    outbox.enqueue([message("slow"), message("hoa-toc", urgent=True)], 1)
    assert [row.message_id for row in outbox.due(1)] == ["hoa-toc", "slow"]


def test_a_refused_message_stays_refused_until_somebody_asks(outbox: Outbox):
    outbox.enqueue([message("a")], 1)
    outbox.mark_refused("a", "unknown recipient", 2)
    assert outbox.due(10_000) == []
    assert outbox.next_due_ms() is None
    assert outbox.retry("a", 20_000)
    assert [row.problem for row in outbox.due(20_000)] == ["unknown recipient"]


def test_a_sent_message_keeps_its_first_receipt_and_cannot_be_sent_again(outbox: Outbox):
    outbox.enqueue([message("a")], 1)
    outbox.mark_sent("a", index=7, receipt=b"first", now_ms=2)
    outbox.mark_sent("a", index=8, receipt=b"second", now_ms=3)
    outbox.mark_refused("a", "late", 4)
    assert not outbox.retry("a", 5)
    row = outbox.by_index(7)
    assert row is not None
    assert (row.state, row.receipt, row.settled_ms) == ("sent", b"first", 2)
    assert outbox.counts() == {"queued": 0, "sent": 1, "refused": 0}


def test_an_id_that_the_hub_could_not_log_is_refused_before_it_is_kept(outbox: Outbox):
    with pytest.raises(IdentifierError):
        outbox.enqueue([message("a"), message("../b")], 1)
    assert outbox.rows() == []


def test_an_outbox_that_cannot_be_opened_says_where(tmp_path: Path):
    (tmp_path / "outbox.sqlite3").write_bytes(b"this is no database, whatever its name" * 100)
    with pytest.raises(OutboxError, match=r"outbox\.sqlite3"):
        Outbox(tmp_path / "outbox.sqlite3")


def test_what_enqueue_promised_survives_kill_9(tmp_path: Path):
    program = """
import sys
from hashlib import sha256
from pathlib import Path
from lienthong.exchange.client.outbox import Outbox, Outgoing
box = Outbox(Path(sys.argv[1]))
n = 0
while True:
    data = b"%d" % n
    box.enqueue([Outgoing(f"m{n}", "document", f"d{n}", data, len(data), sha256(data).digest())], n)
    print(n, flush=True)
    n += 1
"""
    path = tmp_path / "outbox.sqlite3"
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(40):
        promised = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    promised = max([promised, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
    process.wait()
    process.stdout.close()
    box = Outbox(path)
    ids = {row.message_id for row in box.rows()}
    assert {f"m{n}" for n in range(promised + 1)} <= ids
    for row in box.rows():
        assert sha256(box.container(row)).digest() == row.digest
    box.close()


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_grow_to_a_quarter_of_an_hour_and_never_beyond(attempts: int, jitter: float):
    pause = pause_ms(attempts, jitter)
    assert module.FIRST_PAUSE_MS // 2 <= pause <= module.LONGEST_PAUSE_MS
    assert pause_ms(attempts + 1, jitter) >= pause

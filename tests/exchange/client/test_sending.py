"""What is sent is kept first, tried until there is a receipt that holds, and never changes."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.exchange.client.conftest import PDF, NewClient, a_document, arrival, meddle
from tests.exchange.province import (
    COMMUNE,
    DEPARTMENT,
    ENDED,
    MERGED,
    OTHER_COMMUNE,
    PROVINCE,
    STRANGER,
    RunningHub,
    TestProvince,
)

from lienthong.exchange.client.directory_copy import CannotSeal
from lienthong.exchange.client.outbox import LARGE
from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.client.steps import Answer
from lienthong.exchange.client.sync import Client
from lienthong.exchange.container import File
from lienthong.exchange.edxml.findings import InvalidMessage
from lienthong.trust.log.notes import NoteKey, NoteSigner


def test_a_sent_document_has_a_receipt_that_holds(clients: NewClient, province: TestProvince):
    client = clients(PROVINCE)
    row = client.send(a_document(client, COMMUNE, DEPARTMENT), [PDF])
    assert row.state == "sent"
    assert row.receipt is not None
    receipt = check_receipt(row.receipt, province.log_key, digest=row.digest, message_id=row.message_id)
    assert receipt.recipients == (COMMUNE, DEPARTMENT)
    assert receipt.index == row.log_index
    assert client.find(row.message_id).digest == row.digest.hex()


def test_a_merged_recipient_is_answered_with_its_successor(clients: NewClient, province: TestProvince):
    client = clients(PROVINCE)
    row = client.send(a_document(client, MERGED), [PDF])
    assert row.receipt is not None
    assert check_receipt(row.receipt, province.log_key).forwarded == ((MERGED, COMMUNE),)


def test_sending_again_under_one_id_changes_nothing(clients: NewClient):
    client = clients(PROVINCE)
    first = client.send(a_document(client, COMMUNE), [PDF], message_id="once-and-only-once")
    meddler = meddle(client)
    second = client.send(a_document(client, DEPARTMENT), [PDF], message_id="once-and-only-once")
    assert second == first
    assert meddler.calls == []


def test_a_lost_answer_is_asked_for_again_and_is_the_same_receipt(clients: NewClient):
    client = clients(PROVINCE)
    lost: list[Answer] = []

    def lose_once(call, answer):
        if call.path == "/v1/messages" and not lost:
            lost.append(answer)
            return Answer(502, {}, b"<html>Bad Gateway</html>")
        return answer

    meddle(client, lose_once)
    row = client.send(a_document(client, COMMUNE), [PDF])
    assert row.state == "queued"
    assert "not a hub" in row.problem
    client.desk.outbox.retry(row.message_id, 0)
    assert client.deliver().sent == 1
    kept = client.desk.outbox.get(row.message_id)
    assert kept is not None
    assert kept.receipt == lost[0].body


def test_what_cannot_be_delivered_waits_and_leaves_with_the_next_run(province: TestProvince, hub: RunningHub):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        province.write_profiles(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with Client(province.data / "agencies" / DEPARTMENT) as client:
            first = client.send(a_document(client, COMMUNE), [PDF])
            second = client.enqueue(a_document(client, OTHER_COMMUNE), [PDF])
            assert (first.state, second.state) == ("queued", "queued")
            assert "no connection" in first.problem
    province.write_profiles(hub.url)
    with Client(province.data / "agencies" / DEPARTMENT) as client:
        client.desk.outbox.retry(first.message_id, 0)
        assert client.deliver().sent == 2
        assert client.desk.outbox.counts()["queued"] == 0


@pytest.mark.parametrize(
    ("to", "says"),
    [(ENDED, "has ended"), ("H61.KHONGCO", "no agency"), (PROVINCE, "does not send to itself")],
)
def test_a_refusal_for_good_is_not_tried_again(clients: NewClient, to: str, says: str):
    client = clients(PROVINCE)
    row = client.send(a_document(client, to), [PDF])
    assert row.state == "refused"
    assert says in row.problem
    meddler = meddle(client)
    assert client.deliver().sent == 0
    assert meddler.calls == []


def test_an_agency_without_the_right_to_send_is_told_so(clients: NewClient):
    client = clients(STRANGER)
    row = client.send(a_document(client, COMMUNE), [PDF])
    assert row.state == "refused"
    assert "right to send" in row.problem


def test_a_hub_that_asks_to_wait_is_left_alone_that_long(clients: NewClient):
    client = clients(PROVINCE)
    problem = {"type": "urn:lienthong:problem:quota-exceeded", "status": 429, "detail": "enough for now"}
    refuse = Answer(429, {"retry-after": "7200"}, json.dumps(problem).encode())
    meddle(client, lambda call, answer: refuse if call.path == "/v1/messages" else answer)
    row = client.send(a_document(client, COMMUNE), [PDF])
    assert row.state == "queued"
    assert row.problem.startswith("quota-exceeded: enough for now")
    assert row.due_ms >= row.created_ms + 7_200_000
    client.desk.outbox.retry(row.message_id, 0)
    assert client.desk.outbox.due(row.created_ms)[0].message_id == row.message_id


def test_a_receipt_that_does_not_hold_is_not_believed(clients: NewClient, province: TestProvince):
    client = clients(PROVINCE)
    other = NoteSigner.generate(province.log_key.name)

    def forge(call, answer):
        if call.path != "/v1/messages":
            return answer
        return replace(answer, body=answer.body.replace(b'"sender":"H61"', b'"sender":"H62"'))

    meddle(client, forge)
    row = client.send(a_document(client, COMMUNE), [PDF])
    assert row.state == "queued"
    assert row.receipt is None
    assert "evidence-mismatch" in row.problem
    client.desk.sending._log_key = NoteKey.parse(other.key.vkey)
    meddle(client)
    client.desk.outbox.retry(row.message_id, 0)
    client.deliver()
    kept = client.desk.outbox.get(row.message_id)
    assert kept is not None
    assert kept.state == "queued"
    assert "no trusted key" in kept.problem


def test_a_receipt_for_another_container_is_not_believed(clients: NewClient):
    client = clients(PROVINCE)
    first = client.send(a_document(client, COMMUNE), [PDF])
    assert first.receipt is not None
    old = first.receipt
    meddle(client, lambda call, answer: replace(answer, body=old) if call.path == "/v1/messages" else answer)
    second = client.send(a_document(client, COMMUNE), [PDF])
    assert second.state == "queued"
    assert "another container" in second.problem


def test_a_message_the_hub_would_refuse_as_malformed_never_enters_the_outbox(clients: NewClient):
    client = clients(PROVINCE)
    document = a_document(client, COMMUNE, subject="x" * 501)
    before = client.desk.outbox.counts()
    with pytest.raises(InvalidMessage, match="501 characters"):
        client.send(document, [PDF])
    with pytest.raises(InvalidMessage, match="Reference"):
        client.send(a_document(client, COMMUNE), [])
    assert client.desk.outbox.counts() == before


def test_a_large_file_is_streamed_and_arrives_byte_for_byte(clients: NewClient, tmp_path: Path):
    client = clients(PROVINCE)
    large = tmp_path / "ban-do.tif"
    large.write_bytes(os.urandom(3 * LARGE))
    row = client.send(a_document(client, COMMUNE), [PDF, File("ban-do.tif", "image/tiff", large)])
    assert row.state == "sent"
    assert row.file is not None
    recipient = clients(COMMUNE)
    assert row.log_index is not None
    received = recipient.fetch(row.log_index)
    recipient.extract(received, tmp_path / "out")
    assert (tmp_path / "out" / "ban-do.tif").read_bytes() == large.read_bytes()


def test_sealed_files_open_for_the_recipient_and_the_sender_only(clients: NewClient, tmp_path: Path):
    client = clients(DEPARTMENT)
    row = client.send(a_document(client, COMMUNE, PROVINCE), [PDF], seal=True)
    assert row.state == "sent"
    index = row.log_index
    assert index is not None
    for code in (COMMUNE, PROVINCE, DEPARTMENT):
        one = clients(code)
        received = one.fetch(index)
        assert received.sealed
        assert [name for name, _, _ in received.files] == ["files.p7m"]
        [path] = one.extract(received, tmp_path / code)
        assert path.read_bytes() == PDF.data
    stranger = clients(OTHER_COMMUNE)
    with pytest.raises(Exception, match=r"(?i)recipient|sealed"):
        received.extract(tmp_path / "stranger", stranger.profile)
    assert not list((tmp_path / "stranger").iterdir())


def test_sealing_to_somebody_without_a_certificate_is_refused_before_anything_is_kept(clients: NewClient):
    client = clients(PROVINCE)
    before = client.desk.outbox.counts()
    with pytest.raises(CannotSeal, match=r"H61\.KHONGCO"):
        client.send(a_document(client, COMMUNE, "H61.KHONGCO"), [PDF], seal=True)
    assert client.desk.outbox.counts() == before


def test_an_urgent_document_arrives_in_the_urgent_lane(clients: NewClient):
    client = clients(PROVINCE)
    row = client.send(a_document(client, COMMUNE, priority=3), [PDF])
    assert row.log_index is not None
    assert arrival(clients(COMMUNE), row.log_index).lane == "urgent"

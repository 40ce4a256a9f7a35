"""Asking the hub: traces, lists, agencies, and whether its log only ever grew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.exchange.client.conftest import PDF, NewClient, a_document, meddle
from tests.exchange.province import COMMUNE, PROVINCE, TestProvince

from lienthong.exchange.client.errors import EvidenceMismatch, HubRefused, HubUnreachable
from lienthong.trust.errors import LogError
from lienthong.trust.log.checkpoints import Checkpoint, sign_checkpoint


def test_a_trace_shows_the_record_each_recipient_and_every_message_about_it(clients: NewClient):
    client = clients(PROVINCE)
    row = client.send(a_document(client, COMMUNE), [PDF])
    assert row.log_index is not None
    clerk = clients(COMMUNE)
    clerk.fetch(row.log_index)
    clerk.acknowledge([row.log_index], staff="Võ Ngọc Hạnh")
    clerk.report(row.log_index, "01")
    view = client.trace(row.log_index)
    assert view.record.message_id == row.message_id
    assert [line.recipient for line in view.deliveries] == [COMMUNE]
    assert view.deliveries[0].acknowledged_ms is not None
    assert [one.kind for one in view.history] == ["document", "acknowledgement", "status"]
    assert view.history[1].summary["staff"] == "Võ Ngọc Hạnh"


def test_sent_documents_are_listed_newest_first_and_found_by_their_id(clients: NewClient):
    client = clients(PROVINCE)
    rows = [client.send(a_document(client, COMMUNE), [PDF]) for _ in range(3)]
    listed = client.sent(limit=3)
    assert [one.message_id for one in listed] == [row.message_id for row in reversed(rows)]
    assert client.sent(before=listed[-1].index, limit=1)[0].index < listed[-1].index
    assert client.find(rows[0].message_id).index == rows[0].log_index
    with pytest.raises(HubRefused, match=r"no|not"):
        client.find("never-sent")


def test_a_recipient_gets_the_receipt_of_what_it_received(clients: NewClient):
    client = clients(PROVINCE)
    row = client.send(a_document(client, COMMUNE), [PDF])
    assert row.log_index is not None
    assert clients(COMMUNE).receipt(row.log_index).raw == row.receipt


def test_agencies_are_found_by_name_without_marks(clients: NewClient):
    found = clients(PROVINCE).agencies("long phuoc")
    assert [one["code"] for one in found] == [COMMUNE]


def test_the_log_is_proved_to_have_grown_from_what_was_seen_before(clients: NewClient):
    client = clients(COMMUNE)
    first = client.check_log()
    sender = clients(PROVINCE)
    sender.send(a_document(sender, COMMUNE), [PDF])
    second = client.check_log()
    assert second.seen_before == first.signed.checkpoint.size
    assert second.signed.checkpoint.size > first.signed.checkpoint.size
    assert client.check_log().seen_before == second.signed.checkpoint.size


def test_a_log_that_was_rewritten_or_shortened_is_noticed(clients: NewClient, province: TestProvince):
    client = clients(COMMUNE)
    seen = client.check_log().signed.checkpoint

    def another(size: int, root: bytes):
        note = sign_checkpoint(Checkpoint(seen.origin, size, root), province.log)
        return lambda call, answer: (
            replace(answer, body=note) if call.path == "/v1/log/checkpoint" else answer
        )

    meddle(client, another(seen.size, bytes(32)))
    with pytest.raises(EvidenceMismatch, match="no continuation"):
        client.check_log()
    meddle(client, another(seen.size - 1, bytes(32)))
    with pytest.raises(EvidenceMismatch, match="were promised before"):
        client.check_log()
    meddle(client, lambda call, answer: replace(answer, body=answer.body.replace(b"\n\n", b"\nmore\n\n")))
    with pytest.raises(LogError):
        client.check_log()
    meddle(client)
    assert client.check_log().seen_before == seen.size


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"items":1,"next":0}', b'{"items":[{}],"next":0}', b'{"items":[]}', b"<html>", b"\xff"],
)
def test_an_answer_that_no_hub_gives_is_said_to_be_one(clients: NewClient, body: bytes):
    client = clients(PROVINCE)
    meddle(client, lambda call, answer: replace(answer, body=body) if call.path == "/v1/inbox" else answer)
    with pytest.raises(HubUnreachable, match=r"cannot be read|not JSON"):
        client.inbox()

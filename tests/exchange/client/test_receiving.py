"""What arrives is verified before it is kept, kept before it is acknowledged, and answered with statuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.exchange.client.conftest import PDF, NewClient, a_document, arrival, meddle
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE

from lienthong.exchange.client.errors import EvidenceMismatch, HubRefused
from lienthong.exchange.edxml.model import BusinessType, Document, Status


def sent(clients: NewClient, *to: str) -> int:
    client = clients(PROVINCE)
    row = client.send(a_document(client, *(to or (COMMUNE,))), [PDF])
    assert row.log_index is not None
    return row.log_index


def test_a_fetched_document_is_on_the_disk_with_its_receipt(clients: NewClient, tmp_path: Path):
    index = sent(clients)
    client = clients(COMMUNE)
    received = client.fetch(index)
    assert received.path.exists()
    assert received.receipt_path.read_bytes() == received.receipt.raw
    assert received.sender == PROVINCE
    assert isinstance(received.message, Document)
    assert received.message.subject == "Về việc phòng, chống hạn mặn"
    [file] = client.extract(received, tmp_path)
    assert file.read_bytes() == PDF.data
    assert not list((client.profile.inbox / ".partial").iterdir())


def test_fetching_again_answers_what_is_kept_checked_anew(clients: NewClient):
    index = sent(clients)
    client = clients(COMMUNE)
    first = client.fetch(index)
    meddler = meddle(client)
    assert client.fetch(index) == first
    assert meddler.calls == []


def test_what_is_pending_is_listed_until_it_is_acknowledged(clients: NewClient):
    index = sent(clients, OTHER_COMMUNE)
    client = clients(OTHER_COMMUNE)
    assert index in [item.index for item in client.inbox(pending=True).items]
    client.fetch(index)
    assert client.acknowledge([index], staff="Nguyễn Thị Lan") == [index]
    assert index not in [item.index for item in client.inbox(pending=True).items]
    assert arrival(client, index).acknowledged_ms is not None
    assert client.acknowledge([index]) == [index]


@pytest.mark.parametrize("place", [60, -300])
def test_a_container_that_was_changed_on_the_way_is_put_aside(clients: NewClient, place: int):
    index = sent(clients)
    client = clients(COMMUNE)

    def change(call, answer):
        if call.save_to is None:
            return answer
        data = bytearray(call.save_to.read_bytes())
        data[place] ^= 1
        call.save_to.write_bytes(data)
        from hashlib import sha256

        return replace(answer, saved_digest=sha256(data).digest())

    meddle(client, change)
    with pytest.raises(EvidenceMismatch, match="another container"):
        client.fetch(index)
    assert (client.profile.inbox / "rejected" / f"{index:08}.asice").exists()
    assert not (client.profile.inbox / f"{index:08}.asice").exists()
    assert arrival(client, index).acknowledged_ms is None
    meddle(client)
    assert client.fetch(index).sender == PROVINCE


def test_another_record_in_place_of_the_one_asked_for_is_noticed(clients: NewClient):
    index, other = sent(clients), sent(clients)
    client = clients(COMMUNE)
    swapped = client.fetch(other)

    def swap(call, answer):
        if call.save_to is not None:
            call.save_to.write_bytes(swapped.path.read_bytes())
            return replace(answer, saved_digest=swapped.receipt.digest)
        return replace(answer, body=swapped.receipt.raw) if call.path.endswith("/receipt") else answer

    meddle(client, swap)
    with pytest.raises(EvidenceMismatch, match="another index"):
        client.fetch(index)


def test_damage_on_the_disk_is_noticed_when_it_is_used_again(clients: NewClient):
    index = sent(clients)
    client = clients(COMMUNE)
    path = client.fetch(index).path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EvidenceMismatch):
        client.kept(index)
    assert client.fetch(index).path.exists()


def test_what_is_addressed_to_others_cannot_be_fetched(clients: NewClient):
    index = sent(clients, DEPARTMENT)
    with pytest.raises(HubRefused) as refused:
        clients(COMMUNE).fetch(index)
    assert refused.value.status == 404


def test_statuses_travel_back_signed_and_in_order(clients: NewClient):
    index = sent(clients)
    clerk = clients(COMMUNE)
    received = clerk.fetch(index)
    for code in ("01", "03", "04"):
        assert clerk.report(received, code, staff="Trần Văn Hải").state == "sent"
    view = clients(PROVINCE).trace(index)
    assert [(line.recipient, line.state) for line in view.deliveries] == [(COMMUNE, "04")]
    statuses = [one for one in view.history if one.kind == "status"]
    assert [one.status for one in statuses] == ["01", "03", "04"]
    assert {one.summary["staff"] for one in statuses} == {"Trần Văn Hải"}
    back = clients(PROVINCE).fetch(statuses[0].index)
    assert isinstance(back.message, Status)
    assert back.sender == COMMUNE


def test_an_impossible_status_is_refused_with_the_reason_and_the_next_one_still_goes(clients: NewClient):
    index = sent(clients)
    clerk = clients(COMMUNE)
    clerk.fetch(index)
    skipped = clerk.report(index, "06")
    assert skipped.state == "refused"
    assert "allowed next" in skipped.problem
    assert clerk.report(index, "01").state == "sent"


def test_a_recall_waits_for_consent(clients: NewClient):
    index = sent(clients, COMMUNE, OTHER_COMMUNE)
    sender = clients(PROVINCE)
    asked = sender.recall(index, reason="Gửi nhầm")
    assert asked.state == "sent"
    assert {line.request for line in sender.trace(index).deliveries} == {"recall"}
    assert asked.log_index is not None
    for code, answer in ((COMMUNE, "15"), (OTHER_COMMUNE, "16")):
        clerk = clients(code)
        request = clerk.fetch(asked.log_index)
        assert isinstance(request.message, Document)
        assert request.message.business.type is BusinessType.REVOKE
        assert clerk.report(request, answer, description="Đã xem xét").state == "sent"
    states = {line.recipient: (line.request, line.recalled) for line in sender.trace(index).deliveries}
    assert states == {COMMUNE: ("", True), OTHER_COMMUNE: ("", False)}


def test_an_update_and_a_replacement_reach_the_recipients_of_the_original(clients: NewClient):
    sender, clerk = clients(PROVINCE), clients(COMMUNE)
    index = sent(clients)
    updated = sender.update(index, [PDF], reason="Sửa lỗi chính tả")
    assert updated.state == "sent"
    assert updated.log_index is not None
    message = clerk.fetch(updated.log_index).message
    assert isinstance(message, Document)
    assert message.business.type is BusinessType.UPDATE
    assert clerk.report(updated.log_index, "15").state == "sent"
    successor = a_document(sender, COMMUNE)
    replaced = sender.replace(index, successor, [PDF], reason="Thay bằng văn bản mới")
    assert replaced.state == "sent"
    assert replaced.log_index is not None
    message = clerk.fetch(replaced.log_index).message
    assert isinstance(message, Document)
    assert message.business.replacements[0].organ_ids == (COMMUNE,)


def test_the_hub_holds_a_waiting_inbox_until_something_comes(clients: NewClient):
    from concurrent.futures import ThreadPoolExecutor

    client = clients(OTHER_COMMUNE)
    seen = max((item.index for item in client.inbox(limit=500).items), default=-1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.inbox, after=seen, wait_s=50)
        index = sent(clients, OTHER_COMMUNE)
        assert [item.index for item in waiting.result(timeout=60).items] == [index]

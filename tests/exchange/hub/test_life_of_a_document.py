"""Statuses, take-backs, updates and replacements: who may say what, when, and what the others see."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.edxml.model import BusinessType, Document


@pytest.fixture
def document(hub: RunningHub, province: TestProvince) -> Document:
    """A document from the province to two communes, accepted under a number of its own."""
    number = str(hub.http.get("/v1/statistics").json()["tree_size"] + 1)
    made = province.document(PROVINCE, [COMMUNE, OTHER_COMMUNE], number=number)
    answer = hub.send(made)
    assert answer.status_code == 201, answer.text
    return made


def index_of(hub: RunningHub, document: Document) -> int:
    found = hub.get(PROVINCE, f"/v1/messages?message_id={document.message_id}").json()
    return int(found["index"])


def states(hub: RunningHub, document: Document) -> dict[str, str]:
    trace = hub.get(PROVINCE, f"/v1/messages/{index_of(hub, document)}/trace").json()
    return {one["recipient"]: one["state"] for one in trace["deliveries"]}


def requests(hub: RunningHub, document: Document) -> dict[str, tuple[str, bool]]:
    trace = hub.get(PROVINCE, f"/v1/messages/{index_of(hub, document)}/trace").json()
    return {one["recipient"]: (one["request"], one["recalled"]) for one in trace["deliveries"]}


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


def test_statuses_travel_back_and_each_recipient_stands_where_it_reported(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    for code in ("01", "03", "04", "05", "06"):
        assert hub.send(province.status(COMMUNE, document, code)).status_code == 201
    assert states(hub, document) == {COMMUNE: "06", OTHER_COMMUNE: ""}

    index = index_of(hub, document)
    mine = hub.get(PROVINCE, f"/v1/inbox?after={index}").json()["items"]
    assert [item["status"] for item in mine] == ["01", "03", "04", "05", "06"]
    assert {item["subject"] for item in mine} == {index}


def test_an_impossible_move_is_refused_with_the_reason(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    assert hub.send(province.status(COMMUNE, document, "02")).status_code == 201
    answer = hub.send(province.status(COMMUNE, document, "06"))
    assert problem(answer) == (409, "impossible-status")
    assert "06 cannot follow 02" in answer.json()["detail"]


def test_only_a_recipient_reports(hub: RunningHub, province: TestProvince, document: Document) -> None:
    stranger = hub.send(province.status(DEPARTMENT, document, "01"))
    assert problem(stranger) == (422, "unknown-document")
    sender = hub.send(province.status(PROVINCE, document, "01"))
    assert problem(sender) == (403, "not-permitted")


def test_only_the_sender_asks_to_take_back(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    assert problem(hub.send(province.status(COMMUNE, document, "13"))) == (422, "unknown-document")
    assert hub.send(province.status(PROVINCE, document, "13")).status_code == 201
    assert requests(hub, document) == {COMMUNE: ("recall", False), OTHER_COMMUNE: ("recall", False)}


def test_a_take_back_needs_each_recipient_s_consent(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    recall = province.request(document, BusinessType.REVOKE, references=())
    answer = hub.send(recall, files=())
    assert answer.status_code == 201, answer.text
    assert requests(hub, document) == {COMMUNE: ("recall", False), OTHER_COMMUNE: ("recall", False)}

    assert hub.send(province.status(COMMUNE, document, "15")).status_code == 201
    assert hub.send(province.status(OTHER_COMMUNE, document, "16")).status_code == 201
    assert requests(hub, document) == {COMMUNE: ("", True), OTHER_COMMUNE: ("", False)}
    after = hub.send(province.status(COMMUNE, document, "03"))
    assert problem(after) == (409, "impossible-status")
    assert hub.send(province.status(OTHER_COMMUNE, document, "03")).status_code == 201


def test_an_update_and_a_replacement_wait_for_consent_too(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    update = province.request(document, BusinessType.UPDATE)
    assert hub.send(update).status_code == 201
    assert requests(hub, document)[COMMUNE] == ("update", False)
    assert hub.send(province.status(COMMUNE, document, "15")).status_code == 201
    assert hub.send(province.status(OTHER_COMMUNE, document, "15")).status_code == 201

    successor = province.document(PROVINCE, [COMMUNE, OTHER_COMMUNE], number=f"9{document.code.number}")
    replacement = province.request(document, BusinessType.REPLACE)
    replacement = replace(successor, trace=replacement.trace)
    assert hub.send(replacement).status_code == 201
    assert requests(hub, document) == {COMMUNE: ("replace", False), OTHER_COMMUNE: ("replace", False)}
    assert hub.send(province.status(COMMUNE, document, "16")).status_code == 201
    assert requests(hub, document)[COMMUNE] == ("", False)


def test_nobody_recalls_another_agency_s_document(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    theirs = province.request(document, BusinessType.REVOKE, references=())
    mine = replace(theirs, sender=replace(theirs.sender, organ_id=COMMUNE))
    answer = hub.post(COMMUNE, province.container(mine, [], seal=province.seals[COMMUNE]))
    assert problem(answer) == (422, "unknown-document")


def test_a_take_back_goes_only_to_those_who_got_the_document(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    recall = province.request(document, BusinessType.REVOKE, references=())
    to = tuple(replace(document.recipients[0], organ_id=code) for code in (COMMUNE, DEPARTMENT))
    answer = hub.send(replace(recall, recipients=to), files=())
    assert answer.status_code == 201
    assert answer.json()["leaf"]["to"] == [COMMUNE]

    stray = province.request(document, BusinessType.REVOKE, references=(), recipients=to[1:])
    assert problem(hub.send(stray, files=())) == (422, "recipients-refused")


def test_a_document_nobody_knows_here_is_no_subject(hub: RunningHub, province: TestProvince) -> None:
    unknown = province.document(PROVINCE, [COMMUNE], number="99999")
    assert problem(hub.send(province.status(COMMUNE, unknown, "01"))) == (422, "unknown-document")
    recall = province.request(unknown, BusinessType.REVOKE, references=())
    assert problem(hub.send(recall, files=())) == (422, "unknown-document")


def test_a_recipient_sees_its_own_part_of_the_life_alone(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    assert hub.send(province.status(COMMUNE, document, "01")).status_code == 201
    assert hub.send(province.status(OTHER_COMMUNE, document, "01")).status_code == 201
    index = index_of(hub, document)

    everything = hub.get(PROVINCE, f"/v1/messages/{index}/trace").json()
    mine = hub.get(COMMUNE, f"/v1/messages/{index}/trace").json()
    assert [one["recipient"] for one in everything["deliveries"]] == [COMMUNE, OTHER_COMMUNE]
    assert [one["recipient"] for one in mine["deliveries"]] == [COMMUNE]
    assert {one["sender"] for one in mine["history"]} == {PROVINCE, COMMUNE}
    assert len(mine["history"]) == 2


def test_the_trace_of_a_status_is_that_of_its_document(
    hub: RunningHub, province: TestProvince, document: Document
) -> None:
    status = hub.send(province.status(COMMUNE, document, "01")).json()["index"]
    trace = hub.get(COMMUNE, f"/v1/messages/{status}/trace").json()
    assert trace["record"]["index"] == index_of(hub, document)


def test_a_merged_agency_still_reports_on_what_it_received(new_province: NewProvince) -> None:
    from datetime import UTC, datetime, timedelta

    province = new_province()
    with RunningHub(province) as hub:
        document = province.document(PROVINCE, [OTHER_COMMUNE])
        assert hub.send(document).status_code == 201
        yesterday = (datetime.now(UTC) - timedelta(days=2)).date()
        province.change(OTHER_COMMUNE, valid_to=yesterday, successors=(COMMUNE,))
        hub.on_loop(lambda: (hub.app.hub.holder.refresh(), hub.app.hub.take_directory()))
        assert hub.get(OTHER_COMMUNE, "/v1/inbox").status_code == 200
        assert hub.send(province.status(OTHER_COMMUNE, document, "01")).status_code == 201
        recall = province.request(document, BusinessType.REVOKE, references=())
        answer = hub.send(recall, files=())
        assert answer.json()["leaf"]["to"] == [OTHER_COMMUNE]

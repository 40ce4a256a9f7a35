"""Accept → log → inbox → receipt: what a sender may rely on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import (
    ALIAS,
    AUDITOR,
    COMMUNE,
    DEPARTMENT,
    ENDED,
    LOCKED,
    MERGED,
    OTHER_COMMUNE,
    PROVINCE,
    REVOKED,
    RunningHub,
    TestProvince,
)

from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.container import File
from lienthong.registry.directory import CertificateRef
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.profiles import Profile


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert (answer.status_code, code_of(answer)) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["detail"]
    return body


def test_an_accepted_document_has_a_receipt_that_holds_and_is_in_every_inbox(
    hub: RunningHub, province: TestProvince
) -> None:
    document = province.document(PROVINCE, [DEPARTMENT, "group:communes"])
    container = province.container(document)
    answer = hub.post(PROVINCE, container)

    assert answer.status_code == 201
    receipt = check_receipt(
        answer.content,
        province.log_key,
        digest=sha256(container).digest(),
        message_id=document.message_id,
        sender=PROVINCE,
    )
    assert answer.headers["location"] == f"/v1/messages/{receipt.index}"
    assert set(receipt.recipients) == {DEPARTMENT, COMMUNE, OTHER_COMMUNE, REVOKED}
    assert answer.headers["lienthong-left-out"] == LOCKED
    for code in (DEPARTMENT, COMMUNE, OTHER_COMMUNE):
        items = hub.get(code, f"/v1/inbox?after={receipt.index - 1}").json()["items"]
        assert [item["message_id"] for item in items] == [document.message_id]
        assert hub.get(code, f"/v1/messages/{receipt.index}").content == container
        assert hub.get(code, f"/v1/messages/{receipt.index}/receipt").content == answer.content


def test_a_retry_gets_the_same_receipt(hub: RunningHub, province: TestProvince) -> None:
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    first = hub.post(PROVINCE, container)
    again = hub.post(PROVINCE, container)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]


def test_many_retries_at_once_are_stored_once(hub: RunningHub, province: TestProvince) -> None:
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    hub.bearer(PROVINCE)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hub.post(PROVINCE, container), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.content for answer in answers}) == 1


def test_the_same_id_with_another_content_is_refused_and_the_first_stands(
    hub: RunningHub, province: TestProvince
) -> None:
    document = province.document(PROVINCE, [COMMUNE])
    first = hub.send(document)
    body = refused(hub.send(replace(document, subject="Nội dung khác")), 409, "message-id-conflict")

    assert str(first.json()["index"]) in str(body["detail"])
    found = hub.get(PROVINCE, f"/v1/messages?message_id={document.message_id}").json()
    assert found["index"] == first.json()["index"]


def test_the_same_id_of_another_sender_is_another_message(hub: RunningHub, province: TestProvince) -> None:
    one = province.document(PROVINCE, [COMMUNE])
    other = province.document(DEPARTMENT, [COMMUNE], message_id=one.message_id)

    assert hub.send(one).status_code == hub.send(other).status_code == 201


def test_a_retry_gets_its_receipt_whatever_has_changed_since(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        container = province.container(province.document(PROVINCE, [COMMUNE]))
        first = hub.post(PROVINCE, container)
        province.change(COMMUNE, locked=True)
        hub.on_loop(lambda: (hub.app.hub.holder.refresh(), hub.app.hub.take_directory()))
        again = hub.post(PROVINCE, container)
        fresh = hub.send(province.document(PROVINCE, [COMMUNE]))

    assert (again.status_code, again.content) == (200, first.content)
    refused(fresh, 422, "recipients-refused")


def test_a_merged_recipient_is_forwarded_and_the_sender_told(hub: RunningHub, province: TestProvince) -> None:
    answer = hub.send(province.document(PROVINCE, [MERGED, DEPARTMENT]))

    assert answer.status_code == 201
    assert answer.headers["lienthong-forwarded"] == f"{MERGED}={COMMUNE}"
    assert answer.json()["leaf"]["forwarded"] == [[MERGED, COMMUNE]]
    assert answer.json()["leaf"]["to"] == [COMMUNE, DEPARTMENT]


def test_every_recipient_that_cannot_receive_is_named_and_nothing_is_sent(
    hub: RunningHub, province: TestProvince
) -> None:
    before = hub.http.get("/v1/statistics").json()["documents"]
    answer = hub.send(province.document(PROVINCE, [COMMUNE, "H99.99", LOCKED, ENDED]))

    body = refused(answer, 422, "recipients-refused")
    assert [(one["organ"], one["status"]) for one in body["recipients"]] == [  # type: ignore[attr-defined]
        ("H99.99", "unknown"),
        (LOCKED, "locked"),
        (ENDED, "ended"),
    ]
    assert hub.http.get("/v1/statistics").json()["documents"] == before


def test_an_alias_of_the_sender_is_the_sender(hub: RunningHub, province: TestProvince) -> None:
    document = province.document(PROVINCE, [COMMUNE], organ=ALIAS)
    answer = hub.post(PROVINCE, province.container(document, seal=province.seals[PROVINCE]))

    assert answer.status_code == 201
    assert answer.json()["leaf"]["sender"] == PROVINCE


def test_nobody_hands_over_what_another_agency_sealed(hub: RunningHub, province: TestProvince) -> None:
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    assert hub.post(PROVINCE, container).status_code == 201

    refused(hub.post(COMMUNE, container), 403, "sender-mismatch")
    refused(hub.post(DEPARTMENT, container), 403, "sender-mismatch")


def test_nobody_writes_another_sender_into_its_own_container(hub: RunningHub, province: TestProvince) -> None:
    forged = province.container(province.document(PROVINCE, [COMMUNE]), seal=province.seals[DEPARTMENT])

    body = refused(hub.post(DEPARTMENT, forged), 403, "sender-mismatch")
    assert body["place"] == "MessageHeader/From/OrganId"


def test_an_unregistered_seal_is_refused(hub: RunningHub, province: TestProvince) -> None:
    stray = province.signer(Profile.SEAL, name="UBND tỉnh", code=PROVINCE)
    refused(hub.send(province.document(PROVINCE, [COMMUNE]), seal=stray), 403, "seal-unregistered")


def test_a_key_of_another_use_does_not_seal(hub: RunningHub, province: TestProvince) -> None:
    answer = hub.send(province.document(PROVINCE, [COMMUNE]), seal=province.tls[PROVINCE])
    assert answer.status_code in (400, 403)


def test_revoked_expired_and_foreign_seals_are_told_apart(new_province: NewProvince) -> None:
    province = new_province()
    expired = province.signer(Profile.SEAL, name="UBND tỉnh", code=PROVINCE, days=1)
    elsewhere = TestProvince(province.data.parent / "elsewhere")
    foreign = elsewhere.seals[PROVINCE]
    seals = (
        *province.agencies[PROVINCE].seals,
        CertificateRef.of(foreign.certificate),
        CertificateRef.of(expired.certificate),
    )
    province.change(PROVINCE, seals=seals)
    province.revoke(province.seals[PROVINCE])
    with RunningHub(province) as hub:
        document = province.document(PROVINCE, [COMMUNE])
        refused(hub.send(document), 403, "seal-revoked")
        refused(hub.send(document, seal=foreign), 403, "seal-untrusted")
        hub.bearer(PROVINCE)
        later = datetime.now(UTC).timestamp() + 2 * 86_400
        hub.on_loop(lambda: setattr(hub.app, "_clock", lambda: later))
        hub.on_loop(lambda: hub.app.hub.trust.forget())
        token = hub.app.tokens.issue(
            bytes.fromhex(province.agencies[PROVINCE].tls[0].fingerprint), int(later) + 60
        )
        answer = hub.http.post(
            "/v1/messages",
            content=province.container(
                document, seal=expired, signing_time=datetime.fromtimestamp(later, UTC)
            ),
            headers={"Authorization": f"Bearer {token}", "Content-Type": MIMETYPE},
        )
        refused(answer, 403, "seal-expired")


def test_an_rsa_seal_is_accepted(new_province: NewProvince) -> None:
    province = new_province()
    key = generate_key("rsa2048")
    issued = province.ca.issue(
        Profile.SEAL,
        subject_name="Sở Nội vụ",
        organ_code=DEPARTMENT,
        public_key=key.public_key(),
        now=province.now,
    )
    province.seals[DEPARTMENT] = FileSigner(key, issued.certificate, issued.chain)
    province.change(DEPARTMENT, seals=(CertificateRef.of(issued.certificate),))
    with RunningHub(province) as hub:
        assert hub.send(province.document(DEPARTMENT, [PROVINCE])).status_code == 201


@pytest.mark.parametrize(
    ("away", "said"), [(timedelta(hours=1), "ahead of"), (-timedelta(days=40), "behind")]
)
def test_a_signing_time_far_from_the_clock_is_refused_with_both_times(
    hub: RunningHub, province: TestProvince, away: timedelta, said: str
) -> None:
    signed = datetime.now(UTC) + away
    document = province.document(PROVINCE, [COMMUNE], day=min(signed, datetime.now(UTC)).date())
    answer = hub.send(document, signing_time=signed)
    body = refused(answer, 422, "signing-time")
    assert said in str(body["detail"])


def test_a_message_that_waited_over_a_long_weekend_is_accepted(
    hub: RunningHub, province: TestProvince
) -> None:
    waited = datetime.now(UTC) - timedelta(days=5)
    document = province.document(PROVINCE, [COMMUNE], day=waited.date())
    assert hub.send(document, signing_time=waited).status_code == 201


def test_state_secrets_are_refused(hub: RunningHub, province: TestProvince) -> None:
    document = province.document(PROVINCE, [COMMUNE], subject="[TỐI MẬT] Báo cáo tình hình")
    answer = hub.post(PROVINCE, province.raw_container(document))
    assert 400 <= answer.status_code < 500
    assert "state secrets" in answer.text


def test_a_sealed_document_shows_the_hub_its_metadata_only(hub: RunningHub, province: TestProvince) -> None:
    secret = b"noi dung chi nguoi nhan doc duoc"
    container = province.container(
        province.document(PROVINCE, [COMMUNE]),
        [File("rieng.txt", "text/plain", secret)],
        seal_for=[PROVINCE, COMMUNE],
    )
    answer = hub.post(PROVINCE, container)

    assert answer.status_code == 201
    fetched = hub.get(COMMUNE, answer.headers["location"]).content
    assert fetched == container
    assert secret not in fetched
    assert b"rieng.txt" not in fetched


def test_urgent_documents_come_first_among_what_is_pending(hub: RunningHub, province: TestProvince) -> None:
    normal = hub.send(province.document(DEPARTMENT, [AUDITOR])).json()["index"]
    urgent = hub.send(province.document(DEPARTMENT, [AUDITOR], priority=3)).json()["index"]

    pending = hub.get(AUDITOR, "/v1/inbox?pending=1").json()["items"]
    assert [item["index"] for item in pending] == [urgent, normal]
    assert [item["lane"] for item in pending] == ["urgent", "normal"]
    only = hub.get(AUDITOR, "/v1/inbox?lane=urgent").json()["items"]
    assert [item["index"] for item in only] == [urgent]


def test_garbage_of_every_kind_is_refused_with_a_reason_and_stores_nothing(
    hub: RunningHub, province: TestProvince
) -> None:
    good = province.container(province.document(PROVINCE, [COMMUNE]))
    before = hub.http.get("/v1/statistics").json()["tree_size"]
    for bad in (b"", b"PK", b"\0" * 100, good[:-1], good[:2000], good[1:], good + b"x", good[:500] * 4):
        answer = hub.post(PROVINCE, bad)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["detail"]
    for at in range(60, len(good), 397):
        changed = bytearray(good)
        changed[at] ^= 0x41
        assert 400 <= hub.post(PROVINCE, bytes(changed)).status_code < 500
    assert hub.http.get("/v1/statistics").json()["tree_size"] == before


def test_an_acknowledgement_is_evidence_in_the_log(hub: RunningHub, province: TestProvince) -> None:
    index = hub.send(province.document(PROVINCE, [COMMUNE])).json()["index"]
    assert hub.acknowledge(COMMUNE, [index], "Lê Văn Tám").json() == {"acknowledged": [index]}
    again = hub.acknowledge(COMMUNE, [index], "Lê Văn Tám")

    assert again.json() == {"acknowledged": [index]}
    line = hub.get(COMMUNE, f"/v1/inbox?after={index - 1}").json()["items"][0]
    assert line["acknowledged_ms"] >= line["accepted_ms"]
    history = hub.get(PROVINCE, f"/v1/messages/{index}/trace").json()["history"]
    assert [record["kind"] for record in history] == ["document", "acknowledgement"]


def test_nobody_acknowledges_what_it_did_not_receive(hub: RunningHub, province: TestProvince) -> None:
    index = hub.send(province.document(PROVINCE, [COMMUNE])).json()["index"]
    for code in (DEPARTMENT, PROVINCE):
        body = refused(hub.acknowledge(code, [index]), 404, "not-found")
        assert str(index) in str(body["detail"])
    refused(hub.acknowledge(COMMUNE, [index, 10**9]), 404, "not-found")
    line = hub.get(COMMUNE, f"/v1/inbox?after={index - 1}").json()["items"][0]
    assert line["acknowledged_ms"] is not None, "those that are in the inbox are taken"


@pytest.mark.parametrize(
    "body",
    [{}, {"indexes": []}, {"indexes": [-1]}, {"indexes": ["1"]}, {"indexes": [1.5]}, {"indexes": [True]}, []],
)
def test_a_malformed_acknowledgement_says_where(hub: RunningHub, body: object) -> None:
    answer = hub.http.post(
        "/v1/inbox/acknowledgements",
        content=json.dumps(body).encode(),
        headers={**hub.bearer(COMMUNE), "Content-Type": "application/json"},
    )
    assert refused(answer, 400, "bad-request")["place"] in ("indexes", "body")

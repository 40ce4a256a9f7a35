"""Containers put together to deceive, handed over by an agency that may send: nothing of them is stored.

Every one goes in twice, once to a hub that reads it in memory and once to one that spools it to a file.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.acceptance.hostility import Holdings, holdings, problem, still_well
from tests.exchange.conftest import NewProvince
from tests.exchange.province import (
    AUDITOR,
    COMMUNE,
    DEPARTMENT,
    ENDED,
    LOCKED,
    OTHER_COMMUNE,
    PROVINCE,
    STRANGER,
    RunningHub,
    TestProvince,
)
from tests.trust.container_material import Item, craft, deflated

from lienthong.exchange.container import File
from lienthong.exchange.edxml.model import Business, Staff
from lienthong.registry.directory import Agency
from lienthong.trust import asic
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.asic.layout import MANIFEST, SIGNATURE
from lienthong.trust.cms import sign_attached, sign_detached
from lienthong.trust.log.tiles import Tile, entries_of

FORGED = b"%PDF-1.7 another text than the one that was signed"
PDF = "files/van-ban.pdf"


@pytest.fixture(scope="module", params=["in memory", "spooled"])
def hub(
    request: pytest.FixtureRequest,
    pristine_province: TestProvince,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningHub]:
    made = pristine_province.copy(tmp_path_factory.mktemp("province") / "data")
    if request.param == "spooled":
        made.configure(limits="memory_bytes = 4096")
    with RunningHub(made) as running:
        yield running
        still_well(running)


@pytest.fixture
def province(hub: RunningHub) -> TestProvince:
    return hub.province


@pytest.fixture
def stored(hub: RunningHub) -> Iterator[Holdings]:
    """What the hub holds before the test, and must hold after it."""
    before = holdings(hub)
    yield before
    assert holdings(hub) == before, "something of it was stored"


@pytest.fixture
def items(province: TestProvince) -> list[Item]:
    """A good container's entries: mimetype, edoc.xml, the PDF, manifest, signature; spooled when it must."""
    filler = File("van-ban.pdf", "application/pdf", b"%PDF-1.7 noi dung" + bytes(range(256)) * 32)
    made = province.container(province.document(PROVINCE, [COMMUNE]), [filler])
    with asic.read(made) as opened:
        files = {name: opened.read(name) for name in opened.names}
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        rest = {name: archive.read(name) for name in (MANIFEST, SIGNATURE)}
    return [Item("mimetype", MIMETYPE.encode()), *(Item(*one) for one in {**files, **rest}.items())]


def refused(answer: httpx.Response, *prefixes: str) -> None:
    code = problem(answer)["code"]
    assert answer.status_code < 500, answer.text
    assert code.startswith(prefixes or ("container-", "bad-container")), code


Trick = Callable[[list[Item]], bytes]


def _with(position: int, item: Item) -> Trick:
    return lambda items: craft(*items[:position], item, *items[position:])


def _instead(position: int, change: Callable[[Item], Item]) -> Trick:
    return lambda items: craft(*items[:position], change(items[position]), *items[position + 1 :])


def _cut(items: list[Item]) -> bytes:
    whole = craft(*items)
    return whole[: len(whole) // 2]


def _overlap(items: list[Item]) -> bytes:
    return craft(*items, replace(items[2], name="files/b.pdf", central={"offset": 0}))


TRICKS: dict[str, Trick] = {
    "a file nobody signed": _with(3, Item("files/b.pdf", FORGED)),
    "a file hidden among the signatures": _with(5, Item("META-INF/hidden.pdf", FORGED)),
    "a file of the same name": _with(3, Item(PDF, FORGED)),
    "a file of the same name in capitals": _with(3, Item("files/VAN-BAN.PDF", FORGED)),
    "a second edoc.xml": _with(1, Item("edoc.xml", b"<edXML/>")),
    "a name that climbs out": _with(3, Item("../../etc/cron.d/x", FORGED)),
    "an absolute name": _with(3, Item("/etc/passwd", FORGED)),
    "a Windows name": _with(3, Item("C:\\x.exe", FORGED)),
    "a name that is not UTF-8": _with(3, Item(b"files/\xff\xfe", FORGED)),
    "a symbolic link": _with(3, Item("files/link", b"/etc/passwd", central={"attributes": 0o120777 << 16})),
    "another content than signed": _instead(2, lambda item: replace(item, data=FORGED)),
    "another length in the local header": _instead(2, lambda item: replace(item, local={"size": 1})),
    "another length in the directory": _instead(2, lambda item: replace(item, central={"size": 1})),
    "another name in the directory": _instead(
        2, lambda item: replace(item, central={"name": b"files/van-ban.pdg"})
    ),
    "an encrypted file": _instead(2, lambda item: replace(item, local={"flags": 1}, central={"flags": 1})),
    "an unknown method": _instead(
        2, lambda item: replace(item, local={"method": 12}, central={"method": 12})
    ),
    "a wrong offset": _instead(2, lambda item: replace(item, central={"offset": 7})),
    "a bomb": _with(3, deflated("files/bomb", bytes(40_000_000))),
    "a bomb that hides its size": _with(
        3, replace(deflated("files/bomb", bytes(40_000_000)), central={"size": 10}, local={"size": 10})
    ),
    "bytes before": lambda items: craft(*items, before=b"#!/bin/sh\n"),
    "bytes between": lambda items: craft(*items, gap=b"hidden"),
    "bytes behind": lambda items: craft(*items, after=b"hidden"),
    "more entries than there are": lambda items: craft(*items, end={"count": 60_000, "here": 60_000}),
    "two archives in one": lambda items: craft(*items) + craft(*items),
    "entries that overlap": _overlap,
    "half of it": _cut,
    "no signature": lambda items: craft(*items[:4]),
    "no manifest": lambda items: craft(*items[:3], items[4]),
    "no mimetype": lambda items: craft(*items[1:]),
    "no edoc.xml": lambda items: craft(items[0], *items[2:]),
    "a thousand files": lambda items: craft(*items, *(Item(f"files/{n}", b"") for n in range(1000))),
    "nothing": lambda items: b"",
    "an empty archive": lambda items: craft(),
    "no archive": lambda items: b"%PDF-1.7" * 1000,
    "a gzip": lambda items: zlib.compress(craft(*items)),
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_tricked_archive_is_refused_and_nothing_of_it_is_stored(
    hub: RunningHub, items: list[Item], stored: Holdings, trick: Trick
) -> None:
    refused(hub.post(PROVINCE, trick(items)))


def signed_anew(items: Sequence[Item], manifest: bytes, province: TestProvince, by: str) -> list[Item]:
    signature = sign_detached(manifest, province.seals[by], signing_time=datetime.now(UTC))
    return [*items[:3], Item(MANIFEST, manifest), Item(SIGNATURE, signature)]


def test_a_signature_wrapped_around_another_content_is_refused(
    hub: RunningHub, province: TestProvince, items: list[Item], stored: Holdings
) -> None:
    manifest, signature = items[3], items[4]
    other = province.container(province.document(PROVINCE, [COMMUNE]))
    with asic.read(other) as opened:
        edoc = opened.read("edoc.xml")
    moved = replace(manifest, name="META-INF/ASiCManifest2.xml")
    forged_manifest = manifest.data.replace(b"van-ban.pdf", b"van-bax.pdf")
    attached = sign_attached(manifest.data, province.seals[PROVINCE])
    stranger = province.seals[DEPARTMENT]
    for wrapped in (
        [items[0], Item("edoc.xml", edoc), *items[2:]],
        [*items[:3], replace(manifest, data=forged_manifest), signature],
        [*items[:4], Item(SIGNATURE, attached)],
        [*items[:3], Item(MANIFEST, forged_manifest), moved, signature],
        [*items[:4], Item("META-INF/other.p7s", signature.data)],
        [*items[:4], Item(SIGNATURE, sign_detached(b"something else", stranger))],
        [*items[:4], Item(SIGNATURE, signature.data[:-1] + bytes([signature.data[-1] ^ 1]))],
    ):
        refused(hub.post(PROVINCE, craft(*wrapped)))


def test_nobody_signs_for_another_agency(
    hub: RunningHub, province: TestProvince, items: list[Item], stored: Holdings
) -> None:
    """Neither the seal of one over the words of another, nor somebody else's finished container."""
    by_another = craft(*signed_anew(items, items[3].data, province, DEPARTMENT))
    for at_the_door, container in (
        (PROVINCE, by_another),
        (DEPARTMENT, by_another),
        (DEPARTMENT, craft(*items)),
        (COMMUNE, craft(*items)),
        (STRANGER, craft(*items)),
    ):
        refused(hub.post(at_the_door, container), "sender-mismatch")


def test_a_container_that_somebody_else_had_accepted_gets_nobody_in(
    hub: RunningHub, province: TestProvince
) -> None:
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    index = hub.post(PROVINCE, container).json()["index"]
    before = holdings(hub)
    for thief in (DEPARTMENT, OTHER_COMMUNE, COMMUNE):
        answer = hub.post(thief, container)
        refused(answer, "sender-mismatch")
        assert "receipt" not in answer.text
    for outsider in (DEPARTMENT, OTHER_COMMUNE):
        for path in ("", "/receipt", "/trace"):
            refused(hub.get(outsider, f"/v1/messages/{index}{path}"), "not-found")
    assert holdings(hub) == before


def test_a_message_to_the_wrong_recipient_reaches_nobody(
    hub: RunningHub, province: TestProvince, stored: Holdings
) -> None:
    for to in ([COMMUNE, "H61.NOBODY"], [COMMUNE, LOCKED], [COMMUNE, ENDED], [PROVINCE], ["group:nobody"]):
        refused(hub.send(province.document(PROVINCE, to)), "recipients-refused")
    refused(hub.send(province.document(STRANGER, [COMMUNE])), "recipients-refused")
    document = province.document(PROVINCE, [COMMUNE])
    for reporter in (DEPARTMENT, OTHER_COMMUNE):
        refused(hub.send(province.status(reporter, document, "03")), "unknown-document")


def test_a_signed_request_is_taken_once_whatever_it_carries(hub: RunningHub, province: TestProvince) -> None:
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    other = province.container(province.document(PROVINCE, [COMMUNE]))
    signed = {**hub.signed(PROVINCE, "POST", "/v1/messages", container), "Content-Type": MIMETYPE}
    assert hub.http.post("/v1/messages", content=container, headers=signed).status_code == 201
    before = holdings(hub)
    for body in (container, other):
        refused(hub.http.post("/v1/messages", content=body, headers=signed), "replayed-request")
    fresh = {**hub.signed(PROVINCE, "POST", "/v1/messages", container), "Content-Type": MIMETYPE}
    refused(hub.http.post("/v1/messages", content=other, headers=fresh), "bad-request-signature")
    for path in ("/v1/inbox/acknowledgements", "/v1/messages?x=1", "/v1/sessions"):
        fresh = {**hub.signed(PROVINCE, "POST", "/v1/messages", container), "Content-Type": MIMETYPE}
        refused(hub.http.post(path, content=container, headers=fresh), "bad-request-signature")
    assert holdings(hub) == before


def test_a_boast_that_the_log_cannot_hold_is_refused(
    hub: RunningHub, province: TestProvince, stored: Holdings
) -> None:
    """A leaf above 65,535 bytes could never be served to an auditor (C2SP tlog-tiles)."""
    boastful = Business(staff=(Staff(name="A" * 70_000),))
    answer = hub.send(province.document(PROVINCE, [COMMUNE], business=boastful))
    refused(answer, "entry-too-large")
    assert answer.status_code == 413
    assert answer.json()["place"] == "MessageHeader/To"
    assert "1 recipients, and the person in charge with 70000 characters" in answer.json()["detail"]


def test_as_many_recipients_as_the_log_can_hold_and_not_one_more(new_province: NewProvince) -> None:
    province = new_province()
    codes = [f"H61.{number:031}" for number in range(1700)]
    communes = {code: Agency(code, "xã", "commune", level="commune") for code in codes}
    province.agencies = {**province.agencies, **communes}
    province.publish()
    with RunningHub(province) as hub:
        answer = hub.send(province.document(PROVINCE, codes))
        refused(answer, "entry-too-large")
        assert "1700 recipients" in answer.json()["detail"]
        assert "second message" in answer.json()["remedy"]
        document = province.document(PROVINCE, codes[:1500])
        assert hub.send(document).status_code == 201
        assert hub.send(province.status(PROVINCE, document, "13")).status_code == 201
        entries = hub.get(AUDITOR, "/v1/log/tile/entries/000.p/2")
        assert entries.status_code == 200
        assert len(entries_of(Tile.parse("tile/entries/000.p/2"), entries.content)) == 2


def bend(container: bytes, data: st.DataObject) -> bytes:
    """Up to three bits turned, pieces dropped, doubled or overwritten."""
    bent = bytearray(container)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, max(0, len(bent) - 1)))
        match data.draw(st.sampled_from(["turn", "drop", "double", "fill"])):
            case "turn":
                bent[start : start + 1] = bytes([bent[start] ^ 1 << data.draw(st.integers(0, 7))])
            case "drop":
                del bent[start : start + data.draw(st.integers(1, 64))]
            case "double":
                bent[start:start] = bent[start : start + 64]
            case _:
                bent[start : start + 8] = bytes([data.draw(st.integers(0, 255))] * 8)
    return bytes(bent)


def test_a_container_bent_anywhere_is_refused(hub: RunningHub, items: list[Item]) -> None:
    """Bent where it says nothing (the version a ZIP reader needs), it is still not the one accepted."""
    container = craft(*items)
    assert hub.post(PROVINCE, container).status_code == 201
    before = holdings(hub)

    @given(st.data())
    @settings(max_examples=60)
    def bent_is_refused(data: st.DataObject) -> None:
        bent = bend(container, data)
        if bent != container:
            refused(hub.post(PROVINCE, bent), "")

    bent_is_refused()
    assert holdings(hub) == before

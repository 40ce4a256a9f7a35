"""One message must neither hold the hub up for everybody else nor take another organ's place."""

from __future__ import annotations

import io
import os
import zipfile
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, RunningHub

from lienthong.exchange.edxml import secrecy
from lienthong.exchange.edxml.model import Document, Reference
from lienthong.exchange.edxml.reader import read_envelope
from lienthong.exchange.edxml.writer import write
from lienthong.exchange.errors import MalformedMessage
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.asic.manifest import write_manifest
from lienthong.trust.cms import sign_detached
from lienthong.trust.zip.format import TooMuch


def test_a_secrecy_mark_drowned_in_white_space_is_judged_in_one_pass() -> None:
    # Judged by retrying every part, this would take days: the suite's own time limit is the measure.
    assert secrecy.mark_alone("độ mật" + " " * 1_000_000 + "x") is None
    assert secrecy.mark_alone("  độ  mật :   tối   mật  ") == "tối mật"
    assert secrecy.mark_opening("Mật" + " " * 1_000_000 + "ong") is None


def test_combining_marks_without_end_are_refused_before_they_are_sorted(hub: RunningHub) -> None:
    marker = "Subject that is replaced"
    document = hub.province.document(DEPARTMENT, [COMMUNE], subject=marker)
    hostile = write(document).replace(marker.encode(), ("a" + "\u0323\u0301" * 200_000).encode())
    with pytest.raises(MalformedMessage):
        read_envelope(hostile, today=datetime.now(UTC).date())


def _deflated(hub: RunningHub, document: Document, data: bytes) -> bytes:
    """A container whose one file is deflated, as a foreign producer may do."""
    document = replace(document, references=(Reference("files/a.pdf", "application/pdf", "a.pdf"),))
    files = [("edoc.xml", "text/xml", write(document)), ("files/a.pdf", "application/pdf", data)]
    manifest = write_manifest(
        (name, kind, b64encode(sha256(body).digest()).decode()) for name, kind, body in files
    )
    seal = hub.province.seals[document.sender.organ_id]
    signature = sign_detached(manifest, seal, signing_time=datetime.now(UTC))
    entries = [
        ("mimetype", MIMETYPE.encode(), 0),
        *((name, body, 8 if name.startswith("files/") else 0) for name, _, body in files),
        ("META-INF/ASiCManifest.xml", manifest, 0),
        ("META-INF/signature.p7s", signature, 0),
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body, method in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = method
            archive.writestr(entry, body)
    return out.getvalue()


def test_what_unpacks_to_a_lot_is_unpacked_apart_from_the_loop(hub: RunningHub) -> None:
    data = b"".join(os.urandom(380) + bytes(99_620) for _ in range(400))
    container = _deflated(hub, hub.province.document(DEPARTMENT, [COMMUNE]), data)
    assert len(container) < hub.app.memory_bytes
    with pytest.raises(TooMuch):
        hub.app.hub.acceptor.examine(container)
    assert hub.post(DEPARTMENT, container).status_code == 201


def test_nobody_numbers_a_document_as_another_organs(hub: RunningHub) -> None:
    province = hub.province
    original = province.document(PROVINCE, [COMMUNE], number="77")
    hub.send(original)
    copied = replace(province.document(DEPARTMENT, [COMMUNE], number="77"), document_id=original.document_id)
    answer = hub.send(copied)
    assert answer.status_code in {400, 403, 409, 422}
    assert answer.json()["place"] == "MessageHeader/DocumentId"


def test_a_report_finds_its_document_by_the_document_ids_own_organ(hub: RunningHub) -> None:
    province = hub.province
    original = province.document(PROVINCE, [COMMUNE], number="78")
    index = hub.send(original).json()["index"]
    hub.send(
        replace(province.document(DEPARTMENT, [OTHER_COMMUNE], number="78"), document_id=original.document_id)
    )
    status = province.status(COMMUNE, original, "01")
    status = replace(status, response_for=replace(status.response_for, organ_id=""))
    answer = hub.send(status)
    assert answer.status_code == 201
    assert (answer.json()["leaf"]["subject"], answer.json()["leaf"]["to"]) == (index, [PROVINCE])


def test_a_report_on_a_document_of_an_unknown_organ_is_refused(hub: RunningHub) -> None:
    original = hub.province.document(PROVINCE, [COMMUNE], number="79")
    hub.send(original)
    status = hub.province.status(COMMUNE, original, "01")
    status = replace(status, response_for=replace(status.response_for, organ_id="H99.ZZ"))
    assert hub.send(status).status_code == 422

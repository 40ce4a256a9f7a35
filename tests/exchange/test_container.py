from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.trust.container_signers import NOW, encryption, signer

from lienthong.core.identifiers import IdentifierError
from lienthong.exchange import container
from lienthong.exchange.container import File, build, open_container
from lienthong.exchange.edxml import model
from lienthong.exchange.edxml.writer import write
from lienthong.exchange.errors import MalformedMessage
from lienthong.trust import asic
from lienthong.trust.errors import ContainerError, SealingError

TODAY = date(2026, 3, 2)
DIRECTIVE = model.Document(
    sender=model.Organ("000.00.00.H61", "UBND tỉnh Vĩnh Long"),
    recipients=(model.Organ("000.00.05.H61", "Sở Nội vụ"),),
    document_id="000.00.00.H61,2026/03/01,15/CT-UBND",
    code=model.Code("15", "CT-UBND"),
    promulgation=model.Promulgation(date(2026, 3, 1), "Vĩnh Long"),
    type=model.DocumentType(2, "Chỉ thị", 3),
    subject="Về việc liên thông văn bản điện tử",
    trace=model.Trace(
        "m-2026-0001", (model.TraceHeader("000.00.00.H61", NOW),), model.Business(reason="Văn bản mới")
    ),
)
STATUS = model.Status(
    sender=model.Organ("000.00.05.H61", "Sở Nội vụ"),
    response_for=model.ResponseFor(
        "000.00.00.H61", "15/CT-UBND", "000.00.00.H61,2026/03/01,15/CT-UBND", date(2026, 3, 1)
    ),
    status_code="03",
    timestamp=NOW,
    trace=model.Trace("m-2026-0002", (model.TraceHeader("000.00.05.H61", NOW),)),
)
PDF = b"%PDF-1.7 chi thi " * 300


def directive(files: list[File], **options: object) -> bytes:
    made = build(DIRECTIVE, files, signer(), signing_time=NOW, **options)  # type: ignore[arg-type]
    assert made is not None
    return made


def test_a_message_and_its_files_come_out_as_they_went_in() -> None:
    made = directive([File("chỉ thị số 15.pdf", "application/pdf", PDF, "Bản chính")])
    with open_container(made, today=TODAY) as opened:
        assert opened.envelope.message_id == "m-2026-0001"
        assert opened.envelope.references == ("files/chỉ thị số 15.pdf",)
        assert [file.name for file in opened.files] == ["files/chỉ thị số 15.pdf"]
        assert opened.container.read("files/chỉ thị số 15.pdf") == PDF
        assert opened.signature.certificate == signer().certificate
        message = opened.message()
        assert isinstance(message, model.Document)
        assert message.references[0].description == "Bản chính"
        assert not opened.sealed


def test_a_status_travels_in_a_container_of_its_own() -> None:
    made = build(STATUS, [], signer(), signing_time=NOW)
    assert made is not None
    with open_container(made, today=TODAY) as opened:
        assert opened.envelope.is_status
        assert opened.files == ()


def test_a_status_carries_no_files() -> None:
    with pytest.raises(MalformedMessage):
        build(STATUS, [File("a.pdf", "application/pdf", PDF)], signer(), signing_time=NOW)


def test_a_message_needs_an_id() -> None:
    nameless = replace(DIRECTIVE, trace=replace(DIRECTIVE.trace, message_id=None))
    with pytest.raises(IdentifierError):
        build(nameless, [], signer(), signing_time=NOW)


def test_files_inside_the_message_have_no_place_in_a_container() -> None:
    stuffed = replace(DIRECTIVE, attachments=(model.Attachment("a", "a.pdf", PDF),))
    with pytest.raises(MalformedMessage):
        build(stuffed, [], signer(), signing_time=NOW)


@pytest.mark.parametrize("large", [False, True], ids=["memory", "file"])
def test_only_the_recipient_opens_a_sealed_message(large: bool, tmp_path: Path) -> None:
    key, certificate = encryption()
    other_key, other_certificate = encryption(name="Sở Y tế")
    source = tmp_path / "bao-cao.pdf"
    source.write_bytes(PDF)
    files = [File("báo cáo.pdf", "application/pdf", source if large else PDF)]
    out = tmp_path / "sealed.asice" if large else None
    made = build(DIRECTIVE, files, signer(), signing_time=NOW, out=out, seal_for=[certificate])
    with open_container(made or tmp_path / "sealed.asice", today=TODAY) as opened:
        assert opened.sealed
        assert opened.container.names == ("edoc.xml", "files.p7m")
        assert "báo cáo".encode() not in opened.edoc
        with pytest.raises(SealingError) as error:
            opened.unseal(other_key, other_certificate, tmp_path / "other")
        assert error.value.code == "sealed-not-for-us"
        [path] = opened.unseal(key, certificate, tmp_path / "open")
        assert path.name == "báo cáo.pdf"
        assert path.read_bytes() == PDF
    assert not list(tmp_path.glob(".*"))


def signed(edoc: model.Message, *names: str) -> bytes:
    entries = [asic.Entry("edoc.xml", "text/xml", write(edoc))]
    entries += [asic.Entry(name, "application/pdf", PDF) for name in names]
    made = asic.write(entries, signer(), signing_time=NOW)
    assert made is not None
    return made


def references(*names: str) -> model.Document:
    return replace(
        DIRECTIVE, references=tuple(model.Reference(name, "application/pdf", "a") for name in names)
    )


@pytest.mark.parametrize(
    ("referred", "present", "place"),
    [
        (["files/a.pdf", "files/b.pdf"], ["files/a.pdf"], "files/b.pdf"),
        (["files/a.pdf"], ["files/a.pdf", "files/b.pdf"], "files/b.pdf"),
        (["files/a.pdf", "files/a.pdf"], ["files/a.pdf"], "Reference"),
        (["files/a.pdf", "edoc.xml"], ["files/a.pdf"], "edoc.xml"),
        (["edoc.xml"], ["files/a.pdf"], "edoc.xml"),
        (["files/a.pdf"], [], "files/a.pdf"),
    ],
)
def test_references_and_files_match_one_to_one(referred: list[str], present: list[str], place: str) -> None:
    with pytest.raises(MalformedMessage) as error:
        open_container(signed(references(*referred), *present), today=TODAY)
    assert place in (error.value.place or "")


def test_a_container_without_edoc_is_refused() -> None:
    made = asic.write([asic.Entry("a.pdf", "application/pdf", PDF)], signer(), signing_time=NOW)
    assert made is not None
    with pytest.raises(MalformedMessage):
        open_container(made, today=TODAY)


def test_a_message_dated_in_the_future_is_refused() -> None:
    made = directive([File("a.pdf", "application/pdf", PDF)])
    with pytest.raises(MalformedMessage) as error:
        open_container(made, today=date(2026, 3, 1) - timedelta(days=1))
    assert "PromulgationDate" in (error.value.place or "")


def test_what_every_hub_would_refuse_is_not_even_made() -> None:
    with pytest.raises(MalformedMessage):
        build(replace(DIRECTIVE, subject=""), [File("a", "text/plain", b"")], signer(), signing_time=NOW)
    with pytest.raises(MalformedMessage) as error:
        directive([])
    assert "Reference" in (error.value.place or "")


def test_a_file_name_that_some_system_would_misread_is_refused_when_the_container_is_made() -> None:
    for name in ("../a.pdf", "a:b.pdf", "a\\b.pdf", "con.pdf", ""):
        with pytest.raises(ContainerError):
            directive([File(name, "application/pdf", PDF)])


def test_names_are_kept_in_one_normal_form() -> None:
    made = directive([File("chỉ thị.pdf", "application/pdf", PDF)])
    with open_container(made, today=TODAY) as opened:
        assert opened.files[0].name == container.FILES + "chỉ thị.pdf"

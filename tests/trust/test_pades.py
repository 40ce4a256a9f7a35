"""PAdES: signing PDFs, and noticing what was done to them afterwards."""

from __future__ import annotations

import asyncio
import io
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from tests.trust.conftest import NewProvince, NewSigner, make_signer
from tests.trust.far_ends import nobody

from lienthong.trust import paths
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import PdfSignatureError, TimestampUnavailable
from lienthong.trust.keys import FileSigner
from lienthong.trust.pades import PdfSignature, check_pdf, sign_pdf
from lienthong.trust.pdf_appearance import Appearance, annex_words, seal_box
from lienthong.trust.profiles import Profile
from lienthong.trust.tsa import TimeStampAuthority

DAY = timedelta(days=1)


def compile_page(source: str, folder: Path, format: str = "pdf") -> bytes:
    (folder / "page.typ").write_text(source, encoding="utf-8")
    made = typst.compile(folder / "page.typ", format=format)
    assert isinstance(made, bytes)
    return made


@pytest.fixture(scope="module")
def directive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A one-page directive."""
    source = (
        "#set page(width: 400pt, height: 400pt)\n= Chỉ thị 12/CT-UBND\n\nVề việc gửi, nhận văn bản điện tử"
    )
    return compile_page(source, tmp_path_factory.mktemp("pdf"))


@pytest.fixture(scope="module")
def tsa(tsa_signer: FileSigner, now: datetime) -> TimeStampAuthority:
    return TimeStampAuthority(tsa_signer, clock=lambda: now)


@pytest.fixture(scope="module")
def signed(directive: bytes, seal_signer: FileSigner, now: datetime) -> bytes:
    return sign_pdf(directive, seal_signer, name="UBND tỉnh", reason="Ban hành", signing_time=now)


def only(found: list[PdfSignature]) -> PdfSignature:
    [one] = found
    return one


def test_a_signed_pdf_tells_who_signed_when_and_why(
    signed: bytes, seal_signer: FileSigner, trust_store: TrustStore, now: datetime
) -> None:
    found = only(check_pdf(signed, trust_store, at=now))
    assert found.ok, found.problems
    assert (found.signer, found.organ) == ("Ủy ban nhân dân tỉnh Vĩnh Long", "000.00.00.H61")
    assert (found.reason, found.signed_at, found.timestamp, found.level) == ("Ban hành", now, None, "B-B")
    assert (found.covers, found.later_changes, found.certificate) == ("file", "none", seal_signer.certificate)


def test_a_time_stamped_signature_proves_its_time(
    directive: bytes,
    rsa_seal_signer: FileSigner,
    tsa: TimeStampAuthority,
    trust_store: TrustStore,
    now: datetime,
) -> None:
    found = only(check_pdf(sign_pdf(directive, rsa_seal_signer, tsa=tsa), trust_store))
    assert found.ok, found.problems
    assert (found.timestamp, found.judged_at, found.level) == (now, now, "B-T")


@pytest.mark.parametrize("stamped", [False, True])
def test_other_peoples_tools_agree(
    stamped: bool, directive: bytes, seal_signer: FileSigner, tsa: TimeStampAuthority, tmp_path: Path
) -> None:
    (tmp_path / "signed.pdf").write_bytes(sign_pdf(directive, seal_signer, tsa=tsa if stamped else None))
    command = ["pdfsig", "-nocert", tmp_path / "signed.pdf"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said


def test_the_signed_pdf_begins_with_the_very_bytes_that_were_given(directive: bytes, signed: bytes) -> None:
    assert signed.startswith(directive)


def test_an_unsigned_pdf_has_no_signatures(directive: bytes, trust_store: TrustStore) -> None:
    assert check_pdf(directive, trust_store) == []


def test_a_person_signs_and_the_agency_seals_and_both_stay_valid(
    signed: bytes, new_signer: NewSigner, trust_store: TrustStore, now: datetime
) -> None:
    person = new_signer(Profile.SEAL, name="Nguyễn Văn An", code="")
    first, second = check_pdf(sign_pdf(signed, person), trust_store, at=now)
    assert first.ok, first.problems
    assert second.ok, second.problems
    assert [first.field, second.field] == ["Signature1", "Signature2"]
    assert (first.covers, first.later_changes) == ("revision", "allowed")
    assert (second.covers, second.signer) == ("file", "Nguyễn Văn An")


def test_signing_works_inside_an_event_loop(directive: bytes, seal_signer: FileSigner) -> None:
    async def sign() -> bytes:
        return sign_pdf(directive, seal_signer)

    assert asyncio.run(sign()).startswith(directive)


# Tampering


def test_an_altered_word_is_noticed(
    directive: bytes, signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    place = directive.index(b"/MediaBox") + len(b"/MediaBox [0 0 4")
    altered = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
    found = only(check_pdf(altered, trust_store, at=now))
    assert not found.ok
    assert not found.intact
    assert any("altered" in problem for problem in found.problems)


def appended(pdf: bytes) -> IncrementalPdfFileWriter:
    return IncrementalPdfFileWriter(io.BytesIO(pdf))


def written(writer: IncrementalPdfFileWriter) -> bytes:
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def test_a_page_replaced_by_an_update_is_noticed(
    signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    writer = appended(signed)
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    contents = writer.add_object(generic.StreamObject(stream_data=b"BT (Chi thi khac) Tj ET"))
    page["/Contents"] = contents
    writer.update_container(page)
    found = only(check_pdf(written(writer), trust_store, at=now))
    assert found.intact
    assert (found.covers, found.later_changes, found.ok) == ("revision", "suspicious", False)


def test_a_page_added_by_an_update_is_noticed(signed: bytes, trust_store: TrustStore, now: datetime) -> None:
    writer = appended(signed)
    box = generic.ArrayObject(map(generic.NumberObject, (0, 0, 400, 400)))
    name = generic.pdf_name
    writer.insert_page(generic.DictionaryObject({name("/Type"): name("/Page"), name("/MediaBox"): box}))
    found = only(check_pdf(written(writer), trust_store, at=now))
    assert (found.later_changes, found.ok) == ("suspicious", False)


def test_an_annotation_laid_over_the_text_is_noticed(
    signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    writer = appended(signed)
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 400, 400))),
            generic.pdf_name("/Contents"): generic.TextStringObject("Không còn hiệu lực"),
        }
    )
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Annots"] = generic.ArrayObject([*page.get("/Annots", []), writer.add_object(note)])
    writer.update_container(page)
    found = only(check_pdf(written(writer), trust_store, at=now))
    assert (found.later_changes, found.ok) == ("suspicious", False)


def test_bytes_after_the_end_are_not_said_to_be_signed(
    signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    found = only(check_pdf(signed + b"\n% and another thing", trust_store, at=now))
    assert (found.intact, found.covers) == (True, "revision")


def test_a_signature_moved_to_another_document_is_noticed(
    signed: bytes, seal_signer: FileSigner, trust_store: TrustStore, now: datetime, tmp_path: Path
) -> None:
    other = compile_page("#set page(width: 400pt, height: 400pt)\n= Chỉ thị giả", tmp_path)
    forged = sign_pdf(other, seal_signer, name="UBND tỉnh", reason="Ban hành", signing_time=now)
    taken, room = _contents(signed), _contents(forged)
    assert len(taken) == len(room)
    found = only(check_pdf(forged.replace(room, taken), trust_store, at=now))
    assert (found.intact, found.ok) == (False, False)


def _contents(pdf: bytes) -> bytes:
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    return pdf[start : pdf.index(b">", start)]


def test_a_byte_range_that_skips_the_document_is_noticed(
    signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    start = signed.index(b"/ByteRange [") + len(b"/ByteRange [")
    end = signed.index(b"]", start)
    shrunk = b"0 10 20 30".ljust(end - start)
    found = only(check_pdf(signed[:start] + shrunk + signed[end:], trust_store, at=now))
    assert (found.covers, found.ok) == ("part", False)


# Trust


def test_an_untrusted_signer_is_said_to_be_untrusted(
    directive: bytes, new_province: NewProvince, trust_store: TrustStore, now: datetime
) -> None:
    stranger = make_signer(new_province(), now)
    found = only(check_pdf(sign_pdf(directive, stranger), trust_store, at=now))
    assert found.intact
    assert found.verdict is not None
    assert (found.verdict.status, found.ok) == ("untrusted", False)


@pytest.mark.parametrize("profile", [Profile.TLS_CLIENT, Profile.DIRECTORY, Profile.OCSP])
def test_a_certificate_for_something_else_does_not_sign_documents(
    profile: Profile, directive: bytes, new_signer: NewSigner, trust_store: TrustStore, now: datetime
) -> None:
    found = only(check_pdf(sign_pdf(directive, new_signer(profile)), trust_store, at=now))
    assert found.verdict is not None
    assert (found.verdict.status, found.ok) == ("wrong-purpose", False)


def test_a_time_stamp_keeps_a_signature_valid_after_its_certificate_ended(
    directive: bytes, new_province: NewProvince, now: datetime
) -> None:
    ca = new_province()
    signer = make_signer(ca, now, days=1)
    tsa = TimeStampAuthority(make_signer(ca, now, Profile.TSA, code=""), clock=lambda: now)
    plain, stamped = sign_pdf(directive, signer), sign_pdf(directive, signer, tsa=tsa)
    ca.publish_crls(now=now + 10 * DAY)
    store = TrustStore.from_folder(ca.folder)
    late = now + 10 * DAY
    assert only(check_pdf(stamped, store, at=late)).ok
    found = only(check_pdf(plain, store, at=late))
    assert found.verdict is not None
    assert (found.verdict.status, found.ok) == ("expired", False)


def test_a_revocation_counts_for_what_was_not_proven_older(
    directive: bytes, new_province: NewProvince, now: datetime
) -> None:
    ca = new_province()
    signer = make_signer(ca, now)
    tsa = TimeStampAuthority(make_signer(ca, now, Profile.TSA, code=""), clock=lambda: now)
    plain, stamped = sign_pdf(directive, signer), sign_pdf(directive, signer, tsa=tsa)
    serial = paths.parse(signer.certificate).x509.serial_number
    ca.revoke(serial, reason="key-compromise", at=now + DAY)
    ca.publish_crls(now=now + DAY)
    store = TrustStore.from_folder(ca.folder)
    assert only(check_pdf(stamped, store, at=now + 2 * DAY)).ok
    assert not only(check_pdf(plain, store, at=now + 2 * DAY)).ok


def test_a_time_stamp_by_a_stranger_proves_nothing(
    directive: bytes,
    seal_signer: FileSigner,
    new_province: NewProvince,
    trust_store: TrustStore,
    now: datetime,
) -> None:
    stranger = TimeStampAuthority(make_signer(new_province(), now, Profile.TSA, code=""))
    found = only(check_pdf(sign_pdf(directive, seal_signer, tsa=stranger), trust_store, at=now))
    assert (found.timestamp, found.ok) == (None, False)
    assert any("time-stamp" in problem for problem in found.problems)


def test_a_time_stamping_authority_that_is_gone_stops_the_signing(
    directive: bytes, seal_signer: FileSigner
) -> None:
    with pytest.raises(TimestampUnavailable):
        sign_pdf(directive, seal_signer, tsa=nobody())


# Appearance (Decree 30/2020, annex I)


def red_circle(folder: Path) -> bytes:
    source = "#set page(width: 90pt, height: 90pt, margin: 2pt, fill: none)\n#circle(radius: 40pt, fill: red)"
    return compile_page(source, folder, "png")


def colours(pdf: bytes, folder: Path) -> list[list[tuple[int, int, int]]]:
    """The page's pixels, one a point."""
    (folder / "shown.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-r", "72", "-singlefile", folder / "shown.pdf", folder / "shown"]
    subprocess.run(command, check=True, capture_output=True)
    _magic, size, _depth, pixels = (folder / "shown.ppm").read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    rows = [pixels[row * width * 3 : (row + 1) * width * 3] for row in range(height)]
    return [[(row[x], row[x + 1], row[x + 2]) for x in range(0, width * 3, 3)] for row in rows]


def is_red(pixel: tuple[int, int, int]) -> bool:
    return pixel[0] > 200 and pixel[1] < 120 and pixel[2] < 120


def test_a_red_seal_shows_in_its_box_and_nowhere_else(
    directive: bytes, seal_signer: FileSigner, trust_store: TrustStore, now: datetime, tmp_path: Path
) -> None:
    appearance = Appearance(page=-1, box=(100, 50, 200, 150), image=red_circle(tmp_path))
    sealed = sign_pdf(directive, seal_signer, appearance=appearance)
    assert only(check_pdf(sealed, trust_store, at=now)).ok
    shown = colours(sealed, tmp_path)
    red = [(x, 400 - y) for y, row in enumerate(shown) for x, pixel in enumerate(row) if is_red(pixel)]
    assert len(red) > 3000
    assert all(100 <= x <= 200 and 50 <= y <= 150 for x, y in red)
    assert shown[400 - 52][102] == (255, 255, 255), "the seal's background is transparent"


def test_the_seal_covers_the_left_third_of_the_signature() -> None:
    left, bottom, right, top = seal_box((300, 300, 420, 360), diameter_mm=36)
    assert right == 340
    assert round(right - left, 3) == round(top - bottom, 3) == round(36 * 72 / 25.4, 3)
    assert (bottom + top) / 2 == 330


def test_an_annex_shows_its_number_and_the_time_in_vietnam(
    directive: bytes, seal_signer: FileSigner, trust_store: TrustStore, now: datetime, tmp_path: Path
) -> None:
    words = annex_words("12/QĐ-UBND", now)
    vietnam = now + timedelta(hours=7)
    assert words == f"12/QĐ-UBND\n{vietnam:%d/%m/%Y %H:%M:%S} +07:00"
    shown = sign_pdf(directive, seal_signer, appearance=Appearance(0, (250, 340, 390, 390), words=words))
    assert only(check_pdf(shown, trust_store, at=now)).ok
    pixels = colours(shown, tmp_path)
    dark = sum(sum(pixel) < 300 for row in pixels[10:60] for pixel in row[250:390])
    assert dark > 50


@pytest.mark.parametrize(
    ("appearance", "words"),
    [
        (Appearance(0, (10, 10, 10, 50), words="x"), "empty"),
        (Appearance(0, (10, 10, 50, 50), image=b"GIF89a"), "not a PNG"),
        (Appearance(0, (10, 10, 50, 50), image=b"\x89PNG\r\n\x1a\n cut"), "cannot be drawn"),
        (Appearance(7, (10, 10, 50, 50), words="x"), "."),
    ],
)
def test_an_impossible_appearance_is_refused(
    appearance: Appearance, words: str, directive: bytes, seal_signer: FileSigner
) -> None:
    with pytest.raises(PdfSignatureError, match=words):
        sign_pdf(directive, seal_signer, appearance=appearance)


def test_words_in_an_appearance_are_words_and_no_program(
    directive: bytes, seal_signer: FileSigner, trust_store: TrustStore, now: datetime
) -> None:
    words = '#read("/etc/passwd") $x$ *'
    shown = sign_pdf(directive, seal_signer, appearance=Appearance(0, (10, 10, 300, 50), words=words))
    assert only(check_pdf(shown, trust_store, at=now)).ok


# Input that is no PDF, or a hostile one


@given(st.binary(max_size=300))
def test_garbage_is_never_a_pdf_and_never_a_traceback(garbage: bytes) -> None:
    for data in (garbage, b"%PDF-1.7\n" + garbage):
        with pytest.raises(PdfSignatureError):
            check_pdf(data, TrustStore([]))


def test_what_is_no_pdf_is_not_signed(seal_signer: FileSigner) -> None:
    for data in (b"", b"PK\x03\x04", b"%PDF-1.7\n"):
        with pytest.raises(PdfSignatureError):
            sign_pdf(data, seal_signer)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_signed_pdf_with_any_byte_changed_is_never_ok(
    data: st.DataObject, signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    changed = bytearray(signed)
    place = data.draw(st.integers(0, len(changed) - 1))
    start = signed.index(_contents(signed))
    if start <= place < start + len(_contents(signed)):
        return  # the signature's own room; its padding may change
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = check_pdf(bytes(changed), trust_store, at=now)
    except PdfSignatureError:
        return
    assert not any(one.ok for one in found)


def test_an_encrypted_pdf_is_refused_with_the_reason(directive: bytes, trust_store: TrustStore) -> None:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(directive)))
    writer.encrypt(owner_pass="a", user_pass="b")
    output = io.BytesIO()
    writer.write(output)
    with pytest.raises(PdfSignatureError, match="encrypted"):
        check_pdf(output.getvalue(), trust_store)


def test_a_signature_of_an_unknown_kind_is_a_problem_and_not_overlooked(
    signed: bytes, trust_store: TrustStore, now: datetime
) -> None:
    odd = signed.replace(b"/ETSI.CAdES.detached", b"/adbe.x509.rsa.sha1_")
    found = only(check_pdf(odd, trust_store, at=now))
    assert not found.ok

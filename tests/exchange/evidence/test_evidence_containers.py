from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.evidence.conftest import COMMUNE, LOG_KEY, NOW, PEOPLES_COMMITTEE, Log, Province

from lienthong.exchange.evidence.bundle import recognise, verify_files
from lienthong.exchange.evidence.checks import Report, Trust, Words
from lienthong.exchange.evidence.containers import ProvenTime, verify_container
from lienthong.exchange.evidence.pdfs import verify_pdf
from lienthong.registry.directory import Agency, Alias, CertificateRef, Directory
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.log.policy import Policy
from lienthong.trust.pades import sign_pdf
from lienthong.trust.profiles import Profile
from lienthong.trust.timestamps import request_timestamp
from lienthong.trust.tsa import TimeStampAuthority


def outcome(report: Report) -> dict[str, bool | None]:
    return {check.code: check.ok for check in report.checks}


def test_a_good_certificate_is_explained_in_vietnamese_alone(province: Province, trust: Trust) -> None:
    report = verify_container(province.container(), trust)
    [told] = [check.explanation.vi for check in report.checks if check.code == "container.certificate"]
    assert ", qua " in told
    for word in (" is ", " trusted ", " through ", " not "):
        assert word not in told


def test_a_container_holds_and_every_step_is_named(province: Province, trust: Trust) -> None:
    report = verify_container(province.container(), trust)
    assert report.verdict == "holds"
    assert outcome(report) == {
        "container.seal": True,
        "container.time": None,
        "container.certificate": True,
        "container.message": True,
        "container.sender": True,
        "pdf.signature": None,
    }
    assert report.facts["message"]["id"] == "m-15"
    assert report.facts["seal"]["organ"] == PEOPLES_COMMITTEE


def test_without_authorities_to_trust_the_container_is_not_proven(
    province: Province, no_trust: Trust
) -> None:
    report = verify_container(province.container(), no_trust)
    assert report.verdict == "incomplete"
    assert outcome(report)["container.seal"] is True
    assert outcome(report)["container.certificate"] is None


def test_trust_without_revocation_lists_says_what_was_not_checked(province: Province, trust: Trust) -> None:
    bare = TrustStore([anchor.der for anchor in province.trust.anchors])
    report = verify_container(province.container(), replace(trust, certificates=bare))
    assert report.verdict == "holds"
    assert outcome(report)["container.revocation"] is None


def test_a_seal_by_a_stranger_is_refused(province: Province, trust: Trust, tmp_path: Path) -> None:
    elsewhere = province.ca.create(tmp_path / "pki", province="Nơi khác", passphrase=b"x" * 12, now=NOW)
    key = generate_key("p256")
    issued = elsewhere.issue(
        Profile.SEAL,
        subject_name="UBND tỉnh Vĩnh Long",
        organ_code=PEOPLES_COMMITTEE,
        public_key=key.public_key(),
        now=NOW,
        days=30,
    )
    made = province.container(seal=FileSigner(key, issued.certificate, issued.chain))
    assert outcome(verify_container(made, trust))["container.certificate"] is False


def test_a_changed_container_is_refused_with_the_place(province: Province, trust: Trust) -> None:
    made = province.container()
    at = made.index(b"chi thi chi thi") if b"chi thi chi thi" in made else made.index(b"%PDF") + 20
    report = verify_container(made[:at] + b"X" + made[at + 1 :], trust)
    assert outcome(report) == {"container.seal": False}
    assert "chi-thi.pdf" in report.checks[0].explanation.en


def test_the_seal_of_another_agency_is_not_the_senders(province: Province, trust: Trust) -> None:
    commune = province.new_seal("UBND xã Long Phước", COMMUNE)
    report = verify_container(province.container(seal=commune), trust)
    assert report.verdict == "incomplete", "two codes may be one agency: only a directory can tell"
    agencies = [
        Agency(PEOPLES_COMMITTEE, "UBND tỉnh", seals=(CertificateRef.of(province.seal.certificate),)),
        Agency(COMMUNE, "UBND xã Long Phước", seals=(CertificateRef.of(commune.certificate),)),
    ]
    directory = Directory.build(
        agencies, version=1, province="Vĩnh Long", issued_at=NOW, expires_at=NOW + timedelta(days=7)
    )
    known = replace(trust, directory=directory)
    report = verify_container(province.container(seal=commune), known)
    assert outcome(report)["container.sender"] is False
    said = next(check for check in report.checks if check.code == "container.sender").explanation
    assert "UBND xã Long Phước" in said.vi
    assert verify_container(province.container(), known).verdict == "holds"


def test_two_codes_of_one_agency_are_known_to_the_directory(province: Province, trust: Trust) -> None:
    seal = province.new_seal("UBND tỉnh Vĩnh Long", "H61")
    agency = Agency(
        "H61", "UBND tỉnh", aliases=(Alias(PEOPLES_COMMITTEE),), seals=(CertificateRef.of(seal.certificate),)
    )
    directory = Directory.build(
        [agency], version=1, province="Vĩnh Long", issued_at=NOW, expires_at=NOW + timedelta(days=7)
    )
    made = province.container(seal=seal)
    assert verify_container(made, trust).verdict == "incomplete"
    assert verify_container(made, replace(trust, directory=directory)).verdict == "holds"


def test_an_old_container_holds_when_its_receipt_shows_when_it_was_sealed(
    province: Province, trust: Trust, tmp_path: Path
) -> None:
    """Ten years on the certificate has expired; the log shows that it had not when the seal was set."""
    path = tmp_path / "chi-thi.asice"
    path.write_bytes(province.container())
    log = Log()
    log.commit([path.read_bytes()], NOW + timedelta(minutes=1))
    (receipt := tmp_path / "chi-thi.receipt.json").write_bytes(log.receipts[0])
    later = replace(trust, now=NOW + timedelta(days=3650))
    reports = verify_files([path, receipt], later)
    assert [report.verdict for report in reports] == ["holds", "holds"]
    assert outcome(reports[0])["container.time"] is True
    assert "chi-thi.receipt.json" in reports[0].checks[1].explanation.en
    assert outcome(reports[1])["receipt.container"] is True


def test_a_time_stamp_shows_when_it_was_sealed(province: Province, trust: Trust) -> None:
    key = generate_key("p256")
    issued = province.ca.issue(
        Profile.TSA, subject_name="Dấu thời gian", public_key=key.public_key(), now=NOW, days=30
    )
    tsa = TimeStampAuthority(
        FileSigner(key, issued.certificate, issued.chain), clock=lambda: NOW + timedelta(minutes=3)
    )
    made = province.container(timestamp=lambda digest: request_timestamp(tsa, digest))
    report = verify_container(made, trust)
    assert report.verdict == "holds"
    assert outcome(report)["container.time"] is True
    assert report.facts["sealed_before"] == (NOW + timedelta(minutes=3)).isoformat()
    earlier = ProvenTime(NOW + timedelta(minutes=1), Words("biên nhận", "the receipt"))
    assert verify_container(made, trust, proven=earlier).facts["sealed_before"] == earlier.at.isoformat()


def test_a_receipt_that_does_not_hold_proves_no_time(
    province: Province, trust: Trust, tmp_path: Path
) -> None:
    path = tmp_path / "a.asice"
    path.write_bytes(province.container())
    log = Log()
    log.commit([path.read_bytes()])
    (receipt := tmp_path / "a.json").write_bytes(log.receipts[0].replace(b'"m-0"', b'"m-9"'))
    first, second = verify_files([path, receipt], trust)
    assert outcome(first)["container.time"] is None
    assert second.verdict == "fails"


def test_every_kind_of_evidence_is_recognised_by_its_content(
    province: Province, log: Log, tmp_path: Path
) -> None:
    files = {
        "container": province.container(),
        "receipt": log.receipts[0],
        "inclusion": log.inclusion(0, 7),
        "consistency": log.consistency(3, 7),
        "checkpoint": log.checkpoint(7),
        "unknown": b"just a text",
    }
    for kind, data in files.items():
        (path := tmp_path / f"{kind}.bin").write_bytes(data)
        assert recognise(path) == kind
    assert recognise(tmp_path) == "log"


def test_what_cannot_be_read_or_recognised_is_a_failed_check(trust: Trust, tmp_path: Path) -> None:
    (text := tmp_path / "a.txt").write_text('{"format": 7}')
    missing, unknown, folder = verify_files([tmp_path / "none", text, tmp_path], trust)
    assert outcome(missing) == {"file.read": False}
    assert outcome(unknown) == {"file.kind": False}
    assert outcome(folder) == {"log.read": False}


def test_two_checkpoints_of_one_size_with_different_roots_are_a_split_view(
    log: Log, trust: Trust, tmp_path: Path
) -> None:
    """Each of the two holds alone; together they convict the log."""
    other = Log()
    other.commit([b"PK-0", b"PK-1", b"another PK-2"])
    (a := tmp_path / "a").write_bytes(log.checkpoint(3))
    (b := tmp_path / "b").write_bytes(other.receipts[1])
    (c := tmp_path / "c").write_bytes(log.consistency(3, 7))
    assert [r.verdict for r in verify_files([a, c], trust)] == ["holds", "holds"]
    first, second, third = verify_files([a, b, c], trust)
    assert (first.verdict, second.verdict, third.verdict) == ("holds", "fails", "holds")
    assert "two histories" in second.checks[-1].explanation.en


@given(st.binary(max_size=200).map(lambda data: b"PK\x03\x04" + data) | st.binary(max_size=200))
def test_random_bytes_are_no_container(data: bytes) -> None:
    report = verify_container(data, Trust(Policy.of([LOG_KEY.key]), NOW))
    assert outcome(report) == {"container.seal": False}


@pytest.fixture(scope="module")
def sample(province: Province) -> bytes:
    return province.container()


@given(st.data())
def test_a_container_changed_anywhere_is_refused_or_says_the_same(
    sample: bytes, province: Province, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(sample) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != sample[at]))
    changed = sample[:at] + bytes([value]) + sample[at + 1 :]
    trust = Trust(Policy.of([LOG_KEY.key]), NOW, province.trust)
    report = verify_container(changed, trust)
    if report.verdict == "holds":
        assert report.facts["files"] == verify_container(sample, trust).facts["files"]
        assert sha256(changed).digest() != sha256(sample).digest(), "the log's digest still tells them apart"


@pytest.fixture(scope="module")
def signed_pdf(province: Province, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = tmp_path_factory.mktemp("pdf") / "chi-thi.typ"
    source.write_text("= Chỉ thị 15/CT-UBND")
    made = typst.compile(source, format="pdf")
    assert isinstance(made, bytes)
    return sign_pdf(made, province.seal, signing_time=NOW)


def test_a_pdf_signed_by_itself_is_checked_alone_and_in_its_container(
    province: Province, trust: Trust, no_trust: Trust, signed_pdf: bytes, tmp_path: Path
) -> None:
    (path := tmp_path / "chi-thi.pdf").write_bytes(signed_pdf)
    (alone,) = verify_files([path], trust)
    assert (alone.kind, alone.verdict) == ("pdf", "holds")
    assert verify_files([path], no_trust)[0].verdict == "incomplete"
    inside = verify_container(province.container(pdf=signed_pdf), trust)
    assert inside.verdict == "holds"
    assert outcome(inside)["pdf.signature"] is True
    assert "UBND tỉnh Vĩnh Long" in inside.checks[-1].explanation.vi


def test_a_pdf_changed_after_it_was_signed_fails(province: Province, trust: Trust, signed_pdf: bytes) -> None:
    at = signed_pdf.index(b"endobj") - 3
    changed = signed_pdf[:at] + b" " + signed_pdf[at + 1 :]
    assert verify_pdf(changed, trust).verdict == "fails"
    inside = verify_container(province.container(pdf=changed), trust)
    assert outcome(inside)["container.seal"] is True, "the container was sealed with the changed file"
    assert outcome(inside)["pdf.signature"] is False


def test_a_pdf_that_nobody_signed_proves_nothing_alone(trust: Trust, tmp_path: Path) -> None:
    (source := tmp_path / "a.typ").write_text("= Nháp")
    made = typst.compile(source, format="pdf")
    assert isinstance(made, bytes)
    report = verify_pdf(made, trust)
    assert report.verdict == "incomplete"
    assert "nobody signed" in report.checks[0].explanation.en


@given(st.binary(max_size=200).map(lambda data: b"%PDF-1.7" + data))
def test_random_bytes_are_no_signed_pdf(data: bytes) -> None:
    report = verify_pdf(data, Trust(Policy.of([LOG_KEY.key]), NOW))
    assert outcome(report) == {"pdf.read": False}

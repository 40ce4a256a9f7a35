"""Embedded XML signatures: reported as verified, not verified or not checkable, and why."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.exchange.edxml.test_samples import document, sample
from tests.exchange.edxml.xml_signer import (
    C14N,
    DS,
    EXCLUSIVE,
    RSA_SHA1,
    RSA_SHA256,
    SHA1,
    SHA256,
    LegacySigner,
)

from lienthong.exchange.edxml import legacy_signature, reader
from lienthong.exchange.edxml.legacy_signature import LegacySignature

PLAIN = sample("chi-thi-moi")


@pytest.fixture(scope="module")
def signer() -> LegacySigner:
    return LegacySigner.create()


def only(data: bytes) -> LegacySignature:
    (found,) = legacy_signature.check(data)
    return found


def test_a_message_without_a_signature_has_none_to_report() -> None:
    assert legacy_signature.check(PLAIN) == ()
    assert legacy_signature.check(sample("cong-van-bo-net")) == ()


def test_the_signature_seen_in_the_wild_is_verified(signer: LegacySigner) -> None:
    found = only(signer.sign(PLAIN))
    assert found.state == "verified"
    assert found.algorithm == "rsa-sha1"
    assert found.signer == "CN=Ủy ban nhân dân huyện Long Hồ"
    assert found.certificate == signer.certificate
    assert found.not_before is not None and found.not_before.year == 2015
    assert "SHA-1" in found.reason and "SHA-1" in found.reason_vi


@pytest.mark.parametrize("canonical", [EXCLUSIVE, C14N])
def test_stronger_algorithms_are_verified_too(signer: LegacySigner, canonical: str) -> None:
    found = only(signer.sign(PLAIN, method=RSA_SHA256, digest=SHA256, canonical=canonical))
    assert (found.state, found.algorithm) == ("verified", "rsa-sha256")
    assert "SHA-1" not in found.reason


def test_white_space_around_the_signature_is_part_of_what_was_signed(signer: LegacySigner) -> None:
    signed = signer.sign(PLAIN)
    assert only(signed.replace(b"</Signature></edXML", b"</Signature>\n</edXML")).state == "not-verified"
    assert only(signer.sign(PLAIN, into=".//{*}edXMLEnvelope")).state == "verified"


def test_canonical_form_of_the_signed_part_is_the_one_the_standard_gives(signer: LegacySigner) -> None:
    """The digest is computed by hand here: no canonicaliser of ours on the signing side."""
    data = (
        '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016" xml:lang="vi"><edXMLEnvelope><edXMLHeader>'
        "<MessageHeader  Id = 'h1' b='2' a='1' ><!-- c --><Subject>Sở &#78;ội vụ</Subject><To/>"
        "</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"
    )
    by_hand = (
        '<MessageHeader xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016" Id="h1" a="1" b="2" xml:lang="vi">'
        "<Subject>Sở Nội vụ</Subject><To></To></MessageHeader>"
    ).encode()
    value = b64encode(hashlib.sha1(by_hand, usedforsecurity=False).digest()).decode()
    inner = (
        f'<CanonicalizationMethod Algorithm="{C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{RSA_SHA1}"></SignatureMethod><Reference URI="#h1">'
        f'<DigestMethod Algorithm="{SHA1}"></DigestMethod><DigestValue>{value}</DigestValue></Reference>'
    )
    canonical = f'<SignedInfo xmlns="{DS}" xml:lang="vi">{inner}</SignedInfo>'
    raw = signer.key.sign(canonical.encode(), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    signature = (
        f'<Signature xmlns="{DS}"><SignedInfo>{inner}</SignedInfo>'
        f"<SignatureValue>{b64encode(raw).decode()}</SignatureValue><KeyInfo><X509Data><X509Certificate>"
        f"{b64encode(signer.certificate).decode()}</X509Certificate></X509Data></KeyInfo></Signature>"
    )
    found = only(data.replace("</edXMLHeader>", f"{signature}</edXMLHeader>").encode())
    assert (found.state, found.reason[:37]) == ("verified", "the digests and the signature agree a")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data.replace("hạn hán".encode(), "bão lũ".encode()), "changed after signing"),
        (lambda data: data.replace(b"<edXML:Priority>1", b"<edXML:Priority>3"), "changed after signing"),
        (
            lambda data: data.replace(b'<DigestMethod Algorithm="', b'<DigestMethod  Id="x" Algorithm="'),
            "does not belong",
        ),
    ],
)
def test_any_change_is_noticed(signer: LegacySigner, change: Callable[[bytes], bytes], reason: str) -> None:
    signed = signer.sign(PLAIN)
    changed = change(signed)
    assert changed != signed
    found = only(changed)
    assert found.state == "not-verified"
    assert reason in found.reason


def test_another_key_than_the_certificates_is_noticed(signer: LegacySigner) -> None:
    other = LegacySigner.create()
    found = only(signer.sign(PLAIN, certificate=other.certificate))
    assert found.state == "not-verified"
    assert "does not belong" in found.reason


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (lambda der: der[:300], "cut short (300 of"),
        (lambda der: b"", "no certificate"),
        (lambda der: b"\x30\x03abc", "cannot be read"),
        (lambda der: bytes([der[0] ^ 0xFF]) + der[1:], "cannot be read"),
    ],
)
def test_without_a_readable_certificate_it_cannot_be_checked(
    signer: LegacySigner, certificate: Callable[[bytes], bytes], reason: str
) -> None:
    found = only(signer.sign(PLAIN, certificate=certificate(signer.certificate)))
    assert found.state == "not-checkable"
    assert reason in found.reason
    assert found.reason_vi


def test_transforms_that_compute_are_not_run(signer: LegacySigner) -> None:
    found = only(signer.sign(PLAIN, extra_transform="http://www.w3.org/TR/1999/REC-xslt-19991116"))
    assert (found.state, "is not run" in found.reason) == ("not-checkable", True)


def test_nothing_outside_the_message_is_fetched(signer: LegacySigner) -> None:
    found = only(signer.sign(PLAIN, uri="http://127.0.0.1:9/x"))
    assert (found.state, "is not in the message" in found.reason) == ("not-checkable", True)


def test_a_signed_attachment_is_checked_when_it_is_there(signer: LegacySigner) -> None:
    data = sample("cong-van-bo-net")
    (file,) = document("cong-van-bo-net").attachments
    value = b64encode(hashlib.sha1(file.data, usedforsecurity=False).digest()).decode()
    second = (
        f'<Reference URI="cid:{file.content_id}"><DigestMethod Algorithm="{SHA1}"/>'
        f"<DigestValue>{value}</DigestValue></Reference>"
    )
    signed = signer.sign(data, second=second)
    assert legacy_signature.check(signed, (file,))[0].state == "verified"
    assert legacy_signature.check(signed)[0].state == "not-checkable"


def test_a_signature_over_the_header_alone_covers_it(signer: LegacySigner) -> None:
    data = PLAIN.replace(b"<edXML:MessageHeader>", b'<edXML:MessageHeader Id="h1">')
    found = only(signer.sign(data, uri="#h1", target=".//{*}MessageHeader", enveloped=False))
    assert found.state == "verified"


def test_a_signature_over_another_part_does_not_count(signer: LegacySigner) -> None:
    data = PLAIN.replace(b"<edXML:Bussiness>", b'<edXML:Bussiness Id="b1">')
    found = only(signer.sign(data, uri="#b1", target=".//{*}Bussiness", enveloped=False))
    assert found.state == "not-verified"
    assert "does not cover the MessageHeader" in found.reason


def test_a_signed_header_that_was_moved_aside_does_not_vouch_for_the_new_one(signer: LegacySigner) -> None:
    data = PLAIN.replace(b"<edXML:MessageHeader>", b'<edXML:MessageHeader Id="h1">')
    signed = signer.sign(data, uri="#h1", target=".//{*}MessageHeader", enveloped=False, canonical=EXCLUSIVE)
    start, end = signed.index(b"<edXML:MessageHeader"), signed.index(b"</edXML:MessageHeader>") + 22
    original = signed[start:end]
    forged = original.replace(b' Id="h1"', b"").replace("hạn hán".encode(), "bão lũ".encode())
    wrapped = signed[:start] + forged + signed[end:]
    aside = wrapped.replace(b"</Signature>", b"<Object>" + original + b"</Object></Signature>")
    found = only(aside)
    assert found.state == "not-verified"
    assert "does not cover the MessageHeader" in found.reason
    twice = wrapped.replace(b"</Signature>", b"<Object>" + original + original + b"</Object></Signature>")
    assert "2 elements have the signed id" in only(twice).reason
    beside = wrapped.replace(forged, forged + original)
    assert "does not cover" in only(beside).reason
    assert not reader.examine(beside).acceptable


def test_a_signature_that_signs_nothing_is_not_verified(signer: LegacySigner) -> None:
    signed = signer.sign(PLAIN)
    start, end = signed.index(b"<Reference URI"), signed.index(b"</Reference>") + 12
    assert "signs nothing" in only(signed[:start] + signed[end:]).reason


@pytest.mark.parametrize("part", ["SignedInfo", "SignatureValue", "DigestValue", "DigestMethod"])
def test_a_broken_signature_is_reported_not_raised(signer: LegacySigner, part: str) -> None:
    signed = signer.sign(PLAIN).replace(f"<{part}".encode(), f"<x{part}".encode())
    signed = signed.replace(f"</{part}>".encode(), f"</x{part}>".encode())
    assert only(signed).state == "not-checkable"


def test_the_signature_does_not_decide_whether_the_message_is_accepted(signer: LegacySigner) -> None:
    forged = signer.sign(PLAIN).replace("hạn hán".encode(), "bão lũ".encode())
    assert only(forged).state == "not-verified"
    assert reader.examine(forged).acceptable
    assert reader.examine(forged).findings == ()


def test_several_signatures_are_each_reported(signer: LegacySigner) -> None:
    twice = signer.sign(signer.sign(PLAIN))
    assert [found.state for found in legacy_signature.check(twice)] == ["not-verified", "verified"]


def test_a_signature_with_very_many_parts_costs_nothing(signer: LegacySigner) -> None:
    second = f'<Reference URI=""><DigestMethod Algorithm="{SHA1}"/><DigestValue/></Reference>' * 50
    found = only(signer.sign(PLAIN, second=second))
    assert (found.state, "too many parts" in found.reason) == ("not-checkable", True)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (f'"{RSA_SHA1}"', '"urn:other"', "the algorithm urn:other is not read"),
        (f'"{SHA1}"', '"urn:other"', "the digest urn:other is not read"),
        (f'CanonicalizationMethod Algorithm="{C14N}"', 'CanonicalizationMethod Algorithm="urn:c"', "urn:c"),
        ("<SignatureValue>", "<SignatureValue>*", "SignatureValue is not base64"),
        ("<DigestValue>", "<DigestValue>ệ", "DigestValue is not base64"),
    ],
)
def test_what_is_not_read_is_named(signer: LegacySigner, old: str, new: str, reason: str) -> None:
    signed = signer.sign(PLAIN).decode()
    assert old in signed
    found = only(signed.replace(old, new).encode())
    assert (found.state, reason in found.reason) == ("not-checkable", True)


def test_a_certificate_for_another_kind_of_key_cannot_be_checked(signer: LegacySigner) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EC")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2015, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2035, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    found = only(signer.sign(PLAIN, certificate=certificate.public_bytes(Encoding.DER)))
    assert (found.state, "not RSA" in found.reason) == ("not-checkable", True)


def test_a_signature_first_in_its_parent_is_taken_out_cleanly(signer: LegacySigner) -> None:
    data = PLAIN.replace(
        b"<edXML:edXMLHeader>\n", b"<edXML:edXMLHeader><edXML:Signature></edXML:Signature>\n"
    )
    assert data != PLAIN
    found = only(signer.sign(data, into=".//{*}edXMLHeader/{*}Signature"))
    assert found.state == "verified"
    assert reader.examine(data).acceptable

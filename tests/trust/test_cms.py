from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.container_signers import NOW, authority, ca_pem, certificate, encryption, signer

from lienthong.trust import der
from lienthong.trust.cms import algorithms as alg
from lienthong.trust.cms import (
    sign_attached,
    sign_detached,
    verify_attached,
    verify_detached,
    verify_every_detached,
)
from lienthong.trust.cms.shapes import forget
from lienthong.trust.errors import CmsError
from lienthong.trust.keys import FileSigner, generate_key

CONTENT = b"<ASiCManifest/>" * 20
SHA1 = der.sequence(der.oid("1.3.14.3.2.26"))
MD5 = der.sequence(der.oid("1.2.840.113549.2.5"))


@pytest.fixture(params=["first", "again"])
def known_shape(request: pytest.FixtureRequest) -> None:
    """Every promise holds for a signature seen for the first time and for one of a known shape."""
    forget()
    if request.param == "again":
        for kind in ("p256", "rsa2048"):
            for _ in range(12):
                made = sign_detached(CONTENT, signer(kind), signing_time=NOW)
                verify_detached(made, CONTENT)


seen_before = pytest.mark.usefixtures("known_shape")


@lru_cache
def fixed(kind: str = "p256") -> bytes:
    return sign_detached(CONTENT, signer(kind), signing_time=NOW)


@seen_before
@pytest.mark.parametrize("kind", ["p256", "rsa2048", "rsa3072"])
def test_a_signature_is_verified(kind: str) -> None:
    made = sign_detached(CONTENT, signer(kind), signing_time=NOW)
    info = verify_detached(made, CONTENT)
    assert info.certificate == signer(kind).certificate
    assert info.fingerprint == hashlib.sha256(info.certificate).digest()
    assert set(info.certificates) == {info.certificate, *signer(kind).chain}
    assert info.signing_time == NOW
    assert info.algorithm == signer(kind).algorithm
    assert info.timestamp is None


def test_a_signature_that_carries_its_content_is_verified() -> None:
    made = sign_attached(CONTENT, signer())
    content, info = verify_attached(made)
    assert content == CONTENT
    assert info.signing_time is None
    assert verify_attached(sign_attached(b"", signer()))[0] == b""


def test_attached_and_detached_are_not_taken_for_each_other() -> None:
    with pytest.raises(CmsError):
        verify_detached(sign_attached(CONTENT, signer()), CONTENT)
    with pytest.raises(CmsError):
        verify_attached(sign_detached(CONTENT, signer()))


@seen_before
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_another_content_is_refused(kind: str) -> None:
    made = sign_detached(CONTENT, signer(kind), signing_time=NOW)
    with pytest.raises(CmsError) as error:
        verify_detached(made, CONTENT + b" ")
    assert error.value.code == "cms-digest"


@seen_before
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_any_changed_byte_is_refused_or_changes_nothing(kind: str) -> None:
    """Only what no signature covers may differ: nothing in our own CMS."""
    made = sign_detached(CONTENT, signer(kind), signing_time=NOW)
    good = verify_detached(made, CONTENT)
    for at in range(len(made)):
        for bit in (0x01, 0x80):
            bent = made[:at] + bytes((made[at] ^ bit,)) + made[at + 1 :]
            try:
                info = verify_detached(bent, CONTENT)
            except CmsError:
                continue
            assert info._replace(certificates=()) == good._replace(certificates=())


@seen_before
@pytest.mark.parametrize(("kind", "claimed"), [("p256", "rsa2048"), ("rsa2048", "p256")])
def test_an_algorithm_that_is_not_that_of_the_signers_key_is_refused(kind: str, claimed: str) -> None:
    class Mixed:
        certificate, chain = signer(kind).certificate, signer(kind).chain
        algorithm = signer(claimed).algorithm
        sign = signer(claimed).sign

    with pytest.raises(CmsError) as error:
        verify_detached(sign_detached(CONTENT, Mixed(), signing_time=NOW), CONTENT)
    assert error.value.code == "cms-signature"


@seen_before
def test_every_truncation_and_every_addition_is_refused() -> None:
    made = sign_detached(CONTENT, signer(), signing_time=NOW)
    for size in range(len(made)):
        with pytest.raises(CmsError):
            verify_detached(made[:size], CONTENT)
    with pytest.raises(CmsError):
        verify_detached(made + b"\0", CONTENT)


@seen_before
@given(st.binary(max_size=300))
def test_whatever_comes_in_is_refused_cleanly(data: bytes) -> None:
    with pytest.raises(CmsError):
        verify_detached(data, CONTENT)


@seen_before
@given(st.data())
def test_splices_are_refused_cleanly(data: st.DataObject) -> None:
    made = fixed()
    start = data.draw(st.integers(0, len(made)))
    stop = data.draw(st.integers(start, min(len(made), start + 40)))
    inserted = data.draw(st.binary(max_size=40))
    bent = made[:start] + inserted + made[stop:]
    try:
        info = verify_detached(bent, CONTENT)
    except CmsError:
        return
    assert info.certificate == signer().certificate
    assert info.signing_time == NOW


@seen_before
class TestAttributes:
    """Signatures over attributes that are not what they should be: the mathematics hold, nothing else."""

    def bent(self, change: Callable[[list[bytes]], list[bytes]], *, ordered: bool = True) -> bytes:
        made = sign_detached(CONTENT, signer(), signing_time=NOW)
        info = asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0]
        attributes = change([attribute.dump() for attribute in info["signed_attrs"]])
        signed = der.set_of(attributes) if ordered else der.element(der.SET, *attributes)
        return resigned(made, signed, signer().sign(signed))

    def test_an_unchanged_set_is_accepted(self) -> None:
        verify_detached(self.bent(lambda attributes: attributes), CONTENT)

    @pytest.mark.parametrize("number", [0, 2, 3], ids=["content-type", "message-digest", "certificate"])
    def test_a_missing_attribute_is_refused(self, number: int) -> None:
        with pytest.raises(CmsError):
            verify_detached(self.bent(lambda all_: all_[:number] + all_[number + 1 :]), CONTENT)

    @pytest.mark.parametrize("number", range(4))
    def test_an_attribute_that_stands_twice_is_refused(self, number: int) -> None:
        with pytest.raises(CmsError):
            verify_detached(self.bent(lambda all_: [*all_, all_[number]]), CONTENT)

    def test_an_attribute_with_two_values_is_refused(self) -> None:
        digest = der.element(der.OCTET_STRING, hashlib.sha256(CONTENT).digest())
        other = der.element(der.OCTET_STRING, bytes(32))
        for values in ((digest, other), (other, digest), ()):
            double = der.sequence(alg.MESSAGE_DIGEST, der.element(der.SET, *values))
            with pytest.raises(CmsError):
                verify_detached(self.bent(lambda all_, double=double: [*all_[:2], double, all_[3]]), CONTENT)

    def test_attributes_out_of_order_are_refused(self) -> None:
        with pytest.raises(CmsError):
            verify_detached(self.bent(lambda all_: all_[::-1], ordered=False), CONTENT)

    def test_another_content_type_is_refused(self) -> None:
        wrong = der.sequence(alg.CONTENT_TYPE, der.element(der.SET, alg.SIGNED_DATA))
        with pytest.raises(CmsError):
            verify_detached(self.bent(lambda all_: [wrong, *all_[1:]]), CONTENT)

    def test_algorithms_other_than_the_protected_ones_are_refused(self) -> None:
        def protection(signature: bytes) -> bytes:
            value = der.sequence(alg.SHA256, b"\xa1" + signature[1:])
            return der.sequence(alg.ALGORITHM_PROTECTION, der.element(der.SET, value))

        verify_detached(self.bent(lambda all_: [*all_, protection(alg.ECDSA_SHA256)]), CONTENT)
        with pytest.raises(CmsError):
            verify_detached(self.bent(lambda all_: [*all_, protection(alg.RSA_SHA256)]), CONTENT)

    def reference(self, value: bytes) -> bytes:
        attribute = der.sequence(alg.SIGNING_CERTIFICATE_V2, der.element(der.SET, value))
        return self.bent(lambda all_: [*all_[:3], attribute])

    def test_the_certificate_reference_may_name_its_digest_and_issuer(self) -> None:
        sha512 = der.sequence(der.oid("2.16.840.1.101.3.4.2.3"))
        own = signer().certificate
        issuer, serial = issuer_and_serial(own)
        issuer_serial = der.sequence(der.sequence(der.element(0xA4, issuer)), serial)
        policies = der.sequence(der.sequence(der.oid("1.2.3.4")))
        for algorithm, digest in (
            (b"", hashlib.sha256(own).digest()),
            (alg.SHA256, hashlib.sha256(own).digest()),
            (sha512, hashlib.sha512(own).digest()),
        ):
            for tail in (b"", issuer_serial):
                one = der.sequence(algorithm, der.element(der.OCTET_STRING, digest), tail)
                verify_detached(self.reference(der.sequence(der.sequence(one))), CONTENT)
                verify_detached(self.reference(der.sequence(der.sequence(one), policies)), CONTENT)

    def test_a_reference_to_another_certificate_is_refused(self) -> None:
        own, other = signer().certificate, signer(name="Kẻ giả mạo").certificate
        issuer, serial = issuer_and_serial(own)
        _, other_serial = issuer_and_serial(other)
        name = der.element(0xA4, issuer)
        right = der.element(der.OCTET_STRING, hashlib.sha256(own).digest())
        wrong = der.element(der.OCTET_STRING, hashlib.sha256(other).digest())
        old = der.element(der.OCTET_STRING, hashlib.sha1(own).digest())  # noqa: S324 (must be refused)
        for one in (
            der.sequence(wrong),
            der.sequence(wrong) + der.sequence(right),
            der.sequence(SHA1, old),
            der.sequence(right, der.sequence(der.sequence(name), other_serial)),
            der.sequence(right, der.sequence(der.sequence(name, name), serial)),
            der.sequence(right, right),
            der.sequence(der.element(der.OID, b"\x2a"), right),
            der.sequence(),
            b"",
        ):
            with pytest.raises(CmsError):
                verify_detached(self.reference(der.sequence(der.sequence(one))), CONTENT)


def issuer_and_serial(own: bytes) -> tuple[bytes, bytes]:
    body = Certificate.load(own)["tbs_certificate"]
    return body["issuer"].dump(), body["serial_number"].dump()


def resigned(made: bytes, signed: bytes, signature: bytes, **fields: bytes) -> bytes:
    """``made`` with other signed attributes (a SET) and another signature, everything else as it is."""
    outer = asn1_cms.ContentInfo.load(made)["content"]
    info = outer["signer_infos"][0]
    signer_info = der.sequence(
        fields.get("version", info["version"].dump()),
        fields.get("sid", info["sid"].dump()),
        fields.get("digest", alg.SHA256),
        b"\xa0" + signed[1:],
        fields.get("algorithm", alg.ECDSA_SHA256),
        der.element(der.OCTET_STRING, signature),
        fields.get("unsigned", b""),
    )
    signed_data = der.sequence(
        outer["version"].dump(),
        der.element(der.SET, fields.get("digests", alg.SHA256)),
        outer["encap_content_info"].dump(),
        fields.get("certificates", outer["certificates"].dump()),
        fields.get("crls", b""),
        der.element(der.SET, fields.get("signers", signer_info)),
    )
    return der.sequence(alg.SIGNED_DATA, der.element(0xA0, signed_data))


@seen_before
def test_a_certificate_put_in_place_of_the_signers_is_refused() -> None:
    """The same key certified under another name, same issuer and serial: only the signed reference tells."""
    own = signer()
    serial = int.from_bytes(issuer_and_serial(own.certificate)[1][2:], "big")
    twin = certificate("Cơ quan khác", own.private_key.public_key(), serial=serial).public_bytes(Encoding.DER)
    made = sign_detached(CONTENT, own, signing_time=NOW)
    parsed = asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0]
    signed = b"\x31" + parsed["signed_attrs"].dump()[1:]
    swapped = resigned(made, signed, own.sign(signed), certificates=der.element(0xA0, twin))
    with pytest.raises(CmsError) as error:
        verify_detached(swapped, CONTENT)
    assert error.value.code == "cms-certificate"
    both = der.set_of([twin, own.certificate], 0xA0)
    with pytest.raises(CmsError):
        verify_detached(resigned(made, signed, own.sign(signed), certificates=both), CONTENT)


@seen_before
@pytest.mark.parametrize(
    "change",
    [
        {"digest": der.sequence(der.oid("1.3.14.3.2.26")), "digests": der.sequence(der.oid("1.3.14.3.2.26"))},
        {
            "digest": der.sequence(der.oid("1.2.840.113549.2.5")),
            "digests": der.sequence(der.oid("1.2.840.113549.2.5")),
        },
        {"digests": b""},
        {"digests": alg.SHA256 + SHA1},
        {"algorithm": der.sequence(der.oid("1.2.840.10045.4.1"))},
        {"algorithm": der.sequence(der.oid("1.2.840.10045.4.3.3"))},
        {"algorithm": alg.RSA_SHA256},
        {"certificates": b""},
        {"certificates": der.element(0xA0)},
        {"signers": b""},
        {"sid": der.element(0x80, bytes(20))},
        {"unsigned": der.element(0xA1, b"\x30\x00")},
        {"unsigned": b"\x04\x00"},
    ],
    ids=str,
)
def test_a_structure_that_does_not_hold_together_is_refused(change: dict[str, bytes]) -> None:
    made = sign_detached(CONTENT, signer(), signing_time=NOW)
    parsed = asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0]
    signed = b"\x31" + parsed["signed_attrs"].dump()[1:]
    with pytest.raises(CmsError):
        verify_detached(resigned(made, signed, signer().sign(signed), **change), CONTENT)


@seen_before
def test_a_certificate_that_stands_twice_is_refused() -> None:
    made = sign_detached(CONTENT, signer(), signing_time=NOW)
    parsed = asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0]
    signed = b"\x31" + parsed["signed_attrs"].dump()[1:]
    twice = der.element(0xA0, signer().certificate * 2)
    with pytest.raises(CmsError):
        verify_detached(resigned(made, signed, signer().sign(signed), certificates=twice), CONTENT)


def test_a_certificate_too_large_to_be_one_is_refused() -> None:
    made = fixed()
    parsed = asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0]
    signed = b"\x31" + parsed["signed_attrs"].dump()[1:]
    huge = der.set_of([signer().certificate, der.sequence(bytes(20_000))], 0xA0)
    with pytest.raises(CmsError) as error:
        verify_detached(resigned(made, signed, signer().sign(signed), certificates=huge), CONTENT)
    assert error.value.code == "cms-unsupported"


@pytest.mark.parametrize("sid", ["issuer and serial", "key identifier"])
def test_a_certificate_with_any_byte_changed_is_refused_cleanly(sid: str) -> None:
    """The signed reference catches every change; before that, the certificate must not break the reader."""
    own = signer().certificate
    parsed = asn1_cms.ContentInfo.load(fixed())["content"]["signer_infos"][0]
    signed = b"\x31" + parsed["signed_attrs"].dump()[1:]
    signature = signer().sign(signed)
    more = {}
    if sid == "key identifier":
        extension = Certificate.load(own).key_identifier
        more = {"sid": der.element(0x80, extension), "version": der.encode_integer(3)}
    verify_detached(resigned(fixed(), signed, signature, **more), CONTENT)
    for at in range(4, len(own)):
        bent = own[:at] + bytes((own[at] ^ 0x01,)) + own[at + 1 :]
        certificates = der.element(0xA0, bent)
        with pytest.raises(CmsError):
            verify_detached(resigned(fixed(), signed, signature, certificates=certificates, **more), CONTENT)


@seen_before
def test_lengths_that_are_not_in_their_shortest_form_are_refused() -> None:
    made = sign_detached(CONTENT, signer(), signing_time=NOW)
    assert made[:2] == b"\x30\x82"
    with pytest.raises(CmsError):
        verify_detached(b"\x30\x83\x00" + made[2:], CONTENT)
    with pytest.raises(CmsError):
        verify_detached(b"\x30\x80" + made[4:] + b"\0\0", CONTENT)


def test_a_time_stamp_goes_in_over_the_signature_and_comes_out() -> None:
    token = tsp.ContentInfo({"content_type": "data", "content": b"a token"}).dump()
    asked = []

    def stamp(digest: bytes) -> bytes:
        asked.append(digest)
        return token

    made = sign_detached(CONTENT, signer(), signing_time=NOW, timestamp=stamp)
    info = verify_detached(made, CONTENT)
    assert info.timestamp == token
    assert asked == [hashlib.sha256(info.signature).digest()]


def test_several_signers_are_read_together_and_one_is_demanded_of_one() -> None:
    first = sign_detached(CONTENT, signer(), signing_time=NOW)
    second = sign_detached(CONTENT, signer("rsa2048"), signing_time=NOW)
    infos = [asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0].dump() for made in (first, second)]
    chain = authority()[1].public_bytes(Encoding.DER)
    certificates = der.set_of([signer().certificate, signer("rsa2048").certificate, chain], 0xA0)
    both = resigned(first, b"\x31\x00", b"", certificates=certificates, signers=b"".join(sorted(infos)))
    found = verify_every_detached(both, CONTENT)
    assert {info.certificate for info in found} == {signer().certificate, signer("rsa2048").certificate}
    with pytest.raises(CmsError):
        verify_detached(both, CONTENT)
    with pytest.raises(CmsError):
        verify_every_detached(both, CONTENT + b" ")


def test_a_key_too_weak_to_sign_is_refused(tmp_path: Path) -> None:
    weak = openssl_signature(tmp_path, ["-newkey", "rsa:1024"], ["-md", "sha256", "-cades"])
    with pytest.raises(CmsError) as error:
        verify_detached(weak, CONTENT)
    assert error.value.code == "cms-unsupported"


def openssl_signature(folder: Path, key: list[str], options: list[str], content: bytes = CONTENT) -> bytes:
    """A detached signature by the openssl command, with a new self-signed certificate."""
    (folder / "content").write_bytes(content)
    request = ["openssl", "req", "-x509", *key, "-noenc", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([*request, "-subj", "/CN=Other producer"], cwd=folder, check=True, capture_output=True)
    command = ["openssl", "cms", "-sign", "-binary", "-in", "content", "-signer", "certificate.pem"]
    command += ["-inkey", "key.pem", "-outform", "DER", "-out", "signature.p7s", *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "signature.p7s").read_bytes()


P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
P384 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]
RSA = ["-newkey", "rsa:2048"]
PSS = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]


@pytest.mark.parametrize(
    ("key", "options", "algorithm"),
    [
        (P256, ["-md", "sha256"], "ecdsa-p256-sha256"),
        (P256, ["-md", "sha512"], "ecdsa-p256-sha512"),
        (P384, ["-md", "sha384"], "ecdsa-p384-sha384"),
        (RSA, ["-md", "sha256"], "rsa-pkcs1v15-sha256"),
        (RSA, ["-md", "sha512"], "rsa-pkcs1v15-sha512"),
        (RSA, ["-md", "sha256", *PSS], "rsa-pss-sha256"),
        (RSA, ["-md", "sha384", *PSS], "rsa-pss-sha384"),
        (P256, ["-md", "sha256", "-keyid"], "ecdsa-p256-sha256"),
        (P256, ["-md", "sha256", "-nosmimecap"], "ecdsa-p256-sha256"),
    ],
)
def test_signatures_of_openssl_are_verified(
    key: list[str], options: list[str], algorithm: str, tmp_path: Path
) -> None:
    made = openssl_signature(tmp_path, key, ["-cades", *options])
    for _ in range(2):
        assert verify_detached(made, CONTENT).algorithm == algorithm


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-md", "sha1", "-cades"], "cms-unsupported"),
        (["-md", "sha256"], "cms-certificate"),
        (["-md", "sha256", "-noattr"], "cms-unsupported"),
        (["-md", "sha256", "-cades", "-nocerts"], "cms-certificate"),
        (["-md", "sha256", "-cades", "-nodetach"], "cms-unsupported"),
        (["-md", "sha256", "-cades", "-stream", "-nodetach"], "cms-malformed"),
    ],
    ids=["SHA-1", "no certificate reference", "no attributes", "no certificate", "attached", "BER"],
)
def test_weaker_signatures_of_openssl_are_refused(options: list[str], code: str, tmp_path: Path) -> None:
    made = openssl_signature(tmp_path, RSA, options)
    with pytest.raises(CmsError) as error:
        verify_detached(made, CONTENT)
    assert error.value.code == code


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_openssl_verifies_ours(kind: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "s.p7s").write_bytes(sign_detached(CONTENT, signer(kind), signing_time=NOW))
    command = "openssl cms -verify -cades -binary -inform DER -in s.p7s -content content -CAfile ca.pem"
    done = subprocess.run(
        [*command.split(), "-purpose", "any", "-out", "out"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_our_signatures_are_valid_asn1_for_others() -> None:
    made = sign_detached(CONTENT, signer(), signing_time=datetime(2055, 1, 1, tzinfo=UTC))
    parsed = asn1_cms.ContentInfo.load(made, strict=True)
    attributes = parsed["content"]["signer_infos"][0]["signed_attrs"].native
    assert {a["type"] for a in attributes} >= {"content_type", "message_digest", "signing_certificate_v2"}
    assert verify_detached(made, CONTENT).signing_time == datetime(2055, 1, 1, tzinfo=UTC)


def test_a_signer_of_an_unknown_kind_is_told_so() -> None:
    key = generate_key("p256")
    odd = FileSigner(key, certificate("Lạ", key.public_key()).public_bytes(Encoding.DER))
    odd.algorithm = "md5"
    with pytest.raises(CmsError):
        sign_detached(CONTENT, odd)


def test_an_encryption_certificate_still_verifies_because_purpose_is_judged_elsewhere() -> None:
    key, own = encryption()
    assert key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    made = sign_detached(CONTENT, FileSigner(key, own), signing_time=NOW)
    assert verify_detached(made, CONTENT).certificate == own

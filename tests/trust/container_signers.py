"""Signers for the container tests: a small CA made once a session, certificates that openssl accepts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lienthong.trust.keys import FileSigner, KeyKind, generate_key
from lienthong.trust.sealing.recipients import PrivateKey as RecipientKey

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@lru_cache
def authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, certificate("Vĩnh Long Root", key.public_key(), issuer_key=key, ca=True)


def ca_pem() -> bytes:
    return authority()[1].public_bytes(Encoding.PEM)


def certificate(
    subject: str,
    public_key: object,
    *,
    issuer_key: ec.EllipticCurvePrivateKey | None = None,
    ca: bool = False,
    serial: int | None = None,
    usage: str = "sign",
) -> x509.Certificate:
    start = datetime.now(UTC) - timedelta(days=400)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("Vĩnh Long Root"))
        .public_key(public_key)  # type: ignore[arg-type]
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=4000))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=usage == "sign" and not ca,
                content_commitment=usage == "sign" and not ca,
                key_encipherment=usage == "transport",
                data_encipherment=False,
                key_agreement=usage == "agree",
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)  # type: ignore[arg-type]
        .sign(issuer_key or authority()[0], hashes.SHA256())
    )


def signer(kind: KeyKind = "p256", name: str = "UBND tỉnh Vĩnh Long") -> FileSigner:
    """The same signer for the same arguments, the whole session."""
    return _signer(kind, name)


@lru_cache
def _signer(kind: KeyKind, name: str) -> FileSigner:
    key = generate_key(kind)
    leaf = certificate(name, key.public_key())
    return FileSigner(key, leaf.public_bytes(Encoding.DER), [authority()[1].public_bytes(Encoding.DER)])


def encryption(kind: KeyKind = "p256", name: str = "Sở Nội vụ") -> tuple[RecipientKey, bytes]:
    """The same key and encryption certificate for the same arguments, the whole session."""
    return _encryption(kind, name)


@lru_cache
def _encryption(kind: KeyKind, name: str) -> tuple[RecipientKey, bytes]:
    key = generate_key(kind)
    assert isinstance(key, RecipientKey)
    usage = "agree" if kind == "p256" else "transport"
    return key, certificate(name, key.public_key(), usage=usage).public_bytes(Encoding.DER)

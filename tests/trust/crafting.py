"""Certificates and CRLs as nobody honest would issue them, for tests that must refuse them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from lienthong.trust.profiles import DOCUMENT_SIGNING, key_usage

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extension = tuple[x509.ExtensionType, bool]

CA_USAGE: Extension = (key_usage("key_cert_sign", "crl_sign"), True)
SEAL_EXTENSIONS: tuple[Extension, ...] = (
    (key_usage("digital_signature"), True),
    (x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), False),
)


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    key: Key
    x509: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.x509.public_bytes(Encoding.DER)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def certificate(
    common: str,
    issuer: Made | None,
    now: datetime,
    *,
    extensions: Sequence[Extension] = (),
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=365),
    key: Key | None = None,
    signing_key: Key | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
) -> Made:
    """A certificate under ``issuer`` (self-signed when None); ``signing_key`` forges."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(issuer.x509.subject if issuer else name(common))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signer = signing_key or (issuer.key if issuer else own)
    return Made(own, builder.sign(signer, algorithm or hashes.SHA256()))


def authority(
    common: str,
    issuer: Made | None,
    now: datetime,
    *,
    path_length: int | None = None,
    extra: Sequence[Extension] = (),
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=365),
    key: Key | None = None,
    signing_key: Key | None = None,
) -> Made:
    constraints: Extension = (x509.BasicConstraints(ca=True, path_length=path_length), True)
    return certificate(
        common,
        issuer,
        now,
        extensions=(constraints, CA_USAGE, *extra),
        begins=begins,
        ends=ends,
        key=key,
        signing_key=signing_key,
    )


def seal(common: str, issuer: Made, now: datetime, **fields: object) -> Made:
    """A seal that is right in itself, unless ``fields`` say otherwise."""
    fields.setdefault("extensions", SEAL_EXTENSIONS)
    return certificate(common, issuer, now, **fields)  # type: ignore[arg-type]


def crl(
    issuer: Made,
    now: datetime,
    *,
    revoked: Sequence[int] = (),
    since: datetime | None = None,
    made: timedelta = timedelta(0),
    lasts: timedelta = timedelta(days=7),
    extensions: Sequence[Extension] = (),
    signing_key: Key | None = None,
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.x509.subject)
        .last_update(now + made)
        .next_update(now + made + lasts)
    )
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since or now)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key or issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)

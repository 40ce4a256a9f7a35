"""One certificate authority: its certificate, its key, its ledger, and the certificates and CRLs it signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from lienthong.trust.crl import EXPIRED_CERTS_ON_CRL
from lienthong.trust.errors import AuthorityError
from lienthong.trust.keys import PrivateKey, PublicKey, load_certificates, pem, public_bytes
from lienthong.trust.ledger import Ledger, stamp
from lienthong.trust.profiles import RULES, Profile, extensions, key_usage

ROOT_DAYS = 20 * 365
AUTHORITY_DAYS = 10 * 365
ROOT_CRL_DAYS = 180
CRL_DAYS = 7
CLOCK_SKEW = timedelta(minutes=5)
"""Certificates and CRLs begin this long before they are made, for readers whose clock is behind."""

REASONS: dict[str, x509.ReasonFlags] = {
    "unspecified": x509.ReasonFlags.unspecified,
    "key-compromise": x509.ReasonFlags.key_compromise,
    "ca-compromise": x509.ReasonFlags.ca_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
    "privilege-withdrawn": x509.ReasonFlags.privilege_withdrawn,
}
"""RFC 5280 §5.3.1, less certificateHold: what is revoked here stays revoked."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """What our certificates say about where to ask: ``ocsp`` is the responder's address, ``crl`` the folder
    under which ``<authority>.crl`` is published. Empty says nothing.
    """

    ocsp: str = ""
    crl: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate just issued: DER, and the CAs above it without the root."""

    certificate: bytes
    chain: tuple[bytes, ...]

    def pem(self) -> bytes:
        """The certificate and then its chain, as :func:`lienthong.trust.keys.load_signer` reads them."""
        return b"".join(pem("CERTIFICATE", der) for der in (self.certificate, *self.chain))

    @property
    def serial(self) -> int:
        return x509.load_der_x509_certificate(self.certificate).serial_number


@dataclass(frozen=True, slots=True)
class Wanted:
    """One certificate to issue; see :meth:`ProvinceCA.issue`."""

    profile: Profile
    subject_name: str
    public_key: PublicKey
    organ_code: str = ""
    hosts: tuple[str, ...] = ()
    days: int | None = None
    authority: str | None = None


class Authority:
    """One CA: its certificate, its key (opened when first used) and its ledger."""

    def __init__(
        self,
        name: str,
        folder: Path,
        open_key: Callable[[], PrivateKey],
        *,
        has_key: bool,
        addresses: Addresses,
    ) -> None:
        self.name = name
        self.folder = folder
        self.has_key = has_key
        self.addresses = addresses
        self.der = load_certificates(folder / "ca.pem")[0]
        self.certificate = x509.load_der_x509_certificate(self.der)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._open_key = open_key
        self._key: PrivateKey | None = None

    @property
    def key(self) -> PrivateKey:
        if self._key is None:
            key = self._open_key()
            if public_bytes(key.public_key()) != public_bytes(self.certificate.public_key()):
                raise AuthorityError(
                    "the authority's key is not that of its certificate ca.pem", place=str(self.folder)
                )
            self._key = key
        return self._key

    def crl(self, *, now: datetime, days: int) -> bytes:
        """A new CRL, DER, that is current for ``days`` days."""
        key = self.key
        with self.ledger.writing() as ledger:
            number = self.ledger.crl_number + 1
            builder = (
                x509.CertificateRevocationListBuilder()
                .issuer_name(self.certificate.subject)
                .last_update(now - CLOCK_SKEW)
                .next_update(now + timedelta(days=days))
                .add_extension(x509.CRLNumber(number), critical=False)
                .add_extension(authority_key_id(self.certificate), critical=False)
                .add_extension(keeps_expired_since(self.certificate.not_valid_before_utc), critical=False)
            )
            for serial, revoked in self.ledger.revoked.items():
                entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revoked.at)
                if revoked.reason != "unspecified":
                    entry = entry.add_extension(x509.CRLReason(REASONS[revoked.reason]), critical=False)
                builder = builder.add_revoked_certificate(entry.build())
            der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
            ledger.add("crl", number=number, at=stamp(now))
        return der


def issue_leaf(authority: Authority, key: PrivateKey, wanted: Wanted, now: datetime) -> x509.Certificate:
    """A certificate of the profile wanted, signed, not yet in the ledger."""
    rule = RULES[wanted.profile]
    days = wanted.days if wanted.days is not None else rule.days
    if days <= 0:
        raise AuthorityError(f"{days} days of validity is none", remedy="give a positive number of days")
    if wanted.profile is Profile.TLS_SERVER and not wanted.hosts:
        raise AuthorityError("a TLS server certificate needs at least one host", remedy="give its hosts")
    ca = authority.certificate
    if now >= ca.not_valid_after_utc:
        raise AuthorityError(
            f"the {authority.name} CA ended on {ca.not_valid_after_utc:%Y-%m-%d}",
            remedy="make a new authority",
            code="authority-ended",
        )
    builder = (
        x509.CertificateBuilder()
        .subject_name(distinguished_name(wanted.subject_name, None, wanted.organ_code))
        .issuer_name(ca.subject)
        .public_key(wanted.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(min(now + timedelta(days=days), ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(wanted.public_key), critical=False)
        .add_extension(authority_key_id(ca), critical=False)
    )
    for extension, critical in extensions(wanted.profile, wanted.public_key, wanted.hosts):
        builder = builder.add_extension(extension, critical=critical)
    for where in where_to_ask(authority):
        builder = builder.add_extension(where, critical=False)
    return builder.sign(key, hashes.SHA256())


def authority_certificate(
    subject: x509.Name,
    public_key: PublicKey,
    issuer: x509.Certificate | None,
    issuer_key: PrivateKey,
    now: datetime,
    days: int,
    path_length: int,
) -> x509.Certificate:
    """The certificate of a CA; self-signed when ``issuer`` is None."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(key_id, critical=False)
    )
    if issuer:
        builder = builder.add_extension(authority_key_id(issuer), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def distinguished_name(common: str, organisation: str | None, organ_code: str = "") -> x509.Name:
    """C=VN, O, organizationIdentifier, CN. X.520 allows 64 characters; longer names are cut with an ellipsis
    (the organ code identifies; the full name is the registry's).
    """
    if not common.strip():
        raise AuthorityError("a certificate needs a subject name", remedy="give the agency's name")
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(organisation)))
    if organ_code:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organ_code))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, _cut(common)))
    return x509.Name(parts)


def _cut(text: str) -> str:
    """At most 64 bytes of UTF-8: ub-common-name is 64 characters, and cryptography counts bytes."""
    encoded = text.encode()
    return text if len(encoded) <= 64 else encoded[:61].decode(errors="ignore").rstrip() + "…"


def authority_key_id(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """authorityKeyIdentifier for what ``issuer`` signs."""
    key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)


def keeps_expired_since(moment: datetime) -> x509.UnrecognizedExtension:
    """expiredCertsOnCRL: nothing is ever taken off our CRLs, so they serve to judge old signatures too."""
    text = moment.strftime("%Y%m%d%H%M%SZ").encode()
    return x509.UnrecognizedExtension(EXPIRED_CERTS_ON_CRL, b"\x18" + bytes([len(text)]) + text)


def where_to_ask(authority: Authority) -> list[x509.ExtensionType]:
    """authorityInfoAccess and cRLDistributionPoints of what an authority issues, as far as addresses are
    known.
    """
    found: list[x509.ExtensionType] = []
    if authority.addresses.ocsp:
        location = x509.UniformResourceIdentifier(authority.addresses.ocsp)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
        found.append(x509.AuthorityInformationAccess([access]))
    if authority.addresses.crl:
        place = x509.UniformResourceIdentifier(f"{authority.addresses.crl.rstrip('/')}/{authority.name}.crl")
        found.append(x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)]))
    return found

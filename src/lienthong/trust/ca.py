"""The province's own certificate authority: a root, an issuing CA (seals, encryption, TSA, OCSP, directory)
and a TLS CA, in one folder, made by one call.

::

    pki/root/     ca.key (encrypted PKCS#8) ca.pem ledger.jsonl      pathLen 1, 20 years
    pki/issuing/  the same                                          pathLen 0, 10 years
    pki/tls/      the same                                          pathLen 0, 10 years
    pki/anchors/  root.pem and the external anchors that were imported
    pki/crl/      root.crl issuing.crl tls.crl
    pki/ca.pem    issuing, TLS and root certificates, for other people's tools

Keys open when first used: ``root/ca.key`` may be kept elsewhere (an offline medium) and brought back to renew
the root's CRL once in :data:`ROOT_CRL_DAYS` days or to revoke a CA.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lienthong.trust.crl import EXPIRED_CERTS_ON_CRL
from lienthong.trust.errors import AuthorityError, CertificateError, KeyFileError
from lienthong.trust.keys import (
    PrivateKey,
    PublicKey,
    generate_key,
    load_certificates,
    load_key,
    pem,
    public_bytes,
    save_key,
    write_file,
)
from lienthong.trust.ledger import Ledger, stamp
from lienthong.trust.profiles import RULES, Profile, extensions, key_usage

AUTHORITIES = ("root", "issuing", "tls")
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


class Authority:
    """One CA: its certificate, its key (opened when first used) and its ledger."""

    def __init__(self, name: str, folder: Path, open_key: Callable[[Path], PrivateKey]) -> None:
        self.name = name
        self.folder = folder
        self.der = load_certificates(folder / "ca.pem")[0]
        self.certificate = x509.load_der_x509_certificate(self.der)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._open_key = open_key
        self._key: PrivateKey | None = None

    @property
    def key(self) -> PrivateKey:
        if self._key is None:
            key = self._open_key(self.folder / "ca.key")
            if public_bytes(key.public_key()) != public_bytes(self.certificate.public_key()):
                raise AuthorityError("ca.key is not the key of ca.pem", place=str(self.folder))
            self._key = key
        return self._key

    @property
    def has_key(self) -> bool:
        return (self.folder / "ca.key").exists()

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
                .add_extension(_authority_key_id(self.certificate), critical=False)
                .add_extension(_keeps_expired_since(self.certificate.not_valid_before_utc), critical=False)
            )
            for serial, revoked in self.ledger.revoked.items():
                entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revoked.at)
                if revoked.reason != "unspecified":
                    entry = entry.add_extension(x509.CRLReason(REASONS[revoked.reason]), critical=False)
                builder = builder.add_revoked_certificate(entry.build())
            der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
            ledger.add("crl", number=number, at=stamp(now))
        return der


class ProvinceCA:
    """The three authorities of a province."""

    def __init__(self, folder: Path, authorities: dict[str, Authority]) -> None:
        self.folder = folder
        self.root = authorities["root"]
        self.issuing = authorities["issuing"]
        self.tls = authorities["tls"]

    @classmethod
    def create(
        cls, folder: Path, *, province: str, passphrase: bytes, now: datetime, kind: str = "p256"
    ) -> ProvinceCA:
        """Make the root, the issuing CA and the TLS CA, their CRLs and ``ca.pem`` in ``folder``.

        The folder appears whole or not at all. Raises :class:`AuthorityError` when one is there already.
        """
        if kind not in ("p256", "rsa3072"):
            raise AuthorityError(f"{kind!r} is not a kind of CA key", remedy="use p256 or rsa3072")
        if folder.exists() and any(folder.iterdir()):
            raise AuthorityError(
                "there is something in this folder already",
                place=str(folder),
                remedy="open the authority that is there, or choose another folder",
                code="authority-exists",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        try:
            _build(beside, province, passphrase, now, kind)
            cls.open(beside, passphrase=passphrase).publish_crls(now=now)
            beside.replace(folder)
        except OSError as error:
            raise AuthorityError(f"cannot be written: {error.strerror}", place=str(folder)) from None
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        _sync(folder.parent)
        return cls.open(folder, passphrase=passphrase)

    @classmethod
    def open(cls, folder: Path, *, passphrase: bytes) -> ProvinceCA:
        """Open what :meth:`create` made. A wrong passphrase shows when a key is first used."""

        def open_key(path: Path) -> PrivateKey:
            return load_key(path, passphrase=passphrase)

        try:
            return cls(folder, {name: Authority(name, folder / name, open_key) for name in AUTHORITIES})
        except KeyFileError as error:
            raise AuthorityError(
                f"there is no province CA here: {error.detail}",
                place=error.place,
                remedy="make one with `lienthong init`, or give the folder that holds it",
                code="no-authority",
            ) from None

    def authority(self, name: str) -> Authority:
        if name not in AUTHORITIES:
            raise AuthorityError(f"{name!r} is not an authority", remedy=f"use {', '.join(AUTHORITIES)}")
        found: Authority = getattr(self, name)
        return found

    def issue(
        self,
        profile: Profile,
        *,
        subject_name: str,
        organ_code: str = "",
        hosts: Sequence[str] = (),
        public_key: PublicKey,
        now: datetime,
        days: int | None = None,
        authority: str | None = None,
    ) -> Issued:
        """Issue a certificate for ``profile``; it is in the ledger, on the disk, when this returns.

        ``organ_code`` becomes organizationIdentifier (2.5.4.97). ``days``: the profile's own when None; never
        beyond the CA's end. ``authority``: ``issuing`` or ``tls`` instead of the profile's own (an OCSP
        responder must come from the CA it answers for, RFC 6960 §4.2.2.2).
        """
        return self.issue_many(
            [Wanted(profile, subject_name, public_key, organ_code, tuple(hosts), days, authority)], now=now
        )[0]

    def issue_many(self, wanted: Iterable[Wanted], *, now: datetime) -> list[Issued]:
        """Issue several certificates with one sync of each ledger."""
        asked = list(wanted)
        made: dict[int, Issued] = {}
        for name in ("issuing", "tls"):
            mine = [
                (place, one)
                for place, one in enumerate(asked)
                if (one.authority or RULES[one.profile].authority) == name
            ]
            if not mine:
                continue
            authority = self.authority(name)
            key = authority.key
            with authority.ledger.writing() as ledger:
                for place, one in mine:
                    certificate = _leaf(authority, key, one, now)
                    der = certificate.public_bytes(Encoding.DER)
                    ledger.add(
                        "issued",
                        serial=f"{certificate.serial_number:x}",
                        subject=one.subject_name,
                        organ=one.organ_code,
                        profile=one.profile.value,
                        not_after=stamp(certificate.not_valid_after_utc),
                        fingerprint=hashlib.sha256(der).hexdigest(),
                    )
                    made[place] = Issued(der, (authority.der,))
        if len(made) != len(asked):
            raise AuthorityError("only the issuing and the TLS authority issue certificates")
        return [made[place] for place in range(len(asked))]

    def revoke(self, serial: int, *, reason: str, at: datetime) -> None:
        """Record that a certificate is revoked from ``at``. Readers learn it from the next CRL
        (:meth:`publish_crls`) and the OCSP responder at once. Revoking twice keeps the first record.
        """
        if reason not in REASONS:
            raise AuthorityError(
                f"{reason!r} is not a reason for revocation", remedy=f"use one of {', '.join(REASONS)}"
            )
        if any(serial == one.certificate.serial_number for one in (self.issuing, self.tls)):
            owner: Authority | None = self.root
        else:
            owner = next(
                (one for one in (self.issuing, self.tls) if serial in one.ledger.refresh().issued), None
            )
        if owner is None:
            raise AuthorityError(
                f"no certificate with serial {serial:x} was issued here",
                remedy="give the serial number of a certificate of this province's CA",
                code="unknown-serial",
            )
        with owner.ledger.writing() as ledger:
            if serial not in owner.ledger.revoked:
                ledger.add("revoked", serial=f"{serial:x}", reason=reason, at=stamp(at))

    def publish_crls(self, *, now: datetime) -> list[Path]:
        """Write the CRL of every authority whose key is here; answers the files written."""
        written = []
        for authority in (self.root, self.issuing, self.tls):
            if not authority.has_key:
                continue
            path = self.folder / "crl" / f"{authority.name}.crl"
            days = ROOT_CRL_DAYS if authority is self.root else CRL_DAYS
            write_file(path, authority.crl(now=now, days=days))
            written.append(path)
        return written


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


def read_request(csr: bytes) -> tuple[PublicKey, str]:
    """The public key and the common name of a PKCS#10 request (PEM or DER) whose signature proves that
    its maker holds the private key (RFC 2986); :class:`CertificateError` otherwise.
    """
    try:
        load = x509.load_pem_x509_csr if b"-----BEGIN" in csr else x509.load_der_x509_csr
        request = load(csr)
        key = request.public_key()
        valid = request.is_signature_valid
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except Exception as error:  # the parser's own errors differ by what is broken
        raise CertificateError(f"not a readable certificate request: {error}") from None
    if not valid or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise CertificateError(
            "the request is not signed by the key it carries", code="bad-request-signature"
        )
    return key, str(names[0].value) if names else ""


def _build(folder: Path, province: str, passphrase: bytes, now: datetime, kind: str) -> None:
    common = f"Liên Thông {province}"
    root_key = _ca_key(kind)
    root_name = _name(f"{common} Root CA", province)
    root = _authority_certificate(root_name, root_key.public_key(), None, root_key, now, ROOT_DAYS, 1)
    made = {"root": (root_key, root)}
    for name, title in (("issuing", "Issuing CA"), ("tls", "TLS CA")):
        key = _ca_key(kind)
        subject = _name(f"{common} {title}", province)
        made[name] = (
            key,
            _authority_certificate(subject, key.public_key(), root, root_key, now, AUTHORITY_DAYS, 0),
        )
    for name, (key, certificate) in made.items():
        (folder / name).mkdir(parents=True, mode=0o700)
        save_key(folder / name / "ca.key", key, passphrase)
        write_file(folder / name / "ca.pem", certificate.public_bytes(Encoding.PEM))
    folder.chmod(0o755)
    write_file(folder / "anchors" / "root.pem", root.public_bytes(Encoding.PEM))
    bundle = b"".join(made[name][1].public_bytes(Encoding.PEM) for name in ("issuing", "tls", "root"))
    write_file(folder / "ca.pem", bundle)


def _ca_key(kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    key = generate_key("rsa3072" if kind == "rsa3072" else "p256")
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key


def _authority_certificate(
    subject: x509.Name,
    public_key: PublicKey,
    issuer: x509.Certificate | None,
    issuer_key: PrivateKey,
    now: datetime,
    days: int,
    path_length: int,
) -> x509.Certificate:
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
        builder = builder.add_extension(_authority_key_id(issuer), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _leaf(authority: Authority, key: PrivateKey, wanted: Wanted, now: datetime) -> x509.Certificate:
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
        .subject_name(_name(wanted.subject_name, None, wanted.organ_code))
        .issuer_name(ca.subject)
        .public_key(wanted.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(min(now + timedelta(days=days), ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(wanted.public_key), critical=False)
        .add_extension(_authority_key_id(ca), critical=False)
    )
    for extension, critical in extensions(wanted.profile, wanted.public_key, wanted.hosts):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, hashes.SHA256())


def _keeps_expired_since(moment: datetime) -> x509.UnrecognizedExtension:
    """expiredCertsOnCRL: nothing is ever taken off our CRLs, so they serve to judge old signatures too."""
    text = moment.strftime("%Y%m%d%H%M%SZ").encode()
    return x509.UnrecognizedExtension(EXPIRED_CERTS_ON_CRL, b"\x18" + bytes([len(text)]) + text)


def _authority_key_id(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)


def _name(common: str, organisation: str | None, organ_code: str = "") -> x509.Name:
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
    return text if len(text) <= 64 else text[:63].rstrip() + "…"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

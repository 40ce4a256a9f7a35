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
the root's CRL once in ``ROOT_CRL_DAYS`` days or to revoke a CA. Or the keys live in a PKCS#11 token and
never are files: see ``new_key`` and ``open_key``.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lienthong.trust.authority import (
    AUTHORITY_DAYS,
    CRL_DAYS,
    REASONS,
    ROOT_CRL_DAYS,
    ROOT_DAYS,
    Addresses,
    Authority,
    Issued,
    Wanted,
    authority_certificate,
    distinguished_name,
    issue_leaf,
)
from lienthong.trust.errors import AuthorityError, CertificateError, KeyFileError, reading
from lienthong.trust.keys import (
    KeyKind,
    PrivateKey,
    PublicKey,
    generate_key,
    load_key,
    read_file,
    save_key,
    write_file,
)
from lienthong.trust.ledger import stamp
from lienthong.trust.profiles import RULES, Profile

__all__ = ["AUTHORITIES", "REASONS", "Addresses", "Issued", "Profile", "ProvinceCA", "Wanted", "read_request"]

AUTHORITIES = ("root", "issuing", "tls")

KeySource = Callable[[str], PrivateKey]
"""An authority's name (``root``, ``issuing``, ``tls``) → its private key."""


class ProvinceCA:
    """The three authorities of a province."""

    def __init__(self, folder: Path, authorities: dict[str, Authority]) -> None:
        self.folder = folder
        self.root = authorities["root"]
        self.issuing = authorities["issuing"]
        self.tls = authorities["tls"]

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        province: str,
        passphrase: bytes,
        now: datetime,
        kind: KeyKind = "p256",
        addresses: Addresses | None = None,
        new_key: KeySource | None = None,
    ) -> ProvinceCA:
        """Make the root, the issuing CA and the TLS CA, their CRLs and ``ca.pem`` in ``folder``.

        ``addresses``: written into every certificate issued. ``new_key``: makes each key where it is to live
        (a PKCS#11 token, say) instead of an encrypted file. The folder appears whole or not at all. Raises
        :class:`AuthorityError` when one is there already.
        """
        if kind not in ("p256", "rsa2048", "rsa3072"):
            raise AuthorityError(f"{kind!r} is not a kind of CA key", remedy="use p256, rsa2048 or rsa3072")
        keys: dict[str, PrivateKey] = {}

        def key_of(name: str) -> PrivateKey:
            if name not in keys:
                keys[name] = new_key(name) if new_key else generate_key(kind)
            return keys[name]

        beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        try:
            if folder.exists() and any(folder.iterdir()):
                raise AuthorityError(
                    "there is something in this folder already",
                    place=str(folder),
                    remedy="open the authority that is there, or choose another folder",
                    code="authority-exists",
                )
            folder.parent.mkdir(parents=True, exist_ok=True)
            _build(beside, province, now, key_of)
            write_file(beside / "addresses.json", json.dumps(asdict(addresses or Addresses())).encode())
            if new_key is None:
                for name in AUTHORITIES:
                    save_key(beside / name / "ca.key", keys[name], passphrase)
            cls.open(beside, passphrase=passphrase, open_key=key_of).publish_crls(now=now)
            beside.replace(folder)
            _sync(folder.parent)
        except OSError as error:
            raise AuthorityError(f"cannot be written: {error.strerror}", place=str(folder)) from None
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return cls.open(folder, passphrase=passphrase, open_key=key_of if new_key else None)

    @classmethod
    def open(cls, folder: Path, *, passphrase: bytes, open_key: KeySource | None = None) -> ProvinceCA:
        """Open what :meth:`create` made. A wrong passphrase shows when a key is first used.
        ``open_key``: finds the keys where ``new_key`` put them.
        """

        def authority(name: str) -> Authority:
            file = folder / name / "ca.key"

            def key() -> PrivateKey:
                return open_key(name) if open_key else load_key(file, passphrase=passphrase)

            has_key = open_key is not None or file.exists()
            return Authority(name, folder / name, key, has_key=has_key, addresses=addresses)

        try:
            addresses = _addresses(folder / "addresses.json")
            return cls(folder, {name: authority(name) for name in AUTHORITIES})
        except KeyFileError as error:
            raise AuthorityError(
                f"there is no province CA here: {error.detail}",
                place=error.place,
                remedy="make one with `lienthong init`, or give the folder that holds it",
                code="no-authority",
            ) from None

    def authority(self, name: str) -> Authority:
        """One of the three by its name, or :class:`AuthorityError`."""
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
        wanted = Wanted(profile, subject_name, public_key, organ_code, tuple(hosts), days, authority)
        return self.issue_many([wanted], now=now)[0]

    def issue_many(self, wanted: Iterable[Wanted], *, now: datetime) -> list[Issued]:
        """Issue several certificates with one sync of each ledger; in the order asked."""
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
                    try:
                        certificate = issue_leaf(authority, key, one, now)
                    except ValueError as error:
                        raise AuthorityError(
                            f"the certificate cannot be issued: {error}", place=one.subject_name[:80]
                        ) from None
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
        """Record that a certificate is revoked from ``at``. The OCSP responder says so at once; readers of
        CRLs learn it from the next one (:meth:`publish_crls`). Revoking twice keeps the first record.
        """
        if reason not in REASONS:
            raise AuthorityError(
                f"{reason!r} is not a reason for revocation", remedy=f"use one of {', '.join(REASONS)}"
            )
        owner = self._issuer_of(serial)
        with owner.ledger.writing() as ledger:
            if serial not in owner.ledger.revoked:
                ledger.add("revoked", serial=f"{serial:x}", reason=reason, at=stamp(at))

    def _issuer_of(self, serial: int) -> Authority:
        for authority in (self.issuing, self.tls):
            if serial == authority.certificate.serial_number:
                return self.root
            if serial in authority.ledger.refresh().issued:
                return authority
        raise AuthorityError(
            f"no certificate with serial {serial:x} was issued here",
            remedy="give the serial number of a certificate of this province's CA",
            code="unknown-serial",
        )

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


def read_request(csr: bytes) -> tuple[PublicKey, str]:
    """The public key and the common name of a PKCS#10 request (PEM or DER) whose signature proves that
    its maker holds the private key (RFC 2986); :class:`CertificateError` otherwise.
    """
    with reading(CertificateError, "the certificate request"):
        load = x509.load_pem_x509_csr if b"-----BEGIN" in csr else x509.load_der_x509_csr
        request = load(csr)
        key = request.public_key()
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if (
            not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
            or not request.is_signature_valid
        ):
            raise CertificateError(
                "the request is not signed by the key it carries", code="bad-request-signature"
            )
        return key, str(names[0].value) if names else ""


def _build(folder: Path, province: str, now: datetime, key_of: KeySource) -> None:
    common = f"Liên Thông {province}"
    root_key = key_of("root")
    root_name = distinguished_name(f"{common} Root CA", province)
    root = authority_certificate(root_name, root_key.public_key(), None, root_key, now, ROOT_DAYS, 1)
    made = {"root": root}
    for name, title in (("issuing", "Issuing CA"), ("tls", "TLS CA")):
        subject = distinguished_name(f"{common} {title}", province)
        public = key_of(name).public_key()
        made[name] = authority_certificate(subject, public, root, root_key, now, AUTHORITY_DAYS, 0)
    for name, certificate in made.items():
        (folder / name).mkdir(parents=True, mode=0o700)
        write_file(folder / name / "ca.pem", certificate.public_bytes(Encoding.PEM))
    write_file(folder / "anchors" / "root.pem", root.public_bytes(Encoding.PEM))
    bundle = b"".join(made[name].public_bytes(Encoding.PEM) for name in ("issuing", "tls", "root"))
    write_file(folder / "ca.pem", bundle)


def _addresses(path: Path) -> Addresses:
    if not path.exists():
        return Addresses()
    with reading(AuthorityError, "addresses.json", place=str(path)):
        return Addresses(**json.loads(read_file(path)))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

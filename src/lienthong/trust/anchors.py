"""Trusting others: external roots, the authorities below them, and their CRLs, into ``pki/``.

Everything is checked before it is written, so that a wrong file is refused when somebody stands by and not
when documents arrive. To stop trusting a root, delete its file from ``pki/anchors``.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from lienthong.core.text import fold
from lienthong.trust import crl, outbound, paths
from lienthong.trust.certificates import certificates_in
from lienthong.trust.errors import AnchorError, CertificateError, RevocationError
from lienthong.trust.keys import load_certificates, parse_certificates, pem, read_file, write_file
from lienthong.trust.paths import Certificate

FETCH_BUDGET_S = 30.0


def import_anchor(pki: Path, data: bytes, *, now: datetime, name: str = "") -> list[Path]:
    """Put external roots (PEM or DER, one or several) into ``pki/anchors`` after checking that each is fit to
    be one; all or none. Answers the files written. Raises :class:`AnchorError` with the reason.
    """

    def check(candidate: Certificate) -> None:
        objection = unfit_anchor(candidate, now)
        if objection:
            raise AnchorError(objection, place=candidate.common_name)

    return _import(pki / "anchors", data, name, check)


def import_intermediate(pki: Path, data: bytes, *, now: datetime, name: str = "") -> list[Path]:
    """Put authorities below a trusted root into ``pki/intermediates``, for messages that do not bring them
    and to verify their CRLs. Raises :class:`AnchorError` when one is not issued by an authority known here.
    """
    issuers = list(_known(pki))

    def check(candidate: Certificate) -> None:
        objection = paths.unfit_authority(candidate, 0)
        if objection is None and not any(
            issuer.subject == candidate.issuer and paths.issued_by(candidate, issuer) for issuer in issuers
        ):
            issuer = candidate.x509.issuer.rfc4514_string()
            objection = f"it was issued by {issuer}, whom nobody here knows; import that root first"
        if objection is None and not candidate.begins <= now <= candidate.ends:
            objection = f"it is valid from {candidate.begins:%Y-%m-%d} to {candidate.ends:%Y-%m-%d}"
        if objection:
            raise AnchorError(objection, place=candidate.common_name)
        issuers.append(candidate)

    return _import(pki / "intermediates", data, name, check)


def import_crl(pki: Path, data: bytes) -> Path:
    """Put a CRL (PEM or DER) into ``pki/crl`` after checking that an authority known here signed it and that
    it is no older than what is there. Answers the file. Raises :class:`RevocationError`.
    """
    found = crl.parse(data)
    issuer = next((one for one in _known(pki) if found.signed_by(one)), None)
    if issuer is None:
        raise RevocationError(
            f"the CRL of {found.parsed.issuer.rfc4514_string()} is not signed by an authority known here",
            remedy="import that authority first",
            code="crl-of-a-stranger",
        )
    what = issuer.der if found.point is None else issuer.der + found.point.public_bytes()
    digest = hashlib.sha256(what).hexdigest()
    path = pki / "crl" / f"{_slug(issuer.common_name)}-{digest[:12]}.crl"
    if path.exists():
        before = crl.parse(read_file(path, limit=crl.MAX_CRL), place=str(path))
        if before.this_update > found.this_update:
            raise RevocationError(
                f"a newer CRL, of {before.this_update:%Y-%m-%d %H:%M} UTC, is here already", place=str(path)
            )
    write_file(path, data)
    return path


def fetch_crl(
    pki: Path, url: str, *, budget_s: float = FETCH_BUDGET_S, verify: ssl.SSLContext | bool = True
) -> Path:
    """Fetch a CRL over HTTP and import it; for a timer, once an hour or a day. What was there serves on when
    this raises: :class:`~lienthong.trust.outbound.Unreachable` or :class:`RevocationError`.
    """
    return import_crl(pki, outbound.ask(url, budget_s=budget_s, limit=crl.MAX_CRL, verify=verify))


def _known(pki: Path) -> list[Certificate]:
    """The anchors and the intermediate authorities of the folder."""
    ders = certificates_in(pki / "anchors") + certificates_in(pki / "intermediates")
    if (pki / "ca.pem").exists():
        ders += load_certificates(pki / "ca.pem")
    return [paths.parse(der) for der in dict.fromkeys(ders)]


def _import(folder: Path, data: bytes, name: str, check: Callable[[Certificate], None]) -> list[Path]:
    if b"PRIVATE KEY" in data:
        raise AnchorError(
            "the file holds a private key",
            remedy="give the certificate alone, and keep that key to its owner",
        )
    try:
        candidates: Sequence[Certificate] = [paths.parse(der) for der in parse_certificates(data)]
    except CertificateError as error:
        raise AnchorError(error.detail, remedy="give X.509 certificates as PEM, or one as DER") from None
    present = set(certificates_in(folder))
    for candidate in candidates:
        check(candidate)
        if candidate.der in present:
            raise AnchorError("it is here already", place=candidate.common_name, code="anchor-exists")
    written = []
    for candidate in candidates:
        fingerprint = candidate.x509.fingerprint(hashes.SHA256()).hex()
        path = folder / f"{_slug(name or candidate.common_name)}-{fingerprint[:12]}.pem"
        write_file(path, pem("CERTIFICATE", candidate.der))
        written.append(path)
    return written


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:40] or "authority"


def unfit_anchor(candidate: Certificate, now: datetime) -> str | None:
    """Why a certificate may not become an anchor; None when it may. Its own signature must verify (SHA-1 is
    allowed there: nothing rests on it), it must be a CA, in its validity, with a key that is still sound.
    """
    if not candidate.self_issued:
        issuer = candidate.x509.issuer.rfc4514_string()
        return (
            f"it is not a root: it was issued by {issuer}; import that root and keep this as an intermediate"
        )
    objection = paths.unfit_authority(candidate, 0)
    if objection:
        return objection
    try:
        candidate.x509.verify_directly_issued_by(candidate.x509)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return "its own signature does not verify"
    if now > candidate.ends:
        return f"it expired on {candidate.ends:%Y-%m-%d}"
    if now < candidate.begins:
        return f"it is not valid before {candidate.begins:%Y-%m-%d}"
    return None

"""Reading a certificate that somebody brings for an agency, and refusing one that cannot serve."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from cryptography import x509

from lienthong.registry.directory import USES
from lienthong.registry.errors import CertificateRefused
from lienthong.registry.models import Certificate
from lienthong.trust.errors import TrustError
from lienthong.trust.keys import UNREADABLE, parse_certificates
from lienthong.trust.profiles import Profile, unfit

PROFILES = {"seal": Profile.SEAL, "encryption": Profile.ENCRYPTION, "tls": Profile.TLS_CLIENT}


def read(data: bytes, use: str, *, now: datetime, place: str = "certificate") -> Certificate:
    """An unsaved row for the first certificate in PEM or DER ``data``.

    :class:`CertificateRefused` when it cannot be read, is out of date, or is not made for ``use``. Whether
    its issuer is trusted is asked when it is used: anchors change, and the hub's trust store decides.
    """
    if use not in USES:
        raise CertificateRefused(
            f"{use[:20]!r} is not a use", place=place, remedy=f"write one of {', '.join(USES)}"
        )
    try:
        der = parse_certificates(data, place=place)[0]
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        problem = unfit(certificate, PROFILES[use])
        names = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
        period = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (TrustError, *UNREADABLE) as error:
        raise CertificateRefused(
            f"it cannot be read: {error}", place=place, remedy="give one X.509 certificate as PEM or DER"
        ) from None
    if problem:
        raise CertificateRefused(
            f"it cannot serve as {use}: {problem}",
            place=place,
            remedy="have one issued for this use: `lienthong keys issue`",
        )
    if period[1] <= now:
        raise CertificateRefused(
            f"it expired on {period[1]:%Y-%m-%d}", place=place, remedy="have a new one issued"
        )
    return Certificate(
        use=use,
        fingerprint=sha256(der).hexdigest(),
        der=der,
        subject=names[0],
        issuer=names[1],
        serial=f"{certificate.serial_number:x}",
        not_before=period[0],
        not_after=period[1],
        added_at=now,
    )

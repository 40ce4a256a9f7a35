"""The parts of a certificate that checking a signature needs, parsed once for each certificate.

Mathematics only: validity, chain and purpose are ``trust.certificates``' business.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lienthong.trust import der
from lienthong.trust.cms.algorithms import PublicKey, key_name
from lienthong.trust.errors import CmsError
from lienthong.trust.keys import UNREADABLE

CACHED = 2048
"""Certificates kept: about 3 KB each, and never more than MAX_CERTIFICATE."""


@dataclass(frozen=True, slots=True)
class SignerKey:
    key: PublicKey
    kind: str
    """``p256``, ``p384``, ``p521`` or ``rsa``."""


@lru_cache(maxsize=CACHED)
def identity(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """``(issuer Name, serialNumber INTEGER, SHA-256)`` of a DER certificate, the first two as DER.

    Issuer and serial together, as they stand in an IssuerAndSerialNumber, tell certificates apart.
    """
    start, stop = der.only(certificate, 0, len(certificate), der.SEQUENCE)
    at, end = der.expect(certificate, start, stop, der.SEQUENCE)
    tag, _, after = der.read(certificate, at, end)
    if tag == 0xA0:
        at = after
    _, serial_end = der.expect(certificate, at, end, der.INTEGER)
    _, algorithm_end = der.expect(certificate, serial_end, end, der.SEQUENCE)
    _, issuer_end = der.expect(certificate, algorithm_end, end, der.SEQUENCE)
    fingerprint = hashlib.sha256(certificate).digest()
    return certificate[algorithm_end:issuer_end], certificate[at:serial_end], fingerprint


@lru_cache(maxsize=CACHED)
def key_identifier(certificate: bytes) -> bytes | None:
    """The SubjectKeyIdentifier extension, or None."""
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        return extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None
    except UNREADABLE as error:
        raise _unreadable(error) from None


@lru_cache(maxsize=CACHED)
def signer_key(certificate: bytes) -> SignerKey:
    """The public key of a DER certificate, ready to verify with."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except UNREADABLE as error:
        raise _unreadable(error) from None
    kind = key_name(key)
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    return SignerKey(key, kind)


def _unreadable(error: Exception) -> CmsError:
    return CmsError(f"the certificate cannot be read: {error}", place="certificate", code="cms-certificate")

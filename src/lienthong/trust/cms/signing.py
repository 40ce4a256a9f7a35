"""Making CAdES signatures: DER, one signer, the least that baseline B asks for; T with a time-stamp."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from lienthong.trust import der
from lienthong.trust.cms import algorithms as alg
from lienthong.trust.cms.signers import identity
from lienthong.trust.errors import CmsError
from lienthong.trust.keys import ECDSA_P256, RSA_PKCS1, Signer

Timestamp = Callable[[bytes], bytes]
"""SHA-256 digest → DER RFC 3161 TimeStampToken over it."""

_ALGORITHMS = {ECDSA_P256: alg.ECDSA_SHA256, RSA_PKCS1: alg.RSA_SHA256}
_VERSION_1 = der.encode_integer(1)
_CONTENT_TYPE = der.sequence(alg.CONTENT_TYPE, der.element(der.SET, alg.DATA))


def sign_detached(
    content: bytes,
    signer: Signer,
    *,
    signing_time: datetime | None = None,
    timestamp: Timestamp | None = None,
) -> bytes:
    """DER ContentInfo, signature over ``content``, which is not inside (CAdES-B; T with ``timestamp``)."""
    digest = hashlib.sha256(content).digest()
    return sign_digest(digest, signer, signing_time=signing_time, timestamp=timestamp)


def sign_attached(
    content: bytes,
    signer: Signer,
    *,
    signing_time: datetime | None = None,
    timestamp: Timestamp | None = None,
) -> bytes:
    """The same with ``content`` inside."""
    digest = hashlib.sha256(content).digest()
    inside = der.element(0xA0, der.element(der.OCTET_STRING, content))
    return sign_digest(digest, signer, signing_time=signing_time, timestamp=timestamp, inside=inside)


def sign_digest(
    digest: bytes,
    signer: Signer,
    *,
    signing_time: datetime | None = None,
    timestamp: Timestamp | None = None,
    inside: bytes = b"",
) -> bytes:
    """The same for a content whose SHA-256 is known. ``inside``: the encoded eContent, if any."""
    algorithm = _ALGORITHMS.get(signer.algorithm)
    if algorithm is None:
        raise CmsError(
            f"the signer's algorithm {signer.algorithm!r} is not used here", code="cms-unsupported"
        )
    sid, certificates, signing_certificate = _fixed_parts(signer.certificate, tuple(signer.chain))
    attributes = [
        _CONTENT_TYPE,
        _attribute(alg.MESSAGE_DIGEST, der.element(der.OCTET_STRING, digest)),
        signing_certificate,
    ]
    if signing_time is not None:
        attributes.append(_attribute(alg.SIGNING_TIME, der.encode_time(signing_time)))
    signed = der.set_of(attributes)
    signature = signer.sign(signed)
    unsigned = b""
    if timestamp is not None:
        token = timestamp(hashlib.sha256(signature).digest())
        unsigned = der.element(0xA1, _attribute(alg.SIGNATURE_TIMESTAMP, token))
    signer_info = der.sequence(
        _VERSION_1,
        sid,
        alg.SHA256,
        b"\xa0" + signed[1:],
        algorithm,
        der.element(der.OCTET_STRING, signature),
        unsigned,
    )
    signed_data = der.sequence(
        _VERSION_1,
        der.element(der.SET, alg.SHA256),
        der.sequence(alg.DATA, inside),
        certificates,
        der.element(der.SET, signer_info),
    )
    return der.sequence(alg.SIGNED_DATA, der.element(0xA0, signed_data))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(kind, der.element(der.SET, value))


@lru_cache(maxsize=256)
def _fixed_parts(certificate: bytes, chain: tuple[bytes, ...]) -> tuple[bytes, bytes, bytes]:
    """What every signature with this certificate repeats: the signer's identifier, the certificates, the
    signing-certificate-v2 attribute (RFC 5035; SHA-256 is its default, so no algorithm is written).
    """
    issuer, serial, fingerprint = identity(certificate)
    sid = der.sequence(issuer, serial)
    certificates = der.set_of({certificate, *chain}, 0xA0)
    reference = der.sequence(der.sequence(der.sequence(der.element(der.OCTET_STRING, fingerprint))))
    return sid, certificates, _attribute(alg.SIGNING_CERTIFICATE_V2, reference)

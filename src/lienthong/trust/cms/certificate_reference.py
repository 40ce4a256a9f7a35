"""Which certificate a signature is by: the signer's identifier, and the signed reference to it (RFC 5035)."""

from __future__ import annotations

import hashlib

from lienthong.trust import der
from lienthong.trust.cms import algorithms as alg
from lienthong.trust.cms.signers import identity, key_identifier
from lienthong.trust.errors import CmsError


def certificate_of(sid: bytes, certificates: tuple[bytes, ...]) -> bytes:
    """The one certificate that ``sid`` names."""
    if sid[0] == der.SEQUENCE:
        start, stop = der.only(sid, 0, len(sid), der.SEQUENCE)
        wanted = sid[start:stop]
        found = [c for c in certificates if b"".join(identity(c)[:2]) == wanted]
    else:
        start, stop = der.only(sid, 0, len(sid), 0x80)
        found = [c for c in certificates if key_identifier(c) == sid[start:stop]]
    if len(found) != 1:
        raise CmsError(
            f"{len(found)} of the certificates inside are the signer's",
            place="certificates",
            remedy="include the signer's certificate once",
            code="cms-certificate",
        )
    return found[0]


def check_signing_certificate(value: bytes | None, certificate: bytes) -> None:
    """signing-certificate-v2 (RFC 5035 §3) must name this very certificate first."""
    if value is None:
        raise CmsError(
            "the signing-certificate-v2 attribute is missing",
            place="signed attributes",
            remedy="sign at CAdES baseline level B",
            code="cms-certificate",
        )
    if value == der.sequence(
        der.sequence(der.sequence(der.element(der.OCTET_STRING, identity(certificate)[2])))
    ):
        return
    start, stop = der.only(value, 0, len(value), der.SEQUENCE)
    at, end = der.expect(value, start, stop, der.SEQUENCE)
    if end != stop:
        der.only(value, end, stop, der.SEQUENCE)
    at, end = der.expect(value, at, end, der.SEQUENCE)
    hash_name: str | None = "sha256"
    tag, start, stop = der.read(value, at, end)
    if tag == der.SEQUENCE:
        hash_name = alg.DIGESTS.get(value[at:stop])
        start, stop = der.expect(value, stop, end, der.OCTET_STRING)
    elif tag != der.OCTET_STRING:
        raise CmsError(
            "the signing-certificate-v2 attribute is not well formed",
            place="signed attributes",
            code="cms-malformed",
        )
    if hash_name is None:
        raise CmsError(
            "the signing-certificate-v2 attribute uses a digest that is not accepted", code="cms-unsupported"
        )
    same = hashlib.new(hash_name, certificate).digest() == value[start:stop]
    if stop != end:
        same = same and _same_issuer(value, *der.only(value, stop, end, der.SEQUENCE), certificate)
    if not same:
        raise CmsError(
            "the signed attributes name another certificate than the one inside",
            place="signed attributes",
            remedy="ask the sender for the file again: the certificate was exchanged",
            code="cms-certificate",
        )


def _same_issuer(value: bytes, at: int, end: int, certificate: bytes) -> bool:
    """IssuerSerial: GeneralNames with one directoryName, and the serial number."""
    start, stop = der.expect(value, at, end, der.SEQUENCE)
    name = der.element(0xA4, identity(certificate)[0])
    return value[start:stop] == name and value[stop:end] == identity(certificate)[1]

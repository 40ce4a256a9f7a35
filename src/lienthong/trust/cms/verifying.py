"""Reading CAdES signatures: strict DER, the signed attributes, the signature. Mathematics, not trust."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature

from lienthong.trust import der
from lienthong.trust.cms import algorithms as alg
from lienthong.trust.cms.signers import identity, key_identifier, signer_key
from lienthong.trust.cms.structure import Signer, parse
from lienthong.trust.errors import CmsError


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """A signature that verifies against the key in ``certificate``; whether to trust that is another matter.

    ``certificates``: all that came along, DER, the signer's among them. ``fingerprint``: SHA-256 of
    ``certificate``. ``algorithm``: such as ``ecdsa-p256-sha256``. ``signing_time``: what the signer says.
    ``timestamp``: DER RFC 3161 token over ``signature``, not yet checked (``trust.timestamps``).
    """

    certificate: bytes
    certificates: tuple[bytes, ...]
    fingerprint: bytes
    signing_time: datetime | None
    algorithm: str
    timestamp: bytes | None
    signature: bytes


def verify_detached(cms: bytes, content: bytes) -> SignatureInfo:
    """The one signature in ``cms`` over ``content``, or :class:`CmsError`."""
    return _one(verify_every_detached(cms, content))


def verify_every_detached(cms: bytes, content: bytes) -> tuple[SignatureInfo, ...]:
    """Every signature in ``cms`` over ``content``; one that does not verify refuses them all."""
    signed = parse(cms)
    if signed.content is not None:
        raise CmsError("the content is inside a signature that should be detached", code="cms-unsupported")
    return tuple([_verify(signer, content, signed.certificates) for signer in signed.signers])


def verify_attached(cms: bytes) -> tuple[bytes, SignatureInfo]:
    """``(content, signature)`` of a CMS that carries its content, or :class:`CmsError`."""
    signed = parse(cms)
    content = signed.content
    if content is None:
        raise CmsError("the signature does not carry its content", code="cms-unsupported")
    return content, _one(tuple([_verify(signer, content, signed.certificates) for signer in signed.signers]))


def _one(found: tuple[SignatureInfo, ...]) -> SignatureInfo:
    if len(found) != 1:
        raise CmsError(f"{len(found)} signatures stand where one belongs", code="cms-unsupported")
    return found[0]


def _verify(signer: Signer, content: bytes, certificates: tuple[bytes, ...]) -> SignatureInfo:
    hash_name = alg.DIGESTS.get(signer.digest_algorithm)
    known = alg.SIGNATURES.get((signer.signature_algorithm, hash_name or ""))
    if hash_name is None or known is None:
        raise CmsError(
            "the digest or signature algorithm is not accepted, or the two do not fit together",
            place="signer",
            remedy="sign with SHA-256, SHA-384 or SHA-512 and ECDSA, RSA PKCS#1 v1.5 or RSA-PSS",
            code="cms-unsupported",
        )
    family, check = known
    certificate = _certificate_of(signer.sid, certificates)
    fingerprint = identity(certificate)[2]
    attributes = signer.attributes
    if attributes.get(alg.CONTENT_TYPE) != alg.DATA:
        raise CmsError(
            "the content-type attribute is missing or wrong", place="signed attributes", code="cms-malformed"
        )
    digest = hashlib.new(hash_name, content).digest()
    if attributes.get(alg.MESSAGE_DIGEST) != bytes((der.OCTET_STRING, len(digest))) + digest:
        raise CmsError(
            "the signed digest is not that of the content: one of them was changed",
            place="signed attributes",
            code="cms-digest",
        )
    _check_signing_certificate(attributes.get(alg.SIGNING_CERTIFICATE_V2), certificate)
    protection = attributes.get(alg.ALGORITHM_PROTECTION)
    if protection is not None:
        expected = signer.digest_algorithm + b"\xa1" + signer.signature_algorithm[1:]
        if protection != der.sequence(expected):
            raise CmsError(
                "the protected algorithms are not those used", place="signed attributes", code="cms-malformed"
            )
    key = signer_key(certificate)
    try:
        check(key.key, signer.signature, signer.signed)
    except InvalidSignature:
        raise CmsError(
            "the signature does not verify with the signer's certificate",
            place="signer",
            remedy="ask the sender for the file again: it was changed, or signed with another key",
            code="cms-signature",
        ) from None
    time = attributes.get(alg.SIGNING_TIME)
    return SignatureInfo(
        certificate,
        certificates,
        fingerprint,
        None if time is None else _time(time),
        f"{family}-{hash_name}" if key.kind == "rsa" else f"{family}-{key.kind}-{hash_name}",
        signer.timestamp,
        signer.signature,
    )


def _time(value: bytes) -> datetime:
    tag, start, _ = der.read(value, 0, len(value))
    return der.moment(tag, value[start:])


def _certificate_of(sid: bytes, certificates: tuple[bytes, ...]) -> bytes:
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


def _check_signing_certificate(value: bytes | None, certificate: bytes) -> None:
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

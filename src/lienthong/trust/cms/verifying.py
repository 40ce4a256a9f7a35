"""Reading CAdES signatures: strict DER, the signed attributes, the signature. Mathematics, not trust."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature

from lienthong.trust import der
from lienthong.trust.cms import algorithms as alg
from lienthong.trust.cms.certificate_reference import certificate_of, check_signing_certificate
from lienthong.trust.cms.shapes import TIME_SIZE, Shape, Verified, recall, remember
from lienthong.trust.cms.signers import identity, signer_key
from lienthong.trust.cms.structure import SignedData, Signer, parse
from lienthong.trust.errors import CmsError


class SignatureInfo(NamedTuple):
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
    known = recall(cms)
    if known is not None:
        return (_verify_known(cms, content, *known),)
    signed = parse(cms)
    if signed.content is not None:
        raise CmsError("the content is inside a signature that should be detached", code="cms-unsupported")
    checked = [_verify(signer, content, signed.certificates) for signer in signed.signers]
    if len(checked) == 1:
        _keep(cms, signed, checked[0])
    return tuple(checked)


def verify_attached(cms: bytes) -> tuple[bytes, SignatureInfo]:
    """``(content, signature)`` of a CMS that carries its content, or :class:`CmsError`."""
    signed = parse(cms)
    content = signed.content
    if content is None:
        raise CmsError("the signature does not carry its content", code="cms-unsupported")
    return content, _one(tuple(_verify(signer, content, signed.certificates) for signer in signed.signers))


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
    certificate = certificate_of(signer.sid, certificates)
    attributes = signer.attributes
    if attributes.get(alg.CONTENT_TYPE) != alg.DATA:
        raise _malformed("the content-type attribute is missing or wrong")
    digest = alg.CONSTRUCTORS[hash_name](content).digest()
    if attributes.get(alg.MESSAGE_DIGEST) != bytes((der.OCTET_STRING, len(digest))) + digest:
        raise _changed()
    check_signing_certificate(attributes.get(alg.SIGNING_CERTIFICATE_V2), certificate)
    protection = attributes.get(alg.ALGORITHM_PROTECTION)
    if protection is not None:
        expected = signer.digest_algorithm + b"\xa1" + signer.signature_algorithm[1:]
        if protection != der.sequence(expected):
            raise _malformed("the protected algorithms are not those used")
    time = attributes.get(alg.SIGNING_TIME)
    signing_time = None if time is None else _time(time)
    key = signer_key(certificate)
    if (key.kind == "rsa") is not family.startswith("rsa"):
        raise _not_by_signer()
    _check_signature(check, key.key, signer.signature, signer.signed)
    return SignatureInfo(
        certificate,
        certificates,
        identity(certificate)[2],
        signing_time,
        f"{family}-{hash_name}" if key.kind == "rsa" else f"{family}-{key.kind}-{hash_name}",
        signer.timestamp,
        signer.signature,
    )


def _verify_known(cms: bytes, content: bytes, time_at: int, shape: Shape) -> SignatureInfo:
    """The same for a CMS of a known shape: time, digest and signature are all that can differ."""
    signer = shape.signer
    if alg.CONSTRUCTORS[signer.hash_name](content).digest() != cms[shape.digest_at : shape.digest_end]:
        raise _changed()
    signing_time = der.moment(der.UTC_TIME, cms[time_at : time_at + TIME_SIZE])
    signature = cms[shape.signature_at :]
    signed = b"\x31" + cms[shape.signed_at + 1 : shape.signed_end]
    _check_signature(signer.check, signer.key, signature, signed)
    certificate, certificates, fingerprint, algorithm = signer[:4]
    return SignatureInfo(certificate, certificates, fingerprint, signing_time, algorithm, None, signature)


def _keep(cms: bytes, signed: SignedData, info: SignatureInfo) -> None:
    signer = signed.signers[0]
    hash_name = alg.DIGESTS[signer.digest_algorithm]
    remember(
        cms,
        signed,
        Verified(
            info.certificate,
            info.certificates,
            info.fingerprint,
            info.algorithm,
            hash_name,
            signer_key(info.certificate).key,
            alg.SIGNATURES[signer.signature_algorithm, hash_name][1],
        ),
    )


def _check_signature(check: alg.Check, key: alg.PublicKey, signature: bytes, message: bytes) -> None:
    try:
        check(key, signature, message)
    except InvalidSignature:
        raise _not_by_signer() from None


def _time(value: bytes) -> datetime:
    tag, start, _ = der.read(value, 0, len(value))
    return der.moment(tag, value[start:])


def _not_by_signer() -> CmsError:
    return CmsError(
        "the signature does not verify with the signer's certificate",
        place="signer",
        remedy="ask the sender for the file again: it was changed, or signed with another key",
        code="cms-signature",
    )


def _changed() -> CmsError:
    return CmsError(
        "the signed digest is not that of the content: one of them was changed",
        place="signed attributes",
        remedy="ask the sender for the file again",
        code="cms-digest",
    )


def _malformed(detail: str) -> CmsError:
    return CmsError(detail, place="signed attributes", code="cms-malformed")

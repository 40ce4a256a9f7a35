"""Object identifiers of CMS and CAdES, and the signature algorithms accepted: nothing with SHA-1 or MD5."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from lienthong.trust import der
from lienthong.trust.errors import CmsError

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Check = Callable[[PublicKey, bytes, bytes], None]
"""(key, signature, message); the key must be of the algorithm's family."""

DATA = der.oid("1.2.840.113549.1.7.1")
SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
ALGORITHM_PROTECTION = der.oid("1.2.840.113549.1.9.52")
SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
SIGNATURE_TIMESTAMP = der.oid("1.2.840.113549.1.9.16.2.14")

NULL = b"\x05\x00"
SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))
RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), NULL)

_HASHES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256()),
    "sha384": ("2.16.840.1.101.3.4.2.2", hashes.SHA384()),
    "sha512": ("2.16.840.1.101.3.4.2.3", hashes.SHA512()),
}
CONSTRUCTORS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_ECDSA = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
_RSA = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_CURVES = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}
MIN_RSA, MAX_RSA = 2048, 8192

DIGESTS: dict[bytes, str] = {}
"""DER AlgorithmIdentifier (parameters absent or NULL: RFC 5754 §2 wants both read) → hash name."""

SIGNATURES: dict[tuple[bytes, str], tuple[str, Check]] = {}
"""(DER AlgorithmIdentifier of the signature, hash name of the digest) → (family, check)."""


def _ecdsa(algorithm: hashes.HashAlgorithm) -> Check:
    scheme = ec.ECDSA(algorithm)

    def check(key: PublicKey, signature: bytes, message: bytes) -> None:
        cast("ec.EllipticCurvePublicKey", key).verify(signature, message, scheme)

    return check


def _rsa(algorithm: hashes.HashAlgorithm, scheme: padding.AsymmetricPadding) -> Check:
    def check(key: PublicKey, signature: bytes, message: bytes) -> None:
        cast("rsa.RSAPublicKey", key).verify(signature, message, scheme, algorithm)

    return check


def _pss_parameters(digest: bytes, size: int) -> bytes:
    mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), digest)
    return der.sequence(
        der.element(0xA0, digest), der.element(0xA1, mask), der.element(0xA2, der.encode_integer(size))
    )


def _fill() -> None:
    for name, (dotted, algorithm) in _HASHES.items():
        bare, with_null = der.sequence(der.oid(dotted)), der.sequence(der.oid(dotted), NULL)
        DIGESTS[bare] = DIGESTS[with_null] = name
        SIGNATURES[der.sequence(der.oid(_ECDSA[name])), name] = ("ecdsa", _ecdsa(algorithm))
        pkcs1 = ("rsa-pkcs1v15", _rsa(algorithm, padding.PKCS1v15()))
        for rsa_oid in (_RSA[name], "1.2.840.113549.1.1.1"):
            SIGNATURES[der.sequence(der.oid(rsa_oid), NULL), name] = pkcs1
            SIGNATURES[der.sequence(der.oid(rsa_oid)), name] = pkcs1
        size = algorithm.digest_size
        pss = ("rsa-pss", _rsa(algorithm, padding.PSS(padding.MGF1(algorithm), size)))
        for digest in (bare, with_null):
            identifier = der.sequence(der.oid("1.2.840.113549.1.1.10"), _pss_parameters(digest, size))
            SIGNATURES[identifier, name] = pss


_fill()


def key_name(key: object) -> str:
    """``p256``, ``p384``, ``p521`` or ``rsa``; :class:`CmsError` for keys that may not sign here."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey) and MIN_RSA <= key.key_size <= MAX_RSA:
        return "rsa"
    raise CmsError(
        "the signer's key is neither ECDSA on P-256, P-384 or P-521 nor RSA of 2048 to 8192 bits",
        place="certificate",
        code="cms-unsupported",
    )

"""RecipientInfos (RFC 5652 §6.2): the content key, wrapped for each recipient's certificate.

P-256: ephemeral-static ECDH, X9.63 KDF with SHA-256, AES-256 key wrap (RFC 5753, RFC 3565).
RSA: OAEP with SHA-256 and MGF1 with SHA-256 (RFC 8017, RFC 4055).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lienthong.trust import der
from lienthong.trust.cms.signers import identity
from lienthong.trust.errors import SealingError
from lienthong.trust.keys import UNREADABLE

MAX_RECIPIENTS = 5_000
KEY_SIZE = 32

_EC_KEY = der.oid("1.2.840.10045.2.1")
_WRAP = der.sequence(der.oid("2.16.840.1.101.3.4.1.45"))
_AGREEMENT = der.sequence(der.oid("1.3.132.1.11.1"), _WRAP)
_SHARED_INFO = der.sequence(
    _WRAP, der.element(0xA2, der.element(der.OCTET_STRING, (KEY_SIZE * 8).to_bytes(4, "big")))
)
_SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_SHA256_NULL = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
_OAEP_OID = der.oid("1.2.840.113549.1.1.7")


def _oaep(digest: bytes) -> bytes:
    mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), digest)
    return der.sequence(_OAEP_OID, der.sequence(der.element(0xA0, digest), der.element(0xA1, mask)))


_OAEP = _oaep(_SHA256_NULL)
_OAEP_READ = frozenset({_OAEP, _oaep(_SHA256)})
_OAEP_PADDING = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_VERSION_0, _VERSION_3 = der.encode_integer(0), der.encode_integer(3)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def recipient_info(certificate: bytes, key: bytes) -> bytes:
    """The RecipientInfo that carries the content ``key`` to the holder of a DER ``certificate``."""
    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
    except UNREADABLE as error:
        raise SealingError(f"a recipient's certificate cannot be read: {error}", place="recipient") from None
    issuer, serial, _ = identity(certificate)
    name = der.sequence(issuer, serial)
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048:
        wrapped = der.element(der.OCTET_STRING, public.encrypt(key, _OAEP_PADDING))
        return der.sequence(_VERSION_0, name, _OAEP, wrapped)
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        originator = der.element(0xA1, der.sequence(_EC_KEY), der.element(der.BIT_STRING, b"\0" + point))
        wrapped = keywrap.aes_key_wrap(_wrapping_key(ephemeral, public), key)
        keys = der.sequence(der.sequence(name, der.element(der.OCTET_STRING, wrapped)))
        return der.element(0xA1, _VERSION_3, der.element(0xA0, originator), _AGREEMENT, keys)
    raise SealingError(
        "a recipient's key is neither on P-256 nor RSA of 2048 bits or more",
        place="recipient",
        remedy="ask the recipient for an encryption certificate of this province's CA",
        code="sealed-unsupported",
    )


def content_key(infos: bytes, key: PrivateKey, certificate: bytes) -> bytes:
    """The content key from the RecipientInfos (the content of their SET) for our key and certificate.

    :class:`SealingError` when no recipient is us, or ours does not open.
    """
    issuer, serial, _ = identity(certificate)
    name = der.sequence(issuer, serial)
    found = der.elements(infos, 0, len(infos))
    if not 0 < len(found) <= MAX_RECIPIENTS:
        raise SealingError(f"{len(found)} recipients are none or too many")
    for tag, _, start, stop in found:
        if tag == der.SEQUENCE and isinstance(key, rsa.RSAPrivateKey):
            opened = _open_transport(infos, start, stop, key, name)
        elif tag == 0xA1 and isinstance(key, ec.EllipticCurvePrivateKey):
            opened = _open_agreement(infos, start, stop, key, name)
        else:
            continue
        if opened is not None:
            if len(opened) != KEY_SIZE:
                raise SealingError("the wrapped key has the wrong length")
            return opened
    raise SealingError(
        "the file is not sealed for this certificate",
        place="recipients",
        remedy="open it with the key of the agency it was addressed to",
        code="sealed-not-for-us",
    )


def _version(data: bytes, at: int, end: int, wanted: bytes) -> int:
    """Where the version ends, which must be ``wanted``."""
    _, stop = der.expect(data, at, end, der.INTEGER)
    if data[at:stop] != wanted:
        raise SealingError(
            "a recipient is named in a way not read here",
            place="recipients",
            remedy="name recipients by issuer and serial number",
            code="sealed-unsupported",
        )
    return stop


def _wrapping_key(private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> bytes:
    shared = private.exchange(ec.ECDH(), public)
    return X963KDF(hashes.SHA256(), KEY_SIZE, _SHARED_INFO).derive(shared)


def _open_transport(data: bytes, at: int, end: int, key: rsa.RSAPrivateKey, name: bytes) -> bytes | None:
    at = _version(data, at, end, _VERSION_0)
    tag, _, stop = der.read(data, at, end)
    if tag != der.SEQUENCE or data[at:stop] != name:
        return None
    at = stop
    _, stop = der.expect(data, at, end, der.SEQUENCE)
    if data[at:stop] not in _OAEP_READ:
        raise _unsupported("RSA-OAEP with SHA-256")
    start, stop = der.only(data, stop, end, der.OCTET_STRING)
    try:
        return key.decrypt(data[start:stop], _OAEP_PADDING)
    except ValueError:
        raise _does_not_open() from None


def _open_agreement(
    data: bytes, at: int, end: int, key: ec.EllipticCurvePrivateKey, name: bytes
) -> bytes | None:
    at = _version(data, at, end, _VERSION_3)
    originator, stop = der.expect(data, at, end, 0xA0)
    originator_end = stop
    if stop < end and data[stop] == 0xA1:
        raise _unsupported("key agreement without user keying material")
    at = stop
    _, stop = der.expect(data, at, end, der.SEQUENCE)
    algorithm = data[at:stop]
    start, stop = der.only(data, stop, end, der.SEQUENCE)
    for tag, _, inner, inner_end in der.elements(data, start, stop):
        if tag != der.SEQUENCE:
            raise SealingError("a recipient is not well formed", place="recipients")
        rid_tag, _, rid_end = der.read(data, inner, inner_end)
        if rid_tag != der.SEQUENCE or data[inner:rid_end] != name:
            continue
        if algorithm != _AGREEMENT:
            raise _unsupported("ECDH with the X9.63 KDF, SHA-256 and AES-256 key wrap")
        point = _originator_point(data, originator, originator_end)
        wrapped, wrapped_end = der.only(data, rid_end, inner_end, der.OCTET_STRING)
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            return keywrap.aes_key_unwrap(_wrapping_key(key, public), data[wrapped:wrapped_end])
        except (ValueError, keywrap.InvalidUnwrap):
            raise _does_not_open() from None
    return None


def _originator_point(data: bytes, at: int, end: int) -> bytes:
    """The sender's ephemeral point; its parameters may be absent or anything, the curve is ours."""
    start, stop = der.only(data, at, end, 0xA1)
    algorithm, algorithm_end = der.expect(data, start, stop, der.SEQUENCE)
    _, oid_end = der.expect(data, algorithm, algorithm_end, der.OID)
    if data[algorithm:oid_end] != _EC_KEY:
        raise _unsupported("an originator key on P-256")
    start, stop = der.only(data, algorithm_end, stop, der.BIT_STRING)
    if data[start : start + 1] != b"\0":
        raise SealingError("the originator's key is not well formed", place="recipients")
    return data[start + 1 : stop]


def _unsupported(wanted: str) -> SealingError:
    return SealingError(
        "the key is wrapped in a way not read here",
        place="recipients",
        remedy=f"seal with {wanted}",
        code="sealed-unsupported",
    )


def _does_not_open() -> SealingError:
    return SealingError(
        "the key for this recipient does not open: it was changed, or wrapped for another key",
        place="recipients",
        code="sealed-changed",
    )

"""The shape of a CMS SignedData (RFC 5652 §5) as strict DER: taken apart, nothing judged yet."""

from __future__ import annotations

from typing import NamedTuple

from lienthong.trust.cms import algorithms as alg
from lienthong.trust.der import (
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    elements,
    expect,
    integer,
    only,
    read,
)
from lienthong.trust.errors import CmsError

MAX_SIGNERS = 16
MAX_CERTIFICATES = 32
MAX_CERTIFICATE = 16 << 10
"""Bytes of one certificate: they are kept in caches, which this bounds."""


class Signer(NamedTuple):
    """One SignerInfo. All values are DER elements, except ``signature``, the content of its OCTET STRING."""

    sid: bytes
    """IssuerAndSerialNumber, or ``[0]`` SubjectKeyIdentifier."""
    digest_algorithm: bytes
    signed: bytes
    """The signed attributes as they are signed: a SET OF (RFC 5652 §5.4)."""
    attributes: dict[bytes, bytes]
    """Signed attributes: type → its only value."""
    signature_algorithm: bytes
    signature: bytes
    timestamp: bytes | None


class SignedData(NamedTuple):
    content: bytes | None
    """The content carried inside; None for a detached signature."""
    certificates: tuple[bytes, ...]
    signers: tuple[Signer, ...]


def parse(data: bytes) -> SignedData:
    """The SignedData in a DER ContentInfo, or :class:`CmsError`."""
    at, end = only(data, 0, len(data), SEQUENCE)
    _, kind_end = expect(data, at, end, OID)
    if data[at:kind_end] != alg.SIGNED_DATA:
        raise CmsError("the structure is not CMS signed data", code="cms-malformed")
    at, end = only(data, kind_end, end, 0xA0)
    at, end = only(data, at, end, SEQUENCE)

    start, at = expect(data, at, end, INTEGER)
    if integer(data, start, at) not in (1, 3):
        raise CmsError("the version of the signed data is not 1 or 3", code="cms-unsupported")
    start, stop = expect(data, at, end, SET)
    digests = {data[a:z] for _, a, _, z in elements(data, start, stop)}
    at, stop = expect(data, stop, end, SEQUENCE)
    content = _content(data, at, stop)

    tag, start, at = read(data, stop, end)
    certificates: tuple[bytes, ...] = ()
    if tag == 0xA0:
        certificates = _certificates(data, start, at)
        tag, start, at = read(data, at, end)
    if tag == 0xA1:
        tag, start, at = read(data, at, end)
    if tag != SET or at != end:
        raise CmsError("the signed data does not end with its signers", code="cms-malformed")
    signers = []
    while start < end:
        at, stop = expect(data, start, end, SEQUENCE)
        signers.append(_signer(data, at, stop))
        start = stop
    if not 0 < len(signers) <= MAX_SIGNERS:
        raise CmsError(f"{len(signers)} signers are none or too many", code="cms-unsupported")
    if {signer.digest_algorithm for signer in signers} != digests:
        raise CmsError("the announced digest algorithms are not those of the signers", code="cms-malformed")
    return SignedData(content, certificates, tuple(signers))


def _content(data: bytes, at: int, end: int) -> bytes | None:
    _, kind_end = expect(data, at, end, OID)
    if data[at:kind_end] != alg.DATA:
        raise CmsError("the signed content is not of type data", code="cms-unsupported")
    if kind_end == end:
        return None
    start, stop = only(data, kind_end, end, 0xA0)
    start, stop = only(data, start, stop, OCTET_STRING)
    return data[start:stop]


def _certificates(data: bytes, at: int, end: int) -> tuple[bytes, ...]:
    found = []
    while at < end:
        _, stop = expect(data, at, end, SEQUENCE)
        if stop - at > MAX_CERTIFICATE:
            raise CmsError(f"a certificate is larger than {MAX_CERTIFICATE} bytes", code="cms-unsupported")
        found.append(data[at:stop])
        at = stop
    if len(found) > MAX_CERTIFICATES or len(set(found)) != len(found):
        raise CmsError("a certificate stands twice, or there are too many", code="cms-malformed")
    return tuple(found)


def _signer(data: bytes, at: int, end: int) -> Signer:
    start, stop = expect(data, at, end, INTEGER)
    version = integer(data, start, stop)
    sid_at = stop
    tag, _, stop = read(data, sid_at, end)
    if (version, tag) not in ((1, SEQUENCE), (3, 0x80)):
        raise CmsError("the signer is not named in a way that fits the version", code="cms-malformed")
    sid = data[sid_at:stop]
    at = stop
    _, stop = expect(data, at, end, SEQUENCE)
    digest_algorithm = data[at:stop]
    at = stop
    if at < end and data[at] != 0xA0:
        raise CmsError("the signature has no signed attributes", code="cms-unsupported")
    start, stop = expect(data, at, end, 0xA0)
    attributes = _attributes(data, start, stop)
    signed = b"\x31" + data[at + 1 : stop]
    at = stop
    _, stop = expect(data, at, end, SEQUENCE)
    signature_algorithm = data[at:stop]
    start, stop = expect(data, stop, end, OCTET_STRING)
    signature = data[start:stop]
    timestamp = None
    if stop != end:
        timestamp = _timestamp(data, *only(data, stop, end, 0xA1))
    return Signer(sid, digest_algorithm, signed, attributes, signature_algorithm, signature, timestamp)


def _attributes(data: bytes, at: int, end: int) -> dict[bytes, bytes]:
    """Signed attributes: a DER SET OF, so sorted; each type once, with one value."""
    found: dict[bytes, bytes] = {}
    before = b""
    count = 0
    while at < end:
        start, stop = expect(data, at, end, SEQUENCE)
        whole = data[at:stop]
        _, kind_end = expect(data, start, stop, OID)
        value_at, value_end = only(data, kind_end, stop, SET)
        if read(data, value_at, value_end)[2] != value_end or whole < before:
            raise CmsError(
                "a signed attribute has several values or stands out of order", code="cms-malformed"
            )
        found[data[start:kind_end]] = data[value_at:value_end]
        before = whole
        at = stop
        count += 1
    if len(found) != count:
        raise CmsError("a signed attribute stands twice", code="cms-malformed")
    return found


def _timestamp(data: bytes, at: int, end: int) -> bytes | None:
    """The first signature time-stamp among the unsigned attributes; the others are left alone."""
    token = None
    for tag, _, start, stop in elements(data, at, end):
        _, kind_end = expect(data, start, stop, OID)
        value_at, value_end = only(data, kind_end, stop, SET)
        values = elements(data, value_at, value_end)
        if tag != SEQUENCE or not values:
            raise CmsError("an unsigned attribute is not well formed", code="cms-malformed")
        if token is None and data[start:kind_end] == alg.SIGNATURE_TIMESTAMP:
            token = data[values[0][1] : values[0][3]]
    return token

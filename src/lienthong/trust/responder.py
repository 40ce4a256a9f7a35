"""The built-in OCSP responder (RFC 6960): request bytes in, response bytes out.

It answers from the authority's ledger, so a revocation is known the moment it is recorded, and a serial
that was never issued is "unknown". A malformed request gets a malformed-request response, a request about
another CA an unauthorized one; no input raises.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lienthong.trust import der, paths
from lienthong.trust.errors import AuthorityError, RevocationError, TrustError
from lienthong.trust.keys import RSA_PKCS1, Signer, load_certificates
from lienthong.trust.ledger import Ledger
from lienthong.trust.ocsp import certificate_id, key_bits
from lienthong.trust.paths import Certificate

MAX_REQUEST = 16 << 10
MAX_ASKED = 32
LIFE = timedelta(hours=1)
"""How long an answer is current; thisUpdate is the moment of answering."""

_REASONS = {
    "key-compromise": 1,
    "ca-compromise": 2,
    "affiliation-changed": 3,
    "superseded": 4,
    "cessation-of-operation": 5,
    "privilege-withdrawn": 9,
}
"""CRLReason (RFC 5280 §5.3.1); "unspecified" is left out, as that section asks."""

_DIGESTS = {
    der.oid("1.3.14.3.2.26"): "sha1",
    der.oid("2.16.840.1.101.3.4.2.1"): "sha256",
    der.oid("2.16.840.1.101.3.4.2.2"): "sha384",
    der.oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
_ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_NULL = b"\x05\x00"
_RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), _NULL)
_BASIC = der.oid("1.3.6.1.5.5.7.48.1.1")
_NONCE = der.oid("1.3.6.1.5.5.7.48.1.2")
_MALFORMED, _INTERNAL, _UNAUTHORIZED = 1, 2, 6
_ENUMERATED = 0x0A
_GOOD, _UNKNOWN, _REVOKED = b"\x80\x00", b"\x82\x00", 0xA1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One CertID as it was asked, and what it says."""

    certificate_id: bytes
    algorithm: str
    name_hash: bytes
    key_hash: bytes
    serial: int


@dataclass(frozen=True, slots=True)
class Source:
    """An authority for which answers are given, what it issued, and who signs the answers."""

    issuer: Certificate
    ledger: Ledger
    signer: Signer


class OcspResponder:
    """Answers for one or several authorities."""

    def __init__(self, sources: list[Source]) -> None:
        for source in sources:
            responder = paths.parse(source.signer.certificate)
            if responder.issuer != source.issuer.subject or not paths.issued_by(responder, source.issuer):
                raise AuthorityError(
                    f"{responder.common_name} was not certified by {source.issuer.common_name}",
                    remedy="issue the responder's certificate from the CA it answers for (RFC 6960 §4.2.2.2)",
                )
        self._sources = tuple(sources)

    @classmethod
    def from_folder(cls, pki: Path, signers: Mapping[str, Signer]) -> OcspResponder:
        """Answer from ``pki/<authority>/ledger.jsonl``; ``signers`` by authority (``issuing``, ``tls``). The
        authority's own key is not needed.
        """
        return cls(
            [
                Source(
                    paths.parse(load_certificates(pki / name / "ca.pem")[0]),
                    Ledger(pki / name / "ledger.jsonl"),
                    signer,
                )
                for name, signer in signers.items()
            ]
        )

    def respond(self, request: bytes, *, now: datetime) -> bytes:
        """The DER response to a DER request."""
        try:
            asked, nonce = _read(request)
        except TrustError:
            return _failure(_MALFORMED)
        source = next((one for one in self._sources if all(_is_of(ask, one.issuer) for ask in asked)), None)
        if source is None:
            return _failure(_UNAUTHORIZED)
        try:
            return _answer(source, asked, nonce, now)
        except TrustError as error:
            log.error("the OCSP responder could not answer: %s", error)
            return _failure(_INTERNAL)


def _read(request: bytes) -> tuple[list[Question], bytes]:
    """The questions, and the nonce extension's value as an OCTET STRING element ('' without one). RFC 6960
    §4.1.1.
    """
    if len(request) > MAX_REQUEST:
        raise RevocationError("the OCSP request is too large")
    at, end = der.only(request, 0, len(request), der.SEQUENCE)
    at, end = der.expect(request, at, end, der.SEQUENCE)
    asked: list[Question] = []
    nonce = b""
    for tag, _, start, stop in der.elements(request, at, end):
        if tag == der.SEQUENCE:
            asked += [_question(request, *one[2:]) for one in der.elements(request, start, stop)]
        elif tag == 0xA2:
            nonce = _nonce(request, *der.only(request, start, stop, der.SEQUENCE))
        elif tag not in (0xA0, 0xA1):
            raise RevocationError(f"tag 0x{tag:02x} has no place in an OCSP request")
    if not 0 < len(asked) <= MAX_ASKED:
        raise RevocationError(f"an OCSP request asks about 1 to {MAX_ASKED} certificates")
    return asked, nonce


def _question(request: bytes, at: int, end: int) -> Question:
    start, stop = der.expect(request, at, end, der.SEQUENCE)
    for tag, _, first, last in der.elements(request, stop, end):
        if tag != 0xA0 or _critical(request, *der.only(request, first, last, der.SEQUENCE)):
            raise RevocationError("the OCSP request carries a critical extension not understood here")
    name_at, name_end = der.expect(request, start, stop, der.SEQUENCE)
    _, oid_end = der.expect(request, name_at, name_end, der.OID)
    if request[oid_end:name_end] not in (b"", _NULL):
        raise RevocationError("the digest of a certificate id takes no parameters")
    first, first_end = der.expect(request, name_end, stop, der.OCTET_STRING)
    second, second_end = der.expect(request, first_end, stop, der.OCTET_STRING)
    serial, serial_end = der.only(request, second_end, stop, der.INTEGER)
    return Question(
        request[at:stop],
        _DIGESTS.get(request[name_at:oid_end], ""),
        request[first:first_end],
        request[second:second_end],
        der.integer(request, serial, serial_end),
    )


def _extensions(request: bytes, at: int, end: int) -> list[tuple[bytes, bool, bytes]]:
    """(OID element, critical, extnValue element) of each extension."""
    found = []
    for _, _, start, stop in der.elements(request, at, end):
        parts = der.elements(request, start, stop)
        if len(parts) not in (2, 3) or parts[0][0] != der.OID or parts[-1][0] != der.OCTET_STRING:
            raise RevocationError("an extension of the OCSP request is malformed")
        critical = len(parts) == 3 and request[parts[1][2] : parts[1][3]] == b"\xff"
        found.append((request[parts[0][1] : parts[0][3]], critical, request[parts[-1][1] : parts[-1][3]]))
    return found


def _critical(request: bytes, at: int, end: int) -> bool:
    return any(critical for _, critical, _ in _extensions(request, at, end))


def _nonce(request: bytes, at: int, end: int) -> bytes:
    nonce = b""
    for kind, critical, value in _extensions(request, at, end):
        if kind == _NONCE:
            nonce = value
            outer, stop = der.only(nonce, 0, len(nonce), der.OCTET_STRING)
            first, last = der.only(nonce, outer, stop, der.OCTET_STRING)
            if not 1 <= last - first <= 128:
                raise RevocationError("an OCSP nonce has 1 to 128 octets (RFC 9654)")
        elif critical:
            raise RevocationError("the OCSP request carries a critical extension not understood here")
    return nonce


def _is_of(asked: Question, issuer: Certificate) -> bool:
    if not asked.algorithm:
        return False
    return certificate_id(issuer, asked.algorithm) == (asked.name_hash, asked.key_hash)


def _answer(source: Source, asked: list[Question], nonce: bytes, now: datetime) -> bytes:
    ledger = source.ledger.refresh()
    responder = hashlib.sha1(key_bits(paths.parse(source.signer.certificate)), usedforsecurity=False).digest()
    this_update, next_update = _time(now), der.element(0xA0, _time(now + LIFE))
    data = der.sequence(
        der.element(0xA2, der.element(der.OCTET_STRING, responder)),
        this_update,
        der.sequence(
            *(
                der.sequence(one.certificate_id, _status(ledger, one.serial), this_update, next_update)
                for one in asked
            )
        ),
        der.element(0xA1, der.sequence(der.sequence(_NONCE, nonce))) if nonce else b"",
    )
    basic = der.sequence(
        data,
        _RSA_SHA256 if source.signer.algorithm == RSA_PKCS1 else _ECDSA_SHA256,
        der.element(der.BIT_STRING, b"\x00", source.signer.sign(data)),
        der.element(0xA0, der.sequence(source.signer.certificate)),
    )
    body = der.sequence(_BASIC, der.element(der.OCTET_STRING, basic))
    return der.sequence(der.element(_ENUMERATED, b"\x00"), der.element(0xA0, body))


def _status(ledger: Ledger, serial: int) -> bytes:
    revoked = ledger.revoked.get(serial)
    if revoked is not None:
        reason = _REASONS.get(revoked.reason)
        coded = der.element(0xA0, der.element(_ENUMERATED, bytes((reason,)))) if reason else b""
        return der.element(_REVOKED, _time(revoked.at), coded)
    return _GOOD if serial in ledger.issued else _UNKNOWN


def _time(moment: datetime) -> bytes:
    return der.element(der.GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def _failure(status: int) -> bytes:
    return der.sequence(der.element(_ENUMERATED, bytes((status,))))

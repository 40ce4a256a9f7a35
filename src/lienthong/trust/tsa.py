"""The built-in time-stamping authority (RFC 3161): request bytes in, response bytes out.

For a province that has no TSA of its own yet, or whose network has none. A request that cannot be granted
gets a rejection with the reason in PKIFailureInfo; no input raises.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lienthong.core.clock import utc_now
from lienthong.trust import der, paths
from lienthong.trust.errors import CertificateError, TimestampError, TrustError
from lienthong.trust.keys import RSA_PKCS1, Signer
from lienthong.trust.profiles import Profile, unfit
from lienthong.trust.timestamps import Reply

POLICY = "2.25.215909668721014794593807161747668264468.2"
"""Our own time-stamp policy: the server's clock to one second, no ordering (an ITU-T X.667 UUID arc)."""

ACCURACY_S = 1
MAX_REQUEST = 4096

_NULL = b"\x05\x00"
_SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_DIGESTS = {
    der.oid("2.16.840.1.101.3.4.2.1"): 32,
    der.oid("2.16.840.1.101.3.4.2.2"): 48,
    der.oid("2.16.840.1.101.3.4.2.3"): 64,
}
_ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), _NULL)
_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
_SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
_EXPLICIT_0 = 0xA0

log = logging.getLogger(__name__)


class Refused(TimestampError):
    """Why a request is rejected; ``failure`` is its PKIFailureInfo."""

    def __init__(self, failure: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Request:
    """What a request asks for: its messageImprint and nonce as DER elements, and whether certificates are
    wanted.
    """

    imprint: bytes
    nonce: bytes
    wants_certificates: bool


class TimeStampAuthority:
    """Stamps digests with the time of ``clock``."""

    def __init__(
        self, signer: Signer, *, clock: Callable[[], datetime] = utc_now, policy: str = POLICY
    ) -> None:
        """Raises :class:`CertificateError` when the signer's certificate is not a TSA's."""
        certificate = paths.parse(signer.certificate)
        objection = unfit(certificate.x509, Profile.TSA)
        if objection:
            raise CertificateError(f"not the certificate of a time-stamping authority: {objection}")
        self._signer = signer
        self._clock = clock
        self._policy = der.oid(policy)
        self._begins, self._ends = certificate.begins, certificate.ends
        self._sid = der.sequence(certificate.issuer, der.encode_integer(certificate.x509.serial_number))
        self._certificates = der.element(_EXPLICIT_0, signer.certificate, *signer.chain)
        essential = der.sequence(der.element(der.OCTET_STRING, hashlib.sha256(signer.certificate).digest()))
        self._signing_certificate = der.sequence(der.sequence(essential))
        self._algorithm = _RSA_SHA256 if signer.algorithm == RSA_PKCS1 else _ECDSA_SHA256

    def respond(self, request: bytes) -> bytes:
        """The DER TimeStampResp to a DER TimeStampReq."""
        try:
            asked = _read(request, self._policy)
            now = self._clock().astimezone(UTC)
            if not self._begins <= now <= self._ends:
                why = "the certificate of this time-stamping authority is not valid now"
                raise Refused("time_not_available", why)
            granted = der.sequence(der.encode_integer(0))
            return der.sequence(granted, self._token(asked, now))
        except Refused as refusal:
            return _rejection(refusal.failure, refusal.detail)
        except der.DerError as error:
            return _rejection("bad_data_format", f"the request is not DER as RFC 3161 has it: {error}")
        except TrustError as error:
            log.error("the time-stamping authority could not sign: %s", error)
            return _rejection("system_failure", "the time-stamping authority could not sign")

    def _token(self, asked: _Request, now: datetime) -> bytes:
        """The TimeStampToken: CMS SignedData (RFC 5652) over TSTInfo."""
        info = der.sequence(
            der.encode_integer(1),
            self._policy,
            asked.imprint,
            der.encode_integer(secrets.randbits(159) | 1),
            der.element(der.GENERALIZED_TIME, now.strftime("%Y%m%d%H%M%SZ").encode()),
            der.sequence(der.encode_integer(ACCURACY_S)),
            asked.nonce,
        )
        digest = der.element(der.OCTET_STRING, hashlib.sha256(info).digest())
        attributes = der.set_of(
            der.sequence(kind, der.element(der.SET, value))
            for kind, value in (
                (_CONTENT_TYPE, _TST_INFO),
                (_SIGNING_TIME, der.encode_time(now)),
                (_MESSAGE_DIGEST, digest),
                (_SIGNING_CERTIFICATE_V2, self._signing_certificate),
            )
        )
        signer = der.sequence(
            der.encode_integer(1),
            self._sid,
            _SHA256,
            bytes((_EXPLICIT_0,)) + attributes[1:],
            self._algorithm,
            der.element(der.OCTET_STRING, self._signer.sign(attributes)),
        )
        signed = der.sequence(
            der.encode_integer(3),
            der.element(der.SET, _SHA256),
            der.sequence(_TST_INFO, der.element(_EXPLICIT_0, der.element(der.OCTET_STRING, info))),
            self._certificates if asked.wants_certificates else b"",
            der.element(der.SET, signer),
        )
        return der.sequence(_SIGNED_DATA, der.element(_EXPLICIT_0, signed))


def _read(request: bytes, policy: bytes) -> _Request:
    """RFC 3161 §2.4.1; raises :class:`Refused` or :class:`~lienthong.trust.der.DerError`."""
    if len(request) > MAX_REQUEST:
        raise Refused("bad_data_format", f"a time-stamp request has at most {MAX_REQUEST} bytes")
    at, end = der.only(request, 0, len(request), der.SEQUENCE)
    start, stop = der.expect(request, at, end, der.INTEGER)
    if der.integer(request, start, stop) != 1:
        raise Refused("bad_request", "the version of the request is not 1")
    imprint_at = stop
    _, imprint_end = _imprint(request, imprint_at, end)
    nonce, wants = b"", False
    for tag, at, start, stop in der.elements(request, imprint_end, end):
        if tag == der.OID and at == imprint_end:
            if request[at:stop] != policy:
                raise Refused("unaccepted_policy", "that policy is not this authority's")
        elif tag == der.INTEGER and not nonce:
            der.integer(request, start, stop)
            nonce = request[at:stop]
        elif tag == der.BOOLEAN and stop - start == 1:
            wants = request[start] != 0
        elif tag == _EXPLICIT_0:
            raise Refused("unaccepted_extensions", "no extension is supported")
        else:
            raise Refused("bad_data_format", f"tag 0x{tag:02x} has no place in a time-stamp request")
    return _Request(request[imprint_at:imprint_end], nonce, wants)


def _imprint(request: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the messageImprint stands, after checking that its digest is one that is stamped."""
    start, stop = der.expect(request, at, end, der.SEQUENCE)
    name_start, name_stop = der.expect(request, start, stop, der.SEQUENCE)
    _, oid_stop = der.expect(request, name_start, name_stop, der.OID)
    size = _DIGESTS.get(request[name_start:oid_stop])
    if size is None or request[oid_stop:name_stop] not in (b"", _NULL):
        raise Refused("bad_alg", "that digest is not stamped; use sha256, sha384 or sha512")
    digest_start, digest_stop = der.only(request, name_stop, stop, der.OCTET_STRING)
    if digest_stop - digest_start != size:
        raise Refused("bad_data_format", f"the digest should have {size} bytes")
    return at, stop


def _rejection(failure: str, words: str) -> bytes:
    response: bytes = Reply(
        {"status": {"status": "rejection", "status_string": [words], "fail_info": {failure}}}
    ).dump()
    return response

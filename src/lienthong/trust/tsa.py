"""The built-in time-stamping authority (RFC 3161): request bytes in, response bytes out.

For a province that has no TSA of its own yet, or whose network has none. A request that cannot be granted
gets a rejection with the reason in PKIFailureInfo; no input raises.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509

from lienthong.core.clock import utc_now
from lienthong.trust import paths
from lienthong.trust.errors import CertificateError, TimestampError, TrustError, reading
from lienthong.trust.keys import RSA_PKCS1, Signer
from lienthong.trust.profiles import Profile, unfit
from lienthong.trust.timestamps import Reply

POLICY = "2.25.215909668721014794593807161747668264468.2"
"""Our own time-stamp policy: the server's clock to one second, no ordering (an ITU-T X.667 UUID arc)."""

ACCURACY_S = 1
MAX_REQUEST = 4096
DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}

log = logging.getLogger(__name__)


class Refused(TimestampError):
    """Why a request is rejected; ``failure`` is its PKIFailureInfo."""

    def __init__(self, failure: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


class TimeStampAuthority:
    """Stamps digests with the time of ``clock``."""

    def __init__(
        self, signer: Signer, *, clock: Callable[[], datetime] = utc_now, policy: str = POLICY
    ) -> None:
        """Raises :class:`CertificateError` when the signer's certificate is not a TSA's."""
        objection = unfit(paths.parse(signer.certificate).x509, Profile.TSA)
        if objection:
            raise CertificateError(f"not the certificate of a time-stamping authority: {objection}")
        self._signer = signer
        self._clock = clock
        self._policy = policy
        self._certificate = asn1_x509.Certificate.load(signer.certificate)
        self._chain = tuple(asn1_x509.Certificate.load(der) for der in signer.chain)
        self._digest = hashlib.sha256(signer.certificate).digest()
        self._begins = paths.parse(signer.certificate).begins
        self._ends = paths.parse(signer.certificate).ends

    def respond(self, request: bytes) -> bytes:
        """The DER TimeStampResp to a DER TimeStampReq."""
        try:
            token = self._stamp(_read(request, self._policy))
            granted: bytes = Reply({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
            return granted
        except Refused as refusal:
            return _rejection(refusal.failure, refusal.detail)
        except TimestampError as error:
            return _rejection("bad_data_format", error.detail)
        except TrustError as error:
            log.error("the time-stamping authority could not sign: %s", error)
            return _rejection("system_failure", "the time-stamping authority could not sign")

    def _stamp(self, request: tsp.TimeStampReq) -> cms.ContentInfo:
        now = self._clock().astimezone(UTC)
        if not self._begins <= now <= self._ends:
            raise Refused(
                "time_not_available", "the certificate of this time-stamping authority is not valid now"
            )
        fields = {
            "version": "v1",
            "policy": self._policy,
            "message_imprint": request["message_imprint"],
            "serial_number": secrets.randbits(159) | 1,
            "gen_time": now.replace(microsecond=0),
            "accuracy": {"seconds": ACCURACY_S},
        }
        if request["nonce"].native is not None:
            fields["nonce"] = request["nonce"].native
        info = tsp.TSTInfo(fields).dump()
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": now.replace(microsecond=0)})]},
                {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [{"certs": [{"cert_hash": self._digest}]}],
                },
            ]
        )
        rsa_key = self._signer.algorithm == RSA_PKCS1
        signer = {
            "version": "v1",
            "sid": {
                "issuer_and_serial_number": {
                    "issuer": self._certificate.issuer,
                    "serial_number": self._certificate.serial_number,
                }
            },
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm(
                {"algorithm": "sha256_rsa" if rsa_key else "sha256_ecdsa"}
            ),
            "signature": self._signer.sign(attributes.dump()),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(info),
            },
            "signer_infos": [signer],
        }
        if request["cert_req"].native:
            signed["certificates"] = [self._certificate, *self._chain]
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


def _read(request: bytes, policy: str) -> tsp.TimeStampReq:
    if len(request) > MAX_REQUEST:
        raise Refused("bad_data_format", f"a time-stamp request has at most {MAX_REQUEST} bytes")
    with reading(TimestampError, "the time-stamp request"):
        found = tsp.TimeStampReq.load(request, strict=True)
        if found["version"].native != "v1":
            raise Refused("bad_request", "the version of the request is not 1")
        imprint = found["message_imprint"]
        algorithm = imprint["hash_algorithm"]["algorithm"].native
        size = DIGEST_SIZES.get(algorithm)
        if size is None:
            raise Refused(
                "bad_alg", f"digests by {algorithm[:40]} are not stamped; use sha256, sha384 or sha512"
            )
        if len(imprint["hashed_message"].native) != size:
            raise Refused("bad_data_format", f"a {algorithm} digest has {size} bytes")
        if found["req_policy"].native not in (None, policy):
            raise Refused("unaccepted_policy", "that policy is not this authority's")
        if found["extensions"].native:
            raise Refused("unaccepted_extensions", "no extension is supported")
        _ = found["nonce"].native, found["cert_req"].native
        return found


def _rejection(failure: str, words: str) -> bytes:
    response: bytes = Reply(
        {"status": {"status": "rejection", "status_string": [words], "fail_info": {failure}}}
    ).dump()
    return response

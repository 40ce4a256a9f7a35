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
from datetime import datetime, timedelta
from pathlib import Path

from asn1crypto import algos, core, ocsp
from asn1crypto import x509 as asn1_x509

from lienthong.trust import paths
from lienthong.trust.errors import AuthorityError, RevocationError, TrustError, reading
from lienthong.trust.keys import RSA_PKCS1, Signer, load_certificates
from lienthong.trust.ledger import Ledger
from lienthong.trust.ocsp import certificate_id, key_bits
from lienthong.trust.paths import Certificate

MAX_REQUEST = 16 << 10
MAX_ASKED = 32
LIFE = timedelta(hours=1)
"""How long an answer is current; thisUpdate is the moment of answering."""

_REASONS = {
    "unspecified": "unspecified",
    "key-compromise": "key_compromise",
    "ca-compromise": "ca_compromise",
    "affiliation-changed": "affiliation_changed",
    "superseded": "superseded",
    "cessation-of-operation": "cessation_of_operation",
    "privilege-withdrawn": "privilege_withdrawn",
}

log = logging.getLogger(__name__)


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
        except RevocationError:
            return _failure("malformed_request")
        try:
            source = self._source_of(asked)
            if source is None:
                return _failure("unauthorized")
            return _sign(source, asked, nonce, now)
        except TrustError as error:
            log.error("the OCSP responder could not answer: %s", error)
            return _failure("internal_error")

    def _source_of(self, asked: list[ocsp.CertId]) -> Source | None:
        for source in self._sources:
            if all(_is_of(one, source.issuer) for one in asked):
                return source
        return None


def _read(request: bytes) -> tuple[list[ocsp.CertId], bytes | None]:
    if len(request) > MAX_REQUEST:
        raise RevocationError("the OCSP request is too large")
    with reading(RevocationError, "the OCSP request"):
        found = ocsp.OCSPRequest.load(request, strict=True)
        asked = [one["req_cert"] for one in found["tbs_request"]["request_list"]]
        if not 0 < len(asked) <= MAX_ASKED:
            raise RevocationError(f"an OCSP request asks about 1 to {MAX_ASKED} certificates")
        for one in asked:
            _ = one["serial_number"].native, one["issuer_key_hash"].native, one["issuer_name_hash"].native
            _ = one["hash_algorithm"]["algorithm"].native
        if found.critical_extensions - {"nonce"}:
            raise RevocationError("the OCSP request carries a critical extension not understood here")
        nonce = found.nonce_value.native if found.nonce_value is not None else None
        if nonce is not None and not 1 <= len(nonce) <= 128:
            raise RevocationError("an OCSP nonce has 1 to 128 octets (RFC 9654)")
        return asked, nonce


def _is_of(asked: ocsp.CertId, issuer: Certificate) -> bool:
    try:
        name_hash, key_hash = certificate_id(issuer, asked["hash_algorithm"]["algorithm"].native)
    except RevocationError:
        return False
    return bool(asked["issuer_name_hash"].native == name_hash and asked["issuer_key_hash"].native == key_hash)


def _sign(source: Source, asked: list[ocsp.CertId], nonce: bytes | None, now: datetime) -> bytes:
    moment = now.replace(microsecond=0)
    ledger = source.ledger.refresh()
    responder = paths.parse(source.signer.certificate)
    data = ocsp.ResponseData(
        {
            "responder_id": ocsp.ResponderId(
                name="by_key",
                value=core.OctetString(hashlib.sha1(key_bits(responder), usedforsecurity=False).digest()),
            ),
            "produced_at": moment,
            "responses": [
                {
                    "cert_id": one,
                    "cert_status": _status(ledger, one["serial_number"].native),
                    "this_update": moment,
                    "next_update": moment + LIFE,
                }
                for one in asked
            ],
        }
    )
    if nonce is not None:
        data["response_extensions"] = [
            {"extn_id": "nonce", "critical": False, "extn_value": core.OctetString(nonce)}
        ]
    algorithm = "sha256_rsa" if source.signer.algorithm == RSA_PKCS1 else "sha256_ecdsa"
    basic = ocsp.BasicOCSPResponse(
        {
            "tbs_response_data": data,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
            "signature": source.signer.sign(data.dump()),
            "certs": [asn1_x509.Certificate.load(source.signer.certificate)],
        }
    )
    response: bytes = ocsp.OCSPResponse(
        {
            "response_status": "successful",
            "response_bytes": {"response_type": "basic_ocsp_response", "response": basic},
        }
    ).dump()
    return response


def _status(ledger: Ledger, serial: int) -> ocsp.CertStatus:
    revoked = ledger.revoked.get(serial)
    if revoked is not None:
        info: dict[str, object] = {"revocation_time": revoked.at.replace(microsecond=0)}
        if revoked.reason != "unspecified":
            info["revocation_reason"] = _REASONS[revoked.reason]
        return ocsp.CertStatus(name="revoked", value=ocsp.RevokedInfo(info))
    if serial in ledger.issued:
        return ocsp.CertStatus(name="good", value=ocsp.StatusGood())
    return ocsp.CertStatus(name="unknown", value=ocsp.StatusUnknown())


def _failure(status: str) -> bytes:
    response: bytes = ocsp.OCSPResponse({"response_status": status}).dump()
    return response

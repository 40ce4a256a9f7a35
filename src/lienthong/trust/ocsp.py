"""OCSP (RFC 6960): asking a responder, and deciding whether its answer may be believed.

An answer is believed when it names the certificate asked about, is signed by the issuer or by a responder
that the issuer itself certified for OCSP, and echoes the nonce if it carries one. Believed answers are kept,
in memory and in a folder, so that a restart during an outage does not forget them.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from lienthong.trust import outbound
from lienthong.trust.crl import reason_name
from lienthong.trust.errors import RevocationError, TrustError, reading
from lienthong.trust.keys import read_file, write_file
from lienthong.trust.paths import Certificate, issued_by, of
from lienthong.trust.profiles import Profile, unfit

MAX_ANSWER = 64 << 10
CLOCK_SKEW = timedelta(minutes=5)
LIFE_WITHOUT_NEXT_UPDATE = timedelta(hours=1)

log = logging.getLogger(__name__)

Ask = Callable[[str, bytes, float], bytes]
"""(address, request DER, budget in seconds) → response DER; raises a TrustError when there is none."""


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """A believed answer. ``until``: nextUpdate. ``since`` and ``reason`` only when revoked."""

    status: Literal["good", "revoked", "unknown"]
    this_update: datetime
    until: datetime
    responder: str
    since: datetime | None = None
    reason: str = ""


def post(url: str, request: bytes, budget_s: float) -> bytes:
    """Ask over HTTP (RFC 6960 appendix A)."""
    return outbound.ask(
        url,
        request,
        sends="application/ocsp-request",
        accepts="application/ocsp-response",
        budget_s=budget_s,
        limit=MAX_ANSWER,
    )


def read(
    response: bytes, certificate: Certificate, issuer: Certificate, *, nonce: bytes | None = None
) -> OcspAnswer:
    """The believed answer in an OCSP response about ``certificate``, or :class:`RevocationError`."""
    if len(response) > MAX_ANSWER:
        raise RevocationError(
            f"an OCSP response of {len(response)} bytes is beyond the limit of {MAX_ANSWER}"
        )
    with reading(RevocationError, "the OCSP response"):
        found = ocsp.load_der_ocsp_response(response)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise RevocationError(f"the OCSP responder answered {found.response_status.name.lower()}")
        single = _about(found, certificate, issuer)
        responder = _responder(found, issuer)
        _verify(found, responder)
        _check_nonce(found, nonce)
        until = single.next_update_utc or single.this_update_utc + LIFE_WITHOUT_NEXT_UPDATE
        if not responder.begins - CLOCK_SKEW <= single.this_update_utc <= responder.ends:
            raise RevocationError("the OCSP answer lies outside the validity of its responder's certificate")
        status = single.certificate_status
        if status is ocsp.OCSPCertStatus.GOOD:
            return OcspAnswer("good", single.this_update_utc, until, responder.common_name)
        if status is ocsp.OCSPCertStatus.REVOKED:
            reason = single.revocation_reason
            return OcspAnswer(
                "revoked",
                single.this_update_utc,
                until,
                responder.common_name,
                single.revocation_time_utc,
                reason_name(reason) if reason else "unspecified",
            )
        return OcspAnswer("unknown", single.this_update_utc, until, responder.common_name)


def _about(
    found: ocsp.OCSPResponse, certificate: Certificate, issuer: Certificate
) -> ocsp.OCSPSingleResponse:
    for single in found.responses:
        if single.serial_number != certificate.x509.serial_number:
            continue
        name_hash, key_hash = certificate_id(issuer, single.hash_algorithm.name)
        if single.issuer_name_hash == name_hash and single.issuer_key_hash == key_hash:
            return single
    raise RevocationError("the OCSP response is about another certificate", code="ocsp-other-certificate")


def certificate_id(issuer: Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """issuerNameHash and issuerKeyHash (RFC 6960 §4.1.1) of an issuer."""
    if algorithm not in ("sha1", "sha256", "sha384", "sha512"):
        raise RevocationError(f"certificate ids with {algorithm} are not used")
    return (
        hashlib.new(algorithm, issuer.subject, usedforsecurity=False).digest(),
        hashlib.new(algorithm, key_bits(issuer), usedforsecurity=False).digest(),
    )


def key_bits(certificate: Certificate) -> bytes:
    """The subjectPublicKey bit string without its tag, length and unused-bits octet: what key hashes
    cover.
    """
    key = certificate.x509.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert isinstance(key, ed25519.Ed25519PublicKey)
    return key.public_bytes_raw()


def _responder(found: ocsp.OCSPResponse, issuer: Certificate) -> Certificate:
    """Who signed: the issuer, or a certificate in the response that the issuer certified (RFC 6960
    §4.2.2.2).
    """
    candidates = [issuer, *(of(one) for one in list(found.certificates)[:8])]
    for candidate in candidates:
        by_key = found.responder_key_hash
        if by_key is not None:
            if hashlib.sha1(key_bits(candidate), usedforsecurity=False).digest() != by_key:
                continue
        elif found.responder_name is None or found.responder_name.public_bytes() != candidate.subject:
            continue
        if candidate.der == issuer.der:
            return issuer
        objection = unfit(candidate.x509, Profile.OCSP)
        if objection is None and candidate.issuer == issuer.subject and issued_by(candidate, issuer):
            return candidate
        raise RevocationError(
            "the OCSP response is signed by somebody whom the issuer did not certify for it"
            + (f": {objection}" if objection else ""),
            code="ocsp-unauthorised-responder",
        )
    raise RevocationError(
        "the OCSP response does not bring the certificate of its signer", code="ocsp-unauthorised-responder"
    )


def _verify(found: ocsp.OCSPResponse, responder: Certificate) -> None:
    key = responder.x509.public_key()
    algorithm = found.signature_hash_algorithm
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(found.signature, found.tbs_response_bytes)
            return
        if not isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
            raise RevocationError("the OCSP response is signed with an algorithm that is not sound")
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(found.signature, found.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(found.signature, found.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        else:
            raise RevocationError("the OCSP responder's key is of a kind not supported")
    except InvalidSignature:
        raise RevocationError(
            "the signature on the OCSP response does not verify", code="ocsp-bad-signature"
        ) from None


def _check_nonce(found: ocsp.OCSPResponse, nonce: bytes | None) -> None:
    for extension in found.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            if nonce is not None and extension.value.nonce != nonce:
                raise RevocationError("the OCSP response echoes another nonce", code="ocsp-replay")
        elif extension.critical:
            raise RevocationError("the OCSP response carries a critical extension not understood here")


def request(certificate: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    """An OCSP request, DER. The certificate id uses SHA-1, as RFC 5019 profiles it: a name, no signature."""
    return (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate.x509, issuer.x509, hashes.SHA1())  # noqa: S303
        .add_extension(x509.OCSPNonce(nonce), critical=False)
        .build()
        .public_bytes(Encoding.DER)
    )


class OcspClient:
    """Asks responders and keeps what they answered.

    ``budget_s``: the longest a caller waits. ``pause_s``: after a failure a responder is left alone this
    long, so that an outage costs one budget each pause, not one a certificate. ``addresses``: responder by
    the issuer's common name, used before the certificate's own authorityInfoAccess. ``folder``: where
    believed answers are kept.
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        addresses: Mapping[str, str] | None = None,
        budget_s: float = 2.0,
        pause_s: float = 60.0,
        ask: Ask = post,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget_s = budget_s
        self.pause_s = pause_s
        self._folder = folder
        self._addresses = dict(addresses or {})
        self._ask = ask
        self._monotonic = monotonic
        self._answers: dict[bytes, OcspAnswer | None] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    @property
    def problems(self) -> tuple[str, ...]:
        """Responders that failed when they were last asked, each with its reason."""
        with self._lock:
            return tuple(why for _, why in self._failed.values())

    def address(self, certificate: Certificate, issuer: Certificate) -> str | None:
        """Where to ask about a certificate; None when nobody says."""
        configured = self._addresses.get(issuer.common_name)
        if configured:
            return configured
        try:
            access = certificate.x509.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
        except x509.ExtensionNotFound:
            return None
        for description in access.value:
            location = description.access_location
            if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
                location, x509.UniformResourceIdentifier
            ):
                return location.value
        return None

    def kept(self, certificate: Certificate, issuer: Certificate) -> OcspAnswer | None:
        """The newest believed answer at hand, however old; never asks."""
        key = _cache_key(certificate, issuer)
        if key in self._answers:
            return self._answers[key]
        answer: OcspAnswer | None = None
        if self._folder is not None:
            path = self._folder / f"{key.hex()}.ocsp"
            try:
                if path.exists():
                    answer = read(read_file(path, limit=MAX_ANSWER), certificate, issuer)
            except TrustError as error:
                log.warning("a kept OCSP answer was left out: %s", error)
        if len(self._answers) > 50_000:
            self._answers.clear()
        self._answers[key] = answer
        return answer

    def fetch(self, certificate: Certificate, issuer: Certificate) -> tuple[OcspAnswer | None, str]:
        """Ask the responder; the believed answer, or None and why there is none. At most ``budget_s``."""
        url = self.address(certificate, issuer)
        if url is None:
            return None, "the certificate names no OCSP responder"
        with self._lock:
            failed = self._failed.get(url)
            if failed is not None and self._monotonic() - failed[0] < self.pause_s:
                return None, failed[1]
        nonce = secrets.token_bytes(16)
        try:
            response = self._ask(url, request(certificate, issuer, nonce), self.budget_s)
            answer = read(response, certificate, issuer, nonce=nonce)
        except TrustError as error:
            why = f"the OCSP responder {url} failed: {error.detail}"
            log.warning("%s", why)
            with self._lock:
                self._failed[url] = (self._monotonic(), why)
            return None, why
        with self._lock:
            self._failed.pop(url, None)
        before = self.kept(certificate, issuer)
        if before is not None and before.this_update > answer.this_update:
            return before, ""
        key = _cache_key(certificate, issuer)
        self._answers[key] = answer
        if self._folder is not None:
            try:
                write_file(self._folder / f"{key.hex()}.ocsp", response)
            except TrustError as error:
                log.warning("an OCSP answer could not be kept: %s", error)
        return answer, ""


def _cache_key(certificate: Certificate, issuer: Certificate) -> bytes:
    return hashlib.sha256(issuer.der + certificate.der).digest()

"""RFC 3161 time-stamps: asking for one, over HTTP or in the same process, and verifying one.

A token is a CMS SignedData over TSTInfo. Verified: that it covers the digest, the signature and its signed
attributes (content type, message digest, signing certificate: RFC 5816), and that the signer is a TSA by a
path the trust store accepts at the time in the token. A time-stamp's own time is what a signature is judged
at, so a TSA certificate that has since expired does no harm; one revoked before that time does.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asn1crypto import cms, core, tsp
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from lienthong.trust import outbound, paths
from lienthong.trust.errors import TimestampError, TimestampUnavailable, reading
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.trust.certificates import TrustStore
    from lienthong.trust.tsa import TimeStampAuthority

BUDGET_S = 5.0
MAX_TOKEN = 256 << 10
MEDIA_QUERY = "application/timestamp-query"
MEDIA_REPLY = "application/timestamp-reply"

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Reply(core.Sequence):  # type: ignore[misc]
    """TimeStampResp; the token is absent when the status is a refusal (asn1crypto's own requires it)."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]


def make_request(digest: bytes, *, nonce: int | None = None) -> bytes:
    """A TimeStampReq, DER, for a SHA-256 digest; the certificate of the TSA is asked for."""
    if len(digest) != 32:
        raise TimestampError(f"a SHA-256 digest has 32 bytes, not {len(digest)}")
    fields: dict[str, Any] = {
        "version": "v1",
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
        "cert_req": True,
    }
    if nonce is not None:
        fields["nonce"] = nonce
    request: bytes = tsp.TimeStampReq(fields).dump()
    return request


def request_timestamp(tsa: str | TimeStampAuthority, digest: bytes, *, budget_s: float = BUDGET_S) -> bytes:
    """A time-stamp token (DER CMS) over a SHA-256 ``digest`` from the TSA at an address or in this process.

    Raises :class:`TimestampUnavailable` within ``budget_s`` when nobody answers, and :class:`TimestampError`
    when the TSA refuses or answers about something else. The signer's trust is :func:`verify_timestamp`'s
    matter.
    """
    nonce = secrets.randbits(63) | 1 << 62
    request = make_request(digest, nonce=nonce)
    if isinstance(tsa, str):
        try:
            response = outbound.ask(
                tsa, request, sends=MEDIA_QUERY, accepts=MEDIA_REPLY, budget_s=budget_s, limit=MAX_TOKEN
            )
        except outbound.Unreachable as error:
            raise TimestampUnavailable(
                error.detail, place=error.place, remedy="check the TSA's address and the network"
            ) from None
    else:
        response = tsa.respond(request)
    return read_response(response, digest, nonce=nonce)


def read_response(response: bytes, digest: bytes, *, nonce: int | None) -> bytes:
    """The token of a TimeStampResp, DER, after checking that it answers the request."""
    if len(response) > MAX_TOKEN:
        raise TimestampError(f"a time-stamp response of {len(response)} bytes is beyond the limit")
    with reading(TimestampError, "the time-stamp response"):
        found = Reply.load(response, strict=True)
        status = found["status"]
        if status["status"].native not in ("granted", "granted_with_mods"):
            why = ", ".join(sorted(status["fail_info"].native or ())) or status["status"].native
            words = " ".join(status["status_string"].native or ())
            raise TimestampError(f"the TSA refused: {why} {words}".rstrip(), code="timestamp-refused")
        token: bytes = found["time_stamp_token"].dump()
        info = _info(_signed_data(token))
        _check_imprint(info, digest)
        if nonce is not None and info["nonce"].native != nonce:
            raise TimestampError("the time-stamp echoes another nonce", code="timestamp-replay")
    return token


def verify_timestamp(token: bytes, digest: bytes, trust: TrustStore) -> datetime:
    """The time (UTC) at which ``digest`` existed, when the token proves it; :class:`TimestampError`
    otherwise.

    ``digest`` is of the algorithm that the token names: SHA-256, SHA-384 or SHA-512.
    """
    if len(token) > MAX_TOKEN:
        raise TimestampError(f"a time-stamp of {len(token)} bytes is beyond the limit of {MAX_TOKEN}")
    with reading(TimestampError, "the time-stamp"):
        signed = _signed_data(token)
        info = _info(signed)
        _check_imprint(info, digest)
        certificate, others = _verify_signature(signed)
        moment: datetime = info["gen_time"].native.astimezone(UTC)
        if info["extensions"].native and any(one["critical"] for one in info["extensions"].native):
            raise TimestampError("the time-stamp carries a critical extension not understood here")
        verdict = trust.check(certificate, intermediates=others, purpose=Profile.TSA, at=moment)
    if not verdict.ok:
        raise TimestampError(
            f"the time-stamp's signer is not trusted: {verdict.reason}",
            code="timestamp-untrusted",
            remedy="import the root of that TSA if the province relies on it",
        )
    return moment


def digest_algorithm(token: bytes) -> str:
    """Which digest a token covers: ``sha256``, ``sha384`` or ``sha512``."""
    with reading(TimestampError, "the time-stamp"):
        name: str = _info(_signed_data(token))["message_imprint"]["hash_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise TimestampError(f"the time-stamp covers a {name} digest, which is no longer sound")
    return name


def _signed_data(token: bytes) -> Any:
    found = cms.ContentInfo.load(token, strict=True)
    if found["content_type"].native != "signed_data":
        raise TimestampError("a time-stamp is CMS signed data, and this is not")
    return found["content"]


def _info(signed: Any) -> Any:
    content = signed["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise TimestampError("the signed data holds no time-stamp")
    return tsp.TSTInfo.load(content["content"].contents, strict=True)


def _check_imprint(info: Any, digest: bytes) -> None:
    imprint = info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    if algorithm not in _HASHES:
        raise TimestampError(f"the time-stamp covers a {algorithm} digest, which is no longer sound")
    if imprint["hashed_message"].native != digest:
        raise TimestampError("the time-stamp covers something else", code="timestamp-other-data")


def _verify_signature(signed: Any) -> tuple[bytes, list[bytes]]:
    """The signer's certificate and the others in the token, DER, when the mathematics holds."""
    if len(signed["signer_infos"]) != 1:
        raise TimestampError("a time-stamp has exactly one signer")
    signer = signed["signer_infos"][0]
    certificates = [one.chosen.dump() for one in signed["certificates"] if one.name == "certificate"]
    algorithm = _HASHES.get(signer["digest_algorithm"]["algorithm"].native)
    if algorithm is None or len(certificates) > 16:
        raise TimestampError("the time-stamp is signed with an algorithm that is not sound, or is overloaded")
    attributes = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
    content = signed["encap_content_info"]["content"].contents
    if attributes["content_type"][0].native != "tst_info":
        raise TimestampError("the signed attributes name another content type")
    if attributes["message_digest"][0].native != hashlib.new(algorithm.name, content).digest():
        raise TimestampError(
            "the time-stamp was altered: its digest does not match", code="timestamp-altered"
        )
    name, expected = _signing_certificate(attributes)
    der = next((one for one in certificates if hashlib.new(name, one).digest() == expected), None)
    if der is None:
        raise TimestampError("the time-stamp does not bring the certificate of its signer")
    message = b"\x31" + signer["signed_attrs"].dump()[1:]  # signed as a SET, carried as [0] (RFC 5652 §5.4)
    key = paths.parse(der).x509.public_key()
    signature = signer["signature"].native
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            scheme = signer["signature_algorithm"]
            if scheme.signature_algo == "rsassa_pss":
                salt = scheme["parameters"]["salt_length"].native
                key.verify(signature, message, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
            else:
                key.verify(signature, message, padding.PKCS1v15(), algorithm)
        else:
            raise TimestampError("the TSA's key is of a kind not supported")
    except (InvalidSignature, UnsupportedAlgorithm):
        raise TimestampError(
            "the signature on the time-stamp does not verify", code="timestamp-altered"
        ) from None
    return der, [one for one in certificates if one != der]


def _signing_certificate(attributes: dict[str, Any]) -> tuple[str, bytes]:
    """Which certificate the signed attributes say has signed (RFC 3161 §2.4.1, RFC 5816)."""
    second = attributes.get("signing_certificate_v2")
    if second is not None:
        one = second[0]["certs"][0]
        return one["hash_algorithm"]["algorithm"].native, one["cert_hash"].native
    first = attributes.get("signing_certificate")
    if first is not None:
        return "sha1", first[0]["certs"][0]["cert_hash"].native
    raise TimestampError("the time-stamp does not say which certificate signed it")

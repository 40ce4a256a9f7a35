"""Identity at the door: bearer token, signed request (RFC 9421), or a trusted proxy's Client-Cert (RFC 9440).

Whichever way, identity is one registered TLS client certificate: the directory says whose it is, trust says
whether it stands. See docs/decisions/identity-at-the-door.md.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lienthong.core.clock import VIETNAM
from lienthong.exchange import http_signatures
from lienthong.exchange.http_signatures import COMPONENTS, SignatureError
from lienthong.exchange.server.access import AGENCY, AUDIT, LOOPBACK, OPERATE, PUBLIC, WITNESS, Principal
from lienthong.exchange.server.problems import Denied, Unidentified
from lienthong.exchange.server.replay import ReplayGuard
from lienthong.exchange.server.sessions import Tokens
from lienthong.registry.directory import Agency, Directory
from lienthong.trust.keys import certificate_key
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.trust.certificates import TrustStore

RECHECK_S = 60.0
"""An identity is checked again (revocation, validity) after this long, and whenever the directory changes."""

MAX_TOKENS_KEPT = 20_000
_FORWARDED = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "client-cert",
)
"""What proxies add: a request that carries one of these does not come from this machine."""
_LOCAL_HOST = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


class Headers(Protocol):
    """Request headers by lower-case name."""

    def get(self, key: str) -> str | None: ...

    def get_all(self, key: str) -> list[str]: ...


class Identified:
    """Who asked. ``principal`` is None for somebody unidentified. Of a signed request: ``digest``, the
    SHA-256 that it promises for its body, and ``nonce``: (key id, nonce, Unix seconds until when it counts).
    """

    __slots__ = ("digest", "nonce", "principal", "rights")

    def __init__(
        self,
        principal: Principal | None,
        rights: int,
        digest: bytes | None = None,
        nonce: tuple[str, str, float] | None = None,
    ) -> None:
        self.principal = principal
        self.rights = rights
        self.digest = digest
        self.nonce = nonce


class Doorkeeper:
    """Answers who is asking. ``directory`` answers the directory in force or raises; ``authorities`` are the
    host names (with port, lower case) that a signature may cover; ``concurrent`` caps every agency;
    ``local_programs``: requests from loopback addresses may be those of programs on this machine.
    """

    def __init__(
        self,
        *,
        directory: Callable[[], Directory],
        trust: TrustStore,
        tokens: Tokens,
        authorities: frozenset[str],
        request_skew_s: int = 120,
        trusted_proxies: Sequence[str] = (),
        client_cert_header: bool = False,
        concurrent: int = 16,
        local_programs: bool = True,
        replay: ReplayGuard | None = None,
    ) -> None:
        self._directory = directory
        self._trust = trust
        self._tokens = tokens
        self._authorities = authorities
        self._skew_s = request_skew_s
        self._proxies = tuple(ip_network(one, strict=False) for one in trusted_proxies)
        self._client_cert_header = client_cert_header
        self._concurrent = concurrent
        self._local_programs = local_programs
        self._replay = replay or ReplayGuard()
        self._kept: dict[str, Principal] = {}
        self._by_fingerprint: dict[bytes, Principal] = {}

    def close(self) -> None:
        self._replay.close()

    def by_token(self, authorization: str, now_s: float) -> Principal:
        """The agency of an ``Authorization: Bearer`` header. The usual way: one look-up when kept."""
        kept = self._kept.get(authorization)
        if kept is not None and now_s < kept.good_until_s and kept.directory is self._directory():
            return kept
        scheme, _, token = authorization.partition(" ")
        read = self._tokens.read(token.strip()) if scheme.lower() == "bearer" else None
        if read is None:
            raise Unidentified(
                "this is not a token of this hub", place="Authorization", remedy=_SIGN_IN, code="bad-token"
            )
        fingerprint, expires_s = read
        if now_s >= expires_s:
            raise Unidentified(
                "the token has expired", place="Authorization", remedy=_SIGN_IN, code="token-expired"
            )
        known = self.by_fingerprint(fingerprint, now_s)
        principal = Principal(
            known.code,
            fingerprint,
            known.rights,
            known.directory,
            min(known.good_until_s, expires_s),
            known.concurrent,
        )
        if authorization == f"Bearer {token.strip()}":  # one entry a token, however its header is written
            if len(self._kept) >= MAX_TOKENS_KEPT:
                self._kept.clear()
            self._kept[authorization] = principal
        return principal

    def identify(
        self, *, method: str, path: str, query: str, headers: Headers, client: str, now_s: float
    ) -> Identified:
        """Who is asking, by whatever the request carries; nobody when it carries nothing."""
        authorization = headers.get("authorization")
        if authorization is not None:
            principal = self.by_token(authorization, now_s)
            return Identified(principal, principal.rights)
        signature_input = headers.get("signature-input")
        if signature_input is not None:
            return self._by_signature(signature_input, method, path, query, headers, now_s)
        if self._client_cert_header and headers.get("client-cert") is not None and self._is_proxy(client):
            principal = self.by_fingerprint(_client_cert(_only(headers, "client-cert")), now_s)
            return Identified(principal, principal.rights)
        return Identified(None, PUBLIC | LOOPBACK if self._is_local(client, headers) else PUBLIC)

    def by_fingerprint(self, fingerprint: bytes, now_s: float) -> Principal:
        """The agency of a registered TLS client certificate that stands now."""
        directory = self._directory()
        kept = self._by_fingerprint.get(fingerprint)
        if kept is not None and now_s < kept.good_until_s and kept.directory is directory:
            return kept
        agency, certificate = self._registered(directory, fingerprint)
        verdict = self._trust.check_cached(certificate, now_s, Profile.TLS_CLIENT)
        if not verdict.ok:
            raise Unidentified(
                f"the TLS client certificate of {agency.code} is {verdict.status}: {verdict.reason}",
                remedy="register another certificate with the operator of the hub",
                code=f"certificate-{verdict.status}",
            )
        principal = Principal(
            agency.code,
            fingerprint,
            rights_of(directory, agency, now_s),
            directory,
            now_s + RECHECK_S,
            min(self._concurrent, directory.quota(agency.code).concurrent),
        )
        if len(self._by_fingerprint) >= MAX_TOKENS_KEPT:
            self._by_fingerprint.clear()
        self._by_fingerprint[fingerprint] = principal
        return principal

    @staticmethod
    def _registered(directory: Directory, fingerprint: bytes) -> tuple[Agency, bytes]:
        agency = directory.by_fingerprint(fingerprint, "tls")
        if agency is not None:
            wanted = fingerprint.hex()
            for reference in agency.tls:
                if reference.fingerprint == wanted:
                    return agency, reference.der
        raise Unidentified(
            "no agency of the directory has this TLS client certificate",
            remedy="register the certificate with the operator of the hub",
            code="certificate-unregistered",
        )

    def _by_signature(
        self, signature_input: str, method: str, path: str, query: str, headers: Headers, now_s: float
    ) -> Identified:
        parsed = http_signatures.parse_signature(signature_input, headers.get("signature") or "")
        parameters = parsed.parameters
        for component in COMPONENTS:
            if component not in parameters.components:
                raise SignatureError(f"the signature does not cover {component}", place="Signature-Input")
        self._check_age(parameters.created, parameters.expires, now_s)
        authority = _only(headers, "host").lower()
        if authority not in self._authorities:
            raise SignatureError(
                f"the request is addressed to {authority[:80]!r}, which is not this hub",
                place="Host",
                remedy="call the hub by the name in its configuration, [exchange] public_url",
            )
        values = http_signatures.request_components(
            method=method,
            authority=authority,
            path=path,
            query=query,
            headers={
                name: ", ".join(values)
                for name in parameters.components
                if not name.startswith("@") and (values := headers.get_all(name))
            },
        )
        try:
            fingerprint = bytes.fromhex(parameters.keyid)
        except ValueError:
            fingerprint = b""
        principal = self.by_fingerprint(fingerprint, now_s)
        _, certificate = self._registered(principal.directory, fingerprint)
        base = http_signatures.signature_base(values, parameters.components, parsed.raw_parameters)
        http_signatures.verify(_public_key(certificate), parameters.algorithm, parsed.signature, base)
        self._check_nonce(parameters.keyid, parameters.nonce, parameters.created, now_s)
        digest = http_signatures.parse_content_digest(headers.get("content-digest") or "")
        nonce = parameters.keyid, parameters.nonce, float(parameters.created + self._skew_s)
        return Identified(principal, principal.rights, digest, nonce)

    def _check_age(self, created: int, expires: int | None, now_s: float) -> None:
        too_old = created < self._replay.since_s
        if too_old or abs(now_s - created) > self._skew_s or (expires is not None and now_s > expires):
            raise SignatureError(
                f"the signature is {now_s - created:.0f} s old by the hub's clock; "
                f"at most {self._skew_s} s either way are accepted",
                place="Signature-Input",
                remedy="set the machine's clock, and sign each request as it is sent",
                code="signature-too-old",
            )

    def _check_nonce(self, keyid: str, nonce: str, created: int, now_s: float) -> None:
        if not nonce or len(nonce) > 128:
            raise SignatureError("the signature has no nonce of 1 to 128 characters", place="Signature-Input")
        if not self._replay.first_time(keyid, nonce, created + self._skew_s, now_s):
            raise replayed()

    def _is_proxy(self, client: str) -> bool:
        if not self._proxies:
            return False
        address = _address(client)
        return address is not None and any(address in network for network in self._proxies)

    def _is_local(self, client: str, headers: Headers) -> bool:
        """On the hub's machine, and not a proxy there that speaks for somebody elsewhere, nor a browser that
        a page from elsewhere sends here under another name.
        """
        if not self._local_programs:
            return False
        address = _address(client)
        if address is None or not address.is_loopback or self._is_proxy(client):
            return False
        if not _LOCAL_HOST.fullmatch(_only(headers, "host")):
            return False
        return all(headers.get(name) is None for name in _FORWARDED)


def replayed() -> SignatureError:
    """The refusal of a signed request that was received before."""
    return SignatureError(
        "a request with this nonce was received already",
        place="Signature-Input",
        remedy="sign every request anew",
        code="replayed-request",
    )


def rights_of(directory: Directory, agency: Agency, now_s: float) -> int:
    """What an agency may do, as a mask. A locked agency, or one that does not exist yet, may nothing."""
    if agency.locked:
        raise Denied(f"the agency {agency.code} is locked", remedy=_ASK, code="agency-locked")
    today = datetime.fromtimestamp(now_s, VIETNAM).date()
    if today < agency.valid_from:
        raise Denied(
            f"the agency {agency.code} begins on {agency.valid_from}", remedy=_ASK, code="agency-not-yet"
        )
    rights = PUBLIC | AGENCY
    for action, bit in (("audit", AUDIT), ("witness", WITNESS), ("operate", OPERATE)):
        if agency.active_on(today) and directory.may(agency.code, action):
            rights |= bit
    return rights


@lru_cache(maxsize=4096)
def _public_key(certificate: bytes) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    key = certificate_key(certificate)
    if isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return key
    raise SignatureError("the certificate's key is neither P-256 nor RSA", place="Signature-Input")


def _only(headers: Headers, name: str) -> str:
    """The one header of that name; empty for none, and for several, of which others may believe another."""
    given = headers.get_all(name)
    return given[0] if len(given) == 1 else ""


def _client_cert(header: str) -> bytes:
    """SHA-256 of the certificate in a ``Client-Cert`` header (RFC 9440 §2.2)."""
    text = header.strip()
    try:
        if len(text) > 16_384 or not (text.startswith(":") and text.endswith(":") and len(text) > 2):
            raise ValueError
        return sha256(b64decode(text[1:-1], validate=True)).digest()
    except (Base64Error, ValueError):
        raise Unidentified(
            "the header is not a certificate as :base64:", place="Client-Cert", code="bad-client-cert"
        ) from None


@lru_cache(maxsize=4096)
def _address(client: str) -> IPv4Address | IPv6Address | None:
    """The address in ``address:port``."""
    try:
        return ip_address(client.rpartition(":")[0].strip("[]"))
    except ValueError:
        return None


_SIGN_IN = "POST /v1/sessions, signed with the agency's TLS client key, gives a new token"
_ASK = "ask the operator of the hub"

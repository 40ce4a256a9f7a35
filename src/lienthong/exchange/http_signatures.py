"""HTTP message signatures (RFC 9421) and Content-Digest (RFC 9530): what client and hub share, without I/O.

Two signature algorithms of the RFC's registry are spoken: ``ecdsa-p256-sha256`` (64 bytes, r then s) and
``rsa-v1_5-sha256``. ``keyid`` is the SHA-256 fingerprint of the certificate, in hex.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from lienthong.exchange.errors import ExchangeError

LABEL = "agency"
COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
"""What a request's signature must cover at least, in the order in which the client writes it."""

ECDSA = "ecdsa-p256-sha256"
RSA = "rsa-v1_5-sha256"
MAX_HEADER = 4096

_ITEM = re.compile(r'"((?:@?[a-z][a-z0-9_.*-]*))"')
_PARAMETER = re.compile(r';([a-z*][a-z0-9_.*-]*)=(?:"((?:[ !#-\[\]-~]|\\["\\])*)"|(-?[0-9]{1,15}))')
_MEMBER = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=")
_BYTES = re.compile(r":([A-Za-z0-9+/]*={0,2}):")


class SignatureError(ExchangeError):
    """The request's signature does not prove who sent it."""

    code = "bad-request-signature"
    status = 401
    title: ClassVar[str] = "The request's signature cannot be accepted"


@dataclass(frozen=True, slots=True)
class Parameters:
    """``Signature-Input`` of one signature. ``created`` and ``expires`` are Unix seconds."""

    components: tuple[str, ...]
    created: int
    keyid: str
    algorithm: str
    nonce: str = ""
    expires: int | None = None

    def serialised(self) -> str:
        """The inner list with its parameters, as ``@signature-params`` and ``Signature-Input`` carry it."""
        inner = " ".join(f'"{name}"' for name in self.components)
        text = f"({inner});created={self.created}"
        if self.expires is not None:
            text += f";expires={self.expires}"
        if self.nonce:
            text += f';nonce="{self.nonce}"'
        return f'{text};keyid="{self.keyid}";alg="{self.algorithm}"'


@dataclass(frozen=True, slots=True)
class ParsedSignature:
    """A signature as received. ``raw_parameters`` is the exact text that was signed."""

    parameters: Parameters
    raw_parameters: str
    signature: bytes


def content_digest(body: bytes) -> str:
    """The ``Content-Digest`` header of a body (RFC 9530), SHA-256."""
    return content_digest_of(hashlib.sha256(body).digest())


def content_digest_of(sha256: bytes) -> str:
    """The same from a digest that was taken while streaming."""
    return f"sha-256=:{b64encode(sha256).decode()}:"


def parse_content_digest(header: str) -> bytes:
    """The SHA-256 digest in a ``Content-Digest`` header; other algorithms beside it are passed over."""
    for name, rest in _members(header, "Content-Digest").items():
        if name == "sha-256":
            digest = _bytes(rest, "Content-Digest")
            if len(digest) == hashlib.sha256().digest_size:
                return digest
    raise SignatureError(
        "no SHA-256 digest of the body was given", place="Content-Digest", remedy="send sha-256=:<base64>:"
    )


def request_components(
    *, method: str, authority: str, path: str, query: str, headers: Mapping[str, str]
) -> dict[str, str]:
    """Values of the derived components of a request (RFC 9421 §2.2) and of its headers (lower-case names).

    ``query`` comes without its question mark; an absent one is signed as ``?``.
    """
    values = {name: " ".join(value.split()) for name, value in headers.items()}
    values |= {
        "@method": method.upper(),
        "@authority": authority.lower(),
        "@path": path or "/",
        "@query": f"?{query}",
    }
    return values


def signature_base(values: Mapping[str, str], components: Sequence[str], raw_parameters: str) -> bytes:
    """The bytes that are signed (RFC 9421 §2.5)."""
    lines = []
    for name in components:
        if name not in values:
            raise SignatureError(
                f"the signature covers {name!r}, which the request lacks", place="Signature-Input"
            )
        lines.append(f'"{name}": {values[name]}')
    lines.append(f'"@signature-params": {raw_parameters}')
    try:
        return "\n".join(lines).encode("ascii")
    except UnicodeEncodeError:
        raise SignatureError(
            "a signed component is not ASCII", place="Signature-Input", remedy="percent-encode path and query"
        ) from None


def parse_signature(signature_input: str, signature: str, *, label: str | None = None) -> ParsedSignature:
    """One signature of a request: the one called ``label``, or the only one.

    Raises :class:`SignatureError` with the header and the reason.
    """
    inputs = _members(signature_input, "Signature-Input")
    signatures = _members(signature, "Signature")
    if label is None:
        if len(inputs) != 1:
            raise SignatureError("exactly one signature is expected", place="Signature-Input")
        label = next(iter(inputs))
    if label not in inputs or label not in signatures:
        raise SignatureError(f"there is no signature {label!r}", place="Signature")
    raw = inputs[label]
    return ParsedSignature(_parameters(raw), raw, _bytes(signatures[label], "Signature"))


def verify(
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, algorithm: str, signature: bytes, base: bytes
) -> None:
    """Check a signature over ``base`` with the algorithm that fits the key, or :class:`SignatureError`."""
    try:
        if isinstance(public_key, ec.EllipticCurvePublicKey) and algorithm == ECDSA:
            public_key.verify(raw_to_der(signature), base, ec.ECDSA(hashes.SHA256()))
        elif isinstance(public_key, rsa.RSAPublicKey) and algorithm == RSA:
            public_key.verify(signature, base, padding.PKCS1v15(), hashes.SHA256())
        else:
            raise SignatureError(
                f"algorithm {algorithm!r} does not fit the certificate's key",
                place="Signature-Input",
                remedy=f"use {ECDSA} with a P-256 key or {RSA} with an RSA key",
            )
    except InvalidSignature:
        raise SignatureError(
            "the signature does not fit the request and the certificate",
            place="Signature",
            remedy="sign the request as it is sent, with the key of the certificate that keyid names",
        ) from None


def raw_to_der(signature: bytes) -> bytes:
    """r‖s (RFC 9421 §3.3.4) → DER ECDSA-Sig-Value."""
    if len(signature) != 64:
        raise SignatureError("an ECDSA P-256 signature has 64 bytes", place="Signature")
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def der_to_raw(signature: bytes) -> bytes:
    """DER ECDSA-Sig-Value → r‖s."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _members(header: str, place: str) -> dict[str, str]:
    """A structured-field dictionary (RFC 8941) whose members are inner lists or byte sequences, unparsed."""
    if len(header) > MAX_HEADER:
        raise SignatureError(f"the header is longer than {MAX_HEADER} characters", place=place)
    members: dict[str, str] = {}
    at = 0
    while at < len(header):
        match = _MEMBER.match(header, at)
        if match is None or match[1] in members:
            raise SignatureError("the header is not a dictionary of structured fields", place=place)
        end = _member_end(header, match.end())
        members[match[1]] = header[match.end() : end].rstrip(" \t")
        at = end + 1
    if not members or header.rstrip(" \t").endswith(","):
        raise SignatureError("the header is empty or breaks off", place=place)
    return members


def _member_end(header: str, at: int) -> int:
    quoted = False
    while at < len(header):
        char = header[at]
        if quoted and char == "\\":
            at += 1
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            break
        at += 1
    return min(at, len(header))


def _bytes(text: str, place: str) -> bytes:
    match = _BYTES.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        return b64decode(match[1], validate=True)
    except (ValueError, Base64Error):
        raise SignatureError("a byte sequence :<base64>: is expected", place=place) from None


def _parameters(raw: str) -> Parameters:
    place = "Signature-Input"
    close = raw.find(")")
    if not raw.startswith("(") or close < 0:
        raise SignatureError("a list of components in parentheses is expected", place=place)
    components = []
    for part in raw[1:close].split(" ") if close > 1 else []:
        match = _ITEM.fullmatch(part)
        if match is None or match[1] in components:
            raise SignatureError(f"{part[:40]!r} is not a component, or is named twice", place=place)
        components.append(match[1])
    given: dict[str, str] = {}
    at = close + 1
    while at < len(raw):
        match = _PARAMETER.match(raw, at)
        if match is None or match[1] in given:
            raise SignatureError(f"the parameters cannot be read from {raw[at : at + 40]!r}", place=place)
        given[match[1]] = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        at = match.end()
    for name in ("created", "keyid", "alg"):
        if name not in given:
            raise SignatureError(f"the parameter {name!r} is missing", place=place)
    try:
        expires = int(given["expires"]) if "expires" in given else None
        created = int(given["created"])
    except ValueError:
        raise SignatureError("created and expires are Unix seconds", place=place) from None
    return Parameters(
        tuple(components), created, given["keyid"].lower(), given["alg"], given.get("nonce", ""), expires
    )

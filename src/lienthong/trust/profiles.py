"""Certificate profiles: what each kind of certificate carries when issued and must carry when checked.

RFC 5280 (key usage, extended key usage), RFC 3161 §2.3 (TSA), RFC 6960 §4.2.2.2 (OCSP), RFC 9336 (document
signing). Foreign CAs write seals with other extended key usages than ours, so the check accepts the
usual ones for signing documents; it never accepts a certificate meant for TLS, time-stamps, OCSP or the
directory in place of a seal, nor the other way round.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lienthong.trust.errors import CertificateError
from lienthong.trust.keys import PublicKey

Oid = x509.ObjectIdentifier

DIRECTORY_SIGNING = Oid("2.25.215909668721014794593807161747668264468.1")
"""Extended key usage of the key that signs the directory (an ITU-T X.667 UUID arc, ours)."""

DOCUMENT_SIGNING = Oid("1.3.6.1.5.5.7.3.36")
MICROSOFT_DOCUMENT_SIGNING = Oid("1.3.6.1.4.1.311.10.3.12")
ADOBE_AUTHENTIC_DOCUMENTS = Oid("1.2.840.113583.1.1.5")

_DNS_NAME = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)

SIGN = "digital_signature"
COMMIT = "content_commitment"
AGREE = "key_agreement"
ENCIPHER = "key_encipherment"


class Profile(Enum):
    """What a certificate is for."""

    SEAL = "seal"
    ENCRYPTION = "encryption"
    TLS_CLIENT = "tls-client"
    TLS_SERVER = "tls-server"
    TSA = "tsa"
    OCSP = "ocsp"
    DIRECTORY = "directory"

    __hash__ = object.__hash__  # the hot path looks verdicts up by profile; Enum hashes in Python


@dataclass(frozen=True, slots=True)
class Rule:
    """``issued_usage``/``issued_extended``: written into our certificates. ``any_usage``: one of them must
    be there when a keyUsage extension is. ``extended``: one of them must be there; ``needs_extended``: even
    when the extension is absent (an unrestricted certificate is not enough).
    """

    authority: str
    days: int
    issued_usage: frozenset[str]
    issued_extended: tuple[Oid, ...]
    any_usage: frozenset[str]
    extended: frozenset[Oid]
    needs_extended: bool
    extended_critical: bool = False


_SEALING = (DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)

RULES: dict[Profile, Rule] = {
    Profile.SEAL: Rule(
        "issuing",
        1095,
        frozenset({SIGN, COMMIT}),
        _SEALING,
        frozenset({SIGN, COMMIT}),
        frozenset(
            {
                *_SEALING,
                MICROSOFT_DOCUMENT_SIGNING,
                ADOBE_AUTHENTIC_DOCUMENTS,
                ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
            }
        ),
        needs_extended=False,
    ),
    Profile.ENCRYPTION: Rule(
        "issuing",
        1095,
        frozenset({AGREE}),
        (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
        frozenset({AGREE, ENCIPHER}),
        frozenset({ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}),
        needs_extended=False,
    ),
    Profile.TLS_CLIENT: Rule(
        "tls",
        397,
        frozenset({SIGN}),
        (ExtendedKeyUsageOID.CLIENT_AUTH,),
        frozenset({SIGN}),
        frozenset({ExtendedKeyUsageOID.CLIENT_AUTH}),
        needs_extended=True,
    ),
    Profile.TLS_SERVER: Rule(
        "tls",
        397,
        frozenset({SIGN}),
        (ExtendedKeyUsageOID.SERVER_AUTH,),
        frozenset({SIGN, ENCIPHER}),
        frozenset({ExtendedKeyUsageOID.SERVER_AUTH}),
        needs_extended=True,
    ),
    Profile.TSA: Rule(
        "issuing",
        1825,
        frozenset({SIGN, COMMIT}),
        (ExtendedKeyUsageOID.TIME_STAMPING,),
        frozenset({SIGN, COMMIT}),
        frozenset({ExtendedKeyUsageOID.TIME_STAMPING}),
        needs_extended=True,
        extended_critical=True,
    ),
    Profile.OCSP: Rule(
        "issuing",
        397,
        frozenset({SIGN}),
        (ExtendedKeyUsageOID.OCSP_SIGNING,),
        frozenset({SIGN}),
        frozenset({ExtendedKeyUsageOID.OCSP_SIGNING}),
        needs_extended=True,
    ),
    Profile.DIRECTORY: Rule(
        "issuing",
        1095,
        frozenset({SIGN, COMMIT}),
        (DIRECTORY_SIGNING,),
        frozenset({SIGN, COMMIT}),
        frozenset({DIRECTORY_SIGNING}),
        needs_extended=True,
    ),
}


def key_usage(*wanted: str) -> x509.KeyUsage:
    """A keyUsage extension with just these bits."""
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    )
    return x509.KeyUsage(**{name: name in wanted for name in names}, encipher_only=False, decipher_only=False)


def extensions(
    profile: Profile, public_key: PublicKey, hosts: Sequence[str]
) -> list[tuple[x509.ExtensionType, bool]]:
    """The profile's own extensions with their criticality (constraints and key ids come from the CA)."""
    rule = RULES[profile]
    usage = rule.issued_usage
    if profile is Profile.ENCRYPTION and isinstance(public_key, rsa.RSAPublicKey):
        usage = frozenset({ENCIPHER})
    found: list[tuple[x509.ExtensionType, bool]] = [
        (key_usage(*usage), True),
        (x509.ExtendedKeyUsage(rule.issued_extended), rule.extended_critical),
    ]
    if hosts:
        found.append((x509.SubjectAlternativeName([host_name(host) for host in hosts]), False))
    if profile is Profile.OCSP:
        found.append((x509.OCSPNoCheck(), False))
    return found


def host_name(host: str) -> x509.GeneralName:
    """A DNS name or an IP address as it stands in subjectAltName."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        ascii_host = ""
    if len(ascii_host) <= 253 and _DNS_NAME.fullmatch(ascii_host):
        return x509.DNSName(ascii_host)
    raise CertificateError(f"{host!r} is not a host name", remedy="give a DNS name or an IP address")


def unfit(certificate: x509.Certificate, profile: Profile) -> str | None:
    """Why a certificate cannot serve for ``profile``; None when it can. RFC 5280 §4.2.1.3 and §4.2.1.12."""
    rule = RULES[profile]
    found = certificate.extensions
    try:
        if found.get_extension_for_class(x509.BasicConstraints).value.ca:
            return "it is the certificate of an authority"
    except x509.ExtensionNotFound:
        pass
    try:
        usage: x509.KeyUsage | None = found.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not any(getattr(usage, name) for name in rule.any_usage):
        wanted = " or ".join(sorted(name.replace("_", " ") for name in rule.any_usage))
        return f"its key usage allows no {wanted}, which a certificate for {profile.value} needs"
    try:
        extended = found.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        if rule.needs_extended:
            return f"it has no extended key usage, and one for {profile.value} is needed"
        return None
    if rule.extended.isdisjoint(extended.value):
        return f"its extended key usage does not name {profile.value}"
    if profile is Profile.TSA and (not extended.critical or len(extended.value) != 1):
        return "a time-stamping certificate must carry timeStamping alone, marked critical (RFC 3161 §2.3)"
    return None

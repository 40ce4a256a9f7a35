"""Certification paths: from a certificate up to a trust anchor, with the checks of RFC 5280 §6 that decide.

Checked on each step: names chain, key identifiers agree, the signature verifies with an algorithm that is
still sound, the issuer is a CA by basicConstraints and keyUsage, pathLen, validity at the moment asked
about, extended key usage handed down by an intermediate CA, and that no critical extension goes ununderstood.
Name constraints and requirements of explicit policies are not evaluated: a CA that carries them is refused,
never ignored. The search is bounded in depth and in signatures verified, whatever certificates a message
brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from lienthong.trust.errors import CertificateError, reading
from lienthong.trust.keys import MIN_RSA_BITS
from lienthong.trust.profiles import RULES, Profile

MAX_DEPTH = 6
"""Certificates in a path, the leaf and the anchor included."""

MAX_SIGNATURES = 32
"""Signatures verified in one search."""

MAX_CERTIFICATE = 16 << 10

UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.OCSP_NO_CHECK,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.POLICY_MAPPINGS,
    }
)
"""Extensions that may be critical: those whose meaning is honoured here or does not restrict trust."""

Failure = Literal["expired", "not-yet-valid", "untrusted"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A parsed certificate with what path building asks of it again and again."""

    der: bytes
    x509: x509.Certificate
    subject: bytes
    issuer: bytes
    key_id: bytes | None
    issuer_key_id: bytes | None
    begins: datetime
    ends: datetime
    common_name: str

    @property
    def self_issued(self) -> bool:
        return self.subject == self.issuer


@dataclass(frozen=True, slots=True)
class NoPath:
    """Why no path was found; ``step`` is how far up the best attempt got."""

    status: Failure
    reason: str
    step: int


@lru_cache(maxsize=2048)
def parse(der: bytes) -> Certificate:
    """The certificate in ``der``, or :class:`CertificateError`; its extensions have all been parsed."""
    if len(der) > MAX_CERTIFICATE:
        raise CertificateError(f"a certificate of {len(der)} bytes is beyond the limit of {MAX_CERTIFICATE}")
    with reading(CertificateError, "the certificate"):
        found = x509.load_der_x509_certificate(der)
        if not der.endswith(b"\x00" + found.signature):
            raise CertificateError(
                "the certificate's signature has unused bits: two encodings of one certificate"
            )
        extensions = found.extensions
        key_id = issuer_key_id = None
        for extension in extensions:
            if isinstance(extension.value, x509.SubjectKeyIdentifier):
                key_id = extension.value.digest
            elif isinstance(extension.value, x509.AuthorityKeyIdentifier):
                issuer_key_id = extension.value.key_identifier
        names = found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        common_name = str(names[0].value) if names else found.subject.rfc4514_string() or "(no name)"
        return Certificate(
            der,
            found,
            found.subject.public_bytes(),
            found.issuer.public_bytes(),
            key_id,
            issuer_key_id,
            found.not_valid_before_utc,
            found.not_valid_after_utc,
            common_name,
        )


def of(certificate: x509.Certificate) -> Certificate:
    """The same of a certificate that is parsed already."""
    return parse(certificate.public_bytes(Encoding.DER))


def find(
    leaf: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Iterable[Certificate],
    *,
    purpose: Profile,
    at: datetime,
) -> tuple[Certificate, ...] | NoPath:
    """The path from ``leaf`` to an anchor, both included, or why there is none."""
    objection = _weak_or_strange(leaf)
    if objection:
        return NoPath("untrusted", objection, 0)
    search = _Search(tuple(intermediates), tuple(anchors), purpose, at)
    found = search.upward((leaf,), 0)
    return found if found is not None else search.best


class _Search:
    def __init__(
        self,
        intermediates: tuple[Certificate, ...],
        anchors: tuple[Certificate, ...],
        purpose: Profile,
        at: datetime,
    ) -> None:
        self.intermediates = intermediates
        self.anchors = anchors
        self.anchor_ders = frozenset(anchor.der for anchor in anchors)
        self.purpose = purpose
        self.at = at
        self.signatures_left = MAX_SIGNATURES
        self.best = NoPath("untrusted", "no trusted authority issued it", -1)

    def upward(self, path: tuple[Certificate, ...], below: int) -> tuple[Certificate, ...] | None:
        """Extend ``path``; ``below``: CAs in it that count towards pathLen (RFC 5280 §6.1.4 (l))."""
        child = path[-1]
        step = len(path)
        found_issuer = False
        for issuer in (*self.anchors, *self.intermediates):
            if issuer.subject != child.issuer or issuer in path:
                continue
            if child.issuer_key_id and issuer.key_id and child.issuer_key_id != issuer.key_id:
                continue
            found_issuer = True
            is_anchor = issuer.der in self.anchor_ders
            failure = self._objection(child, issuer, below, is_anchor)
            if failure is not None:
                self._note(NoPath(*failure, step))
                continue
            if is_anchor:
                return (*path, issuer)
            if len(path) + 1 >= MAX_DEPTH:
                self._note(NoPath("untrusted", f"the chain is longer than {MAX_DEPTH} certificates", step))
                continue
            found = self.upward((*path, issuer), below + (not issuer.self_issued))
            if found is not None:
                return found
        if not found_issuer:
            wanted = child.x509.issuer.rfc4514_string()
            self._note(
                NoPath("untrusted", f"nobody trusted here is {wanted}, who issued {child.common_name}", step)
            )
        return None

    def _note(self, failure: NoPath) -> None:
        if failure.step > self.best.step:
            self.best = failure

    def _objection(
        self, child: Certificate, issuer: Certificate, below: int, is_anchor: bool
    ) -> tuple[Failure, str] | None:
        name = issuer.common_name
        objection = unfit_authority(issuer, below) or (None if is_anchor else _weak_or_strange(issuer))
        if objection is None and not is_anchor:
            objection = self._handed_down(issuer)
        if objection:
            return "untrusted", objection
        if self.signatures_left <= 0:
            return "untrusted", f"the chain takes more than {MAX_SIGNATURES} signatures to try"
        self.signatures_left -= 1
        if not issued_by(child, issuer):
            return "untrusted", f"the signature on {child.common_name} was not made by {name}"
        if self.at > issuer.ends:
            return "expired", f"the authority {name} ended on {issuer.ends:%Y-%m-%d}"
        if self.at < issuer.begins:
            return "not-yet-valid", f"the authority {name} begins on {issuer.begins:%Y-%m-%d}"
        return None

    def _handed_down(self, issuer: Certificate) -> str | None:
        """An intermediate CA's extended key usage limits what it may issue for, as browsers and OpenSSL
        hold.
        """
        try:
            usage = issuer.x509.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            return None
        allowed = RULES[self.purpose].extended | {ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        if allowed.isdisjoint(usage):
            return f"the authority {issuer.common_name} may not issue certificates for {self.purpose.value}"
        return None


def unfit_authority(issuer: Certificate, below: int) -> str | None:
    """Why a certificate may not issue others (RFC 5280 §4.2.1.3, §4.2.1.9); None when it may."""
    name = issuer.common_name
    constraints: x509.BasicConstraints | None = None
    usage: x509.KeyUsage | None = None
    for extension in issuer.x509.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            constraints = value
        elif isinstance(value, x509.KeyUsage):
            usage = value
        elif isinstance(value, x509.NameConstraints | x509.PolicyConstraints):
            return f"{name} carries {extension.oid._name}, which is not evaluated here"
        elif extension.critical and extension.oid not in UNDERSTOOD:
            return f"{name} carries the critical extension {extension.oid.dotted_string}, not understood here"
    if constraints is None or not constraints.ca:
        return f"{name} is not an authority (basicConstraints)"
    if usage is not None and not usage.key_cert_sign:
        return f"{name} may not sign certificates (keyUsage)"
    if constraints.path_length is not None and below > constraints.path_length:
        return f"{name} allows {constraints.path_length} authorities below it, here are {below}"
    return _weak_key(issuer)


def issued_by(child: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the child's signature."""
    try:
        child.x509.verify_directly_issued_by(issuer.x509)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _weak_or_strange(certificate: Certificate) -> str | None:
    name = certificate.common_name
    try:
        algorithm = certificate.x509.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return f"{name} is signed with an algorithm that is not supported"
    if algorithm is not None and not isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        return f"{name} is signed with {algorithm.name}, which is no longer sound"
    for extension in certificate.x509.extensions:
        if extension.critical and extension.oid not in UNDERSTOOD:
            return f"{name} carries the critical extension {extension.oid.dotted_string}, not understood here"
    return _weak_key(certificate)


def _weak_key(certificate: Certificate) -> str | None:
    name = certificate.common_name
    try:
        key = certificate.x509.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return f"{name} carries a key of a kind not supported"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            return f"{name} has an RSA key of {key.key_size} bits, less than {MIN_RSA_BITS}"
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
            return None
        return f"{name} has a key on the curve {key.curve.name}, not one of P-256, P-384, P-521"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return None
    return f"{name} carries a key of a kind not supported"

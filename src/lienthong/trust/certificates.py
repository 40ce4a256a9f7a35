"""The trust store: which certificates are believed here, for what, and at what moment.

:meth:`TrustStore.check` builds the path, checks it (:mod:`lienthong.trust.paths`), the purpose
(:mod:`lienthong.trust.profiles`) and revocation (:mod:`lienthong.trust.revocation`).
:meth:`TrustStore.check_cached` is the hot path: one dictionary look-up while a verdict lasts, and never a
wait for the network. A verdict lasts until the first of: the end of a certificate on the path, the nextUpdate
of the CRL it rests on, ``cache_s`` (60 s). A revocation published in ``pki/crl`` therefore reaches every hub
within ``cache_s``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from lienthong.trust import paths
from lienthong.trust.errors import AnchorError, CertificateError, UntrustedCertificate
from lienthong.trust.keys import load_certificates
from lienthong.trust.ocsp import OcspClient
from lienthong.trust.paths import Certificate
from lienthong.trust.profiles import Profile, unfit
from lienthong.trust.revocation import Revocation, Staleness

Status = Literal["good", "revoked", "unknown", "expired", "not-yet-valid", "untrusted", "wrong-purpose"]

MAX_INTERMEDIATES = 16
MAX_CACHED = 20_000
CACHE_S = 60.0
CACHE_REFUSALS_S = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """``ok`` decides; ``status`` says what was found; ``reason`` says it to a person. ``warning`` is set when
    the certificate is accepted although its revocation is unknown for the moment. ``path``: leaf to anchor,
    DER.
    """

    status: Status
    reason: str
    ok: bool
    warning: str = ""
    path: tuple[bytes, ...] = field(default=(), repr=False)
    revoked_at: datetime | None = None


class TrustStore:
    """Anchors, known intermediate CAs, and revocation."""

    def __init__(
        self,
        anchors: Iterable[bytes],
        *,
        revocation: Revocation | None = None,
        intermediates: Iterable[bytes] = (),
        cache_s: float = CACHE_S,
    ) -> None:
        """``anchors``, ``intermediates``: DER. Without ``revocation``, revocation is not checked at all."""
        self.anchors = tuple(paths.parse(der) for der in anchors)
        self.intermediates = tuple(paths.parse(der) for der in intermediates)
        self.revocation = revocation
        self.cache_s = cache_s
        self._verdicts: dict[Profile, dict[bytes, tuple[float, float, Verdict]]] = {
            profile: {} for profile in Profile
        }

    @classmethod
    def from_folder(
        cls,
        pki: Path,
        *,
        ocsp: OcspClient | None = None,
        staleness: Staleness | None = None,
        cache_s: float = CACHE_S,
    ) -> TrustStore:
        """Trust ``anchors/*.pem``, know the CAs of ``ca.pem`` and ``intermediates/*.pem``, heed
        ``crl/*.crl``.
        """
        anchors = certificates_in(pki / "anchors")
        if not anchors:
            raise AnchorError(
                "there is no trust anchor here",
                place=str(pki / "anchors"),
                remedy="make the province CA with `lienthong init`, or import an anchor",
                code="no-anchor",
            )
        known = certificates_in(pki / "intermediates")
        if (pki / "ca.pem").exists():
            known += load_certificates(pki / "ca.pem")
        return cls(
            anchors,
            intermediates=[der for der in dict.fromkeys(known) if der not in anchors],
            revocation=Revocation(folder=pki / "crl", ocsp=ocsp, staleness=staleness),
            cache_s=cache_s,
        )

    def check(
        self,
        certificate: bytes,
        *,
        intermediates: Sequence[bytes] = (),
        purpose: Profile,
        at: datetime,
        online: bool = True,
    ) -> Verdict:
        """The verdict on a DER certificate for ``purpose`` at ``at``. ``intermediates``: DER, as a message
        brought them; they help to build the path and are trusted for nothing. ``online``: OCSP may be asked,
        within its budget. Raises :class:`CertificateError` when ``certificate`` is not one.
        """
        return self._check(certificate, intermediates, purpose, at, online)[0]

    def require(
        self, certificate: bytes, *, intermediates: Sequence[bytes] = (), purpose: Profile, at: datetime
    ) -> Verdict:
        """The verdict when it is ok; :class:`UntrustedCertificate` with its reason otherwise."""
        verdict = self.check(certificate, intermediates=intermediates, purpose=purpose, at=at)
        if verdict.ok:
            return verdict
        raise UntrustedCertificate(
            verdict.reason,
            place=paths.parse(certificate).common_name,
            code=f"certificate-{verdict.status}",
        )

    def check_cached(
        self, certificate: bytes, at_s: float, purpose: Profile, intermediates: Sequence[bytes] = ()
    ) -> Verdict:
        """The same for the hot path, ``at_s`` in Unix seconds: about 1 µs while a verdict lasts, some 200 µs
        once it has run out. Never asks the network; :meth:`prefetch` does that beforehand.
        """
        known = self._verdicts[purpose].get(certificate)
        if known is not None and known[0] <= at_s < known[1]:
            return known[2]
        return self._renew(certificate, at_s, purpose, intermediates, online=False)

    def prefetch(
        self,
        certificates: Iterable[tuple[bytes, Profile]],
        *,
        at: datetime,
        intermediates: Sequence[bytes] = (),
    ) -> list[Verdict]:
        """Check certificates with OCSP allowed, so that the hot path finds answers at hand. For a
        background thread: when the directory changes, and from time to time.
        """
        return [
            self._renew(certificate, at.timestamp(), purpose, intermediates, online=True)
            for certificate, purpose in certificates
        ]

    def forget(self) -> None:
        """Drop the kept verdicts (anchors or CRLs have changed)."""
        for verdicts in self._verdicts.values():
            verdicts.clear()

    def refresh(self) -> bool:
        """Read changed CRLs at once; whether any did."""
        changed = self.revocation is not None and self.revocation.refresh()
        if changed:
            self.forget()
        return changed

    def _renew(
        self,
        certificate: bytes,
        at_s: float,
        purpose: Profile,
        intermediates: Sequence[bytes],
        *,
        online: bool,
    ) -> Verdict:
        at = datetime.fromtimestamp(at_s, UTC)
        verdict, begins, ends = self._check(certificate, intermediates, purpose, at, online)
        last = min(ends.timestamp(), at_s + (self.cache_s if verdict.ok else CACHE_REFUSALS_S))
        if last > at_s:
            verdicts = self._verdicts[purpose]
            if len(verdicts) >= MAX_CACHED:
                verdicts.clear()
            verdicts[certificate] = (max(begins.timestamp(), at_s - self.cache_s), last, verdict)
        return verdict

    def _check(
        self,
        certificate: bytes,
        intermediates: Sequence[bytes],
        purpose: Profile,
        at: datetime,
        online: bool,
    ) -> tuple[Verdict, datetime, datetime]:
        """The verdict and the span of time in which it would be the same, revocation's own span included."""
        self.refresh()
        leaf = paths.parse(certificate)
        if len(intermediates) > MAX_INTERMEDIATES:
            reason = f"{len(intermediates)} certificates were brought along, more than {MAX_INTERMEDIATES}"
            return Verdict("untrusted", reason, ok=False), at, at
        brought = []
        for der in intermediates:
            try:
                brought.append(paths.parse(der))
            except CertificateError:
                continue  # a certificate that cannot be read cannot help; the path is sought without it
        found = paths.find(leaf, (*self.intermediates, *brought), self.anchors, purpose=purpose, at=at)
        if isinstance(found, paths.NoPath):
            return Verdict(found.status, found.reason, ok=False), at, at
        ders = tuple(one.der for one in found)
        begins, ends = max(one.begins for one in found), min(one.ends for one in found)
        objection = unfit(leaf.x509, purpose)
        if objection:
            reason = f"{leaf.common_name} does not serve as {purpose.value}: {objection}"
            return Verdict("wrong-purpose", reason, ok=False, path=ders), at, at
        if at > leaf.ends:
            reason = f"{leaf.common_name} expired on {leaf.ends:%Y-%m-%d %H:%M} UTC"
            return Verdict("expired", reason, ok=False, path=ders), at, at
        if at < leaf.begins:
            reason = f"{leaf.common_name} is not valid before {leaf.begins:%Y-%m-%d %H:%M} UTC"
            return Verdict("not-yet-valid", reason, ok=False, path=ders), at, at
        verdict, until = self._revocation(found, ders, at, online)
        return verdict, begins, min(ends, until)

    def _revocation(
        self, path: tuple[Certificate, ...], ders: tuple[bytes, ...], at: datetime, online: bool
    ) -> tuple[Verdict, datetime]:
        name, anchor = path[0].common_name, path[-1].common_name
        until = min(one.ends for one in path)
        if self.revocation is None:
            reason = f"{name} is trusted through {anchor}; revocation was not checked"
            return Verdict("good", reason, ok=True, path=ders), until
        answers = [
            self.revocation.status(child, issuer, at, online=online)
            for child, issuer in reversed(list(pairwise(path)))
        ]
        until = min(until, *(answer.until for answer in answers))
        for answer in answers:
            if answer.status == "revoked":
                verdict = Verdict("revoked", answer.reason, ok=False, path=ders, revoked_at=answer.since)
                return verdict, until
        for answer in answers:
            if not answer.tolerated:
                return Verdict("unknown", answer.reason, ok=False, path=ders), at
        warning = "; ".join(answer.reason for answer in answers if answer.status == "unknown")
        if warning:
            return Verdict("unknown", warning, ok=True, warning=warning, path=ders), until
        return Verdict("good", f"{name} is trusted through {anchor}", ok=True, path=ders), until


def describe(certificate: bytes) -> dict[str, str]:
    """A certificate in words, for lists and reports: subject, organ, issuer, serial, validity,
    fingerprint.
    """
    found = paths.parse(certificate)
    organ = found.x509.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_IDENTIFIER)
    return {
        "name": found.common_name,
        "organ": str(organ[0].value) if organ else "",
        "issuer": found.x509.issuer.rfc4514_string(),
        "serial": f"{found.x509.serial_number:x}",
        "not_before": found.begins.isoformat(),
        "not_after": found.ends.isoformat(),
        "fingerprint": found.x509.fingerprint(hashes.SHA256()).hex(),
    }


def certificates_in(folder: Path) -> tuple[bytes, ...]:
    """The certificates of a folder's PEM and DER files, each once."""
    if not folder.is_dir():
        return ()
    files = sorted(path for path in folder.iterdir() if path.suffix in (".pem", ".crt", ".cer"))
    return tuple(dict.fromkeys(der for path in files for der in load_certificates(path)))

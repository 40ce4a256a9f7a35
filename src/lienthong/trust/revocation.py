"""Whether a certificate was revoked, by CRL and OCSP, and what happens when nobody can say.

Three answers, never two: **good**, **revoked**, **unknown**. Unknown is not revoked, and it is not good: the
verdict says which, and whether it is tolerated for now.

The staleness policy, in the order in which it is applied:

1. Revoked is for ever. The newest CRL of the issuer, or a kept OCSP answer, that lists the certificate
   decides from the revocation date on, however old that CRL or answer is.
2. A CRL that is current at the moment asked about (nextUpdate not passed) and does not list the certificate:
   good. The network is not asked. A CRL made after that moment is as good as a current one for it.
3. No current CRL, but an OCSP answer that is current: good.
4. Neither: the OCSP responder is asked, when there is one and the caller may wait (``online``), for at most
   ``OcspClient.budget_s`` (2 s). After a failure it is left alone for ``pause_s`` (60 s): an outage costs
   a caller one budget a minute, and the hot path nothing, since it never asks.
5. Still nothing current, but a CRL or an answer that was good and went stale no longer than
   :attr:`Staleness.grace` ago (7 days): **unknown, tolerated**, with a warning on every verdict and in the
   log. So a CRL server, a responder or a forgotten ``publish_crls`` may be down for a week, and the exchange
   goes on.
6. Older than that, or nothing was ever known: **unknown, refused**, and the reason names the issuer whose
   CRL or responder is missing. A responder that answers "unknown" has never heard of the certificate: refused
   too.

Anchors are not checked: to stop trusting one, take it out of ``pki/anchors``. Time is always the moment asked
about, never the wall clock, so a signature of last year is judged by what was true then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from lienthong.trust import crl
from lienthong.trust.ocsp import OcspAnswer, OcspClient
from lienthong.trust.paths import Certificate

log = logging.getLogger(__name__)

FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Staleness:
    """``grace``: how long after going stale a good answer is tolerated. ``without_source``: what to do with a
    certificate about which nothing was ever known.
    """

    grace: timedelta = timedelta(days=7)
    without_source: Literal["refuse", "accept"] = "refuse"


@dataclass(frozen=True, slots=True)
class RevocationAnswer:
    """``tolerated``: an unknown that is accepted for now (always true when good, never when revoked).
    ``until``: when the answer must be sought anew. ``since``: when it was revoked.
    """

    status: Literal["good", "revoked", "unknown"]
    reason: str
    tolerated: bool
    until: datetime
    since: datetime | None = None


class Revocation:
    """CRLs at hand and, when given, an OCSP client, under one staleness policy."""

    def __init__(
        self,
        crls: Iterable[bytes] = (),
        *,
        folder: Path | None = None,
        ocsp: OcspClient | None = None,
        staleness: Staleness | None = None,
    ) -> None:
        """``crls``: PEM or DER; :class:`~lienthong.trust.errors.RevocationError` when one cannot be read.
        ``folder``: ``*.crl`` files, read anew when they change.
        """
        self.shelf = crl.CrlShelf(tuple(crl.parse(one) for one in crls), folder)
        self.ocsp = ocsp
        self.staleness = staleness or Staleness()
        self._warned: set[tuple[str, datetime]] = set()

    def refresh(self) -> bool:
        """Read changed CRLs; whether any did."""
        return self.shelf.refresh()

    @property
    def problems(self) -> tuple[str, ...]:
        """The CRL files that could not be read, each with its reason."""
        return self.shelf.problems

    def status(
        self, certificate: Certificate, issuer: Certificate, at: datetime, *, online: bool = True
    ) -> RevocationAnswer:
        """What is known of ``certificate`` at ``at``; see the policy above."""
        listed = next((one for one in self.shelf.of(issuer) if one.covers(certificate)), None)
        kept = self.ocsp.kept(certificate, issuer) if self.ocsp else None
        settled = _settled(certificate, listed, kept, at)
        if settled is not None:
            return settled
        trouble = ""
        if online and self.ocsp is not None:
            kept_now, trouble = self.ocsp.fetch(certificate, issuer)
            kept = kept_now or kept
            settled = _settled(certificate, listed, kept, at)
            if settled is not None:
                return settled
        return self._stale(certificate, issuer, listed, kept, at, trouble)

    def _stale(
        self,
        certificate: Certificate,
        issuer: Certificate,
        listed: crl.Crl | None,
        kept: OcspAnswer | None,
        at: datetime,
        trouble: str,
    ) -> RevocationAnswer:
        name, authority = certificate.common_name, issuer.common_name
        known: list[tuple[datetime, str]] = []
        if listed is not None:
            known.append((listed.next_update, "CRL"))
        if kept is not None and kept.status == "good":
            known.append((kept.until, "OCSP answer"))
        because = f"; {trouble}" if trouble else ""
        if not known:
            accepted = self.staleness.without_source == "accept"
            return RevocationAnswer(
                "unknown",
                f"nothing is known of the revocation of {name}: there is no CRL of {authority}"
                f" in pki/crl and no OCSP answer{because}",
                accepted,
                at,
            )
        ended, what = max(known)
        until = ended + self.staleness.grace
        if at <= until:
            reason = f"the {what} of {authority} went stale at {ended:%Y-%m-%d %H:%M} UTC{because}"
            if (authority, ended) not in self._warned:
                self._warned.add((authority, ended))
                log.warning("%s; what it issued is accepted until %s", reason, until)
            return RevocationAnswer(
                "unknown", f"{reason}; accepted until {until:%Y-%m-%d %H:%M} UTC", True, until
            )
        return RevocationAnswer(
            "unknown",
            f"the {what} of {authority} went stale at {ended:%Y-%m-%d %H:%M} UTC, longer ago than the"
            f" {self.staleness.grace.days} days allowed{because}; publish or fetch a new one",
            False,
            at,
        )


def _settled(
    certificate: Certificate, listed: crl.Crl | None, kept: OcspAnswer | None, at: datetime
) -> RevocationAnswer | None:
    """What the information at hand settles without regard to grace; None when it settles nothing."""
    name = certificate.common_name
    if listed is not None:
        entry = listed.entries.get(certificate.x509.serial_number)
        if entry is not None and entry.since <= at:
            return _revoked(name, entry.since, entry.reason)
    if kept is not None and kept.status == "revoked" and kept.since is not None and kept.since <= at:
        return _revoked(name, kept.since, kept.reason)
    if listed is not None and at <= listed.next_update:
        return RevocationAnswer(
            "good", f"not on the CRL of {listed.this_update:%Y-%m-%d}", True, listed.next_update
        )
    if kept is not None and at <= kept.until:
        if kept.status == "unknown":
            return RevocationAnswer(
                "unknown", f"the OCSP responder {kept.responder} has never heard of {name}", False, at
            )
        return RevocationAnswer(
            "good", f"good by OCSP of {kept.this_update:%Y-%m-%d %H:%M}", True, kept.until
        )
    return None


def _revoked(name: str, since: datetime, reason: str) -> RevocationAnswer:
    return RevocationAnswer(
        "revoked", f"{name} was revoked on {since:%Y-%m-%d %H:%M} UTC ({reason})", False, FOR_EVER, since
    )

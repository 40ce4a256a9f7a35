"""Agencies' certificates are noted and withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lienthong.core.clock import VIETNAM, utc_now
from lienthong.registry import models, queries, records
from lienthong.registry.actions.writing import SYSTEM, in_turn, record
from lienthong.registry.certificates import read as read_certificate
from lienthong.registry.errors import CertificateRefused


def add_certificate(
    agency: str, use: str, data: bytes, *, now: datetime | None = None, actor: str = SYSTEM
) -> models.Certificate:
    """Note that ``agency`` acts with this certificate (PEM or DER). Doing it again changes nothing."""
    return add_certificates([(agency, use, data)], now=now, actor=actor)[0]


@in_turn
def add_certificates(
    items: Iterable[tuple[str, str, bytes]], *, now: datetime | None = None, actor: str = SYSTEM
) -> list[models.Certificate]:
    """The same for many (agency code, use, certificate), all or none."""
    now = now or utc_now()
    today = now.astimezone(VIETNAM).date()
    agencies = {agency.code: agency for agency in models.Agency.objects.all()}
    wanted = []
    for code, use, data in items:
        owner = agencies.get(code) or queries.agency(code, today)
        row = read_certificate(data, use, now=now, place=f"{owner.code} {use}")
        row.agency = owner
        wanted.append(row)
    known = {
        (row.use, row.fingerprint): row
        for row in models.Certificate.objects.filter(fingerprint__in={row.fingerprint for row in wanted})
    }
    answers = []
    fresh = []
    for row in wanted:
        earlier = known.setdefault((row.use, row.fingerprint), row)
        answers.append(earlier)
        if earlier is row:
            fresh.append(row)
        elif earlier.agency_id != row.agency.pk or earlier.withdrawn_at is not None:
            was = "was withdrawn" if earlier.agency_id == row.agency.pk else "belongs to another agency"
            raise CertificateRefused(
                f"the certificate {row.fingerprint[:16]}… {was}",
                place=f"{row.agency.code} {row.use}",
                remedy="have a new one issued for this agency",
            )
    models.Certificate.objects.bulk_create(fresh, batch_size=records.BATCH)
    models.AuditEvent.objects.bulk_create(
        models.AuditEvent(
            at=now,
            actor=actor,
            verb="add-certificate",
            target=row.agency.code,
            changes={row.use: [None, row.fingerprint]},
        )
        for row in fresh
    )
    return answers


@in_turn
def withdraw_certificate(
    fingerprint: str, *, now: datetime | None = None, actor: str = SYSTEM
) -> list[models.Certificate]:
    """Take a certificate (by its SHA-256, or an unambiguous beginning of it) out of the directory, from the
    next publication on. What it sealed before stays verifiable: revocation is the CA's to say.
    """
    wanted = fingerprint.lower().replace(":", "").strip()
    found = list(
        models.Certificate.objects.select_related("agency").filter(
            fingerprint__startswith=wanted, withdrawn_at=None
        )
    )
    if len(wanted) < 8 or len({row.fingerprint for row in found}) != 1:
        raise CertificateRefused(
            f"{fingerprint[:64]!r} is not the fingerprint of one certificate in use",
            remedy="see the fingerprints: `lienthong registry show CODE`",
        )
    for row in found:
        row.withdrawn_at = now or utc_now()
        row.save(update_fields=["withdrawn_at"])
        record(actor, "withdraw-certificate", row.agency.code, {row.use: [row.fingerprint, None]})
    return found

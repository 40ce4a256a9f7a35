"""What the registry is asked: lists by page, one agency, the whole as facts, and the directory to publish.

The only place that reads lists. Each function makes a fixed number of queries, however many agencies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Count, F, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from lienthong.core.identifiers import nearest_code
from lienthong.core.text import fold
from lienthong.registry import models
from lienthong.registry.directory import (
    KINDS,
    Agency,
    Alias,
    CertificateRef,
    Directory,
    Quota,
    QuotaRule,
    Right,
    Unit,
    begins_words,
)
from lienthong.registry.errors import UnknownAgency
from lienthong.registry.imports.planning import State

PAGE = 50
MAX_PAGE = 500


def on_day(day: date) -> Q:
    """Agencies that exist on a day."""
    return (Q(valid_from=None) | Q(valid_from__lte=day)) & (Q(valid_to=None) | Q(valid_to__gte=day))


def agencies(
    *,
    on: date | None = None,
    kind: str = "",
    parent: str = "",
    text: str = "",
    after: str = "",
    limit: int = PAGE,
) -> list[models.Agency]:
    """A page of agencies in code order, those with a code greater than ``after``, with parent and aliases.

    ``on``: only those that exist on that day. ``text``: every word is in the folded name or codes; when all
    of them fit, those where every word begins one come first.
    """
    found = models.Agency.objects.select_related("parent").prefetch_related("aliases").order_by("code")
    if on is not None:
        found = found.filter(on_day(on))
    if kind:
        found = found.filter(kind=kind)
    if parent:
        found = found.filter(parent__code=parent)
    for word in fold(text).split():
        found = found.filter(folded__contains=word)
    if after:
        found = found.filter(code__gt=after)
    rows = list(found[: min(limit, MAX_PAGE)])
    if text and not after and len(rows) < limit:
        words = fold(text).split()
        rows.sort(key=lambda row: (not begins_words(words, row.folded), row.code))
    return rows


def agency(code: str, on: date) -> models.Agency:
    """The agency a code or alias means on a day, else the one it meant last; :class:`UnknownAgency`."""
    # Upper-casing anything but ASCII could turn a look-alike letter into a real code.
    wanted = code.strip().upper() if code.isascii() else code
    canonical = models.Agency.objects.filter(code=wanted)
    held = models.Agency.objects.filter(
        Q(aliases__code=wanted)
        & (Q(aliases__valid_from=None) | Q(aliases__valid_from__lte=on))
        & (Q(aliases__valid_to=None) | Q(aliases__valid_to__gte=on))
    )
    earlier = models.Agency.objects.filter(aliases__code=wanted).order_by(
        F("valid_to").desc(nulls_first=True)
    )
    for candidates in (canonical.filter(on_day(on)), held.filter(on_day(on)), canonical, earlier):
        found = candidates.first()
        if found is not None:
            return found
    meant = _near(wanted)
    raise UnknownAgency(
        f"no agency has the code {code[:60]!r}" + (f"; did you mean {meant}?" if meant else ""),
        remedy="look for it: `lienthong registry list --search NAME`",
    )


def _near(code: str) -> str | None:
    """The code that was probably meant by one that nobody has."""
    codes = [*models.Agency.objects.values_list("code", flat=True)]
    codes += models.Alias.objects.values_list("code", flat=True).distinct()
    return nearest_code(code, codes)


def counts_by_kind(on: date) -> dict[str, int]:
    """Agencies that exist on a day, by kind, in the order of ``directory.KINDS``; kinds with none too."""
    counted = models.Agency.objects.filter(on_day(on)).values("kind").annotate(n=Count("id"))
    counts = {row["kind"]: row["n"] for row in counted.order_by()}
    return {kind: counts.get(kind, 0) for kind in KINDS}


def certificates(agency: models.Agency) -> QuerySet[models.Certificate]:
    """An agency's certificates, newest first, withdrawn ones last."""
    return agency.certificates.order_by("withdrawn_at", "use", "-not_after")


def province_name() -> str:
    row = models.Province.objects.first()
    return row.name if row else ""


def latest_publication() -> models.Publication | None:
    return models.Publication.objects.order_by("-version").first()


def unpublished_changes() -> int:
    """How many writes the newest publication does not hold yet."""
    last = models.AuditEvent.objects.filter(verb="publish").order_by("-id").values("id")[:1]
    return (
        models.AuditEvent.objects.exclude(verb="publish").filter(id__gt=Coalesce(Subquery(last), 0)).count()
    )


def certificates_ending(before: datetime) -> list[models.Certificate]:
    """Certificates in use that end before a moment, the first to end first, with their agencies."""
    found = models.Certificate.objects.select_related("agency").filter(
        withdrawn_at=None, not_after__lt=before
    )
    return list(found.order_by("not_after"))


def without_certificate(use: str, on: date) -> list[str]:
    """Codes of the province's agencies of a day that have no certificate in use for ``use``. Bodies outside
    are reached through gateways and need none here.
    """
    owners = models.Certificate.objects.filter(use=use, withdrawn_at=None).values("agency")
    missing = models.Agency.objects.filter(on_day(on)).exclude(kind="external").exclude(id__in=owners)
    return list(missing.order_by("code").values_list("code", flat=True))


def audit_events(target: str = "", *, limit: int = PAGE) -> list[models.AuditEvent]:
    """The newest writes first."""
    found = models.AuditEvent.objects.order_by("-id")
    return list((found.filter(target=target) if target else found)[: min(limit, MAX_PAGE)])


def state() -> State:
    """The whole registry as facts, without certificates."""
    return State(
        agencies=_facts({}),
        groups=dict(models.Group.objects.order_by("name").values_list("name", "title")),
        rights=frozenset(Right(*row) for row in _rights()),
        quotas={rule.subject: rule.quota for rule in _quotas()},
    )


def directory(*, version: int, issued_at: datetime, expires_at: datetime) -> Directory:
    """The directory as it stands, with the certificates that are neither withdrawn nor out of date."""
    usable = models.Certificate.objects.filter(withdrawn_at=None, not_after__gt=issued_at)
    owned: dict[str, dict[str, list[CertificateRef]]] = defaultdict(lambda: defaultdict(list))
    rows = usable.order_by("-not_before", "fingerprint")
    for code, use, fingerprint, der in rows.values_list("agency__code", "use", "fingerprint", "der"):
        owned[code][use].append(CertificateRef(fingerprint, bytes(der)))
    return Directory.build(
        _facts(owned).values(),
        version=version,
        province=province_name(),
        issued_at=issued_at,
        expires_at=expires_at,
        rights=[Right(*row) for row in _rights()],
        quotas=_quotas(),
        group_titles=dict(models.Group.objects.order_by("name").values_list("name", "title")),
    )


def _rights() -> Iterable[tuple[str, str, str]]:
    rows = models.Right.objects.order_by("subject", "action", "object")
    return rows.values_list("subject", "action", "object")


def _quotas() -> list[QuotaRule]:
    return [
        QuotaRule(rule.subject, Quota(rule.messages_per_minute, rule.bytes_per_day, rule.concurrent))
        for rule in models.QuotaRule.objects.order_by("subject")
    ]


def _facts(owned: dict[str, dict[str, list[CertificateRef]]]) -> dict[str, Agency]:
    rows = models.Agency.objects.order_by("code").select_related("parent")
    rows = rows.prefetch_related("aliases", "units", "groups", "followed_by__successor")
    found: dict[str, Agency] = {}
    for row in rows:
        certificates = owned.get(row.code, {})
        found[row.code] = Agency(
            code=row.code,
            name=row.name,
            kind=row.kind,
            parent=row.parent.code if row.parent else None,
            level=row.level,
            aliases=tuple(
                sorted(
                    (Alias(a.code, a.valid_from or date.min, a.valid_to) for a in row.aliases.all()),
                    key=lambda alias: (alias.code, alias.valid_from),
                )
            ),
            valid_from=row.valid_from or date.min,
            valid_to=row.valid_to,
            successors=tuple(sorted(s.successor.code for s in row.followed_by.all())),
            locked=row.locked,
            seals=tuple(certificates.get("seal", ())),
            encryption=tuple(certificates.get("encryption", ())),
            tls=tuple(certificates.get("tls", ())),
            units=tuple(sorted((Unit(u.code, u.name) for u in row.units.all()), key=lambda u: u.code)),
            groups=tuple(sorted(group.name for group in row.groups.all())),
            illustrative=row.illustrative,
        )
    return found

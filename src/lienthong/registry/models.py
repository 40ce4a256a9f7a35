"""What the registry keeps: agencies through time with their codes, units, certificates, rights and quotas,
what was published, and who changed what. Only ``actions`` writes here.

Empty ``valid_from`` means "as long as anybody remembers", empty ``valid_to`` "until further notice"; both
days are included.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from lienthong.core.identifiers import MAX_ORGAN_CODE
from lienthong.registry.directory import ACTIONS, KINDS, LEVELS, USES

SELECTOR_LENGTH = 80


def _choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, value) for value in values if value]


def _in_order(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
        name=name,
    )


class Province(models.Model):
    """The one province this registry is of."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="registry_one_province")]


class Group(models.Model):
    """A named group of agencies, beside those every directory has (``directory.BUILT_IN_GROUPS``)."""

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=255)


class Agency(models.Model):
    """``illustrative``: its organ codes were invented for a seed and are nobody's official codes.
    ``folded``: the search key of name and codes (``core.text.fold``).
    """

    code = models.CharField(max_length=MAX_ORGAN_CODE, unique=True)
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=20, choices=_choices(KINDS))
    level = models.CharField(max_length=10, choices=_choices(LEVELS), blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    locked = models.BooleanField(default=False)
    illustrative = models.BooleanField(default=False)
    folded = models.TextField()
    groups = models.ManyToManyField(Group, related_name="members")

    class Meta:
        indexes = [models.Index(fields=["kind", "code"])]
        constraints = [_in_order("registry_agency_period")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Alias(models.Model):
    """Another code of an agency. The same code may belong to different agencies at different times."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="aliases")
    code = models.CharField(max_length=MAX_ORGAN_CODE, db_index=True)
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)

    class Meta:
        constraints = [_in_order("registry_alias_period")]


class Succession(models.Model):
    """``successor`` took over from ``predecessor`` the day after the latter's ``valid_to``."""

    predecessor = models.ForeignKey(Agency, models.CASCADE, related_name="followed_by")
    successor = models.ForeignKey(Agency, models.PROTECT, related_name="follows")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["predecessor", "successor"], name="registry_succession_once"),
            models.CheckConstraint(condition=~Q(predecessor=F("successor")), name="registry_not_own_heir"),
        ]


class Unit(models.Model):
    agency = models.ForeignKey(Agency, models.CASCADE, related_name="units")
    code = models.CharField(max_length=MAX_ORGAN_CODE)
    name = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "code"], name="registry_unit_once")]


class Certificate(models.Model):
    """A certificate an agency acts with. ``fingerprint``: SHA-256 of the DER, lower-case hex."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="certificates")
    use = models.CharField(max_length=10, choices=_choices(USES))
    fingerprint = models.CharField(max_length=64)
    der = models.BinaryField()
    subject = models.TextField()
    issuer = models.TextField()
    serial = models.CharField(max_length=50)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    added_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use", "fingerprint"], name="registry_certificate_of_one_agency")
        ]


class Right(models.Model):
    """``subject`` may ``action`` towards ``object``: selectors as in ``directory.Right``."""

    subject = models.CharField(max_length=SELECTOR_LENGTH)
    action = models.CharField(max_length=10, choices=_choices(ACTIONS))
    object = models.CharField(max_length=SELECTOR_LENGTH, default="*")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "action", "object"], name="registry_right_once")
        ]


class QuotaRule(models.Model):
    subject = models.CharField(max_length=SELECTOR_LENGTH, unique=True)
    messages_per_minute = models.PositiveIntegerField()
    bytes_per_day = models.PositiveBigIntegerField()
    concurrent = models.PositiveIntegerField()


class Publication(models.Model):
    """A directory snapshot that was signed. ``digest``: SHA-256 of the signed file, hex."""

    version = models.PositiveBigIntegerField(unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    agencies = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    signer = models.CharField(max_length=64)


class AuditEvent(models.Model):
    """One write: who did what to what, with the old and the new value of each field that changed."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=100)
    verb = models.CharField(max_length=40)
    target = models.CharField(max_length=200, db_index=True)
    changes = models.JSONField(default=dict)

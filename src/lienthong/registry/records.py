"""How facts become rows. Called by ``actions`` alone, inside its transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date
from typing import Any

from django.db.models import Model

from lienthong.core.text import fold
from lienthong.registry import models
from lienthong.registry.directory import Agency
from lienthong.registry.imports.planning import State

BATCH = 500
COLUMNS = ["name", "kind", "level", "valid_from", "valid_to", "locked", "illustrative", "folded"]


def changes(old: Agency | None, new: Agency) -> dict[str, list[Any]]:
    """{field: [old, new]} of what differs, in values that JSON holds."""
    found: dict[str, list[Any]] = {}
    for item in fields(Agency):
        before = getattr(old, item.name) if old else None
        after = getattr(new, item.name)
        if before != after and (old or after != item.default):
            found[item.name] = [_plain(before), _plain(after)]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return None if value == date.min else value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}


def store(before: State, after: State) -> None:
    """Write what differs between two states of the registry."""
    _store_groups(before, after)
    _store_agencies(before.agencies, after.agencies)
    _store_rights(before, after)
    _store_quotas(before, after)


def _store_groups(before: State, after: State) -> None:
    for name, title in after.groups.items():
        if before.groups.get(name) != title:
            models.Group.objects.update_or_create(name=name, defaults={"title": title})
    models.Group.objects.filter(name__in=set(before.groups) - set(after.groups)).delete()


def _store_rights(before: State, after: State) -> None:
    for right in before.rights - after.rights:
        models.Right.objects.filter(subject=right.subject, action=right.action, object=right.object).delete()
    models.Right.objects.bulk_create(
        models.Right(subject=right.subject, action=right.action, object=right.object)
        for right in sorted(after.rights - before.rights, key=lambda r: (r.subject, r.action, r.object))
    )


def _store_quotas(before: State, after: State) -> None:
    for subject, quota in after.quotas.items():
        if before.quotas.get(subject) != quota:
            models.QuotaRule.objects.update_or_create(
                subject=subject,
                defaults={
                    "messages_per_minute": quota.messages_per_minute,
                    "bytes_per_day": quota.bytes_per_day,
                    "concurrent": quota.concurrent,
                },
            )
    models.QuotaRule.objects.filter(subject__in=set(before.quotas) - set(after.quotas)).delete()


def _columns(agency: Agency) -> dict[str, Any]:
    codes = " ".join([agency.code, *(alias.code for alias in agency.aliases)])
    return {
        "name": agency.name,
        "kind": agency.kind,
        "level": agency.level,
        "valid_from": None if agency.valid_from == date.min else agency.valid_from,
        "valid_to": agency.valid_to,
        "locked": agency.locked,
        "illustrative": agency.illustrative,
        "folded": fold(f"{agency.name} {codes}"),
    }


def _store_agencies(before: Any, after: Any) -> None:
    changed = [agency for code, agency in sorted(after.items()) if before.get(code) != agency]
    if not changed:
        return
    models.Agency.objects.bulk_create(
        [models.Agency(code=a.code, **_columns(a)) for a in changed if a.code not in before], batch_size=BATCH
    )
    ids = dict(models.Agency.objects.values_list("code", "id"))
    # An upsert by code rather than bulk_update, whose CASE expressions grow with the square of the batch.
    models.Agency.objects.bulk_create(
        [
            models.Agency(code=a.code, parent_id=ids[a.parent] if a.parent else None, **_columns(a))
            for a in changed
        ],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=[*COLUMNS, "parent"],
    )

    def differing(name: str) -> list[Agency]:
        empty: tuple[object, ...] = ()
        return [a for a in changed if getattr(before.get(a.code), name, empty) != getattr(a, name)]

    _replace(
        models.Alias,
        "agency",
        differing("aliases"),
        ids,
        lambda agency: (
            models.Alias(
                agency_id=ids[agency.code],
                code=alias.code,
                valid_from=None if alias.valid_from == date.min else alias.valid_from,
                valid_to=alias.valid_to,
            )
            for alias in agency.aliases
        ),
    )
    _replace(
        models.Unit,
        "agency",
        differing("units"),
        ids,
        lambda agency: (
            models.Unit(agency_id=ids[agency.code], code=unit.code, name=unit.name) for unit in agency.units
        ),
    )
    _replace(
        models.Succession,
        "predecessor",
        differing("successors"),
        ids,
        lambda agency: (
            models.Succession(predecessor_id=ids[agency.code], successor_id=ids[code])
            for code in agency.successors
        ),
    )
    regrouped = differing("groups")
    group_ids = dict(models.Group.objects.values_list("name", "id")) if regrouped else {}
    _replace(
        models.Agency.groups.through,
        "agency",
        regrouped,
        ids,
        lambda agency: (
            models.Agency.groups.through(agency_id=ids[agency.code], group_id=group_ids[name])
            for name in agency.groups
        ),
    )


def _replace(
    model: type[Model],
    owner: str,
    agencies: list[Agency],
    ids: dict[str, int],
    rows_of: Callable[[Agency], Iterable[Any]],
) -> None:
    """Put an agency's rows of a kind in the place of those it had."""
    for start in range(0, len(agencies), BATCH):
        batch = agencies[start : start + BATCH]
        model._default_manager.filter(**{f"{owner}_id__in": [ids[a.code] for a in batch]}).delete()
    rows = [row for agency in agencies for row in rows_of(agency)]
    model._default_manager.bulk_create(rows, batch_size=BATCH)

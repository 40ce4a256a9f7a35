"""What every write shares: one transaction, one writer at a time, an audit event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

from lienthong.core.clock import utc_now
from lienthong.registry import models, records
from lienthong.registry.errors import RegistryUnreachable, RuleBroken
from lienthong.registry.imports.planning import State

SYSTEM = "system"
P = ParamSpec("P")
T = TypeVar("T")


def in_turn(write: Callable[P, T]) -> Callable[P, T]:
    """In one transaction, one writer at a time: what a writer checked still holds when it commits."""

    @wraps(write)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with transaction.atomic():
                models.Province.objects.get_or_create(id=1)
                models.Province.objects.select_for_update().get(id=1)
                return write(*args, **kwargs)
        except IntegrityError as problem:
            raise RuleBroken(
                f"the database refuses the change: {problem}", remedy="look at the rows it names"
            ) from problem
        except OperationalError as problem:
            raise RegistryUnreachable(
                f"the database could not write: {problem}",
                remedy="try again; check that it runs, that the disk has room and that nobody else holds it",
            ) from problem

    return run


def record(actor: str, verb: str, target: str, changes: Mapping[str, Any] | None = None) -> None:
    """Write down a change, in the transaction of the change."""
    models.AuditEvent.objects.create(
        at=utc_now(), actor=actor, verb=verb, target=target, changes=dict(changes or {})
    )


def carry_out(before: State, after: State, *, actor: str, verb: str) -> None:
    """Write the difference between two states, with an audit event for each agency that changed."""
    records.store(before, after)
    now = utc_now()
    models.AuditEvent.objects.bulk_create(
        models.AuditEvent(
            at=now,
            actor=actor,
            verb=verb,
            target=code,
            changes=records.changes(before.agencies.get(code), agency),
        )
        for code, agency in sorted(after.agencies.items())
        if before.agencies.get(code) != agency
    )

"""Groups are named, rights granted and withdrawn, quotas set."""

from __future__ import annotations

from dataclasses import replace

from lienthong.registry import queries, records
from lienthong.registry.actions.writing import SYSTEM, in_turn, record
from lienthong.registry.directory import Quota, Right
from lienthong.registry.errors import RuleBroken
from lienthong.registry.imports import cells
from lienthong.registry.imports.rows import CellError
from lienthong.registry.rules import right_problem, selector_problem


@in_turn
def define_group(name: str, title: str, *, actor: str = SYSTEM) -> None:
    try:
        name, title = cells.group_name(name), cells.name(title)
    except CellError as problem:
        raise RuleBroken(problem.what, place=name, remedy=problem.remedy) from None
    before = queries.state()
    records.store(before, replace(before, groups={**before.groups, name: title}))
    record(actor, "define-group", f"group:{name}", {"title": [before.groups.get(name), title]})


@in_turn
def grant_right(right: Right, *, actor: str = SYSTEM) -> None:
    before = queries.state()
    problem = right_problem(right, before.agencies, before.groups)
    if problem:
        raise RuleBroken(problem[1], place=problem[0], remedy="correct the selector or the action")
    if right not in before.rights:
        records.store(before, replace(before, rights=before.rights | {right}))
        record(actor, "grant-right", f"{right.subject} {right.action} {right.object}")


@in_turn
def withdraw_right(right: Right, *, actor: str = SYSTEM) -> None:
    before = queries.state()
    if right not in before.rights:
        raise RuleBroken(
            f"{right.subject} was not granted {right.action} towards {right.object}",
            remedy="see what is granted: `lienthong registry grant --list`",
        )
    records.store(before, replace(before, rights=before.rights - {right}))
    record(actor, "withdraw-right", f"{right.subject} {right.action} {right.object}")


@in_turn
def set_quota(subject: str, quota: Quota, *, actor: str = SYSTEM) -> None:
    before = queries.state()
    what = selector_problem(subject, before.agencies, before.groups)
    if what or min(quota.messages_per_minute, quota.bytes_per_day, quota.concurrent) < 1:
        raise RuleBroken(what or "a quota is at least 1", place=subject, remedy="correct it")
    old = before.quotas.get(subject)
    records.store(before, replace(before, quotas={**before.quotas, subject: quota}))
    record(actor, "set-quota", subject, {"quota": [repr(old) if old else None, repr(quota)]})

"""``lienthong registry add``, ``set``, ``lock``, ``merge`` …: what changes agencies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from lienthong.cli.agency import DataOption
from lienthong.cli.output import JsonOption
from lienthong.cli.registry_options import (
    DAYS,
    AliasOption,
    CodeArgument,
    FromOption,
    GroupOption,
    KindOption,
    LevelOption,
    NameOption,
    ParentOption,
    RegistryUsage,
    UnitOption,
    actor,
    done,
    open_registry,
    values_of,
)


def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Its canonical organ code.")],
    name: Annotated[str, typer.Option("--name", help="The full name.")],
    kind: KindOption,
    level: LevelOption = "",
    parent: ParentOption = "",
    alias: AliasOption = None,
    unit: UnitOption = None,
    group: GroupOption = None,
    first_day: FromOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add one agency."""
    values = values_of(
        code=code, name=name, kind=kind, level=level, parent=parent, aliases=alias, units=unit, groups=group,
        valid_from=first_day,
    )  # fmt: skip
    open_registry(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Agency

    agency = Agency(**values)
    actions.add_agency(agency, actor=actor())
    done([agency], "added", as_json)


def set_(
    code: CodeArgument,
    name: NameOption = "",
    kind: KindOption = "",
    level: LevelOption = "",
    parent: ParentOption = "",
    alias: AliasOption = None,
    unit: UnitOption = None,
    group: GroupOption = None,
    first_day: FromOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an agency. What is not named stays; aliases, units and groups are replaced as a whole."""
    values = values_of(
        name=name, kind=kind, level=level, parent=parent, aliases=alias, units=unit, groups=group,
        valid_from=first_day,
    )  # fmt: skip
    if not values:
        raise RegistryUsage("what to change is not said", remedy="see `lienthong registry set --help`")
    open_registry(data)
    from lienthong.registry import actions

    done([actions.change_agency(code, actor=actor(), **values)], "changed", as_json)


def lock(code: CodeArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The agency receives nothing until it is unlocked (senders get error 23, "receiver locked")."""
    open_registry(data)
    from lienthong.registry import actions

    done([actions.lock_agency(code, actor=actor())], "locked", as_json)


def unlock(code: CodeArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The agency receives again."""
    open_registry(data)
    from lienthong.registry import actions

    done([actions.unlock_agency(code, actor=actor())], "unlocked", as_json)


def merge(
    codes: Annotated[list[str], typer.Argument(metavar="CODE", help="The agencies that end.")],
    into: Annotated[
        list[str],
        typer.Option("--into", metavar="CODE", help="Who follows them. Repeat it when one is split."),
    ],
    on: Annotated[
        datetime,
        typer.Option("--on", formats=DAYS, help="The first day under the successor."),
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge agencies into another, or split one: what is sent to them from that day goes to the successor."""
    open_registry(data)
    from lienthong.registry import actions

    last_day = on.date() - timedelta(days=1)
    done(actions.end_agencies(codes, last_day, successors=into, actor=actor()), "merged", as_json)


def end(
    codes: Annotated[list[str], typer.Argument(metavar="CODE", help="The agencies that end.")],
    last_day: Annotated[datetime, typer.Option("--last-day", formats=DAYS, help="Their last day.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End agencies that nobody follows: from the next day, senders are told that they have ended."""
    open_registry(data)
    from lienthong.registry import actions

    done(actions.end_agencies(codes, last_day.date(), actor=actor()), "ended", as_json)

"""What the commands of ``lienthong registry`` share: their options, the way in, and the word at the end."""

from __future__ import annotations

import getpass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import data_folder
from lienthong.cli.output import note
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.registry.directory import Agency

DAYS = ["%Y-%m-%d", "%d/%m/%Y"]
CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="An agency's code, or an alias of it.")]
KindOption = Annotated[
    str,
    typer.Option(
        "--kind",
        help="party, council, government, department, district, commune, mass-organisation, "
        "enterprise or external.",
    ),
]
NameOption = Annotated[str, typer.Option("--name", help="The full name.")]
LevelOption = Annotated[str, typer.Option("--level", help="national, province, district or commune.")]
ParentOption = Annotated[
    str, typer.Option("--parent", metavar="CODE", help="The agency above it; - for none.")
]
AliasOption = Annotated[
    list[str] | None,
    typer.Option("--alias", metavar="CODE[@FIRST..LAST]", help="Another code of it. Repeat it."),
]
UnitOption = Annotated[
    list[str] | None, typer.Option("--unit", metavar="CODE=NAME", help="A unit without a mailbox. Repeat it.")
]
GroupOption = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="A group it belongs to. Repeat it.")
]
FromOption = Annotated[str, typer.Option("--from", metavar="DATE", help="The first day it exists.")]


class RegistryUsage(LienthongError):
    code = "usage"


def open_registry(data: Path | None, *, begin: bool = False) -> Path:
    """The data folder, with Django set up on its registry. ``begin``: in a province that has none yet, an
    empty one is made.
    """
    from lienthong.cli.django import use_data_folder
    from lienthong.exchange.configuration import FILE_NAME

    folder = data_folder(data)
    use_data_folder(folder, create=begin and (folder / FILE_NAME).exists())
    return folder


def actor() -> str:
    """Who acts, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "somebody"


def today() -> date:
    from lienthong.core.clock import VIETNAM, utc_now

    return utc_now().astimezone(VIETNAM).date()


def values_of(**given: Any) -> dict[str, Any]:
    """Options that were given, read as the cells of an import are."""
    from lienthong.registry.imports.cells import AGENCY
    from lienthong.registry.imports.rows import BETWEEN, CellError

    values: dict[str, Any] = {}
    for name, option in given.items():
        if not option:
            continue
        try:
            values[name] = AGENCY[name](BETWEEN.join(option) if isinstance(option, list) else option)
        except CellError as problem:
            raise RegistryUsage(problem.what, place=name, remedy=problem.remedy) from None
    return values


def done(agencies: list[Agency], what: str, as_json: bool) -> None:
    """Show what was done to the agencies, and what is left to do."""
    from lienthong.cli import registry_view as view

    view.show_changed(agencies, what, as_json=as_json)
    remind(as_json)


def remind(as_json: bool) -> None:
    if not as_json:
        note("[dim]In force once it is published: lienthong registry publish[/]")

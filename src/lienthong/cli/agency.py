"""Which agency a command acts as: ``--as`` its profile or code, ``--data`` where codes are looked up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client.profile import AgencyProfile
    from lienthong.exchange.client.sync import Client

DEMO = Path("var/demo")

AsOption = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="LIENTHONG_AS",
        metavar="DIR|CODE",
        help="The agency that acts: its profile's folder, or its code in the data folder.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="LIENTHONG_DATA", metavar="DIR", help="The data folder (default: ./var/demo)."
    ),
]
StaffOption = Annotated[str, typer.Option("--staff", help="Who acts, for the trace.", metavar="NAME")]


class NoAgency(LienthongError):
    code = "usage"


def data_folder(data: Path | None) -> Path:
    """The data folder that was named, or the demonstration's."""
    chosen = data or DEMO
    if not chosen.is_dir():
        raise NoAgency(
            "there is no data folder here",
            place=str(chosen),
            remedy="name it with --data or LIENTHONG_DATA; `lienthong demo` or `lienthong init` makes one",
        )
    return chosen


def profile_of(name: str, data: Path | None) -> AgencyProfile:
    """The profile that ``--as`` and ``--data`` mean."""
    from lienthong.exchange.client.profile import FILE, load_profile

    if name and (Path(name) / FILE).is_file():
        return load_profile(Path(name))
    folder = data_folder(data) / "agencies"
    if name:
        place = folder / name
        if "/" in name or not (place / FILE).is_file():
            raise NoAgency(
                f"there is no profile of {name!r}",
                place=str(folder),
                remedy=f"have one made: lienthong init --data {folder.parent} --agency {name}",
            )
        return load_profile(place)
    there = sorted(found.parent.name for found in folder.glob(f"*/{FILE}"))
    if len(there) == 1:
        return load_profile(folder / there[0])
    raise NoAgency(
        f"{len(there)} agencies have a profile here",
        place=str(folder),
        remedy="say which one acts: --as CODE" + (f", for example --as {there[0]}" if there else ""),
    )


def client_of(name: str, data: Path | None) -> Client:
    """A client of that agency; close it, or use it in a ``with`` statement."""
    from lienthong.exchange.client.sync import Client

    return Client(profile_of(name, data))

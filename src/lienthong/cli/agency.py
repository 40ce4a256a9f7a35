"""Which agency a command acts as: ``--as`` its profile or code, ``--data`` where codes are looked up."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.misuse import Misuse
from lienthong.cli.vietnamese import Said

if TYPE_CHECKING:
    from lienthong.exchange.client.profile import AgencyProfile
    from lienthong.exchange.client.sync import Client

DEMO = Path("var/demo")
SHOWN = 5
"""So many agencies that have a profile are named to somebody who named another."""

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


def data_folder(data: Path | None) -> Path:
    """The data folder that was named, or the demonstration's."""
    chosen = data or DEMO
    if not chosen.is_dir():
        raise Misuse(
            "there is no data folder here",
            place=str(chosen),
            remedy="name it with --data or LIENTHONG_DATA; `lienthong demo` or `lienthong init` makes one",
            vietnamese=Said(
                "không có thư mục dữ liệu ở đây",
                "nêu thư mục với --data hoặc biến LIENTHONG_DATA; lệnh lienthong demo hoặc init tạo mới",
            ),
        )
    return chosen


def profile_of(name: str, data: Path | None) -> AgencyProfile:
    """The profile that ``--as`` and ``--data`` mean."""
    from lienthong.exchange.client.profile import FILE, load_profile

    if name and (Path(name) / FILE).is_file():
        return load_profile(Path(name))
    folder = data_folder(data) / "agencies"
    there = sorted(found.parent.name for found in folder.glob(f"*/{FILE}"))
    if name:
        if name in there:
            return load_profile(folder / name)
        raise _no_profile(name, folder, there)
    if len(there) == 1:
        return load_profile(folder / there[0])
    example = f", for example --as {there[0]}" if there else ""
    raise Misuse(
        f"{len(there)} agencies have a profile here" if there else "no agency has a profile here",
        place=str(folder),
        remedy=f"say which one acts: --as CODE{example}",
        vietnamese=Said(f"ở đây có hồ sơ của {len(there)} cơ quan", "nêu cơ quan nào thực hiện với --as MÃ"),
    )


def _no_profile(name: str, folder: Path, there: list[str]) -> Misuse:
    """Another agency is never suggested: only the same code, written with other dots or in other letters."""
    meant = next((code for code in there if _bare(code) == _bare(name)), None)
    if meant is not None:
        return Misuse(
            f"the agency {name} has no profile in this folder; did you mean {meant}?",
            place=str(folder),
            remedy=f"say --as {meant}",
            vietnamese=Said(
                f"cơ quan {name} không có hồ sơ trong thư mục này; có phải {meant}?", f"dùng --as {meant}"
            ),
        )
    some, more = ", ".join(there[:SHOWN]), len(there) - SHOWN
    listed, listed_vi = (
        (f"{some} and {more} more", f"{some} và {more} cơ quan khác") if more > 0 else (some, some)
    )
    make = f"lienthong init --data {folder.parent} --agency {name}"
    return Misuse(
        f"the agency {name} has no profile in this folder",
        place=str(folder),
        remedy=(f"these have one: {listed}\n" if there else "") + f"have one made: {make}",
        vietnamese=Said(
            f"cơ quan {name} không có hồ sơ trong thư mục này",
            (f"các cơ quan có hồ sơ: {listed_vi}\n" if there else "") + f"người quản trị tạo hồ sơ: {make}",
        ),
    )


def _bare(code: str) -> str:
    return "".join(filter(str.isalnum, code)).casefold()


def acting_again(name: str, data: Path | None) -> str:
    """What a command in a hint needs behind it to act as the same agency when it is pasted: ' --as CODE',
    ' --data DIR', both, or '' where nothing was named. A profile's folder needs no data folder.
    """
    from lienthong.exchange.client.profile import FILE

    given = ["--as", name] if name else []
    by_folder = bool(name) and (Path(name) / FILE).is_file()
    if data is not None and data != DEMO and not by_folder:
        given += ["--data", str(data)]
    return f" {shlex.join(given)}" if given else ""


def client_of(name: str, data: Path | None) -> Client:
    """A client of that agency; close it, or use it in a ``with`` statement."""
    from lienthong.exchange.client.sync import Client

    return Client(profile_of(name, data))

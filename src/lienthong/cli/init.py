"""``lienthong init``: a province in a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.output import JsonOption, count, print_json, progress, say
from lienthong.core.errors import LienthongError


class InitUsage(LienthongError):
    code = "usage"


def init(
    data: Annotated[
        Path, typer.Option("--data", envvar="LIENTHONG_DATA", metavar="DIR", help="The new data folder.")
    ],
    province: Annotated[str, typer.Option("--province", help="The province's name.")] = "Vĩnh Long",
    seed: Annotated[
        str,
        typer.Option("--seed", help="Built-in agencies to begin with, such as vinhlong-2017; '' for none."),
    ] = "",
    agencies: Annotated[
        list[str] | None,
        typer.Option(
            "--agency",
            metavar="CODE|GROUP",
            help="Make keys and a profile for these (group:all too). Repeat it.",
        ),
    ] = None,
    origin: Annotated[
        str, typer.Option("--origin", help="The log's name for ever, such as hub.tinh.example.")
    ] = "",
    hosts: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name or address in the hub's TLS certificate. Repeat it."),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The exchange's port.")] = 8440,
    web_port: Annotated[int, typer.Option("--web-port", min=1, max=65535, help="The web's port.")] = 8400,
    tls: Annotated[
        bool, typer.Option("--tls/--no-tls", help="TLS at the hub, or at a proxy before it.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Create a province: CA, registry, service keys, configuration, signed directory, agency profiles.

    Safe to run again: what is there stays as it is, what is missing or due (CRLs, directory) is made.
    """
    from lienthong.cli.province import Plan, create, hub_url, origin_of
    from lienthong.core.clock import utc_now

    if seed:
        _known_seed(seed)
    plan = Plan(
        province=province,
        origin=origin or origin_of(province),
        seed=seed,
        profiles=tuple(agencies or ()),
        hosts=tuple(dict.fromkeys([*(hosts or ()), "localhost", "127.0.0.1"])),
        exchange_port=port,
        web_port=web_port,
        tls=tls,
    )
    with progress(quiet=as_json) as bar:
        task = bar.add_task("Province", total=1)
        configuration = create(
            data,
            plan,
            now=utc_now(),
            progress=lambda what, done, of: bar.update(task, description=what, completed=done, total=of),
        )
        bar.update(task, description="Province", completed=1, total=1)
    profiles = sorted(found.parent.name for found in (data / "agencies").glob("*/agency.toml"))
    if as_json:
        print_json(
            {
                "data": str(data),
                "hub": hub_url(configuration),
                "origin": configuration.hub.origin,
                "checkpoint_key": (data / "keys" / "checkpoint.vkey").read_text().strip(),
                "profiles": profiles,
            }
        )
        return
    made = count(len(profiles), "agency profile")
    say(f"[green]✓[/] {configuration.hub.name} is ready in [bold]{data}[/] ({made}).")
    say(
        f"  The passphrase of its keys is in {data}/secrets/passphrase: move the root's key and it to a safe."
    )
    say(f"  Serve it: [bold]lienthong serve --data {data}[/]")


def _known_seed(seed: str) -> None:
    import importlib.resources

    folder = importlib.resources.files("lienthong.registry") / "seeds"
    known = sorted(
        item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")
    )
    if seed not in known:
        raise InitUsage(f"there is no seed {seed!r}", place="--seed", remedy=f"use {' or '.join(known)}")

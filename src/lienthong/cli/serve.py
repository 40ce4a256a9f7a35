"""``lienthong serve``: exchange and web of a data folder, under one supervisor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lienthong.cli.output import note, say

if TYPE_CHECKING:
    from lienthong.exchange.configuration import Configuration
    from lienthong.exchange.supervisor import Part

RENEW_EVERY_S = 6 * 3600.0


def serve(
    data: Annotated[
        Path,
        typer.Option(
            "--data", envvar="LIENTHONG_DATA", metavar="DIR", help="The data folder (see `lienthong init`)."
        ),
    ],
    only: Annotated[
        Literal["exchange", "web"] | None,
        typer.Option("--only", help="Serve this one alone, in this process, without a supervisor."),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            "--ready-file", metavar="FILE", help="Written when everything listens: addresses and processes."
        ),
    ] = None,
    renew: Annotated[
        bool,
        typer.Option(
            "--renew/--no-renew",
            help="Publish revocation lists and directory anew before they run out, if their keys are here.",
        ),
    ] = True,
) -> None:
    """Serve until Ctrl+C or SIGTERM: the exchange, and the web beside it. What falls is started again.

    Requests under way are answered before the end; whatever has a receipt is on the disk.
    """
    from lienthong.exchange.configuration import load
    from lienthong.exchange.logs import configure_logs
    from lienthong.exchange.supervisor import Supervisor

    configuration = load(data)
    configure_logs(configuration.logging)
    if only == "exchange":
        _exchange_alone(configuration, ready_file)
        return
    parts = [] if only == "web" else [_exchange(configuration)]
    if only == "web" or configuration.web.enabled:
        parts.append(_web(configuration))
    from lienthong.exchange.supervisor import Chore

    chores = []
    if renew and only is None:
        from lienthong.cli.renewal import left_to_others

        left = left_to_others(data)
        for what, why in left:
            note(f"[yellow]![/] The {what} will not be renewed here: {why}. Renew it elsewhere, in time.")
        if len(left) < 2:
            arguments = (sys.executable, "-m", "lienthong.cli.renewal", str(data))
            chores.append(Chore("renew", arguments, RENEW_EVERY_S))
    Supervisor(
        parts,
        chores=chores,
        ready=lambda addresses: _announce(configuration, addresses),
        ready_file=ready_file,
    ).run()
    note("Stopped.")


def _exchange(configuration: Configuration) -> Part:
    from lienthong.exchange.server.listening import with_real_port
    from lienthong.exchange.supervisor import Part

    with_real_port(configuration)  # a port that is taken is told before anything starts
    return Part(
        "exchange", (sys.executable, "-m", "lienthong.exchange.server", str(configuration.data.resolve()))
    )


def _web(configuration: Configuration) -> Part:
    from lienthong.exchange.server.listening import address, free_port
    from lienthong.exchange.supervisor import Part

    web = configuration.web
    port = free_port(web.host, web.port, f"{configuration.data}/lienthong.toml: [web] port")
    host = f"[{web.host}]" if ":" in web.host else web.host
    return Part(
        "web",
        (
            *(sys.executable, "-m", "granian", "lienthong.web.wsgi:application"),
            *("--interface", "wsgi", "--host", address(web.host), "--port", str(port)),
            *("--workers", str(web.workers), "--blocking-threads", "4", "--backpressure", "64"),
            *("--no-ws", "--http", "1", "--log-level", "warning", "--workers-kill-timeout", "20"),
        ),
        url=f"http://{host}:{port}",
        environment={"LIENTHONG_DATA": str(configuration.data.resolve())},
    )


def _exchange_alone(configuration: Configuration, ready_file: Path | None) -> None:
    import json
    import os

    from lienthong.exchange.server.listening import url_of
    from lienthong.exchange.server.process import serve as serve_exchange

    def ready(real: Configuration) -> None:
        if ready_file is not None:
            ready_file.write_text(json.dumps({"exchange": url_of(real), "pid": os.getpid()}) + "\n")
        _announce(configuration, {"exchange": url_of(real)})

    serve_exchange(configuration, ready)


def _announce(configuration: Configuration, addresses: Mapping[str, str]) -> None:
    from rich.markup import escape

    lines = [f"[bold]{escape(configuration.hub.name)}[/] serves {escape(str(configuration.data))}"]
    if "exchange" in addresses:
        exchange = addresses["exchange"]
        public = configuration.exchange.public_url
        lines.append(f"  exchange  {public or exchange}   agencies send and fetch here")
        lines.append(f"            {exchange}/health/ready   whether it can accept")
    if "web" in addresses:
        lines.append(f"  web       {addresses['web']}   people look here")
    lines.append("Ctrl+C stops both; requests under way are answered first.")
    say("\n".join(lines))
    sys.stdout.flush()

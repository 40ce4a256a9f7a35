"""``lienthong serve``: exchange and web of a data folder, under one supervisor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lienthong.cli.language import LanguageOption, Speech
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
    lang: LanguageOption = None,
) -> None:
    """Serve until Ctrl+C or SIGTERM: the exchange, and the web beside it. What falls is started again.

    Requests under way are answered before the end; whatever has a receipt is on the disk.
    """
    from lienthong.exchange.configuration import load
    from lienthong.exchange.logs import configure_logs
    from lienthong.exchange.supervisor import Supervisor

    tr = Speech(lang)
    configuration = load(data)
    configure_logs(configuration.logging)
    if only == "exchange":
        _exchange_alone(configuration, ready_file, tr)
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
            note(_not_renewed(what, why, tr))
        if len(left) < 2:
            arguments = (sys.executable, "-m", "lienthong.cli.renewal", str(data))
            chores.append(Chore("renew", arguments, RENEW_EVERY_S))
    Supervisor(
        parts,
        chores=chores,
        ready=lambda addresses: _announce(configuration, addresses, tr),
        ready_file=ready_file,
    ).run()
    note(tr("Stopped.", "Đã dừng."))


def _not_renewed(what: str, why: str, tr: Speech) -> str:
    from lienthong.cli.vietnamese import in_vietnamese

    names = {"revocation lists": "danh sách thu hồi", "directory": "danh bạ"}
    return "[yellow]![/] " + tr(
        f"The {what} will not be renewed here: {why}. Renew it elsewhere, in time.",
        f"Máy này không tự ban hành lại {names.get(what, what)}: {in_vietnamese(why)}. "
        "Cần ban hành lại ở nơi khác trước khi hết hạn.",
    )


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


def _exchange_alone(configuration: Configuration, ready_file: Path | None, tr: Speech) -> None:
    import json
    import os

    from lienthong.exchange.server.listening import url_of
    from lienthong.exchange.server.process import serve as serve_exchange

    def ready(real: Configuration) -> None:
        if ready_file is not None:
            ready_file.write_text(json.dumps({"exchange": url_of(real), "pid": os.getpid()}) + "\n")
        _announce(configuration, {"exchange": url_of(real)}, tr)

    serve_exchange(configuration, ready)


def _announce(configuration: Configuration, addresses: Mapping[str, str], tr: Speech) -> None:
    from rich.markup import escape

    name, data = f"[bold]{escape(configuration.hub.name)}[/]", escape(str(configuration.data))
    lines = [tr(f"{name} serves {data}", f"{name} đang phục vụ thư mục dữ liệu {data}")]
    labels = [tr("exchange", "trao đổi văn bản"), tr("web", "trang theo dõi")]
    width = max(map(len, labels)) + 2
    if "exchange" in addresses:
        exchange = addresses["exchange"]
        public = configuration.exchange.public_url
        here = tr("agencies send and fetch here", "các cơ quan gửi và nhận tại đây")
        ready = tr("whether it can accept", "xem có nhận được văn bản không")
        lines.append(f"  {labels[0]:{width}}{public or exchange}   {here}")
        lines.append(f"  {'':{width}}{exchange}/health/ready   {ready}")
    if "web" in addresses:
        here = tr("people look here", "xem bằng trình duyệt")
        lines.append(f"  {labels[1]:{width}}{addresses['web']}   {here}")
    what = "both" if len(addresses) > 1 else "it"
    lines.append(
        tr(
            f"Ctrl+C stops {what}; requests under way are answered first.",
            "Nhấn Ctrl+C để dừng; các yêu cầu đang xử lý sẽ được trả lời trước.",
        )
    )
    say("\n".join(lines))
    sys.stdout.flush()

"""The command: make the province, serve it, play the story, show what came of it, keep serving."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.output import JsonOption, note, progress
from lienthong.core.errors import LienthongError


class NotADemo(LienthongError):
    code = "usage"


def demo(
    data: Annotated[
        Path, typer.Option("--data", envvar="LIENTHONG_DATA", metavar="DIR", help="The data folder.")
    ] = Path("var/demo"),
    once: Annotated[bool, typer.Option("--once", help="End when the story is told.")] = False,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """A whole province at work on this machine: Vĩnh Long 2017, 136 agencies, real documents.

    A signed PDF directive goes from the Provincial People's Committee to all departments, 8 districts and
    109 communes; each fetches, verifies, enters and answers it. Then a report upwards, an update, a recall,
    a sealed document and a hỏa tốc one. Run it again whenever you like: nothing is sent twice.
    """
    from lienthong.cli.demo import ending, play
    from lienthong.cli.demo.serving import Serving, free_port, is_free, settle_ports
    from lienthong.cli.province import Plan, create, hub_url, write_shared_profile
    from lienthong.core.clock import utc_now

    tr = Speech(lang)
    _refuse_foreign(data)
    begun = time.monotonic()
    ports = [port if is_free("127.0.0.1", port) else free_port("127.0.0.1") for port in (8440, 8400)]
    plan = Plan(
        province="Vĩnh Long",
        origin="vinhlong.lienthong.example",
        seed="vinhlong-2017",
        profiles=play.PROFILES,
        exchange_port=ports[0],
        web_port=ports[1],
    )
    with progress(quiet=as_json) as bar:
        task = bar.add_task("Province", total=1)

        def advance(what: str, done: int, of: int) -> None:
            nonlocal task
            if bar.tasks[task].description != what:
                bar.update(task, completed=bar.tasks[task].total)
                task = bar.add_task(what, total=of)
            bar.update(task, completed=done, total=of)

        create(data, plan, now=utc_now(), progress=advance)
        configuration = settle_ports(data, play.PROVINCE)
        write_shared_profile(data, configuration)
        hub = hub_url(configuration)
        web = f"http://{configuration.web.host}:{configuration.web.port}"
        advance("Starting exchange and web", 0, 1)
        with Serving(data, play.PROVINCE) as serving:
            ready = time.monotonic()
            outcome = asyncio.run(play.Story(data, advance=advance).run())
            told = time.monotonic()
            ending.leave_examples(data, outcome)
            found = ending.figures(data, outcome, setup_s=ready - begun, play_s=told - ready)
            bar.update(task, completed=bar.tasks[task].total)
            bar.stop()
            if as_json:
                sys.stdout.write(ending.as_json(data, found, hub=hub, web=web) + "\n")
                sys.stdout.flush()
            else:
                ending.show(data, found, tr, hub=hub, web=web, serving=not once)
            if not once:
                _serve_on(serving, tr)


def _refuse_foreign(data: Path) -> None:
    """Do not play with somebody's real province."""
    from lienthong.exchange.configuration import FILE_NAME, load

    if (data / FILE_NAME).exists() and load(data).hub.origin != "vinhlong.lienthong.example":
        raise NotADemo(
            "this data folder is not a demonstration's",
            place=str(data),
            remedy="choose another folder with --data (make demo DATA=dir)",
        )


def _serve_on(serving: object, tr: Speech) -> None:
    from lienthong.cli.demo.serving import Serving

    assert isinstance(serving, Serving)

    def told(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, told)
    try:
        serving.wait()
        note(tr("The servers ended; see logs/serve.log.", "Dịch vụ đã dừng; xem logs/serve.log."))
    except KeyboardInterrupt:
        note(tr("\nStopping.", "\nĐang dừng."))

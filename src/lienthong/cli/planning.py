"""``lienthong infrastructure demo``, ``plan``, ``report`` and ``export``: a province's plan, whole."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from lienthong.cli.output import JsonOption, note, progress, show_error
from lienthong.cli.planning_view import MOST_NOTES, WORDS, Language, show, written
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.infrastructure.plan.folder import Folder
    from lienthong.infrastructure.plan.model import Plan

LanguageOption = Annotated[Language, typer.Option("--lang", help="Language of report and remarks.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="A planning folder, with plan.toml.")]
AgainOption = Annotated[bool, typer.Option("--again", help="Compute anew what is there already.")]
TimeOption = Annotated[
    float | None, typer.Option("--time", min=2.0, metavar="S", help="Seconds for all stages at most.")
]
INTERRUPTED = 130


def demo(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="The planning folder to make.")] = Path(
        "var/planning-demo"
    ),
    lang: LanguageOption = "vi",
    again: AgainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Plan a whole province on made-up data: Vĩnh Long 2017–2020, 109 communes and 60 agencies.

    Survey, 6,000-node road graph, fibre, masts, capacity, years and money, from data to the investment report
    in Vietnamese and English. Synthetic, approximate, not for procurement. Seconds when run again.
    """
    from lienthong.infrastructure.plan.demo import check_free, write_demo
    from lienthong.infrastructure.report.files import export, write_report

    check_free(data)
    begun = time.monotonic()
    folder = write_demo(data)
    made, new = _make(folder, lang, again=again, quiet=as_json)
    out = data / "out"
    files = [out / "report-vi.pdf", out / "report-en.pdf"]
    with _writing(lang, as_json) as told:
        for path, language in zip(files, ("vi", "en"), strict=True):
            told(path.name, 0, 1)
            write_report(made, path, language)
        files += export(made, out, lang, told=told)
    show(made, lang, files, data, new=new, seconds=time.monotonic() - begun, as_json=as_json, hints=True)


def plan(
    folder: FolderArgument,
    lang: LanguageOption = "vi",
    again: AgainOption = False,
    seconds: TimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the plan of a folder. Ctrl-C keeps the stages that are done; run it again to go on."""
    from lienthong.infrastructure.plan.folder import open_folder

    begun = time.monotonic()
    made, new = _make(open_folder(folder), lang, again=again, seconds=seconds, quiet=as_json)
    files = [folder / "plan.json"]
    show(made, lang, files, folder, new=new, seconds=time.monotonic() - begun, as_json=as_json, hints=True)


def report(
    folder: FolderArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.pdf", help="Where to write it.")] = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Write the investment report of a folder's plan as PDF."""
    from lienthong.infrastructure.plan.keeping import load
    from lienthong.infrastructure.report.files import write_report

    made = load(folder)
    path = out or folder / "out" / f"report-{lang}.pdf"
    with _writing(lang, as_json) as told:
        told(path.name, 0, 1)
        write_report(made, path, lang)
    written([path], made, as_json=as_json, lang=lang)


def export(
    folder: FolderArgument,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The folder to write into.")
    ] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="gpkg, geojson, xlsx, boq or maps; else all.")
    ] = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Write a folder's plan as GeoPackage, GeoJSON, workbooks, and maps (SVG and PNG)."""
    from lienthong.infrastructure.plan.keeping import load
    from lienthong.infrastructure.report import files

    for name in formats or ():
        if name not in files.FORMATS:
            raise LienthongError(
                f"there is no format {name!r}",
                place="--format",
                remedy=f"choose of {', '.join(files.FORMATS)}",
                code="usage",
            )
    made = load(folder)
    with _writing(lang, as_json) as told:
        paths = files.export(made, out or folder / "out", lang, formats or files.FORMATS, told=told)
    written(paths, made, as_json=as_json, lang=lang)


def _make(
    folder: Folder, lang: Language, *, again: bool, quiet: bool, seconds: float | None = None
) -> tuple[Plan, bool]:
    """The plan, and whether anything was computed. Leaves with 130 when the person stops it."""
    from lienthong.core.clock import utc_now
    from lienthong.infrastructure.plan.errors import BadPlanFile, Cancelled
    from lienthong.infrastructure.plan.keeping import load, save
    from lienthong.infrastructure.plan.making import make
    from lienthong.infrastructure.plan.progress import Clock, Run
    from lienthong.infrastructure.plan.settings import STAGES

    earlier, finished = None, False
    for path in (folder.plan, folder.unfinished):
        if path.exists():
            try:
                earlier = load(path)
                finished = finished or earlier.phasing is not None
            except BadPlanFile as error:
                note(escape(f"{error.detail} ({error.place})"))
    if again:
        earlier = None
    words = WORDS[lang]
    stop = threading.Event()
    with progress(quiet=quiet) as display, _interruptible(stop, words["stopping"]):
        tasks: dict[str, Any] = {}

        def told(stage: str, what: str, share: float) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    display.update(task, total=1, completed=1)
                tasks[stage] = display.add_task(words["stages"][stage], total=None)
            name = words["stages"][stage] + (f": {what}" if what else "")
            if share >= 0:
                display.update(tasks[stage], description=name, total=100, completed=round(100 * share))
            else:
                display.update(tasks[stage], description=name)

        kept: list[Plan] = []

        def keep(part: Plan) -> None:
            if finished and part.phasing is None:
                save(part, folder.unfinished)  # what is refused or stopped leaves the finished plan alone
            else:
                save(part, folder.plan)
                folder.unfinished.unlink(missing_ok=True)
            kept[:] = [part]

        run = Run(Clock(seconds or folder.settings.time.seconds, STAGES), told, stop)
        try:
            made = make(folder, run, now=utc_now(), earlier=earlier, kept=keep)
        except Cancelled as error:
            display.stop()
            show_error(error, as_json=quiet)
            raise typer.Exit(INTERRUPTED) from error
        except LienthongError:
            # A site far from every road, or roads left out, may be why there is too little money.
            display.stop()
            for each in kept[0].notes(lang)[:MOST_NOTES] if kept else ():
                note(f"[yellow]![/yellow] {escape(each)}")
            raise
        for stage, task in tasks.items():
            display.update(task, description=words["stages"][stage], total=1, completed=1)
    if made is not earlier and earlier is not None and made.seconds == earlier.seconds:
        save(made, folder.plan)
        return made, False
    return made, made is not earlier


@contextmanager
def _interruptible(stop: threading.Event, words: str) -> Iterator[None]:
    """The first Ctrl-C asks for a clean end, the second leaves at once."""

    def asked(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        note(words)

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _writing(lang: Language, quiet: bool) -> Iterator[Any]:
    with progress(quiet=quiet) as display:
        task = display.add_task("", total=None)

        def told(name: str, done: int, of: int) -> None:
            if name:
                display.update(
                    task, description=WORDS[lang]["writing"].format(name), total=of, completed=done
                )
            else:
                display.update(task, total=of, completed=done)

        yield told
        display.update(task, total=1, completed=1)

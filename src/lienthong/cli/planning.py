"""``lienthong infrastructure demo``, ``plan``, ``report`` and ``export``: a province's plan, whole."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lienthong.cli.output import JsonOption, note, print_json, progress, say, show_error, table
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.infrastructure.plan.folder import Folder
    from lienthong.infrastructure.plan.model import Plan

Language = Literal["vi", "en"]
LanguageOption = Annotated[Language, typer.Option("--lang", help="Language of report and remarks.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="A planning folder, with plan.toml.")]
AgainOption = Annotated[bool, typer.Option("--again", help="Compute anew what is there already.")]
TimeOption = Annotated[
    float | None, typer.Option("--time", min=2.0, metavar="S", help="Seconds for all stages at most.")
]
INTERRUPTED = 130

WORDS: dict[str, dict[str, Any]] = {
    "vi": {
        "stages": {
            "data": "Đọc số liệu", "radio": "Phủ sóng", "fibre": "Mạng cáp quang", "capacity": "Dung lượng",
            "phasing": "Tiến độ, kinh phí", "scenarios": "Kịch bản", "sensitivity": "Độ nhạy",
        },
        "writing": "Ghi {}",
        "title": "Kế hoạch mạng tỉnh {} {}",
        "columns": ("Chỉ tiêu", "Kết quả"),
        "investment": "Tổng mức đầu tư", "network": "Chi phí thiết kế mạng", "bound": "Cận dưới",
        "order": "Thứ tự xây dựng", "gap": "cách tốt nhất không quá {}", "proved": "đã chứng minh tốt nhất",
        "communes": "Xã, phường, thị trấn được kết nối", "agencies": "Cơ quan được kết nối",
        "new": "Cáp quang xây mới", "masts": "Trạm thu phát sóng xây mới", "covered": "Người được phủ sóng",
        "took": "Thời gian tính", "kept": "lấy từ lần tính trước", "files": "Đã ghi", "next": "Thử tiếp",
        "years": ("Năm", "Ngân sách (tỷ đồng)", "Đầu tư (tỷ đồng)", "Xã", "Cơ quan"),
        "try": ("đổi ngân sách trong plan.toml rồi tính lại", "báo cáo tiếng Anh", "dữ liệu bản đồ cho QGIS",
                "ai chậm trả lời khảo sát"),
        "stopping": "Đang dừng; bấm Ctrl-C lần nữa để bỏ ngay.",
    },
    "en": {
        "stages": {
            "data": "Reading", "radio": "Coverage", "fibre": "Fibre network", "capacity": "Capacity",
            "phasing": "Years and money", "scenarios": "Scenarios", "sensitivity": "Sensitivity",
        },
        "writing": "Writing {}",
        "title": "The network of {} {}",
        "columns": ("what", "result"),
        "investment": "total investment", "network": "cost of the network", "bound": "lower bound",
        "order": "order of construction", "gap": "at most {} from the best", "proved": "proved optimal",
        "communes": "communes connected", "agencies": "agencies connected",
        "new": "new fibre", "masts": "new masts", "covered": "people covered",
        "took": "computed in", "kept": "kept from an earlier run", "files": "Written", "next": "Try next",
        "years": ("year", "budget (billion VND)", "investment (billion VND)", "communes", "agencies"),
        "try": ("change budgets in plan.toml and plan again", "the report in Vietnamese", "map data for QGIS",
                "who is late with the survey"),
        "stopping": "Stopping; press Ctrl-C again to leave at once.",
    },
}  # fmt: skip


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
    _show(made, lang, files, data, new=new, seconds=time.monotonic() - begun, as_json=as_json, hints=True)


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
    _show(made, lang, files, folder, new=new, seconds=time.monotonic() - begun, as_json=as_json, hints=True)


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
    _written([path], made, as_json=as_json, lang=lang)


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
        written = files.export(made, out or folder / "out", lang, formats or files.FORMATS, told=told)
    _written(written, made, as_json=as_json, lang=lang)


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

    earlier = None
    if not again and folder.plan.exists():
        try:
            earlier = load(folder.plan)
        except BadPlanFile as error:
            note(f"{error.detail} ({error.place})")
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

        def keep(part: Plan) -> None:
            save(part, folder.plan)

        run = Run(Clock(seconds or folder.settings.time.seconds, STAGES), told, stop)
        try:
            made = make(
                folder, run, now=utc_now(), earlier=earlier, kept=lambda part: save(part, folder.plan)
            )
        except Cancelled as error:
            display.stop()
            show_error(error, as_json=quiet)
            raise typer.Exit(INTERRUPTED) from error
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


def _written(files: Sequence[Path], made: Plan, *, as_json: bool, lang: Language) -> None:
    if as_json:
        print_json({"files": [str(path) for path in files], "synthetic": made.synthetic})
        return
    _list(files, WORDS[lang])
    _label(made, lang)


def _list(files: Sequence[Path], words: dict[str, Any]) -> None:
    for path in files[:2]:
        say(f"{words['files']}: {path}")
    if len(files) > 2:
        say(f"{words['files']}: {files[0].parent}/ {', '.join(path.name for path in files[2:])}")


def _show(
    made: Plan,
    lang: Language,
    files: Sequence[Path],
    folder: Path,
    *,
    new: bool,
    seconds: float,
    as_json: bool,
    hints: bool,
) -> None:
    from lienthong.infrastructure.report.facts import Facts
    from lienthong.infrastructure.report.sections.summary import connected
    from lienthong.infrastructure.report.wording import billions, money, number, percent

    facts, words = Facts(made), WORDS[lang]
    fibre, phasing, count, end = facts.fibre, facts.phasing, facts.count, facts.connected_by_end
    if as_json:
        print_json(_as_json(facts, files, new=new, seconds=seconds))
        return

    def proof(gap: float, proved: bool) -> str:
        return str(words["proved"]) if proved else words["gap"].format(percent(gap, lang, 2))

    rows = [
        (words["investment"], money(facts.capex, lang)),
        (words["network"], f"{money(fibre.cost, lang)}; {proof(fibre.gap, fibre.proved)}"),
        (words["bound"], money(fibre.lower_bound, lang)),
        (words["order"], proof(phasing.gap, phasing.proved)),
        (words["communes"], f"{end['commune']} / {count.get('commune', 0)}"),
        (words["agencies"], f"{end['agency']} / {count.get('agency', 0)}"),
        (words["new"], f"{number(facts.new_km, lang, 1)} km"),
    ]
    if made.radio is not None:
        reach = made.radio.reaches[0]
        covered = f"{number(reach.people_before['mid'], lang)} → {number(reach.people_after['mid'], lang)}"
        rows += [
            (words["masts"], str(len(made.radio.chosen))),
            (f"{words['covered']} ({reach.band})", covered),
        ]
    rows.append((words["took"], f"{number(seconds, lang, 1)} s" if new else str(words["kept"])))
    table(words["title"].format(made.settings.province, facts.span), words["columns"], rows)
    total = made.state.total if made.state else None
    assert total is not None
    table(
        "",
        words["years"],
        [
            (
                str(year),
                billions(phasing.budget[at], lang),
                billions(phasing.capex[at], lang),
                round(total.communes_connected + connected(facts, "communes", at)),
                round(total.agencies_connected + connected(facts, "agencies", at)),
            )
            for at, year in enumerate(facts.years)
        ],
    )
    _list(files, words)
    _label(made, lang)
    if hints:
        other = "en" if lang == "vi" else "vi"
        commands = (
            f"lienthong infrastructure plan {folder}",
            f"lienthong infrastructure report {folder} --lang {other}",
            f"lienthong infrastructure export {folder} --format gpkg",
            f"lienthong infrastructure survey late {folder}",
        )
        say(f"[bold]{words['next']}[/bold]")
        for command, why in zip(commands, words["try"], strict=True):
            say(f"  {command}   [dim]# {why}[/dim]")


def _label(made: Plan, lang: Language) -> None:
    from lienthong.infrastructure.geography.graph import SYNTHETIC

    if made.synthetic:
        say(f"[red]{SYNTHETIC[lang]}[/red]")


def _as_json(facts: Any, files: Sequence[Path], *, new: bool, seconds: float) -> dict[str, Any]:
    made, fibre, phasing = facts.plan, facts.fibre, facts.phasing
    return {
        "province": made.settings.province,
        "synthetic": made.synthetic,
        "computed": new,
        "seconds": round(seconds, 2),
        "stage_seconds": {name: round(spent, 2) for name, spent in made.seconds.items()},
        "network": {
            "cost": round(fibre.cost),
            "lower_bound": round(fibre.lower_bound),
            "gap": fibre.gap,
            "proved": fibre.proved,
            "new_km": round(facts.new_km, 3),
            "existing_km_used": round(facts.used_km, 3),
            "microwave_hops": len(fibre.wireless),
            "own_trenches_cost": round(made.apart),
        },
        "radio": None
        if made.radio is None
        else {
            "masts": [tower.code for tower in made.radio.chosen],
            "value": made.radio.value,
            "bound": made.radio.bound,
            "proved": made.radio.proved,
            "reached": {
                reach.band: {"before": dict(reach.people_before), "after": dict(reach.people_after)}
                for reach in made.radio.reaches
            },
        },
        "phasing": {
            "years": list(phasing.years),
            "budget": list(phasing.budget),
            "capex": list(phasing.capex),
            "opex": list(phasing.opex),
            "connected": {name: list(values) for name, values in phasing.connected.items()},
            "funding": {name: list(values) for name, values in phasing.funding.items()},
            "objective": phasing.objective,
            "bound": phasing.bound,
            "gap": phasing.gap,
            "npv": phasing.npv,
            "total_cost": phasing.total_cost,
        },
        "connected": facts.connected_by_end,
        "scenarios": [
            {
                "name": each.name_en,
                "capex": None if each.phasing is None else sum(each.phasing.capex),
                "objective": None if each.phasing is None else each.phasing.objective,
                "gap": None if each.phasing is None else each.phasing.gap,
                "remark": each.why_en,
            }
            for each in made.scenarios
        ],
        "files": [str(path) for path in files],
    }

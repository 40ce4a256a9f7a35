"""``lienthong infrastructure survey``: what agencies answered, checked, assessed and exported."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from lienthong.cli.output import JsonOption, note, print_json, say, table

if TYPE_CHECKING:
    from lienthong.infrastructure.survey.messages import Problem
    from lienthong.infrastructure.survey.model import Survey

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The survey: forms and templates, import, checks, who is late, assessment, export.",
)

Language = Literal["vi", "en"]
LanguageOption = Annotated[Language, typer.Option("--lang", help="Language of labels and remarks.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="A planning folder.")]
WaveOption = Annotated[str | None, typer.Option("--wave", metavar="CODE", help="A wave; else the latest.")]
_DAY: dict[str, Any] = {"formats": ["%Y-%m-%d"], "metavar": "YYYY-MM-DD"}

_SHOWN = 200
"""Problems shown at the terminal; ``--json`` gives all."""


@app.callback()
def survey() -> None:
    """The survey: forms and templates, import, checks, who is late, assessment, export."""


@app.command()
def template(
    out: Annotated[Path, typer.Argument(metavar="OUT.xlsx", help="The workbook to write.")],
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Write an empty workbook to fill in: a sheet a table, with labels, lists, ranges and a guide."""
    from lienthong.infrastructure.survey.workbooks import replace_file, write_workbook

    replace_file(out, lambda buffer: write_workbook(buffer, None, lang))
    _written([out], as_json=as_json)


@app.command()
def form(
    out: Annotated[Path, typer.Argument(metavar="OUT.xlsx", help="The XLSForm to write.")],
    as_json: JsonOption = False,
) -> None:
    """Write the same questions as an XLSForm, in Vietnamese and English, for KoboToolbox and ODK."""
    from lienthong.infrastructure.survey.forms import write_form
    from lienthong.infrastructure.survey.workbooks import replace_file

    replace_file(out, write_form)
    _written([out], as_json=as_json)


@app.command()
def criteria(
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="The criteria to edit.")],
    as_json: JsonOption = False,
) -> None:
    """Write the maturity criteria; edited and put at FOLDER/survey/criteria.csv they replace ours."""
    from lienthong.core.files import write_atomically
    from lienthong.infrastructure.survey.maturity import BUILT_IN

    write_atomically(out, b"\xef\xbb\xbf" + BUILT_IN.read_bytes())
    _written([out], as_json=as_json)


@app.command()
def demo(
    folder: FolderArgument,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Start of the random numbers.")] = 2017,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Write the demonstration's survey: Vĩnh Long in 2016 and 2017, with made-up answers."""
    from lienthong.infrastructure.survey.demo import demo_survey
    from lienthong.infrastructure.survey.folder import locked, write_wave
    from lienthong.infrastructure.survey.messages import SYNTHETIC

    made = demo_survey(seed)
    with locked(folder):
        written = [write_wave(folder, wave) for wave in made.waves]
    if not as_json:
        note(SYNTHETIC[lang])
    _written(written, as_json=as_json)


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="CSV, XLSX or JSON; ours or NetBox's.")
    ],
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="The planning folder.")],
    wave: Annotated[str, typer.Option("--wave", metavar="CODE", help="The wave, made when it is new.")],
    which: Annotated[
        str | None, typer.Option("--table", help="What the files hold, if neither name nor header tells.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="The wave's title.")] = None,
    opens: Annotated[datetime | None, typer.Option("--opens", help="First day of the wave.", **_DAY)] = None,
    closes: Annotated[datetime | None, typer.Option("--closes", help="Last day of the wave.", **_DAY)] = None,
    synthetic: Annotated[
        bool | None, typer.Option("--synthetic/--real", help="Label the wave as made up, or as real.")
    ] = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Import files into a wave. Good rows are kept; each bad one is reported, and the exit code is 1."""
    from lienthong.infrastructure.survey.importing import import_files

    result = import_files(
        files,
        into,
        wave,
        table=which,
        title=title,
        opens=opens.date() if opens else None,
        closes=closes.date() if closes else None,
        synthetic=synthetic,
    )
    if as_json:
        print_json(
            {
                "wave": wave,
                "tables": {
                    name: {"added": each.added, "changed": each.changed, "unchanged": each.unchanged}
                    for name, each in result.tables.items()
                },
                "problems": [problem.as_json(lang) for problem in result.problems],
            }
        )
    else:
        heads = {
            "vi": ("bảng", "thêm", "sửa", "giữ nguyên"),
            "en": ("table", "added", "changed", "unchanged"),
        }
        rows = [(name, each.added, each.changed, each.unchanged) for name, each in result.tables.items()]
        table(escape(f"{into}/survey/{wave}"), heads[lang], rows)
        _show(result.problems, lang)
    if result.bad:
        raise typer.Exit(1)


@app.command()
def check(
    folder: FolderArgument,
    wave: WaveOption = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Check figures against each other, positions, days, references and doubles. Exit code 1 on errors."""
    from lienthong.infrastructure.survey.checks import check_survey, check_wave
    from lienthong.infrastructure.survey.folder import read_survey

    read, spoiled = read_survey(folder)
    found = check_survey(read) if wave is None else check_wave(read.wave(wave))
    problems = [*spoiled, *found]
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        print_json(
            {
                "waves": [each.code for each in read.waves] if wave is None else [wave],
                "synthetic": read.synthetic,
                "errors": errors,
                "warnings": len(problems) - errors,
                "problems": [problem.as_json(lang) for problem in problems],
            }
        )
    else:
        _show(problems, lang)
        said = {"vi": "{} lỗi, {} cảnh báo", "en": "{} errors, {} warnings"}[lang]
        say(said.format(errors, len(problems) - errors))
        _label(read, lang)
    if errors:
        raise typer.Exit(1)


@app.command()
def late(
    folder: FolderArgument,
    wave: WaveOption = None,
    on: Annotated[
        datetime | None, typer.Option("--on", help="Count days late to this day; else today.", **_DAY)
    ] = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """List the agencies that have not answered a wave, and those that answered after it closed."""
    from dataclasses import asdict

    from lienthong.core.clock import VIETNAM
    from lienthong.infrastructure.survey.lateness import late as who_is_late

    read = _survey(folder, lang)
    today = on.date() if on else datetime.now(VIETNAM).date()
    found = who_is_late(read, today, wave)
    asked = read.wave(wave)
    expected = sum(tenant["expected"] is True for tenant in asked.rows("tenants"))
    if as_json:
        print_json(
            {
                "wave": asked.code,
                "closes": asked.closes,
                "synthetic": asked.synthetic,
                "expected": expected,
                "answered": len(asked.rows("answers")),
                "late": [asdict(each) for each in found],
            }
        )
        return
    heads = {
        "vi": ("mã", "cơ quan", "tình trạng", "ngày trễ", "đợt trả lời gần nhất", "đầu mối"),
        "en": ("code", "agency", "state", "days late", "last answered", "contact"),
    }
    states = {
        "missing": {"vi": "chưa trả lời", "en": "missing"},
        "after-closing": {"vi": "trả lời sau hạn", "en": "answered late"},
    }
    table(
        {"vi": f"Đợt {asked.code}: {len(asked.rows('answers'))}/{expected} đã trả lời",
         "en": f"Wave {asked.code}: {len(asked.rows('answers'))} of {expected} answered"}[lang],
        heads[lang],
        [
            (each.code, each.name, states[each.state][lang], each.days, each.last,
             f"{each.contact} {each.phone}")
            for each in found
        ],
    )  # fmt: skip
    _label(read, lang)


@app.command()
def assess(
    folder: FolderArgument,
    wave: WaveOption = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="CODE", help="An earlier wave to compare with.")
    ] = None,
    criteria: Annotated[
        Path | None, typer.Option("--criteria", metavar="FILE.csv", help="Criteria in place of ours.")
    ] = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """State, gaps and maturity 0–5 by agency, district and province; and against an earlier wave."""
    from lienthong.cli.survey_view import assessment_json, show_assessment
    from lienthong.infrastructure.survey.assessment import assess as assess_wave
    from lienthong.infrastructure.survey.folder import ROOM
    from lienthong.infrastructure.survey.maturity import BUILT_IN, read_criteria

    read = _survey(folder, lang)
    own = folder / ROOM / "criteria.csv"
    rules = read_criteria(criteria or (own if own.exists() else BUILT_IN))
    found = assess_wave(read, rules, wave)
    before = None if compare is None else assess_wave(read, rules, compare)
    if as_json:
        print_json(assessment_json(found, before, lang))
        return
    show_assessment(found, before, lang)
    _label(read, lang)


@app.command()
def export(
    folder: FolderArgument,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", metavar="OUT.xlsx", help="One workbook.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FOLDER", help="A CSV file a table.")] = None,
    separator: Annotated[str, typer.Option("--separator", help="Of the CSV files: , or ;")] = ",",
    wave: WaveOption = None,
    lang: LanguageOption = "vi",
    as_json: JsonOption = False,
) -> None:
    """Export a wave as a workbook or as CSV files, which import without loss."""
    from lienthong.core.files import write_atomically
    from lienthong.infrastructure.survey.folder import csv_bytes, line_of
    from lienthong.infrastructure.survey.messages import BadSurvey
    from lienthong.infrastructure.survey.tables import TABLES, WAVE
    from lienthong.infrastructure.survey.workbooks import replace_file, write_workbook

    if (xlsx is None and csv is None) or separator not in (",", ";"):
        raise BadSurvey(
            "there is nothing to write"
            if separator in (",", ";")
            else f"the separator is {separator[:10]!r}",
            place="--xlsx, --csv" if separator in (",", ";") else "--separator",
            remedy="give --xlsx OUT.xlsx, --csv FOLDER or both; the separator is , or ;",
        )
    read = _survey(folder, lang)
    asked = read.wave(wave)
    written = []
    if xlsx is not None:
        replace_file(xlsx, lambda buffer: write_workbook(buffer, asked, lang))
        written.append(xlsx)
    if csv is not None:
        csv.mkdir(parents=True, exist_ok=True)
        rows = {**{name: asked.rows(name) for name in TABLES}, WAVE.name: [line_of(asked)]}
        for name in (name for name in rows if rows[name]):
            data = csv_bytes(TABLES.get(name, WAVE), rows[name], separator=separator)
            write_atomically(csv / f"{name}.csv", data)
            written.append(csv / f"{name}.csv")
    _written(written, as_json=as_json)
    if not as_json:
        _label(read, lang)


def _survey(folder: Path, lang: Language) -> Survey:
    """The survey; rows spoiled by hand are reported and left out."""
    from lienthong.infrastructure.survey.folder import read_survey

    read, spoiled = read_survey(folder)
    for problem in spoiled[:5]:
        note(escape(f"{problem.file}:{problem.row} {problem.column}: {problem.what(lang)}"))
    if spoiled:
        said = {
            "vi": "{} dòng không đọc được, bỏ qua; xem survey check",
            "en": "{} rows left out; see survey check",
        }
        note(said[lang].format(len(spoiled)))
    return read


def _written(paths: list[Path], *, as_json: bool) -> None:
    if as_json:
        print_json({"written": [str(path) for path in paths]})
        return
    for path in paths:
        say(f"→ {escape(str(path))}")


def _show(problems: list[Problem], lang: Language) -> None:
    if not problems:
        return
    heads: dict[str, tuple[str, ...]] = {
        "vi": ("tệp", "dòng", "cột", "mức", "có gì sai", "cần làm"),
        "en": ("file", "row", "column", "severity", "what", "to do"),
    }
    levels: dict[str, dict[str, str]] = {
        "error": {"vi": "lỗi", "en": "error"},
        "warning": {"vi": "cảnh báo", "en": "warning"},
    }
    rows: list[tuple[Any, ...]] = [
        (each.file, each.row, each.column, levels[each.severity][lang], each.what(lang), each.remedy(lang))
        for each in problems[:_SHOWN]
    ]
    table("", heads[lang], rows)
    if len(problems) > _SHOWN:
        note(
            {"vi": "… và {} dòng nữa: --json", "en": "… and {} more: --json"}[lang].format(
                len(problems) - _SHOWN
            )
        )


def _label(read: Survey, lang: Language) -> None:
    from lienthong.infrastructure.survey.messages import SYNTHETIC

    if read.synthetic:
        note(SYNTHETIC[lang])

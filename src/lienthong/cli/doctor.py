"""``lienthong doctor``: whether everything is well, and what to do if not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.agency import DataOption, data_folder
from lienthong.cli.doctor_vietnamese import name, told
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.output import JsonOption, print_json, say

if TYPE_CHECKING:
    from lienthong.exchange.server.health import HealthItem

MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "failing": "[bold red]✗[/]"}


def doctor(
    data: DataOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also list what is well; otherwise it is only counted.")
    ] = False,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a data folder and this machine, change nothing, and name the remedy of whatever is wrong.

    Ends with 0 when the folder can be served (warnings included), with 1 when it cannot.
    """
    from lienthong.exchange.server.diagnosis import examine

    folder: Path = data_folder(data)
    findings = examine(folder)
    failing = sum(one.state == "failing" for one in findings)
    warnings = sum(one.state == "warning" for one in findings)
    if as_json:
        print_json(
            {
                "data": str(folder),
                "state": "failing" if failing else "warning" if warnings else "ok",
                "checks": [
                    {"name": one.name, "state": one.state, "detail": one.detail, "remedy": one.remedy}
                    for one in findings
                ],
            }
        )
    else:
        from rich.markup import escape

        tr = Speech(lang)
        for one in findings:
            if one.state == "ok" and not everything:
                continue
            say(
                f"{MARKS[one.state]} [bold]{escape(tr(one.name, name(one.name)))}[/]  "
                + escape(tr(one.detail, told(one.detail)))
            )
            for at, line in enumerate(tr(one.remedy, told(one.remedy)).splitlines()):
                say((f"    [dim]{tr('to do', 'cần làm')}:[/] " if not at else "    ") + escape(line))
        if not everything and any(_not_running(one) for one in findings):
            say(
                f"[dim]–[/] {tr('the hub is not running', 'trục chưa chạy')}: "
                + escape(f"lienthong serve --data {folder}")
            )
        well = len(findings) - failing - warnings
        worst = "failing" if failing else "warning" if warnings else "ok"
        say(
            f"{MARKS[worst]} "
            + tr(f"{well} of {len(findings)} checks are well", f"{well}/{len(findings)} mục kiểm tra đạt")
            + (
                tr(
                    f"; {failing} failing, {warnings} to look at",
                    f"; {failing} mục không đạt, {warnings} mục cần xem",
                )
                if failing or warnings
                else "."
            )
        )
    if failing:
        raise typer.Exit(1)


def _not_running(one: HealthItem) -> bool:
    return one.name == "hub" and one.state == "ok" and one.detail.startswith("not serving")

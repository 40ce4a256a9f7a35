"""How commands speak: tables and sentences for people, JSON for scripts, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from lienthong.cli.language import Speech

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def console(*, stderr: bool = False) -> Console:
    """The terminal; plain text when it is none. Wide enough for tables when piped into a file."""
    from lienthong.cli.terminal import SteadyConsole

    stream = sys.stderr if stderr else sys.stdout
    return SteadyConsole(
        stderr=stderr, width=None if stream.isatty() else 120, highlight=False, soft_wrap=False
    )


def print_json(value: Any) -> None:
    """One JSON document on standard output, UTF-8, indented."""
    from lienthong.cli.terminal import shown_json

    sys.stdout.write(shown_json(json.dumps(value, ensure_ascii=False, indent=2, default=str)) + "\n")


def say(text: str) -> None:
    """A line for the person, markup allowed, on standard output."""
    console().print(text)


def note(text: str) -> None:
    """A remark beside the result: on standard error."""
    console(stderr=True).print(text)


def hint(text: str, *, stderr: bool = False) -> None:
    """A line that holds a command to paste, markup allowed: never broken, however long it is."""
    console(stderr=stderr).print(text, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers are right-aligned. Without names for its columns it has no header."""
    from rich.markup import escape
    from rich.table import Table

    grid = Table(
        title=escape(title) or None, title_justify="left", header_style="bold", show_header=any(columns)
    )
    lines = [list(row) for row in rows]
    for at, column in enumerate(columns):
        numeric = bool(lines) and all(isinstance(line[at], int) for line in lines)
        grid.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for line in lines:
        grid.add_row(*("" if cell is None else escape(str(cell)) for cell in line))
    console().print(grid)


def progress(*, quiet: bool = False) -> Progress:
    """A progress display on standard error; silent for scripts, and in plain lines when not a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(stderr=True),
        disable=quiet,
    )


def count(number: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {word}{'s'[: number != 1]}"


def vietnam_time(ms: int | None, say: Speech | None = None) -> str:
    """Unix milliseconds as Vietnam time, seconds kept, as the language writes it."""
    if ms is None:
        return ""
    from lienthong.core.clock import VIETNAM

    moment = datetime.fromtimestamp(ms / 1000, UTC).astimezone(VIETNAM)
    return f"{moment:%d/%m/%Y %H:%M:%S}" if say and say.vietnamese else f"{moment:%Y-%m-%d %H:%M:%S}"


def size_text(count: int) -> str:
    """A number of bytes for people."""
    amount = float(count)
    for unit in ("B", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"


def show_error(error: LienthongError, *, as_json: bool) -> None:
    """What was wrong, where, what to do: on standard error, in the language that was asked for."""
    if as_json:
        sys.stderr.write(json.dumps(error.problem(), ensure_ascii=False) + "\n")
        return
    from lienthong.cli.language import Speech, of_the_command_line

    explain(error, Speech(of_the_command_line()))


def explain(error: LienthongError, say: Speech, *, headline: str = "") -> None:
    """The same in a language; ``headline`` goes before what was wrong."""
    from rich.markup import escape

    from lienthong.cli.vietnamese import ERRORS, RECIPIENTS, Said, in_vietnamese

    terminal = console(stderr=True)
    own: Said | None = getattr(error, "vietnamese", None)
    known = (own or ERRORS.get(error.code)) if say.vietnamese else None
    first, *more = (known.what if known else error.detail).split("\n")
    terminal.print(f"[bold red]✗[/] {escape(headline)}{escape(first)}")
    recipients = getattr(error, "recipients", ())
    if recipients and not callable(recipients):
        more = [
            f"{one.organ}: {RECIPIENTS.get(one.status, one.reason) if say.vietnamese else one.reason}"
            for one in recipients
        ]
    elif known and known.detail:
        more = [line for line in in_vietnamese(error.detail).split("\n") if line]
    for line in more:
        terminal.print(f"    {escape(line.strip())}")
    if error.place and not recipients:
        terminal.print(f"  [dim]{say('where', 'ở')}:[/] {escape(error.place)}")
    remedy = (known.remedy if known else "") or error.remedy
    for at, line in enumerate(remedy.split("\n") if remedy else ()):
        lead = f"[dim]{say('to do', 'cần làm')}:[/] " if not at else "       "
        terminal.print(f"  {lead}{escape(line)}")


def show_fault(fault: BaseException, *, as_json: bool) -> None:
    """A fault of the program itself."""
    show_error(
        LienthongError(
            f"a fault of the program: {type(fault).__name__}: {fault}",
            remedy="run it again with LIENTHONG_TRACEBACK=1 and report what it prints",
            code="internal-error",
        ),
        as_json=as_json,
    )

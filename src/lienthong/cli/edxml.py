"""``lienthong edxml``: check and show edXML messages (QCVN 102:2016/BTTTT), offline."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.output import JsonOption, console, print_json, size_text

if TYPE_CHECKING:
    from lienthong.exchange.edxml.findings import Finding
    from lienthong.exchange.edxml.legacy_signature import LegacySignature
    from lienthong.exchange.edxml.model import Message
    from lienthong.exchange.edxml.reader import Report

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Check and show edXML messages.")

STATES = {
    "verified": ("verified", "đã kiểm chứng"),
    "not-verified": ("not verified", "không kiểm chứng được"),
    "not-checkable": ("not checkable", "không thể kiểm tra"),
}

FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="edXML files; - reads standard input.", allow_dash=True),
]
LanguageOption = Annotated[
    str,
    typer.Option(
        "--lang",
        envvar="LIENTHONG_LANG",
        metavar="en|vi",
        help="Language of the findings (default: by LANG).",
    ),
]
TodayOption = Annotated[
    str,
    typer.Option("--today", metavar="YYYY-MM-DD", help="Judge dates as on that day.", show_default="today"),
]
SteeringOption = Annotated[
    str,
    typer.Option("--steering", metavar="N,N…", help="The SteeringType values that are allowed."),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse a DocumentId that is not OrganId,yyyy/MM/dd,Number/Notation.")
]
AnyDateOption = Annotated[
    bool, typer.Option("--any-date", help="Forgive ISO and day-first dates, with a warning.")
]


@app.command()
def check(
    files: FilesArgument,
    as_json: JsonOption = False,
    lang: LanguageOption = "",
    today: TodayOption = "",
    steering: SteeringOption = "0,1,2,3",
    strict: StrictOption = False,
    any_date: AnyDateOption = False,
) -> None:
    """Say whether each message can be accepted. Exit code 0: all can; 1: at least one cannot.

    Each finding names the line, the element and the rule. An embedded XML signature is reported as
    verified, not verified or not checkable; it does not decide.
    """
    from lienthong.exchange.edxml.rules import Options

    options = Options(
        steering_types=_numbers(steering, "--steering"), strict_document_id=strict, any_date=any_date
    )
    day, vietnamese = _day(today), _vietnamese(lang)
    _must_exist(files)
    answers: list[dict[str, Any]] = []
    accepted = True
    for name, report, signatures in _examined(files, options, day):
        accepted = accepted and report.acceptable
        if as_json:
            answers.append(_answer(name, report, signatures))
        else:
            _tell(name, report, signatures, vietnamese)
    if as_json:
        print_json(answers)
    raise typer.Exit(0 if accepted else 1)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An edXML file; - reads standard input.")],
    extract: Annotated[
        Path | None,
        typer.Option("--extract", metavar="DIR", help="Also write the attachments into this folder."),
    ] = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "",
) -> None:
    """Show what a message says, and its attachments. Exit code 1: it cannot be accepted (and why)."""
    from lienthong.cli.edxml_view import as_plain, describe
    from lienthong.exchange.edxml import attachments, model
    from lienthong.exchange.edxml.rules import OPTIONS

    _must_exist([file])
    name, report, signatures = next(_examined([file], OPTIONS, None))
    vietnamese = _vietnamese(lang)
    if report.message is None:
        if as_json:
            print_json(_answer(name, report, signatures))
        else:
            _tell(name, report, signatures, vietnamese)
        raise typer.Exit(1)
    message = report.message
    written: list[Path] = []
    if extract is not None and isinstance(message, model.Document):
        written = attachments.extract(message.attachments, extract)
    if as_json:
        answer = _answer(name, report, signatures)
        print_json({**answer, "message": as_plain(message), "extracted": [str(path) for path in written]})
        return
    describe(message, vietnamese=vietnamese)
    for finding in report.findings:
        _line("yellow", "!", finding.vietnamese() if vietnamese else str(finding))
    _tell_signatures(signatures, vietnamese)
    for path in written:
        _line("green", "✓", f"{path} ({size_text(path.stat().st_size)})")


def _examined(
    files: list[Path], options: Any, day: date | None
) -> Iterator[tuple[str, Report, tuple[LegacySignature, ...]]]:
    from lienthong.exchange.edxml import legacy_signature, model
    from lienthong.exchange.edxml.names import DSIG
    from lienthong.exchange.edxml.parsing import LIMITS
    from lienthong.exchange.edxml.reader import examine
    from lienthong.exchange.errors import ExchangeError

    for file in files:
        name = "-" if str(file) == "-" else str(file)
        data = _bytes_of(file, LIMITS.message_bytes)
        report = examine(data, options=options, today=day)
        signatures: tuple[LegacySignature, ...] = ()
        if DSIG.encode() in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            carried = report.message.attachments if isinstance(report.message, model.Document) else ()
            try:
                signatures = legacy_signature.check(data, carried)
            except ExchangeError:
                signatures = ()
        yield name, report, signatures


def _must_exist(files: list[Path]) -> None:
    """A name that is none of a file is a mistake in the call, told before anything is printed."""
    for file in files:
        if str(file) != "-" and not file.is_file():
            raise typer.BadParameter(f"there is no file {file}", param_hint="FILE")


def _bytes_of(file: Path, limit: int) -> bytes:
    """At most one byte more than may be read, so that the reader refuses what is too large."""
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(limit + 1)
        with file.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror or error}", param_hint="FILE") from None


def _tell(name: str, report: Report, signatures: tuple[LegacySignature, ...], vietnamese: bool) -> None:
    from lienthong.cli.edxml_view import headline

    if report.message is not None:
        word = "chấp nhận được" if vietnamese else "can be accepted"
        _line("bold green", "✓", f"{name}: {word} ({headline(report.message, vietnamese=vietnamese)})")
    else:
        word = "không chấp nhận được" if vietnamese else "cannot be accepted"
        _line("bold red", "✗", f"{name}: {word}")
    for finding in report.findings:
        colour, sign = ("red", "✗") if finding.severity == "error" else ("yellow", "!")
        _line(colour, f"  {sign}", finding.vietnamese() if vietnamese else str(finding))
    _tell_signatures(signatures, vietnamese)


def _tell_signatures(signatures: tuple[LegacySignature, ...], vietnamese: bool) -> None:
    for found in signatures:
        state = STATES[found.state][vietnamese]
        by = f", {found.signer}" if found.signer else ""
        if vietnamese:
            text = (
                f"dòng {found.line}: chữ ký số kèm theo ({found.algorithm}{by}): {state}: {found.reason_vi}"
            )
        else:
            text = f"line {found.line}: embedded signature ({found.algorithm}{by}): {state}: {found.reason}"
        _line("cyan", "  •", text)


def _line(style: str, sign: str, text: str) -> None:
    from rich.text import Text

    console().print(Text.assemble((sign, style), " ", _printable(text)), soft_wrap=True)


def _printable(text: str) -> str:
    """Without control characters: a message must not steer the terminal."""
    return "".join(ch if ch.isprintable() else " " for ch in text)


def _answer(name: str, report: Report, signatures: tuple[LegacySignature, ...]) -> dict[str, Any]:
    from lienthong.exchange.edxml.model import Document

    message: Message | None = report.message
    answer: dict[str, Any] = {"file": name, "acceptable": report.acceptable}
    if message is not None:
        answer["kind"] = "document" if isinstance(message, Document) else "status"
        answer["message_id"] = message.message_id
        answer["document_id"] = (
            message.document_id if isinstance(message, Document) else message.response_for.document_id
        )
    answer["findings"] = [_finding(finding) for finding in report.findings]
    answer["signatures"] = [
        {
            "state": found.state,
            "reason": found.reason,
            "reason_vi": found.reason_vi,
            "line": found.line,
            "algorithm": found.algorithm,
            "signer": found.signer,
        }
        for found in signatures
    ]
    return answer


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "line": finding.line,
        "path": finding.path,
        "rule": finding.rule,
        "source": finding.source,
        "message": finding.message,
        "message_vi": finding.message_vi,
    }


def _numbers(text: str, option: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of numbers", param_hint=option) from None


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date", param_hint="--today") from None


def _vietnamese(lang: str) -> bool:
    if lang not in ("", "en", "vi"):
        raise typer.BadParameter(f"{lang!r} is neither en nor vi", param_hint="--lang")
    return lang == "vi" or (not lang and os.environ.get("LANG", "").startswith("vi"))

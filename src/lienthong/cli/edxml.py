"""``lienthong edxml``: check and show edXML messages (QCVN 102:2016/BTTTT), offline."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, console, explain, print_json, size_text
from lienthong.cli.vietnamese import Said

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
    lang: LanguageOption = None,
    today: TodayOption = "",
    steering: SteeringOption = "0,1,2,3",
    strict: StrictOption = False,
    any_date: AnyDateOption = False,
) -> None:
    """Say whether each message can be accepted. Exit code 0: all can; 1: at least one cannot; 2: one of the
    files cannot be read (the others are judged all the same).

    Each finding names the line, the element and the rule. An embedded XML signature is reported as
    verified, not verified or not checkable; it does not decide.
    """
    from lienthong.exchange.edxml.rules import Options

    options = Options(
        steering_types=_numbers(steering, "--steering"), strict_document_id=strict, any_date=any_date
    )
    day, say = _day(today), Speech(lang)
    answers: list[dict[str, Any]] = []
    accepted = readable = True
    for file in files:
        try:
            name, report, signatures = _examined(file, options, day)
        except Unreadable as error:
            readable = False
            if as_json:
                told = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
                answers.append({"file": str(file), "acceptable": False, **told, "findings": []})
            else:
                explain(error, say, headline=f"{file}: ")
            continue
        accepted = accepted and report.acceptable
        if as_json:
            answers.append(_answer(name, report, signatures))
        else:
            _tell(name, report, signatures, say.vietnamese)
    if as_json:
        print_json(answers)
    raise typer.Exit(2 if not readable else 0 if accepted else 1)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An edXML file; - reads standard input.")],
    extract: Annotated[
        Path | None,
        typer.Option("--extract", metavar="DIR", help="Also write the attachments into this folder."),
    ] = None,
    as_json: JsonOption = False,
    lang: LanguageOption = None,
) -> None:
    """Show what a message says, and its attachments. Exit code 1: it cannot be accepted (and why)."""
    from lienthong.cli.edxml_view import as_plain, describe
    from lienthong.exchange.edxml import attachments, model
    from lienthong.exchange.edxml.rules import OPTIONS

    name, report, signatures = _examined(file, OPTIONS, None)
    vietnamese = Speech(lang).vietnamese
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


class Unreadable(Misuse):
    """A file that cannot be read at all: nothing can be said about what is in it."""

    code = "unreadable-file"


def _examined(file: Path, options: Any, day: date | None) -> tuple[str, Report, tuple[LegacySignature, ...]]:
    from lienthong.exchange.edxml import legacy_signature, model
    from lienthong.exchange.edxml.names import DSIG
    from lienthong.exchange.edxml.parsing import LIMITS
    from lienthong.exchange.edxml.reader import examine
    from lienthong.exchange.errors import ExchangeError

    data = _bytes_of(file, LIMITS.message_bytes)
    report = examine(data, options=options, today=day)
    signatures: tuple[LegacySignature, ...] = ()
    if DSIG.encode() in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        carried = report.message.attachments if isinstance(report.message, model.Document) else ()
        try:
            signatures = legacy_signature.check(data, carried)
        except ExchangeError:
            signatures = ()
    return str(file), report, signatures


def _bytes_of(file: Path, limit: int) -> bytes:
    """At most one byte more than may be read, so that the reader refuses what is too large."""
    if str(file) != "-" and not file.is_file():
        if file.is_dir():
            raise Unreadable(
                "this is a folder",
                remedy=f"name the files in it: {file}/*.xml",
                vietnamese=Said("đây là thư mục", f"nêu các tệp trong đó: {file}/*.xml"),
            )
        raise Unreadable(
            "there is no such file",
            remedy="check the name",
            vietnamese=Said("không có tệp này", "kiểm tra lại tên tệp"),
        )
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(limit + 1)
        with file.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise Unreadable(
            f"it cannot be read: {error.strerror or error}",
            remedy="check that this user may read it",
            vietnamese=Said(f"không đọc được tệp: {error.strerror or error}", "kiểm tra quyền đọc tệp"),
        ) from None


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

"""``lienthong verify``: check evidence offline; say what was checked, what came of it and what was not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.agency import DEMO, AsOption, DataOption, profile_of
from lienthong.cli.language import Language, LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, console, note, print_json, progress
from lienthong.cli.vietnamese import Said

if TYPE_CHECKING:
    from lienthong.exchange.evidence.checks import Report
    from lienthong.exchange.evidence.trusting import Believed

LogKeyOption = Annotated[
    list[str] | None,
    typer.Option("--log-key", metavar="VKEY|FILE", help="A log's public key to believe. Repeat it."),
]
WitnessOption = Annotated[
    list[str] | None,
    typer.Option("--witness", metavar="VKEY|FILE", help="A witness's public key. Repeat it."),
]
QuorumOption = Annotated[
    int, typer.Option("--quorum", min=0, help="How many of the witnesses must have cosigned.")
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Logs, witnesses, quorum (C2SP tlog-policy).")
]
CaOption = Annotated[
    list[Path] | None,
    typer.Option("--ca", metavar="FILE", help="Authorities to trust, PEM, the root among them. Repeat it."),
]
CrlOption = Annotated[
    list[Path] | None, typer.Option("--crl", metavar="FILE", help="A revocation list for --ca. Repeat it.")
]
DirectoryOption = Annotated[
    Path | None, typer.Option("--directory", metavar="FILE", help="The signed directory of agencies.")
]
ContainersOption = Annotated[
    bool, typer.Option("--containers/--no-containers", help="Hash the containers of a whole log too.")
]

KINDS: dict[str, tuple[str, str]] = {
    "container": ("Gói văn bản", "Container"),
    "receipt": ("Biên nhận", "Receipt"),
    "inclusion": ("Bằng chứng đã ghi vào nhật ký", "Inclusion proof"),
    "consistency": ("Bằng chứng chỉ ghi thêm", "Consistency proof"),
    "checkpoint": ("Bản chốt nhật ký", "Checkpoint"),
    "log": ("Toàn bộ nhật ký", "Whole log"),
    "pdf": ("Tệp PDF", "PDF"),
    "unknown": ("Không nhận ra", "Not recognised"),
}
VERDICTS: dict[str, tuple[str, str, str]] = {
    "holds": ("green", "ĐÚNG", "HOLDS"),
    "incomplete": ("yellow", "CHƯA ĐỦ CĂN CỨ", "NOT PROVEN"),
    "fails": ("red", "KHÔNG ĐẠT", "DOES NOT HOLD"),
}


def verify(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Containers, receipts, proofs, checkpoints, PDFs, or a log's folder."
        ),
    ],
    log_key: LogKeyOption = None,
    witness: WitnessOption = None,
    quorum: QuorumOption = 0,
    policy: PolicyOption = None,
    ca: CaOption = None,
    crl: CrlOption = None,
    directory: DirectoryOption = None,
    agency: AsOption = "",
    data: DataOption = None,
    containers: ContainersOption = True,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a container, receipt, proof, checkpoint or whole log, offline, and say in plain words what was
    checked and what was not.

    Files given together are checked in the light of each other: a receipt proves when its container existed.
    Whom to believe comes from --data or --as (default: ./var/demo) or from --log-key and --ca, never from the
    files. Exits 0 when all of them hold: every check that decides is good. What is marked – is told and does
    not decide, such as when a container was sealed, which only its receipt proves. Exits 1 when one does not
    hold, or when something that decides could not be checked (NOT PROVEN).
    """
    from lienthong.exchange.evidence.bundle import verify_files

    for path in files:
        must_be_readable(path)
    believed = believed_of(log_key, witness, quorum, policy, ca, crl, directory, agency=agency, data=data)
    with progress(quiet=as_json or not any(path.is_dir() for path in files)) as shown:
        task = shown.add_task("Reading", total=None)
        reports = verify_files(
            files,
            believed.trust,
            payloads=containers,
            progress=lambda done, total: shown.update(task, completed=done, total=total or None),
        )
    show(reports, believed, language=language, as_json=as_json)


def must_be_readable(path: Path) -> None:
    """A file that is not there proves nothing either way: it must not read like a forged one."""
    try:
        path.stat()
        if path.is_file():
            path.open("rb").close()
    except FileNotFoundError:
        raise Misuse(
            "there is no such file",
            place=str(path),
            remedy="check the path",
            vietnamese=Said("không có tệp này", "kiểm tra lại đường dẫn"),
        ) from None
    except OSError as error:
        raise Misuse(
            f"it cannot be read: {error.strerror}",
            place=str(path),
            remedy="check the path and this user's rights there",
            vietnamese=Said(
                f"không đọc được tệp này: {error.strerror}", "kiểm tra lại đường dẫn và quyền đọc tệp"
            ),
        ) from None


def believed_of(
    log_key: list[str] | None,
    witness: list[str] | None,
    quorum: int,
    policy: Path | None,
    ca: list[Path] | None,
    crl: list[Path] | None,
    directory: Path | None,
    *,
    agency: str,
    data: Path | None,
) -> Believed:
    """Whom to believe: what is given, on top of the profile or the data folder that is named (or of the
    demonstration's folder when nothing at all is given).
    """
    from lienthong.core.clock import utc_now
    from lienthong.exchange.evidence.trusting import Given, believe

    given = Given(log_key or (), witness or (), quorum, policy, ca or (), crl or (), directory)
    if agency:
        return believe(given, utc_now(), profile=profile_of(agency, data))
    if data is None and given == Given() and DEMO.is_dir():
        data = DEMO
    return believe(given, utc_now(), data=data)


def show(reports: list[Report], believed: Believed, *, language: Language | None, as_json: bool) -> None:
    """Print the reports and exit 1 unless all of them hold."""
    holds = all(report.verdict == "holds" for report in reports)
    if as_json:
        print_json(
            {
                "holds": holds,
                "trusted": list(believed.sources),
                "remarks": list(believed.remarks),
                "reports": [report.as_json() for report in reports],
            }
        )
    else:
        _print(reports, believed, Speech(language).language)
    if not holds:
        raise typer.Exit(1)


def _print(reports: list[Report], believed: Believed, language: Language) -> None:
    from rich.markup import escape
    from rich.padding import Padding

    vi = language == "vi"
    terminal = console()
    for report in reports:
        colour, *verdicts = VERDICTS[report.verdict]
        verdict, kind = verdicts[0 if vi else 1], KINDS[report.kind][0 if vi else 1]
        terminal.print(f"[bold]{escape(report.subject)}[/]  {kind}: [bold {colour}]{verdict}[/]")
        for check in report.checks:
            mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}[check.ok]
            terminal.print(f"  {mark} {escape(check.what.to(language))}")
            terminal.print(
                Padding(f"[dim]{escape(check.explanation.to(language))}[/]", (0, 0, 0, 4), expand=False)
            )
    trusted = "; ".join(believed.sources)
    if trusted:
        note(escape(f"{'Căn cứ tin cậy' if vi else 'Trusted'}: {trusted}"))
    else:
        note(
            "Chưa có căn cứ tin cậy nào: nêu --data THƯ_MỤC hoặc --as MÃ; hoặc nêu tệp: --ca ca.pem (chứng "
            "thư gốc, cho văn bản và PDF), --log-key checkpoint.vkey (khóa nhật ký, cho biên nhận)"
            if vi
            else "Nobody is trusted yet: give --data DIR or --as CODE; or files: --ca ca.pem (the root, for "
            "containers and PDFs), --log-key checkpoint.vkey (the log's key, for receipts and proofs)"
        )
    for remark in believed.remarks:
        note(escape(remark))

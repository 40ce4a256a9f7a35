"""``lienthong fetch``: containers fetched, verified, kept, acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, acting_again, client_of
from lienthong.cli.inbox import business, meaning
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, explain, hint, note, print_json, progress, say, size_text
from lienthong.cli.vietnamese import Said
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client import Client
    from lienthong.exchange.client.receiving import Received

AT_ONCE = 500


def fetch(
    indexes: Annotated[
        list[int] | None, typer.Argument(metavar="INDEX", help="Indexes, as `lienthong inbox` lists them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is waiting.")] = False,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Also write the files, unsealed, into DIR/INDEX/."),
    ] = None,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge/--no-acknowledge", help="Tell the hub that they are safely here.")
    ] = True,
    arrived: Annotated[
        bool, typer.Option("--arrived", help="Report status 01 on each new document.")
    ] = False,
    staff: StaffOption = "",
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch records, verify seal, contents, receipt and log proof, keep them, then acknowledge them.

    What does not hold is put aside in the profile's inbox/rejected and is not acknowledged. What holds but
    cannot be unpacked stays in the profile's inbox. Either is told at the end, exit code 1, after the others.
    """
    if not indexes and not everything:
        raise Misuse(
            "what to fetch was not said",
            remedy="give indexes, as `lienthong inbox` lists them, or --all",
            vietnamese=Said(
                "chưa nêu lấy văn bản nào", "nêu số nhật ký (xem lienthong inbox), hoặc --all để lấy tất cả"
            ),
        )
    tr = Speech(lang)
    results: list[dict[str, Any]] = []
    failures: list[tuple[int, LienthongError]] = []
    with client_of(agency, data) as client, progress(quiet=as_json) as bar:
        task = bar.add_task(tr("Fetching", "Đang lấy về"), total=0)
        seen: set[int] = set()
        for page in _pending(client) if everything else [list(dict.fromkeys(indexes or []))]:
            wanted = [index for index in page if index not in seen]
            seen.update(wanted)
            bar.update(task, total=len(seen))
            for index in wanted:
                try:
                    received = client.fetch(index)
                except LienthongError as error:
                    if _concerns_all(error):
                        raise
                    failures.append((index, error))
                    continue
                written: list[Path] = []
                problem = None
                try:
                    written = received.extract(into / str(index), client.profile) if into else []
                except LienthongError as error:
                    problem = error
                # Its container is safely here, even if what it holds cannot be unpacked.
                if acknowledge:
                    client.acknowledge([index], staff=staff)
                if problem is not None:
                    failures.append((index, problem))
                    continue
                if arrived and _is_new_document(received):
                    client.report(received, "01", staff=staff)
                results.append(_facts(received, written))
                bar.advance(task)
    alone = bool(failures) and len(seen) == 1 and not everything
    if as_json or not alone:
        _tell(results, failures, tr, acting_again(agency, data), as_json=as_json)
    if alone:
        raise failures[0][1]
    if failures:
        raise typer.Exit(1)


def _pending(client: Client) -> Iterator[list[int]]:
    """The indexes that wait, urgent ones first, page by page: one that stays pending holds up no other."""
    for lane in ("urgent", "normal"):
        after = -1
        while items := client.inbox(after=after, limit=AT_ONCE, pending=True, lane=lane).items:
            yield [item.index for item in items]
            after = items[-1].index


def _concerns_all(error: LienthongError) -> bool:
    """Whether the next record would fail in the same way."""
    from lienthong.exchange.client.errors import HubRefused, HubUnreachable

    return isinstance(error, HubUnreachable) or (isinstance(error, HubRefused) and not error.for_good)


def _tell(
    results: list[dict[str, Any]],
    failures: list[tuple[int, LienthongError]],
    tr: Speech,
    again: str,
    *,
    as_json: bool,
) -> None:
    if as_json:
        failed = [
            {
                "index": index,
                "error": error.code,
                "code": error.code,
                "detail": error.detail,
                "place": error.place,
                "remedy": error.remedy,
            }
            for index, error in failures
        ]
        print_json([*results, *failed])
        return
    for result in results:
        _show(result, tr, again)
    for index, error in failures:
        explain(error, tr, headline=f"{index}  ")
    if not results and not failures:
        say(tr("Nothing is waiting.", "Không có văn bản đến nào đang chờ."))


def _is_new_document(received: Received) -> bool:
    from lienthong.exchange.edxml.model import BusinessType, Document

    message = received.message
    return isinstance(message, Document) and message.business.type is BusinessType.NEW


def _facts(received: Received, written: list[Path]) -> dict[str, Any]:
    from lienthong.exchange.edxml.model import Document

    message = received.message
    facts: dict[str, Any] = {
        "index": received.index,
        "sender": received.sender,
        "sender_name": received.sender_name,
        "container": str(received.path),
        "receipt": str(received.receipt_path),
        "sealed": received.sealed,
        "files": [{"name": name, "media_type": kind, "size": size} for name, kind, size in received.files],
        "written": [str(path) for path in written],
        "warning": received.warning,
    }
    if isinstance(message, Document):
        facts |= {
            "kind": "document",
            "document_id": message.document_id,
            "subject": message.subject,
            "business": int(message.business.type),
        }
    else:
        facts |= {
            "kind": "status",
            "status": message.status_code,
            "document_id": message.response_for.document_id,
            "subject": message.description,
        }
    return facts


def _show(facts: dict[str, Any], tr: Speech, again: str) -> None:
    from rich.markup import escape

    what = facts["subject"] if facts["kind"] == "document" else meaning(facts["status"], tr)
    asked = business(facts.get("business", 0), tr)
    about = escape(f"[{asked}] {what}" if asked else what)
    say(f"[green]✓[/] {facts['index']}  {escape(facts['sender_name'])}: {about}")
    size = sum(file["size"] for file in facts["files"])
    files = f"{tr.count(len(facts['files']), 'file', 'tệp')}, {size_text(size)}; " if facts["files"] else ""
    holds = tr(
        "seal, contents, receipt and log proof hold",
        "con dấu, nội dung, biên nhận và bằng chứng nhật ký đều đúng",
    )
    say(f"    {files}{holds} → {escape(facts['container'])}")
    for path in facts["written"]:
        say(f"    {escape(path)}")
    if asked:
        agree = escape(f"lienthong report {facts['index']} 15{again}")
        hint(
            tr(
                f"    It waits for your answer: {agree} (agrees), or 16 --reason TEXT (refuses)",
                f"    Đang chờ trả lời: {agree} (đồng ý), hoặc 16 --reason LÝ_DO (từ chối)",
            )
        )
    if facts["warning"]:
        note(f"    [yellow]![/] {escape(facts['warning'])}")

"""``lienthong fetch``: containers fetched, verified, kept, acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, client_of
from lienthong.cli.output import JsonOption, note, print_json, progress, say, size_text
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client.receiving import Received

AT_ONCE = 500


class WhatToFetch(LienthongError):
    code = "usage"


def fetch(
    indexes: Annotated[
        list[int] | None, typer.Argument(help="Indexes, as `lienthong inbox` lists them.")
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
    as_json: JsonOption = False,
) -> None:
    """Fetch records, verify seal, contents, receipt and log proof, keep them, then acknowledge them.

    What does not hold is put aside in the profile's inbox/rejected and is not acknowledged.
    """
    if not indexes and not everything:
        raise WhatToFetch("nothing was named", remedy="give indexes, or --all")
    with client_of(agency, data) as client:
        wanted = list(dict.fromkeys(indexes or []))
        results: list[dict[str, Any]] = []
        with progress(quiet=as_json) as bar:
            task = bar.add_task("Fetching", total=len(wanted))
            while True:
                if everything and not wanted:
                    done = {result["index"] for result in results}
                    page = client.inbox(limit=AT_ONCE, pending=True)
                    wanted = [item.index for item in page.items if item.index not in done]
                    bar.update(task, total=len(results) + len(wanted))
                if not wanted:
                    break
                for index in wanted:
                    received = client.fetch(index)
                    written = received.extract(into / str(index), client.profile) if into else []
                    results.append(_facts(received, written))
                    if acknowledge:
                        client.acknowledge([index], staff=staff)
                    if arrived and _is_new_document(received):
                        client.report(received, "01", staff=staff)
                    bar.advance(task)
                wanted = []
                if not everything:
                    break
        if as_json:
            print_json(results)
            return
        for result in results:
            _show(result)
        if not results:
            say("Nothing is waiting.")


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
        facts |= {"kind": "document", "document_id": message.document_id, "subject": message.subject}
    else:
        facts |= {
            "kind": "status",
            "status": message.status_code,
            "document_id": message.response_for.document_id,
            "subject": message.description,
        }
    return facts


def _show(facts: dict[str, Any]) -> None:
    from rich.markup import escape

    from lienthong.exchange.statuses import MEANINGS

    what = facts["subject"] if facts["kind"] == "document" else MEANINGS.get(facts["status"], "")
    say(f"[green]✓[/] {facts['index']}  {escape(facts['sender_name'])}: {escape(what)}")
    size = sum(file["size"] for file in facts["files"])
    files = f"{len(facts['files'])} files, {size_text(size)}; " if facts["files"] else ""
    say(f"    {files}seal, contents, receipt and log proof hold → {escape(facts['container'])}")
    for path in facts["written"]:
        say(f"    {escape(path)}")
    if facts["warning"]:
        note(f"    [yellow]![/] {escape(facts['warning'])}")

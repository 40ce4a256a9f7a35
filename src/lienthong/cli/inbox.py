"""``lienthong inbox``: what has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, client_of
from lienthong.cli.output import JsonOption, print_json, say, size_text, table, vietnam_time

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import InboxLine

BUSINESS = {1: "thu hồi", 2: "cập nhật", 3: "thay thế"}


def inbox(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was acknowledged, in the order of arrival.")
    ] = False,
    after: Annotated[int, typer.Option("--after", metavar="INDEX", help="Only beyond this index.")] = -1,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many lines.")] = 100,
    wait: Annotated[
        int, typer.Option("--wait", min=0, max=300, metavar="SECONDS", help="Wait for something to come.")
    ] = 0,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what has arrived: what is not acknowledged yet, hỏa tốc first."""
    from dataclasses import asdict

    with client_of(agency, data) as client:
        page = client.inbox(after=after, limit=limit, pending=not everything, wait_s=wait)
        if as_json:
            print_json({"items": [asdict(item) for item in page.items], "next": page.next})
            return
        if not page.items:
            say("The inbox is empty." if everything else "Nothing is waiting. --all shows what was fetched.")
            return
        table(
            f"{client.profile.name} ({client.profile.code})",
            ("index", "arrived", "from", "number", "what", "size"),
            [
                (
                    item.index,
                    vietnam_time(item.accepted_ms),
                    item.sender,
                    str(item.summary.get("code", "")),
                    what(item),
                    size_text(item.size),
                )
                for item in page.items
            ],
        )
        if not everything:
            say("Fetch, verify and acknowledge: [bold]lienthong fetch --all[/]")


def what(item: InboxLine) -> str:
    """One line for people: the abstract of a document, the meaning of a status."""
    from lienthong.exchange.statuses import MEANINGS

    if item.kind == "status":
        reason = item.summary.get("description", "")
        return f"{item.status} {MEANINGS.get(item.status, '')}" + (f": {reason}" if reason else "")
    urgent = "HỎA TỐC" if item.lane == "urgent" else ""
    prefix = ", ".join(filter(None, (urgent, BUSINESS.get(item.business, ""))))
    subject = str(item.summary.get("subject", ""))
    return f"[{prefix}] {subject}" if prefix else subject

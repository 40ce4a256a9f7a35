"""``lienthong inbox``: what has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, acting_again, client_of
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.output import JsonOption, hint, print_json, say, size_text, table, vietnam_time

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import InboxLine

BUSINESS = {1: ("recall", "thu hồi"), 2: ("update", "cập nhật"), 3: ("replacement", "thay thế")}
"""BussinessDocType → what a document message asks for, in English and in Vietnamese."""


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
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what has arrived: what is not acknowledged yet, hỏa tốc first."""
    from dataclasses import asdict

    from rich.markup import escape

    with client_of(agency, data) as client:
        page = client.inbox(after=after, limit=limit, pending=not everything, wait_s=wait)
        if as_json:
            print_json({"items": [asdict(item) for item in page.items], "next": page.next})
            return
        tr = Speech(lang)
        if not page.items:
            say(
                tr("The inbox is empty.", "Chưa có văn bản đến.")
                if everything
                else tr(
                    "Nothing is waiting. --all shows what was fetched.",
                    "Không có văn bản đến nào đang chờ. Xem cả những gì đã lấy về: --all",
                )
            )
            return
        table(
            f"{tr('', 'Văn bản đến: ')}{client.profile.name} ({client.profile.code})",
            (
                tr("index", "số nhật ký"),
                tr("arrived", "đến lúc"),
                tr("from", "nơi gửi"),
                tr("number", "số/ký hiệu"),
                tr("what", "trích yếu"),
                tr("size", "dung lượng"),
            ),
            [
                (
                    item.index,
                    vietnam_time(item.accepted_ms, tr),
                    item.sender,
                    str(item.summary.get("code", "")),
                    what(item, tr),
                    size_text(item.size),
                )
                for item in page.items
            ],
        )
        if not everything:
            lead = tr("Fetch, verify and acknowledge", "Lấy về, kiểm tra và xác nhận")
            hint(f"{lead}: [bold]lienthong fetch --all{escape(acting_again(agency, data))}[/]")


def what(item: InboxLine, tr: Speech) -> str:
    """One line for people: the abstract of a document, the meaning of a status."""
    if item.kind == "status":
        reason = item.summary.get("description", "")
        return f"{item.status} {meaning(item.status, tr)}" + (f": {reason}" if reason else "")
    urgent = "HỎA TỐC" if item.lane == "urgent" else ""
    prefix = ", ".join(filter(None, (urgent, business(item.business, tr))))
    subject = str(item.summary.get("subject", ""))
    return f"[{prefix}] {subject}" if prefix else subject


def business(kind: int, tr: Speech) -> str:
    """What a document message asks for; '' for a new document."""
    return tr(*BUSINESS[kind]) if kind in BUSINESS else ""


def meaning(status: str, tr: Speech) -> str:
    """What a status code says."""
    from lienthong.exchange.statuses import MEANINGS, MEANINGS_EN

    return tr(MEANINGS_EN.get(status, ""), MEANINGS.get(status, ""))

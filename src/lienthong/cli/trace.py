"""``lienthong trace``: a document's whole life, by whom and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, client_of
from lienthong.cli.inbox import business, meaning
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, print_json, say, table, vietnam_time
from lienthong.cli.vietnamese import Said

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import DeliveryLine, SentRecord, TraceView
    from lienthong.exchange.client.sync import Client


REQUESTS = {
    "recall": ("recall", "thu hồi"),
    "update": ("update", "cập nhật"),
    "replace": ("replacement", "thay thế"),
}


def trace(
    document: Annotated[
        str, typer.Argument(metavar="INDEX|ID", help="Its index in the log, or the message id you gave it.")
    ],
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Every message about it, one line each.")
    ] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Also when the sender's system took each status.")
    ] = False,
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a document stands with each recipient, and every message about it since."""
    from dataclasses import asdict

    with client_of(agency, data) as client:
        view = client.trace(_index(client, document))
        if as_json:
            print_json(asdict(view))
            return
        names, tr = _names(client), Speech(lang)
        _head(view, names, tr)
        table(
            tr("Recipients", "Nơi nhận"),
            (
                tr("code", "mã"),
                tr("name", "tên"),
                tr("status", "trạng thái"),
                tr("since", "từ lúc"),
                tr("fetched", "lấy về lúc"),
                tr("waiting for", "chờ trả lời về"),
            ),
            [_delivery(line, names, tr) for line in view.deliveries],
        )
        if history:
            table(
                tr("History", "Diễn biến"),
                (
                    tr("index", "số nhật ký"),
                    tr("when", "lúc"),
                    tr("who", "cơ quan"),
                    tr("what", "việc"),
                    tr("by", "người xử lý"),
                ),
                [_event(one, names, tr) for one in view.history if everything or _tells(one, view)],
            )


def _index(client: Client, document: str) -> int:
    if document.isdigit():
        return int(document)
    row = client.desk.outbox.get(document)
    if row is not None and row.log_index is not None:
        return row.log_index
    if row is not None:
        raise Misuse(
            f"{document} is {row.state}, not in the log",
            place=row.problem or "outbox",
            remedy="see `lienthong outbox list`",
            vietnamese=Said(f"{document} chưa vào nhật ký", "xem hàng chờ gửi: lienthong outbox list"),
        )
    return client.find(document).index


def _names(client: Client) -> dict[str, str]:
    return {code: agency.name for code, agency in client.directory().agencies.items()}


def _head(view: TraceView, names: dict[str, str], tr: Speech) -> None:
    from rich.markup import escape

    record = view.record
    say(f"[bold]{escape(str(record.summary.get('subject', record.document_id)))}[/]")
    say(f"{escape(record.document_id)} · {escape(names.get(record.sender, record.sender))}")
    entry = tr(f"record {record.index} of the log", f"số nhật ký {record.index}")
    say(f"{entry} · {vietnam_time(record.accepted_ms, tr)} · {tr('id', 'mã')} {record.message_id}")
    states: dict[str, int] = {}
    for line in view.deliveries:
        state = line.state or tr("not reported", "chưa báo")
        if line.recalled:
            state = tr("recalled", "đã thu hồi")
        states[state] = states.get(state, 0) + 1
    say(" · ".join(f"{state}: {count}" for state, count in sorted(states.items())))


def _delivery(line: DeliveryLine, names: dict[str, str], tr: Speech) -> tuple[Any, ...]:
    parts = [f"{line.state} {meaning(line.state, tr)}"] if line.state else []
    if line.recalled:
        parts.append(tr("recalled", "đã thu hồi"))
    state = " → ".join(parts)
    waits = tr(*REQUESTS[line.request]) if line.request in REQUESTS else line.request
    return (
        line.recipient,
        names.get(line.recipient, ""),
        state,
        vietnam_time(line.state_ms, tr),
        vietnam_time(line.acknowledged_ms, tr),
        waits,
    )


def _tells(one: SentRecord, view: TraceView) -> bool:
    """The sender's own taking of statuses says nothing about the document."""
    return one.kind != "acknowledgement" or one.sender != view.record.sender


def _event(one: SentRecord, names: dict[str, str], tr: Speech) -> tuple[Any, ...]:
    if one.kind == "status":
        reason = one.summary.get("description", "")
        what = f"{one.status} {meaning(one.status, tr)}" + (f": {reason}" if reason else "")
    elif one.kind == "acknowledgement":
        what = tr("fetched", "đã lấy về")
    else:
        what = business(one.business, tr) or tr("sent", "gửi")
    who = names.get(one.sender, one.sender)
    return one.index, vietnam_time(one.accepted_ms, tr), who, what, str(one.summary.get("staff", ""))

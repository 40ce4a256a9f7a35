"""``lienthong trace``: a document's whole life, by whom and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, client_of
from lienthong.cli.inbox import BUSINESS
from lienthong.cli.output import JsonOption, print_json, say, table, vietnam_time
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import DeliveryLine, SentRecord, TraceView
    from lienthong.exchange.client.sync import Client


class NothingToTrace(LienthongError):
    code = "usage"


def trace(
    document: Annotated[str, typer.Argument(help="Its index in the log, or the message id you gave it.")],
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Every message about it, one line each.")
    ] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Also when the sender's system took each status.")
    ] = False,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a document stands with each recipient, and every message about it since."""
    from dataclasses import asdict

    with client_of(agency, data) as client:
        view = client.trace(_index(client, document))
        if as_json:
            print_json(asdict(view))
            return
        names = _names(client)
        _head(view, names)
        table(
            "",
            ("recipient", "", "status", "since", "fetched", "waiting for"),
            [_delivery(line, names) for line in view.deliveries],
        )
        if history:
            table(
                "",
                ("index", "when", "who", "what", "by"),
                [_event(one, names) for one in view.history if everything or _tells(one, view)],
            )


def _index(client: Client, document: str) -> int:
    if document.isdigit():
        return int(document)
    row = client.desk.outbox.get(document)
    if row is not None and row.log_index is not None:
        return row.log_index
    if row is not None:
        raise NothingToTrace(f"{document} is {row.state}, not in the log", place=row.problem or "outbox")
    return client.find(document).index


def _names(client: Client) -> dict[str, str]:
    return {code: agency.name for code, agency in client.directory().agencies.items()}


def _head(view: TraceView, names: dict[str, str]) -> None:
    from rich.markup import escape

    record = view.record
    say(f"[bold]{escape(str(record.summary.get('subject', record.document_id)))}[/]")
    say(f"{escape(record.document_id)} · {escape(names.get(record.sender, record.sender))}")
    say(f"record {record.index} of the log · {vietnam_time(record.accepted_ms)} · id {record.message_id}")
    states: dict[str, int] = {}
    for line in view.deliveries:
        state = "recalled" if line.recalled else line.state or "not reported"
        states[state] = states.get(state, 0) + 1
    say(" · ".join(f"{state}: {count}" for state, count in sorted(states.items())))


def _delivery(line: DeliveryLine, names: dict[str, str]) -> tuple[Any, ...]:
    from lienthong.exchange.statuses import MEANINGS

    state = f"{line.state} {MEANINGS.get(line.state, '')}".strip()
    if line.recalled:
        state = f"{state} → đã thu hồi".strip(" →") if not state else f"{state} → đã thu hồi"
    waits = {"recall": "thu hồi", "update": "cập nhật", "replace": "thay thế"}.get(line.request, line.request)
    return (
        line.recipient,
        names.get(line.recipient, ""),
        state,
        vietnam_time(line.state_ms),
        vietnam_time(line.acknowledged_ms),
        waits,
    )


def _tells(one: SentRecord, view: TraceView) -> bool:
    """The sender's own taking of statuses says nothing about the document."""
    return one.kind != "acknowledgement" or one.sender != view.record.sender


def _event(one: SentRecord, names: dict[str, str]) -> tuple[Any, ...]:
    from lienthong.exchange.statuses import MEANINGS

    if one.kind == "status":
        reason = one.summary.get("description", "")
        what = f"{one.status} {MEANINGS.get(one.status, '')}" + (f": {reason}" if reason else "")
    elif one.kind == "acknowledgement":
        what = "đã lấy về"
    else:
        what = BUSINESS.get(one.business, "gửi")
    who = names.get(one.sender, one.sender)
    return one.index, vietnam_time(one.accepted_ms), who, what, str(one.summary.get("staff", ""))

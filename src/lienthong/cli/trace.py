"""``lienthong trace``: a document's whole life, by whom and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, client_of
from lienthong.cli.inbox import meaning
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, print_json, say, table, vietnam_time
from lienthong.cli.trace_requests import (
    RECALLED,
    Answers,
    answer,
    answers_in,
    asked_by,
    asking,
    unanswered,
)
from lienthong.cli.vietnamese import Said
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import DeliveryLine, SentRecord, TraceView
    from lienthong.exchange.client.sync import Client


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
        answers = answers_in(view.history, view.record.recipients)
        _head(view, answers, names, tr)
        table(
            tr("Recipients", "Nơi nhận"),
            (
                tr("code", "mã"),
                tr("name", "tên"),
                tr("status", "trạng thái"),
                tr("since", "từ lúc"),
                tr("fetched", "lấy về lúc"),
                tr("request", "đề nghị của bên gửi"),
            ),
            [_delivery(line, answers, names, tr) for line in view.deliveries],
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
                [
                    _event(client, one, view, answers, names, tr)
                    for one in view.history
                    if everything or _tells(one, view)
                ],
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


def _head(view: TraceView, answers: Answers, names: dict[str, str], tr: Speech) -> None:
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
            state = tr(*RECALLED)
        states[state] = states.get(state, 0) + 1
    say(" · ".join(f"{state}: {count}" for state, count in sorted(states.items())))
    requests: dict[str, int] = {}
    for line in view.deliveries:
        request = _request(line, answers, tr)
        if request and not line.recalled:
            requests[request] = requests.get(request, 0) + 1
    if requests:
        say(" · ".join(f"{request}: {count}" for request, count in sorted(requests.items())))


def _request(line: DeliveryLine, answers: Answers, tr: Speech) -> str:
    """What the sender asked of this recipient last, and whether it agreed."""
    if line.request:
        return unanswered(line.request, tr)
    if line.recalled:
        return answer("recall", True, tr)
    return answer(*answers.last[line.recipient], tr) if line.recipient in answers.last else ""


def _delivery(line: DeliveryLine, answers: Answers, names: dict[str, str], tr: Speech) -> tuple[Any, ...]:
    parts = [f"{line.state} {meaning(line.state, tr)}"] if line.state else []
    if line.recalled:
        parts.append(tr(*RECALLED))
    return (
        line.recipient,
        names.get(line.recipient, ""),
        " → ".join(parts),
        vietnam_time(line.state_ms, tr),
        vietnam_time(line.acknowledged_ms, tr),
        _request(line, answers, tr),
    )


def _tells(one: SentRecord, view: TraceView) -> bool:
    """The sender's own taking of statuses says nothing about the document."""
    return one.kind != "acknowledgement" or one.sender != view.record.sender


def _event(
    client: Client,
    one: SentRecord,
    view: TraceView,
    answers: Answers,
    names: dict[str, str],
    tr: Speech,
) -> tuple[Any, ...]:
    what, staff = _what(one, view.record.index, answers, tr), str(one.summary.get("staff", ""))
    reason = str(one.summary.get("description", "")) if one.kind == "status" else ""
    if one.kind == "document" and one.index != view.record.index:
        reason, staff = _of_the_request(client, one, tr)
    who = names.get(one.sender, one.sender)
    return one.index, vietnam_time(one.accepted_ms, tr), who, what + (f": {reason}" if reason else ""), staff


def _what(one: SentRecord, traced: int, answers: Answers, tr: Speech) -> str:
    if one.kind == "acknowledgement":
        return tr("fetched", "đã lấy về")
    request = asked_by(one)
    if one.kind == "status":
        if request:
            return f"{one.status} {asking(request, tr)}"
        if one.index in answers.answered:
            return f"{one.status} {answer(answers.answered[one.index], one.status == '15', tr)}"
        return f"{one.status} {meaning(one.status, tr)}"
    if request == "replace" and one.index == traced:
        return tr("sent in place of an earlier one", "gửi, thay thế văn bản trước")
    return asking(request, tr) if request else tr("sent", "gửi")


def _of_the_request(client: Client, one: SentRecord, tr: Speech) -> tuple[str, str]:
    """Why, and who: said inside the message, of which this agency has a copy once it sent or fetched it."""
    try:
        message = client.desk.kept_document(one.index)
    except LienthongError:
        return tr("(the copy kept here cannot be read)", "(không đọc được bản lưu ở đây)"), ""
    if message is None:
        return "", ""
    return message.business.reason, ", ".join(filter(None, (each.name for each in message.business.staff)))

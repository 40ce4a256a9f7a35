"""What became of a message that a command sent: in words, as JSON, and as an exit code."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from lienthong.cli.language import Speech
from lienthong.cli.output import explain, hint, note, print_json, say, size_text

if TYPE_CHECKING:
    from lienthong.exchange.client.outbox import OutboxRow
    from lienthong.exchange.client.problems import RefusedRecipient
    from lienthong.exchange.client.sync import Client


def finish(client: Client, row: OutboxRow, tr: Speech, again: str, *, as_json: bool) -> None:
    """Say what became of a message, and exit 0; 3 while it waits; 1 or 4 when the hub refused it.

    ``again``: the options of a next command of the same agency (:func:`lienthong.cli.agency.acting_again`).
    """
    answer: dict[str, Any] = {
        "message_id": row.message_id,
        "state": row.state,
        "index": row.log_index,
        "problem": row.problem,
        "size": row.size,
    }
    if row.why is not None and row.state != "sent":
        why = row.why
        answer |= {"code": why.code, "detail": why.detail, "place": why.place, "remedy": why.remedy}
        if why.recipients:
            answer["refused"] = [asdict(one) for one in why.recipients]
    if row.receipt is not None:
        from lienthong.exchange.client.receipt import check_receipt
        from lienthong.trust.log.notes import NoteKey

        receipt = check_receipt(row.receipt, NoteKey.parse(client.profile.checkpoint_key))
        answer |= {"recipients": list(receipt.recipients), "forwarded": [list(p) for p in receipt.forwarded]}
        answer["log_size"] = receipt.checkpoint.size
    if as_json:
        print_json(answer)
    elif row.state == "sent":
        _tell_sent(row, answer, tr)
    else:
        _tell_unsent(client, row, tr, again)
    raise typer.Exit(_exit_code(row))


def _exit_code(row: OutboxRow) -> int:
    from lienthong.cli.app import NOT_PERMITTED, REFUSED, UNREACHABLE, exit_code

    if row.state == "refused":
        permitted = row.why is None or exit_code(row.why.error()) != NOT_PERMITTED
        return REFUSED if permitted else NOT_PERMITTED
    return 0 if row.state == "sent" else UNREACHABLE


def _tell_sent(row: OutboxRow, answer: dict[str, Any], tr: Speech) -> None:
    reached, size = len(answer["recipients"]), size_text(row.size)
    say(
        tr(
            f"[green]✓[/] Sent: record [bold]{row.log_index}[/] of the log, {size}, "
            f"{tr.count(reached, 'recipient', 'nơi nhận')}; the receipt is verified and kept.",
            f"[green]✓[/] Đã gửi: số nhật ký [bold]{row.log_index}[/], {size}, {reached} nơi nhận; "
            "biên nhận đã kiểm tra và lưu.",
        )
    )
    for asked, heir in answer["forwarded"]:
        note(tr(f"  {asked} has merged: {heir} received it.", f"  {asked} đã sáp nhập: {heir} nhận thay."))


def _tell_unsent(client: Client, row: OutboxRow, tr: Speech, again: str) -> None:
    from rich.markup import escape

    from lienthong.core.errors import LienthongError

    error: LienthongError = row.why.error() if row.why else LienthongError(row.problem or "not tried yet")
    if row.why is not None and row.why.recipients:
        error.recipients = tuple(_with_guess(client, one, tr) for one in row.why.recipients)  # type: ignore[attr-defined]
    if row.state == "refused":
        explain(error, tr, headline=tr("Refused: ", "Bị từ chối: "))
        note(
            tr(
                f"  It is kept as {row.message_id}; put right what is wrong and send it anew.",
                f"  Thông điệp được giữ với mã {row.message_id}; sửa lại rồi gửi mới.",
            )
        )
        return
    note(
        tr(
            f"[yellow]…[/] Kept as {row.message_id}, not delivered yet. Nothing is lost.",
            f"[yellow]…[/] Đã giữ với mã {row.message_id}, chưa gửi được. Không mất gì.",
        )
    )
    explain(error, tr)
    hint(f"  {tr('Try again', 'Gửi lại')}: lienthong outbox deliver{escape(again)}", stderr=True)


def _with_guess(client: Client, one: RefusedRecipient, tr: Speech) -> RefusedRecipient:
    """An unknown code or group, with the one that was probably meant."""
    from lienthong.cli.agencies import meant
    from lienthong.core.errors import LienthongError

    if one.status != "unknown":
        return one
    try:
        guess = meant(client.directory(), one.organ)
    except LienthongError:
        return one  # a guess is no necessity
    if guess is None:
        return one
    from lienthong.cli.vietnamese import RECIPIENTS

    reason = tr(one.reason, RECIPIENTS["unknown"])
    return replace(one, status="", reason=f"{reason}; {tr('did you mean', 'có phải')} {guess}?")

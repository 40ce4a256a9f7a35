"""``lienthong outbox``: what is waiting to be sent, and the receipts of what was."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, acting_again, client_of
from lienthong.cli.inbox import meaning
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse, near
from lienthong.cli.output import JsonOption, explain, print_json, say, table, vietnam_time
from lienthong.cli.vietnamese import Said

if TYPE_CHECKING:
    from lienthong.exchange.client.outbox import OutboxRow
    from lienthong.exchange.client.sync import Client

app = typer.Typer(
    name="outbox",
    no_args_is_help=True,
    help="What is waiting to be sent, and the receipts of what was sent.",
)


STATES = {
    "queued": ("queued", "đang chờ gửi"),
    "sent": ("sent", "đã gửi"),
    "refused": ("refused", "bị từ chối"),
}


class NotInOutbox(Misuse):
    code = "not-in-outbox"
    status = 404


@app.command("list")
def list_rows(
    state: Annotated[str, typer.Option("--state", help="Only queued, sent or refused.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 50,
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """List messages, newest first."""
    if state not in ("", *STATES):
        meant = near(state, STATES)
        raise Misuse(
            f"{state!r} is not a state" + (f"; did you mean {meant}?" if meant else ""),
            place="--state",
            remedy="use queued, sent or refused",
            vietnamese=Said(
                f"{state!r} không phải là trạng thái gửi",
                "dùng queued (đang chờ gửi), sent (đã gửi) hoặc refused (bị từ chối)",
            ),
        )
    with client_of(agency, data) as client:
        rows = client.desk.outbox.rows(state or None, limit=limit)  # type: ignore[arg-type]
        if as_json:
            print_json([_facts(row) for row in rows])
            return
        tr = Speech(lang)
        table(
            f"{tr('', 'Văn bản đi: ')}{client.profile.name} ({client.profile.code})",
            (
                tr("state", "trạng thái"),
                tr("index", "số nhật ký"),
                tr("kept", "lưu lúc"),
                tr("id", "mã"),
                tr("what", "trích yếu"),
                tr("tries", "số lần gửi"),
                tr("problem", "trở ngại"),
            ),
            [
                (
                    tr(*STATES[row.state]),
                    row.log_index if row.log_index is not None else "",
                    vietnam_time(row.created_ms, tr),
                    row.message_id,
                    _what(row, tr),
                    row.attempts,
                    _problem(row, tr),
                )
                for row in rows
            ],
        )


@app.command()
def deliver(
    wait: Annotated[
        int,
        typer.Option("--wait", min=0, metavar="SECONDS", help="Keep trying so long, with growing pauses."),
    ] = 0,
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try to deliver everything that is waiting. Exits 0 when nothing waits any more, else 3."""
    with client_of(agency, data) as client:
        until = time.monotonic() + wait
        outbox = client.desk.outbox
        now_ms = int(time.time() * 1000)
        for row in outbox.rows("queued", limit=100_000):
            outbox.retry(row.message_id, now_ms)
        done = client.deliver()
        sent, refused = done.sent, done.refused
        while (due := outbox.next_due_ms()) is not None:
            pause = max(0.05, due / 1000 - time.time())
            if time.monotonic() + pause > until:
                break
            time.sleep(pause)
            done = client.deliver()
            sent, refused = sent + done.sent, refused + done.refused
        waiting = outbox.counts()["queued"]
        if as_json:
            print_json({"sent": sent, "refused": refused, "waiting": waiting})
        else:
            tr = Speech(lang)
            say(
                tr(
                    f"{sent} sent, {refused} refused, {waiting} waiting.",
                    f"{sent} đã gửi, {refused} bị từ chối, {waiting} đang chờ gửi.",
                )
            )
            if done.problem is not None:
                explain(done.problem, tr)
        raise typer.Exit(3 if waiting else 0)


@app.command()
def retry(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try a refused message again, as it is."""
    from lienthong.cli.outcome import finish

    with client_of(agency, data) as client:
        _row(client, message_id)
        client.desk.outbox.retry(message_id, int(time.time() * 1000))
        client.deliver()
        finish(client, _row(client, message_id), Speech(lang), acting_again(agency, data), as_json=as_json)


@app.command()
def receipt(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write it there instead.")] = None,
    agency: AsOption = "",
    data: DataOption = None,
) -> None:
    """Print the receipt of a sent message: JSON that `lienthong verify` checks without us."""
    with client_of(agency, data) as client:
        row = _row(client, message_id)
        if row.receipt is None:
            again = acting_again(agency, data)
            raise NotInOutbox(
                f"{message_id} is {row.state} and has no receipt",
                place=row.problem or "outbox",
                remedy=f"once it is sent, its receipt is here: lienthong outbox deliver{again}",
                vietnamese=Said(
                    f"{message_id} {STATES[row.state][1]}, chưa có biên nhận",
                    f"gửi lại: lienthong outbox deliver{again}",
                ),
            )
        if out is None:
            sys.stdout.write(row.receipt.decode())
        else:
            out.write_bytes(row.receipt)


@app.command()
def container(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write it.")],
    agency: AsOption = "",
    data: DataOption = None,
) -> None:
    """Copy the sealed container of a message, as it was or will be sent."""
    import shutil

    with client_of(agency, data) as client:
        kept = client.desk.outbox.container(_row(client, message_id))
        if isinstance(kept, Path):
            shutil.copyfile(kept, out)
        else:
            out.write_bytes(kept)


def _row(client: Client, message_id: str) -> OutboxRow:
    row = client.desk.outbox.get(message_id)
    if row is None:
        raise NotInOutbox(
            f"no message {message_id!r} is kept here",
            place=str(client.desk.outbox.path),
            remedy="see `lienthong outbox list`",
        )
    return row


def _what(row: OutboxRow, tr: Speech) -> str:
    status = str(row.summary.get("status", ""))
    return str(row.summary.get("subject") or (f"{status} {meaning(status, tr)}" if status else ""))


def _problem(row: OutboxRow, tr: Speech) -> str:
    """In one cell: what was wrong; `--json` and `retry` tell the rest."""
    from lienthong.cli.vietnamese import ERRORS

    if row.why is None:
        return row.problem
    known = ERRORS.get(row.why.code) if tr.vietnamese else None
    return known.what if known else f"{row.why.code}: {row.why.detail}"


def _facts(row: OutboxRow) -> dict[str, Any]:
    return {
        "message_id": row.message_id,
        "state": row.state,
        "kind": row.kind,
        "index": row.log_index,
        "kept_ms": row.created_ms,
        "attempts": row.attempts,
        "problem": row.problem,
        "code": row.why.code if row.why else None,
        "summary": row.summary,
        "size": row.size,
        "digest": row.digest.hex(),
    }

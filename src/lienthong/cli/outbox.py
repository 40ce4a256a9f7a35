"""``lienthong outbox``: what is waiting to be sent, and the receipts of what was."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, client_of
from lienthong.cli.output import JsonOption, note, print_json, say, table, vietnam_time
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client.outbox import OutboxRow
    from lienthong.exchange.client.sync import Client

app = typer.Typer(
    name="outbox",
    no_args_is_help=True,
    help="What is waiting to be sent, and the receipts of what was sent.",
)


class NotInOutbox(LienthongError):
    code = "not-in-outbox"
    status = 404


@app.command("list")
def list_rows(
    state: Annotated[str, typer.Option("--state", help="Only queued, sent or refused.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 50,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List messages, newest first."""
    if state not in ("", "queued", "sent", "refused"):
        raise NotInOutbox(f"{state!r} is not a state", remedy="use queued, sent or refused", code="usage")
    with client_of(agency, data) as client:
        rows = client.desk.outbox.rows(state or None, limit=limit)  # type: ignore[arg-type]
        if as_json:
            print_json([_facts(row) for row in rows])
            return
        table(
            f"{client.profile.name} ({client.profile.code})",
            ("state", "index", "kept", "id", "what", "tries", "problem"),
            [
                (
                    row.state,
                    row.log_index if row.log_index is not None else "",
                    vietnam_time(row.created_ms),
                    row.message_id,
                    str(row.summary.get("subject") or row.summary.get("status", "")),
                    row.attempts,
                    row.problem,
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
            say(f"{sent} sent, {refused} refused, {waiting} waiting.")
            if done.problem is not None:
                note(f"  {done.problem}")
        raise typer.Exit(3 if waiting else 0)


@app.command()
def retry(
    message_id: Annotated[str, typer.Argument(help="The message's id.")],
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try a refused message again, as it is."""
    from lienthong.cli.send import finish

    with client_of(agency, data) as client:
        _row(client, message_id)
        client.desk.outbox.retry(message_id, int(time.time() * 1000))
        client.deliver()
        finish(client, _row(client, message_id), as_json=as_json)


@app.command()
def receipt(
    message_id: Annotated[str, typer.Argument(help="The message's id.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write it there instead.")] = None,
    agency: AsOption = "",
    data: DataOption = None,
) -> None:
    """Print the receipt of a sent message: JSON that `lienthong verify` checks without us."""
    with client_of(agency, data) as client:
        row = _row(client, message_id)
        if row.receipt is None:
            raise NotInOutbox(
                f"{message_id} is {row.state} and has no receipt", place=row.problem or "outbox"
            )
        if out is None:
            sys.stdout.write(row.receipt.decode())
        else:
            out.write_bytes(row.receipt)


@app.command()
def container(
    message_id: Annotated[str, typer.Argument(help="The message's id.")],
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


def _facts(row: OutboxRow) -> dict[str, Any]:
    return {
        "message_id": row.message_id,
        "state": row.state,
        "kind": row.kind,
        "index": row.log_index,
        "kept_ms": row.created_ms,
        "attempts": row.attempts,
        "problem": row.problem,
        "summary": row.summary,
        "size": row.size,
        "digest": row.digest.hex(),
    }
